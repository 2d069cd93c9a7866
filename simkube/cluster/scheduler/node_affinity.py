"""NodeAffinity: a pod's nodeSelector and node affinity, required and preferred."""

import json
from collections.abc import Callable, Hashable

import numpy as np

from simkube.cluster.scheduler.node_sets import NodeSet
from simkube.cluster.scheduler.nodes import MAX_SCORE, Bools, Floats, NodeInfo, Nodes, Window
from simkube.cluster.scheduler.plugin import Ask, Event, Feasible, Filter, Happening, Plugin, Score
from simkube.cluster.scheduler.state import State
from simkube.kube.affinity import PreferredSchedulingTerm
from simkube.kube.objects import Node, Pod
from simkube.kube.pod import PodSpec
from simkube.kube.selector import compile_labels
from simkube.timings import Timings

REASON = "node(s) didn't match Pod's node affinity/selector"


def required(spec: PodSpec) -> tuple[Hashable, Callable[[Node], bool]] | None:
    """A key for what the pod requires of nodes' labels and names, and whether a node has it; None: nothing
    [component-helpers nodeaffinity `GetRequiredNodeAffinity`]."""
    affinity = spec.affinity.node_affinity if spec.affinity is not None else None
    terms = affinity.required_during_scheduling_ignored_during_execution if affinity is not None else None
    if terms is None and not spec.node_selector:
        return None
    labels = compile_labels(spec.node_selector)

    def holds(node: Node) -> bool:
        meta = node.meta
        return labels.matches(meta.labels) and (terms is None or terms.matches(meta.labels, meta.name))

    return ("affinity", labels, "" if terms is None else terms.model_dump_json()), holds


def required_set(state: State, spec: PodSpec) -> NodeSet | None:
    """The nodes that the pod's nodeSelector and required affinity allow; None: all."""
    needs = required(spec)
    return None if needs is None else state.node_sets.of(*needs)


class NodeAffinity(Plugin):
    """[plugins/nodeaffinity/node_affinity.go]"""

    name = "NodeAffinity"
    weight = 2
    wakes_on = Happening.NODE_ADDED | Happening.NODE_LABELS

    def __init__(self, state: State, timings: Timings) -> None:
        super().__init__(state, timings)
        self._preferred: dict[str, _Preferred] = {}  # by the terms: asks that prefer the same share one

    def filter(self, ask: Ask) -> Filter | None:
        allowed = required_set(self.state, ask.spec)
        return None if allowed is None else _Allowed(allowed)

    def score(self, ask: Ask) -> Score | None:
        affinity = ask.spec.affinity.node_affinity if ask.spec.affinity is not None else None
        terms = affinity.preferred_during_scheduling_ignored_during_execution if affinity is not None else ()
        if not terms:
            return None
        key = json.dumps([term.to_dict() for term in terms])
        found = self._preferred.get(key)
        if found is None:
            found = self._preferred[key] = _Preferred(self.state, terms)
        return found

    def wakes(self, event: Event, ask: Ask, pod: Pod) -> bool:
        needs = required(ask.spec)
        if needs is None:
            return pod.pinned in ("", event.new.meta.name)
        holds = needs[1]
        return holds(event.new) and (event.old is None or not holds(event.old))


class _Allowed(Filter):
    plugin = NodeAffinity.name
    reason = REASON

    def __init__(self, allowed: NodeSet) -> None:
        self._allowed = allowed

    def passes(self, window: Window) -> Bools | None:
        return self._allowed.mask[window]


class _Preferred(Score):
    """Sum of the weights of the terms that match [helper/normalize_score.go `DefaultNormalizeScore`]."""

    plugin = NodeAffinity.name

    def __init__(self, state: State, terms: tuple[PreferredSchedulingTerm, ...]) -> None:
        self._nodes: Nodes = state.nodes
        self._terms = terms
        self._by_slot: list[float] = []
        self._weights: Floats = np.zeros(0)
        self._order = -1
        state.followers.append(self)
        for info in self._nodes.by_name.values():
            self.node_changed(info, None, info.node)

    def node_changed(self, info: NodeInfo, old: Node | None, new: Node | None) -> None:
        if new is None or (old is not None and old.meta.labels == new.meta.labels):
            return
        while info.slot >= len(self._by_slot):
            self._by_slot.append(0.0)
        meta = new.meta
        self._by_slot[info.slot] = float(
            sum(term.weight for term in self._terms if term.preference.matches(meta.labels, meta.name))
        )
        self._order = -1

    def points(self, feasible: Feasible) -> Floats | None:
        nodes = self._nodes
        if self._order != nodes.order:
            self._weights = np.array(self._by_slot)[nodes.slots]
            self._order = nodes.order
        weights = feasible.neutral(np.array(self._weights[feasible.window]))
        most = weights.max()
        if most == 0:
            return None
        points: Floats = np.floor(MAX_SCORE * weights / most)
        return points
