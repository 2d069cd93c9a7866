"""An array over all nodes that is worked out once and then only for the nodes that have changed."""

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from simkube.cluster.scheduler.nodes import NodeInfo, Nodes, Window

FEW = 16  # changed nodes that are worth going through one by one


class PerNode:
    """`one` gives a node's value, `some` those of a window; both must agree.

    If many nodes change between two questions, only the window that is asked for is worked out.
    """

    def __init__(
        self, nodes: Nodes, one: Callable[[NodeInfo], Any], some: Callable[[Window], NDArray[Any]]
    ) -> None:
        self._nodes = nodes
        self._one = one
        self._some = some
        self._values: NDArray[Any] | None = None
        self._order = -1
        self._seen = -FEW - 1  # how many changes there had been when last asked

    def over(self, window: Window) -> NDArray[Any]:
        """Values of the window; not to be changed."""
        nodes = self._nodes
        changes = nodes.changes
        seen, self._seen = self._seen, len(changes)
        if self._order != nodes.order or self._seen - seen > FEW:
            self._order = nodes.order
            self._values = None
            return self._some(window)
        if self._values is None:
            self._values = self._some(slice(0, nodes.count))
        elif seen < self._seen:
            for slot in changes[seen:]:
                info = nodes.infos[slot]
                assert info is not None  # or the order would have changed
                self._values[nodes.at[slot]] = self._one(info)
        return self._values[window]
