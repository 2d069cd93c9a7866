"""What a maintenance cost: time, evictions, restarts, nodes, and what was lost for good."""

from collections.abc import Callable

from simkube.measure.result import Cost
from simkube.trace.record import Record


class Costs:
    """Folds records into a `Cost`. Extra node-hours = integral of (nodes - nodes at the start), where positive; a node
    counts while its machine or its Node object is there.

    A pod without a controller is lost for good once it is being deleted, removed or Failed, unless it had Succeeded."""

    def __init__(self, start: float = 0.0) -> None:
        self._start = start
        self._nodes: dict[str, int] = {}  # how many of machine and Node object are there
        self._at_start: int | None = None
        self._last = start
        self._extra = 0.0
        self._began: float | None = None
        self._ended: float | None = None
        self._evictions = self._deletions = self._restarts = 0
        self._bare: dict[str, None] = {}  # UIDs of pods without a controller that are not done
        self._ending: dict[
            str, None
        ] = {}  # UIDs of pods whose end has been counted, or that ended by themselves
        self._pending: dict[str, str] = {}
        self._lost: dict[str, None] = {}
        self._data: dict[str, None] = {}
        self.rules: dict[str, Callable[[Record], object]] = {
            "machine.added": lambda r: self._count_nodes(r.node, r.t, 1),
            "machine.removed": lambda r: self._count_nodes(r.node, r.t, -1),
            "node.added": lambda r: self._count_nodes(r.name, r.t, 1),
            "node.removed": lambda r: self._count_nodes(r.name, r.t, -1),
            "plan.begun": self._plan_begun,
            "plan.ended": self._plan_ended,
            "pod.created": self._created,
            "pod.bound": lambda r: self._unlist(r.uid),
            "pod.terminating": self._terminating,
            "pod.phase": self._phase,
            "pod.removed": self._removed,
            "container.restarting": self._restart,
            "data.lost": lambda r: self._keep(self._data, r),
        }

    def __call__(self, record: Record) -> None:
        rule = self.rules.get(record.what)
        if rule is not None:
            rule(record)

    def _count_nodes(self, name: str, t: float, change: int) -> None:
        self._accrue(t)
        left = self._nodes.get(name, 0) + change
        if left > 0:
            self._nodes[name] = left
        else:
            self._nodes.pop(name, None)

    def _accrue(self, t: float) -> None:
        if t < self._start:
            return
        if (
            self._at_start is None
        ):  # what happens at the very start belongs to the window: a plan may begin then
            self._at_start = len(self._nodes)
        self._extra += max(0, len(self._nodes) - self._at_start) * (t - self._last) / 3600.0
        self._last = t

    def _plan_begun(self, record: Record) -> None:
        self._began = record.t

    def _plan_ended(self, record: Record) -> None:
        self._ended = record.t

    def _created(self, record: Record) -> None:
        if not (record.value and record.value.get("owner")):
            self._bare[record.uid] = None
        if not record.node:
            self._pending[record.uid] = f"{record.namespace}/{record.name}"

    def _unlist(self, uid: str) -> None:
        self._pending.pop(uid, None)

    def _terminating(self, record: Record) -> None:
        if record.uid in self._ending:
            return
        self._ending[record.uid] = None
        self._lose(record)
        if record.t >= self._start:
            if record.reason == "EvictionByEvictionAPI":
                self._evictions += 1
            else:
                self._deletions += 1

    def _phase(self, record: Record) -> None:
        if record.reason == "Failed":
            self._lose(record)
        if record.reason in ("Succeeded", "Failed"):
            self._bare.pop(record.uid, None)
            self._ending[record.uid] = None

    def _removed(self, record: Record) -> None:
        self._pending.pop(record.uid, None)
        self._terminating(record)  # one that is deleted without grace is gone at once
        del self._ending[record.uid]

    def _lose(self, record: Record) -> None:
        if record.uid in self._bare:
            del self._bare[record.uid]
            self._keep(self._lost, record)

    def _restart(self, record: Record) -> None:
        if record.t >= self._start:
            self._restarts += 1

    def _keep(self, names: dict[str, None], record: Record) -> None:
        if record.t >= self._start:
            names[f"{record.namespace}/{record.name}"] = None

    def close(self, end: float) -> Cost:
        """End the window at `end`."""
        self._accrue(end)
        duration = None if self._began is None or self._ended is None else self._ended - self._began
        return Cost(
            duration=duration,
            extra_node_hours=self._extra,
            evictions=self._evictions,
            deletions=self._deletions,
            restarts=self._restarts,
            pods_lost=tuple(self._lost),
            data_lost=tuple(self._data),
            pending=tuple(self._pending.values()),
        )
