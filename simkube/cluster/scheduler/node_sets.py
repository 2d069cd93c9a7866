"""Sets of nodes that a rule picks (by labels, name, taints), followed node by node."""

from collections.abc import Callable, Hashable

import numpy as np

from simkube.cluster.scheduler.nodes import Bools, NodeInfo, Nodes
from simkube.kube.objects import Node


class NodeSet:
    """The nodes for which `holds` is true."""

    def __init__(self, nodes: Nodes, holds: Callable[[Node], bool]) -> None:
        self.holds = holds
        self.by_slot: list[bool] = []
        self._nodes = nodes
        self._mask = np.zeros(0, np.bool_)
        self._order = -1
        for info in nodes.by_name.values():
            self.update(info.slot, info.node)

    def update(self, slot: int, node: Node) -> None:
        """The node is new, or has changed."""
        while slot >= len(self.by_slot):
            self.by_slot.append(False)
        self.by_slot[slot] = self.holds(node)
        self._order = -1

    @property
    def mask(self) -> Bools:
        """Which nodes, by position."""
        nodes = self._nodes
        if self._order != nodes.order:
            self._mask = np.array(self.by_slot, np.bool_)[nodes.slots]
            self._order = nodes.order
        return self._mask


class NodeSets:
    """Sets by key: those that ask for the same share one."""

    def __init__(self, nodes: Nodes) -> None:
        self.follow_taints = False  # some set depends on taints
        self._nodes = nodes
        self._sets: dict[Hashable, NodeSet] = {}

    def of(self, key: Hashable, holds: Callable[[Node], bool], follows_taints: bool = False) -> NodeSet:
        found = self._sets.get(key)
        if found is None:
            found = self._sets[key] = NodeSet(self._nodes, holds)
            self.follow_taints |= follows_taints
        return found

    def update(self, info: NodeInfo) -> None:
        for node_set in self._sets.values():
            node_set.update(info.slot, info.node)
