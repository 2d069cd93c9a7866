"""Topology domains: the values that a label of nodes has, as numbers."""

from collections.abc import Mapping

import numpy as np

from simkube.cluster.scheduler.nodes import Ints, Nodes


class Topology:
    """The domains of one label key. A node without the label has the code -1."""

    def __init__(self, key: str, nodes: Nodes) -> None:
        self.key = key
        self.values: dict[str, int] = {}
        self.by_slot: list[int] = []
        self.unlabelled = 0  # nodes without the label
        self._nodes = nodes
        self._codes = np.zeros(0, np.intp)
        self._order = -1
        for info in nodes.by_name.values():
            self.label(info.slot, info.node.meta.labels)

    def label(self, slot: int, labels: Mapping[str, str]) -> None:
        """The node has these labels."""
        while slot >= len(self.by_slot):
            self.by_slot.append(-1)
        value = labels.get(self.key)
        self.by_slot[slot] = -1 if value is None else self.values.setdefault(value, len(self.values))
        self.unlabelled += value is None
        self._order = -1

    def unlabel(self, slot: int) -> None:
        """The node is gone, or about to get other labels."""
        self.unlabelled -= self.by_slot[slot] < 0
        self.by_slot[slot] = -1
        self._order = -1

    @property
    def codes(self) -> Ints:
        """Codes by position."""
        nodes = self._nodes
        if self._order != nodes.order:
            self._codes = np.array(self.by_slot, np.intp)[nodes.slots]
            self._order = nodes.order
        return self._codes


class Topologies:
    """Those that someone asked about."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._by_key: dict[str, Topology] = {}

    def of(self, key: str) -> Topology:
        topology = self._by_key.get(key)
        if topology is None:
            topology = self._by_key[key] = Topology(key, self._nodes)
        return topology

    def label(self, slot: int, labels: Mapping[str, str]) -> None:
        for topology in self._by_key.values():
            topology.label(slot, labels)

    def unlabel(self, slot: int) -> None:
        for topology in self._by_key.values():
            topology.unlabel(slot)
