"""Capacity: how many replicas of every workload serve, against how many it wants."""

from collections.abc import Callable

from simkube.measure.result import WorkloadResult
from simkube.trace.record import Record

Name = tuple[str, str, str]  # kind, namespace, name
KINDS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")


class _Workload:
    __slots__ = ("desired", "last", "lowest", "serving", "shortfall")

    def __init__(self, desired: int) -> None:
        self.desired = desired
        self.serving = 0
        self.last = 0.0
        self.shortfall = 0.0
        self.lowest: int | None = None


class Workloads:
    """Folds records into `WorkloadResult`s: shortfall = integral of max(0, desired - serving) over the window, in
    replica-seconds. A pod counts while the API has it and its containers answer. A ReplicaSet of a Deployment counts
    for the Deployment; DaemonSets want what they have scheduled."""

    def __init__(self, start: float = 0.0) -> None:
        self._start = start
        self._workloads: dict[Name, _Workload] = {}
        self._owner: dict[Name, Name] = {}  # a workload owned by another
        self._pods: dict[str, Name] = {}  # pod UID -> its controller
        self._names: dict[Name, Name] = {}  # of controllers: one for all of its pods
        self._serving: dict[str, _Workload] = {}  # pod UID -> for which it counts
        self.rules: dict[str, Callable[[Record], object]] = {
            "pod.created": self._created,
            "pod.serving": self._serves,
            "pod.silent": self._ends,
            "pod.removed": self._removed,
            "workload.created": self._want,
            "workload.scaled": self._want,
            "workload.status": self._status,
            "workload.removed": self._gone,
        }

    def __call__(self, record: Record) -> None:
        rule = self.rules.get(record.what)
        if rule is not None:
            rule(record)

    def _created(self, record: Record) -> None:
        owner = record.value.get("owner") if record.value else None
        if owner:
            kind, _, name = owner.partition("/")
            if kind in KINDS:
                found = (kind, record.namespace, name)
                self._pods[record.uid] = self._names.setdefault(found, found)

    def _serves(self, record: Record) -> None:
        name = self._pods.get(record.uid)
        if name is not None and record.uid not in self._serving:
            workload = self._find(name)
            self._serving[record.uid] = workload
            self._count(workload, 1, record.t)

    def _ends(self, record: Record) -> None:
        workload = self._serving.pop(record.uid, None)
        if workload is not None:
            self._count(workload, -1, record.t)

    def _removed(self, record: Record) -> None:
        self._ends(record)
        self._pods.pop(record.uid, None)

    def _find(self, name: Name) -> _Workload:
        name = self._owner.get(name, name)
        found = self._workloads.get(name)
        if found is None:
            found = self._workloads[name] = _Workload(0)
        return found

    def _want(self, record: Record) -> None:
        if record.kind not in KINDS:
            return
        name = (record.kind, record.namespace, record.name)
        owner = record.value.get("owner")
        if owner:
            kind, _, above = owner.partition("/")
            self._owner[name] = (kind, record.namespace, above)
        elif record.kind != "DaemonSet" and name not in self._owner:
            self._desire(name, record.value["desired"] or 0, record.t)

    def _status(self, record: Record) -> None:
        if record.kind == "DaemonSet":
            self._desire((record.kind, record.namespace, record.name), record.value["replicas"], record.t)

    def _gone(self, record: Record) -> None:
        name = (record.kind, record.namespace, record.name)
        if self._owner.pop(name, None) is None and name in self._workloads:
            self._desire(name, 0, record.t)

    def _desire(self, name: Name, desired: int, t: float) -> None:
        workload = self._find(name)
        self._count(workload, 0, t)
        workload.desired = desired

    def _count(self, workload: _Workload, change: int, t: float) -> None:
        start = self._start
        if t > start:
            span = t - max(workload.last, start)
            missing = workload.desired - workload.serving
            if missing > 0:
                workload.shortfall += span * missing
            if workload.lowest is None:
                workload.lowest = workload.serving
        workload.last = t
        workload.serving += change
        if workload.lowest is not None and workload.serving < workload.lowest:
            workload.lowest = workload.serving

    def close(self, end: float) -> tuple[WorkloadResult, ...]:
        """End the window at `end` and give the results, in order of kind, namespace and name."""
        results = []
        for (kind, namespace, name), workload in sorted(self._workloads.items()):
            self._count(workload, 0, end)
            lowest = workload.serving if workload.lowest is None else workload.lowest
            results.append(
                WorkloadResult(
                    kind=kind,
                    namespace=namespace,
                    name=name,
                    desired=workload.desired,
                    shortfall=workload.shortfall,
                    lowest=lowest,
                )
            )
        return tuple(results)


class Budgets:
    """Folds records into the time that each budget had fewer healthy pods than it wants, in seconds."""

    def __init__(self, start: float = 0.0) -> None:
        self._start = start
        self._since: dict[tuple[str, str], float] = {}
        self._total: dict[tuple[str, str], float] = {}
        self.rules: dict[str, Callable[[Record], object]] = {
            "budget.removed": lambda r: self._enough((r.namespace, r.name), r.t),
            "budget.status": self._status,
        }

    def __call__(self, record: Record) -> None:
        rule = self.rules.get(record.what)
        if rule is not None:
            rule(record)

    def _status(self, record: Record) -> None:
        name = (record.namespace, record.name)
        self._total.setdefault(name, 0.0)
        if record.value["healthy"] < record.value["desired"]:
            self._since.setdefault(name, max(record.t, self._start))
        else:
            self._enough(name, record.t)

    def _enough(self, name: tuple[str, str], t: float) -> None:
        since = self._since.pop(name, None)
        if since is not None:
            self._total[name] += max(0.0, t - since)

    def close(self, end: float) -> dict[tuple[str, str], float]:
        for name, since in self._since.items():
            self._total[name] += max(0.0, end - since)
        self._since.clear()
        return dict(sorted(self._total.items()))
