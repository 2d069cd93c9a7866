"""Capacity: how many replicas of every workload serve, against how many it wants."""

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
    replica-seconds. A ReplicaSet of a Deployment counts for the Deployment; DaemonSets want what they have scheduled."""

    def __init__(self, start: float = 0.0) -> None:
        self._start = start
        self._workloads: dict[Name, _Workload] = {}
        self._owner: dict[Name, Name] = {}  # a workload owned by another
        self._pods: dict[str, _Workload] = {}
        self._serving: dict[str, None] = {}

    def __call__(self, record: Record) -> None:
        what = record.what
        if what == "pod.serving":
            workload = self._pods.get(record.uid)
            if workload is not None and record.uid not in self._serving:
                self._serving[record.uid] = None
                self._count(workload, 1, record.t)
        elif what == "pod.silent":
            workload = self._pods.get(record.uid)
            if workload is not None and record.uid in self._serving:
                del self._serving[record.uid]
                self._count(workload, -1, record.t)
        elif what == "pod.created":
            owner = record.value.get("owner") if record.value else None
            if owner:
                kind, _, name = owner.partition("/")
                found = self._find((kind, record.namespace, name))
                if found is not None:
                    self._pods[record.uid] = found
        elif what == "pod.removed":
            self._pods.pop(record.uid, None)
        elif what in ("workload.created", "workload.scaled") and record.kind in KINDS:
            self._want(record)
        elif what == "workload.status" and record.kind == "DaemonSet":
            self._desire((record.kind, record.namespace, record.name), record.value["replicas"], record.t)

    def _want(self, record: Record) -> None:
        name = (record.kind, record.namespace, record.name)
        owner = record.value.get("owner")
        if owner:
            kind, _, above = owner.partition("/")
            self._owner[name] = (kind, record.namespace, above)
        elif record.kind != "DaemonSet":
            self._desire(name, record.value["desired"] or 0, record.t)

    def _desire(self, name: Name, desired: int, t: float) -> None:
        workload = self._workloads.get(name)
        if workload is None:
            self._workloads[name] = _Workload(desired)
        else:
            self._count(workload, 0, t)
            workload.desired = desired

    def _find(self, name: Name) -> _Workload | None:
        return self._workloads.get(self._owner.get(name, name))

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
        if t > start and workload.lowest is not None and workload.serving < workload.lowest:
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

    def __call__(self, record: Record) -> None:
        if record.what != "budget.status":
            return
        name = (record.namespace, record.name)
        self._total.setdefault(name, 0.0)
        low = record.value["healthy"] < record.value["desired"]
        if low:
            self._since.setdefault(name, max(record.t, self._start))
        elif name in self._since:
            self._total[name] += max(0.0, record.t - self._since.pop(name))

    def close(self, end: float) -> dict[tuple[str, str], float]:
        for name, since in self._since.items():
            self._total[name] += max(0.0, end - since)
        self._since.clear()
        return dict(sorted(self._total.items()))
