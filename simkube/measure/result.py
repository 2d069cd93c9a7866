"""What the measures of one run are, as plain data. Times and durations in seconds, rates in requests a second."""

from typing import Literal

from msgspec import Struct


class Interval(Struct, frozen=True):
    """A stretch in which a service failed (`state` "out": no request succeeded; "degraded": some did), and why."""

    start: float
    end: float
    state: Literal["out", "degraded"]
    worst: float  # the lowest success fraction within it
    cause: str

    @property
    def duration(self) -> float:
        return self.end - self.start


class ServiceResult(Struct, frozen=True, kw_only=True):
    """One Service over the window [0, T], with s(t) its success fraction (see `simkube.measure.success`).

    outage_total, outage_longest: time with s = 0, in all and in one stretch.
    degraded: time with 0 < s < 1.
    sent = rps x T; lost = rps x integral of (1 - s).
    availability_time = share of the window with s > 0; availability_requests = 1 - lost / sent (with equal weight of
    time where the service has no traffic). Both within [0, 1].
    connections_cut: long-lived connections that ended because their endpoint went (only for persistent traffic)."""

    namespace: str
    name: str
    rps: float
    outage_total: float
    outage_longest: float
    degraded: float
    sent: float
    lost: float
    availability_time: float
    availability_requests: float
    connections_cut: float = 0.0
    intervals: tuple[Interval, ...] = ()
    points: tuple[tuple[float, float], ...] = ()  # (t, s from then on)


class WorkloadResult(Struct, frozen=True, kw_only=True):
    """One workload over the window: shortfall = integral of max(0, desired - serving) in replica-seconds."""

    kind: str
    namespace: str
    name: str
    desired: int
    shortfall: float
    lowest: int


class Cost(Struct, frozen=True, kw_only=True):
    """What the maintenance cost. `duration`: from its first step to the end of its last; None where none ran."""

    duration: float | None = None
    extra_node_hours: float = 0.0
    evictions: int = 0  # through the Eviction API
    deletions: int = 0  # terminations of other origin: taints, preemption, plain DELETE
    restarts: int = 0  # containers started again in their pod
    pods_lost: tuple[str, ...] = ()  # pods that nothing brings back
    data_lost: tuple[str, ...] = ()  # pods whose emptyDir went
    pending: tuple[str, ...] = ()  # pods that found no node at the end


class BudgetResult(Struct, frozen=True):
    """Time that a PodDisruptionBudget had fewer healthy pods than it wants, in seconds."""

    namespace: str
    name: str
    below: float


class Recovery(Struct, frozen=True, kw_only=True):
    """A pod that stopped answering at `start` without being asked to (a crash, a freeze, a machine that went off).

    reaction: from then to the first reaction of Kubernetes: its node or the pod is no longer Ready, it is deleted, or
    its container is started again. repair, recovery: from the reaction (without one: from the start) until the pod or
    its `successor` runs again, and until it answers again. outage = reaction + recovery. None: not by the end."""

    namespace: str
    pod: str
    node: str
    start: float
    reaction: float | None
    repair: float | None
    recovery: float | None
    outage: float | None
    successor: str = ""  # "": it came back itself


class Spread(Struct, frozen=True):
    """Median and longest of some times."""

    median: float
    longest: float


class RecoveryResult(Struct, frozen=True, kw_only=True):
    """Pods that `failed` without being asked to, how many of them (or their successors) are `back`, and how long that
    took them. `longest`: those that took longest, first those that are not back."""

    failed: int = 0
    back: int = 0
    reaction: Spread | None = None
    repair: Spread | None = None
    recovery: Spread | None = None
    outage: Spread | None = None
    longest: tuple[Recovery, ...] = ()


class Result(Struct, frozen=True, kw_only=True):
    """All measures of one run over the window [0, T]."""

    window: float
    services: tuple[ServiceResult, ...]
    workloads: tuple[WorkloadResult, ...]
    budgets: tuple[BudgetResult, ...]
    cost: Cost
    recovery: RecoveryResult = RecoveryResult()

    @property
    def lost(self) -> float:
        """Lost requests of all services."""
        return sum(service.lost for service in self.services)

    @property
    def longest_outage(self) -> float:
        return max((service.outage_longest for service in self.services), default=0.0)
