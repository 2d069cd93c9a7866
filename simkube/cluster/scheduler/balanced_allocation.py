"""NodeResourcesBalancedAllocation: cpu and memory of a node should fill evenly."""

import numpy as np

from simkube.cluster.scheduler.nodes import (
    FIFTY,
    HALF,
    HUNDRED,
    ONE,
    Floats,
    NodeInfo,
    Nodes,
    Window,
    balanced,
    existing,
)
from simkube.cluster.scheduler.per_node import PerNode
from simkube.cluster.scheduler.plugin import Ask, Feasible, Plugin, Score
from simkube.cluster.scheduler.state import State
from simkube.kube.template import Requests
from simkube.timings import Timings

SKIPS_SINCE = 33  # since this minor pods without requests are not scored
CHANGE_SINCE = 36  # since this minor the change of balance is scored, not the balance


class BalancedAllocation(Plugin):
    """[plugins/noderesources/balanced_allocation.go]"""

    name = "NodeResourcesBalancedAllocation"
    weight = 1

    def __init__(self, state: State, timings: Timings) -> None:
        super().__init__(state, timings)
        self._scores: dict[tuple[int, int], _Balance] = {}  # by cpu and memory: asks for the same share one

    def score(self, ask: Ask) -> Score | None:
        need = ask.template.requests
        if self.minor >= SKIPS_SINCE and not need.cpu and not need.memory:
            return None
        key = (need.cpu, need.memory)
        found = self._scores.get(key)
        if found is None:
            found = _Balance(self.state.nodes, need, change=self.minor >= CHANGE_SINCE)
            self._scores[key] = found
        return found


class _Balance(Score):
    """floor((1 - |f1 - f2| / 2) x 100), f1 and f2 the shares of cpu and memory requested with the pod, at most 1.
    As a change: 50 + (50 + with the pod - without it) / 2."""

    plugin = BalancedAllocation.name

    def __init__(self, nodes: Nodes, need: Requests, change: bool) -> None:
        self._nodes = nodes
        self._need = need
        self._cpu = np.array(need.cpu, float)
        self._memory = np.array(need.memory, float)
        self._change = change
        self._points = PerNode(nodes, self._one, self._some)

    def points(self, feasible: Feasible) -> Floats | None:
        return self._points.over(feasible.window)

    def _one(self, info: NodeInfo) -> int:
        points = balanced(info.cpu + self._need.cpu, info.memory + self._need.memory, info.size)
        return 50 + (50 + points - info.balance) // 2 if self._change else points

    def _some(self, window: Window) -> Floats:
        nodes = self._nodes
        points: Floats = nodes.used[0][window] + self._cpu
        points /= nodes.size[0][window]
        memory: Floats = nodes.used[1][window] + self._memory
        memory /= nodes.size[1][window]
        if nodes.overfull:
            np.minimum(points, ONE, out=points)
            np.minimum(memory, ONE, out=memory)
        if nodes.lacking:
            points, memory = existing(points, memory)
        points -= memory
        np.abs(points, out=points)
        points *= HALF
        np.subtract(ONE, points, out=points)
        points *= HUNDRED
        np.floor(points, out=points)
        if self._change:
            points -= nodes.balance[window]
            points += FIFTY
            points *= HALF
            np.floor(points, out=points)
            points += FIFTY
        return points
