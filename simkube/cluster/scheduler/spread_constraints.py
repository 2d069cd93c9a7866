"""Topology spread constraints made ready to count: the pods that matter, the domains, the nodes that take part."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from msgspec import Struct

from simkube.cluster.nodes.tolerations import untolerated
from simkube.cluster.scheduler.node_affinity import required
from simkube.cluster.scheduler.node_sets import NodeSet
from simkube.cluster.scheduler.nodes import Bools
from simkube.cluster.scheduler.plugin import Ask
from simkube.cluster.scheduler.state import State
from simkube.cluster.scheduler.tallies import DomainCounts, Tally, Term
from simkube.cluster.scheduler.topology import Topology
from simkube.kube.affinity import TopologySpreadConstraint
from simkube.kube.objects import Node
from simkube.kube.selector import NOTHING, Selector, compile_selector


class Constraint(Struct):
    """One constraint of one ask [plugins/podtopologyspread/common.go]."""

    max_skew: int
    selector: Selector
    topology: Topology
    tally: Tally  # matching pods that are not terminating
    included: NodeSet | None  # nodes that take part
    min_domains: int = 1

    @property
    def key(self) -> str:
        return self.topology.key

    @property
    def domains(self) -> DomainCounts:
        """The tally by domain, on the nodes that take part; counted from the first question on, since by hostname (of
        which there are thousands) most constraints are never asked."""
        return self.tally.by_domain(self.topology, self.included)

    def present(self, state: State) -> Bools:
        """By code: does a node that takes part have this value?"""
        found = np.zeros(len(self.topology.values) + 1, np.bool_)
        codes = self.topology.codes
        found[codes if self.included is None else codes[self.included.mask]] = True
        return found[:-1]


def own_selector(constraint: TopologySpreadConstraint, ask: Ask) -> Selector:
    """The constraint's selector with `matchLabelKeys` filled in from the pod's labels."""
    selector = compile_selector(constraint.label_selector)
    if selector.never:
        return selector
    keys = {(key, ask.labels[key]) for key in constraint.match_label_keys if key in ask.labels}
    return Selector(tuple(sorted({*selector.equal, *keys})), selector.tests)


def constraint_of(
    state: State,
    ask: Ask,
    written: TopologySpreadConstraint,
    selector: Selector,
    keys: Iterable[str] = (),
) -> Constraint:
    """`keys`: the labels that a node must have to take part."""
    topology = state.topologies.of(written.topology_key)
    counted = NOTHING if selector.is_everything else selector  # an empty selector counts no pod
    tally = state.tallies.of((Term(counted, frozenset({ask.namespace})),), terminating=False)
    included = _included(state, ask, written, tuple(keys))
    return Constraint(
        max_skew=written.max_skew,
        selector=selector,
        topology=topology,
        tally=tally,
        included=included,
        min_domains=1 if written.min_domains is None else written.min_domains,
    )


def _included(
    state: State, ask: Ask, written: TopologySpreadConstraint, keys: tuple[str, ...]
) -> NodeSet | None:
    """Nodes that count: those with all keys, that the pod's affinity allows, and (by `nodeTaintsPolicy`) its
    tolerations too; None: all that have the constraint's own key."""
    others = tuple(key for key in keys if key != written.topology_key)
    affinity = required(ask.spec) if written.node_affinity_policy == "Honor" else None
    tolerations = ask.spec.tolerations if written.node_taints_policy == "Honor" else None
    if not others and affinity is None and tolerations is None:
        return None
    tolerated: Any = None if tolerations is None else tuple(t.model_dump_json() for t in tolerations)

    def holds(node: Node) -> bool:
        if not all(key in node.meta.labels for key in others):
            return False
        if affinity is not None and not affinity[1](node):
            return False
        return tolerations is None or untolerated(node.taints, tolerations) is None

    key = ("spread", others, affinity and affinity[0], tolerated)
    return state.node_sets.of(key, holds, follows_taints=tolerations is not None)
