"""How many pods that a selector matches stand on each node and in each domain, kept up pod by pod.

Pods with the same labels in the same namespace are one `LabelClass`; it knows which tallies count it, so a pod that
comes or goes costs the same however many pods and selectors there are.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from simkube.cluster.scheduler.node_sets import NodeSet
from simkube.cluster.scheduler.nodes import Floats, Nodes, Window
from simkube.cluster.scheduler.topology import Topology
from simkube.kube.objects import Pod
from simkube.kube.selector import NOTHING, Selector
from simkube.kube.template import Template

FEW = 64  # up to so many nodes a tally is a dictionary only

NamespaceLabels = Callable[[str], Mapping[str, str]]
Mark = Callable[[int, int], None]
"""Told the slot of a node, and how many more pods (negative: fewer) are assigned to it."""

Pair = tuple[str, str]


class Term(Struct, frozen=True):
    """Pods that `selector` matches, in `namespaces` or in namespaces whose labels `namespace_selector` matches."""

    selector: Selector
    namespaces: frozenset[str]
    namespace_selector: Selector = NOTHING

    def matches(self, namespace: str, labels: Mapping[str, str], namespace_labels: NamespaceLabels) -> bool:
        """[pkg/scheduler/framework/types.go `AffinityTerm.Matches`]"""
        if namespace not in self.namespaces and not self.namespace_selector.matches(
            namespace_labels(namespace)
        ):
            return False
        return self.selector.matches(labels)


class DomainCounts:
    """A tally by the domains of a topology, over the nodes of `included` (None: all)."""

    def __init__(self, topology: Topology, included: NodeSet | None) -> None:
        self.topology = topology
        self.total = 0
        self._included = included
        self._counts = np.zeros(4, np.int64)

    def add(self, slot: int, pods: int) -> None:
        code = self.topology.by_slot[slot]
        if code >= 0 and (self._included is None or self._included.by_slot[slot]):
            if code >= len(self._counts):
                self._extend(code + 1)
            self._counts[code] += pods
            self.total += pods

    @property
    def counts(self) -> NDArray[np.int64]:
        """Pods by code; the last element, -1, is for nodes without the label, and 0."""
        needed = len(self.topology.values) + 1
        if len(self._counts) < needed:
            self._extend(needed)
        return self._counts

    def _extend(self, size: int) -> None:
        self._counts = np.concatenate((self._counts, np.zeros(size + 1, np.int64)))


class Tally:
    """Pods that all of `terms` match, by node. `terminating`: those that are being deleted count too."""

    def __init__(self, terms: tuple[Term, ...], terminating: bool) -> None:
        self.terms = terms
        self.terminating = terminating
        self.total = 0
        self.by_slot: dict[int, int] = {}
        self._dense: Floats | None = None
        self._domains: dict[tuple[str, NodeSet | None], DomainCounts] = {}

    def add(self, slot: int, pods: int) -> None:
        self.total += pods
        left = self.by_slot.get(slot, 0) + pods
        if left:
            self.by_slot[slot] = left
        else:
            del self.by_slot[slot]
        if self._dense is not None:
            if slot >= len(self._dense):
                self._dense = np.concatenate((self._dense, np.zeros(slot + 1)))
            self._dense[slot] = left
        for domain in self._domains.values():
            domain.add(slot, pods)

    def within(self, nodes: Nodes, window: Window) -> tuple[list[int], list[int]] | None:
        """Where in the window there are pods, and how many; None: ask `by_position` instead."""
        if not isinstance(window, slice) or len(self.by_slot) > FEW:
            return None
        start, stop, at = window.start, window.stop, nodes.at
        where: list[int] = []
        pods: list[int] = []
        for slot, count in self.by_slot.items():
            if start <= (position := at[slot]) < stop:
                where.append(position - start)
                pods.append(count)
        return where, pods

    def by_position(self, nodes: Nodes, window: Window) -> Floats:
        """Pods on each node of the window."""
        if self._dense is None and len(self.by_slot) > FEW:
            self._dense = np.zeros(len(nodes.infos))
            for slot, pods in self.by_slot.items():
                self._dense[slot] = pods
        if self._dense is not None:
            if len(self._dense) < len(nodes.infos):
                self._dense = np.concatenate((self._dense, np.zeros(len(nodes.infos))))
            return self._dense[nodes.slots[window]]
        every = np.zeros(nodes.count)
        at = nodes.at
        for slot, pods in self.by_slot.items():
            every[at[slot]] = pods
        return every[window]

    def by_domain(self, topology: Topology, included: NodeSet | None = None) -> DomainCounts:
        """Pods in each domain, followed from now on."""
        key = (topology.key, included)
        found = self._domains.get(key)
        if found is None:
            found = self._domains[key] = DomainCounts(topology, included)
            for slot, pods in self.by_slot.items():
                found.add(slot, pods)
        return found


class LabelClass:
    """The assigned pods of a namespace with the same labels.

    `marks` holds, by template, what else to count when such a pod comes or goes; `memo` what was worked out for them.
    """

    __slots__ = ("labels", "leaving", "marks", "memo", "namespace", "on", "tallies")

    def __init__(self, namespace: str, labels: Mapping[str, str]) -> None:
        self.namespace = namespace
        self.labels = labels
        self.on: dict[int, int] = {}  # slot -> pods
        self.leaving: dict[int, int] = {}  # those of them that are terminating
        self.tallies: list[Tally] = []
        self.marks: dict[Template, tuple[Mark, ...]] = {}
        self.memo: dict[Hashable, Any] = {}

    def put(self, slot: int, pods: int, terminating: bool) -> None:
        """`pods` more (negative: fewer) are assigned to a node."""
        _add(self.on, slot, pods)
        if terminating:
            _add(self.leaving, slot, pods)
        for tally in self.tallies:
            if tally.terminating or not terminating:
                tally.add(slot, pods)

    def leave(self, slot: int) -> None:
        """A pod on the node has begun to terminate."""
        _add(self.leaving, slot, 1)
        for tally in self.tallies:
            if not tally.terminating:
                tally.add(slot, -1)


class Tallies:
    """All label classes and tallies. Each tally stands under one label that it demands, each class under all of its
    own, so that only those that share a label are compared."""

    def __init__(self, namespace_labels: NamespaceLabels) -> None:
        self._namespace_labels = namespace_labels
        self._classes: dict[tuple[str, frozenset[Pair]], LabelClass] = {}
        self._classes_by_pair: dict[Pair, list[LabelClass]] = {}
        self._by_template: dict[tuple[str, Template], LabelClass] = {}
        self._tallies: dict[tuple[tuple[Term, ...], bool], Tally] = {}
        self._tallies_by_pair: dict[Pair | None, list[Tally]] = {}

    def class_of(self, pod: Pod) -> LabelClass:
        meta = pod.meta
        labels = pod.template.labels
        if meta.labels is not labels and meta.labels != labels:
            return self._class(meta.namespace, meta.labels)
        key = (meta.namespace, pod.template)
        found = self._by_template.get(key)
        if found is None:
            found = self._by_template[key] = self._class(meta.namespace, meta.labels)
        return found

    def of(self, terms: tuple[Term, ...], terminating: bool) -> Tally:
        """The tally of pods that all of `terms` match."""
        tally = self._tallies.get((terms, terminating))
        if tally is None:
            tally = self._tallies[terms, terminating] = Tally(terms, terminating)
            pairs = terms[0].selector.equal
            rarest = min(pairs, key=lambda pair: len(self._classes_by_pair.get(pair, ())), default=None)
            self._tallies_by_pair.setdefault(rarest, []).append(tally)
            classes = self._classes.values() if rarest is None else self._classes_by_pair.get(rarest, ())
            for label_class in classes:
                if self._counts(tally, label_class):
                    label_class.tallies.append(tally)
                    for slot, pods in label_class.on.items():
                        counted = pods if terminating else pods - label_class.leaving.get(slot, 0)
                        if counted:
                            tally.add(slot, counted)
        return tally

    def reset(self) -> None:
        """Namespaces' labels have changed: whom tallies count, and what was worked out, is asked anew."""
        self._tallies.clear()
        self._tallies_by_pair.clear()
        for label_class in self._classes.values():
            label_class.tallies.clear()
            label_class.memo.clear()

    def forget(self, namespace: str) -> None:
        """What was worked out for the pods of a namespace holds no more."""
        for label_class in self._classes.values():
            if label_class.namespace == namespace:
                label_class.memo.clear()

    def _class(self, namespace: str, labels: Mapping[str, str]) -> LabelClass:
        key = (namespace, frozenset(labels.items()))
        found = self._classes.get(key)
        if found is None:
            found = self._classes[key] = LabelClass(namespace, labels)
            for pair in labels.items():
                self._classes_by_pair.setdefault(pair, []).append(found)
            found.tallies = [tally for tally in self._candidates(labels) if self._counts(tally, found)]
        return found

    def _candidates(self, labels: Mapping[str, str]) -> Iterator[Tally]:
        for pair in (None, *labels.items()):
            yield from self._tallies_by_pair.get(pair, ())

    def _counts(self, tally: Tally, label_class: LabelClass) -> bool:
        namespace, labels = label_class.namespace, label_class.labels
        return all(term.matches(namespace, labels, self._namespace_labels) for term in tally.terms)


def _add(counts: dict[int, int], slot: int, pods: int) -> None:
    left = counts.get(slot, 0) + pods
    if left:
        counts[slot] = left
    else:
        del counts[slot]
