"""NodeResourcesFit: what a pod requests must be left on the node; the more is left, the better (LeastAllocated)."""

from collections import Counter
from collections.abc import Hashable

import numpy as np

from simkube.cluster.scheduler.nodes import (
    HALF,
    MAX_SCORE,
    ZERO,
    Bools,
    Floats,
    Ints,
    NodeInfo,
    Nodes,
    Window,
    existing,
)
from simkube.cluster.scheduler.per_node import PerNode
from simkube.cluster.scheduler.plugin import Ask, Event, Feasible, Filter, Happening, Plugin, Score
from simkube.cluster.scheduler.state import State
from simkube.kube.objects import NodeResources, Pod
from simkube.kube.template import Requests
from simkube.timings import Timings

SHORT = ("Insufficient cpu", "Insufficient memory", "Insufficient ephemeral-storage", "Too many pods")
UNRESOLVABLE_SINCE = 34  # since this minor preemption is not tried where even the empty node is too small


class NodeResourcesFit(Plugin):
    """[plugins/noderesources/fit.go]"""

    name = "NodeResourcesFit"
    weight = 1
    wakes_on = Happening.NODE_ADDED | Happening.NODE_SIZE | Happening.POD_REMOVED

    def __init__(self, state: State, timings: Timings) -> None:
        super().__init__(state, timings)
        self._filters: dict[Hashable, _Fits] = {}  # by requests: asks for the same share one
        self._scores: dict[Hashable, _LeastAllocated] = {}

    def filter(self, ask: Ask) -> Filter | None:
        need = ask.template.requests
        key = (*need[:3], *sorted(need.extended.items()))
        found = self._filters.get(key)
        if found is None:
            found = self._filters[key] = _Fits(self.state.nodes, need, self.minor >= UNRESOLVABLE_SINCE)
        return found

    def score(self, ask: Ask) -> Score | None:
        scoring = ask.template.nonzero_requests
        found = self._scores.get(scoring[:2])
        if found is None:
            found = self._scores[scoring[:2]] = _LeastAllocated(self.state.nodes, scoring)
        return found

    def wakes(self, event: Event, ask: Ask, pod: Pod) -> bool:
        if event.what is Happening.POD_REMOVED:
            return True
        need, size = ask.template.requests, event.new.status.allocatable
        if not _fits_empty(need, size):
            return False
        return event.old is None or _more(need, event.old.status.allocatable, size)


def _amounts(need: Requests, size: NodeResources) -> list[tuple[int, int]]:
    """(requested, allocatable) of each resource that is requested."""
    named = [
        (need.cpu, size.cpu),
        (need.memory, size.memory),
        (need.ephemeral_storage, size.ephemeral_storage),
    ]
    extended = [(amount, size.extended.get(name, 0)) for name, amount in need.extended.items()]
    return [pair for pair in (*named, *extended) if pair[0]]


def _fits_empty(need: Requests, size: NodeResources) -> bool:
    return size.pods >= 1 and all(amount <= there for amount, there in _amounts(need, size))


def _more(need: Requests, old: NodeResources, new: NodeResources) -> bool:
    """Of something that is requested, or of pods, there is more than before [`haveAnyRequestedResourcesIncreased`]."""
    if new.pods > old.pods:
        return True
    return any(b > a for (_, a), (_, b) in zip(_amounts(need, old), _amounts(need, new), strict=True))


class _Fits(Filter):
    plugin = NodeResourcesFit.name

    def __init__(self, nodes: Nodes, need: Requests, unresolvable: bool) -> None:
        self._nodes = nodes
        self._need = need
        self._unresolvable = unresolvable
        asked = (need.cpu, need.memory, need.ephemeral_storage, 1)
        self._asked = [(row, np.array(amount, float)) for row, amount in enumerate(asked) if amount]
        self._enough = PerNode(nodes, self._one, self._some)

    def passes(self, window: Window) -> Bools | None:
        return self._enough.over(window)

    def _one(self, info: NodeInfo) -> bool:
        need, size = self._need, info.size
        if info.pods >= size.pods or (need.cpu and need.cpu > size.cpu - info.cpu):
            return False
        if need.memory and need.memory > size.memory - info.memory:
            return False
        if need.ephemeral_storage and need.ephemeral_storage > size.ephemeral_storage - info.storage:
            return False
        return all(
            amount <= size.extended.get(name, 0) - info.extended.get(name, 0)
            for name, amount in need.extended.items()
        )

    def _some(self, window: Window) -> Bools:
        (_, passed), *others = self._judged(window)
        for _, enough in others:
            passed &= enough
        return passed

    def _judged(self, window: Window) -> list[tuple[str, Bools]]:
        """For each resource: what is said if it is short, and where there is enough."""
        nodes = self._nodes
        judged = [(SHORT[row], nodes.free[row][window] >= amount) for row, amount in self._asked]
        for name, amount in self._need.extended.items():
            judged.append((f"Insufficient {name}", nodes.extended_left(name)[window] >= amount))
        return judged

    def reasons(self, rejected: Ints) -> tuple[Counter[str], Bools]:
        counts = Counter({reason: int((~enough).sum()) for reason, enough in self._judged(rejected)})
        return +counts, np.array([self._resolvable(position) for position in rejected.tolist()], np.bool_)

    def _resolvable(self, position: int) -> bool:
        size = self._nodes.info(position).size
        return not self._unresolvable or all(amount <= there for amount, there in _amounts(self._need, size))


class _LeastAllocated(Score):
    """floor((allocatable - requests) x 100 / allocatable), of cpu and memory, and the floor of their mean
    [plugins/noderesources/least_allocated.go]. Exact in float64 up to 32 TiB."""

    plugin = NodeResourcesFit.name

    def __init__(self, nodes: Nodes, scoring: Requests) -> None:
        self._nodes = nodes
        self._need = scoring
        self._cpu = np.array(MAX_SCORE * scoring.cpu, float)
        self._memory = np.array(MAX_SCORE * scoring.memory, float)
        self._points = PerNode(nodes, self._one, self._some)

    def points(self, feasible: Feasible) -> Floats | None:
        return self._points.over(feasible.window)

    def _one(self, info: NodeInfo) -> int:
        size = info.size
        pairs = (
            (size.cpu - info.scoring_cpu - self._need.cpu, size.cpu),
            (size.memory - info.scoring_memory - self._need.memory, size.memory),
        )
        shares = [max(left, 0) * MAX_SCORE // there for left, there in pairs if there]
        return sum(shares) // len(shares) if shares else 0

    def _some(self, window: Window) -> Floats:
        nodes = self._nodes
        points = _share_left(nodes.slack[0][window], self._cpu, nodes.size[0][window])
        memory = _share_left(nodes.slack[1][window], self._memory, nodes.size[1][window])
        if nodes.lacking:
            points, memory = existing(points, memory)
        points += memory
        points *= HALF
        return np.floor(points, out=points)


def _share_left(slack: Floats, need: Floats, size: Floats) -> Floats:
    left: Floats = slack - need
    left /= size
    np.floor(left, out=left)
    np.maximum(left, ZERO, out=left)
    return left
