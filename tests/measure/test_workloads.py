"""Capacity of workloads and time below budgets, worked out by hand."""

from typing import Any

from pytest import approx

from simkube.measure import WorkloadResult
from simkube.trace.record import Record
from tests.measure.records import NS, measured, pod, serving, silent


def workload(t: float, what: str, kind: str, name: str, **value: Any) -> Record:
    return Record(t, f"workload.{what}", kind, NS, name, value=value)


def made(t: float, name: str, owner: str) -> Record:
    return pod(t, "created", name, value={"owner": owner})


def one(records: list[Record], end: float = 100.0, start: float = 0.0) -> WorkloadResult:
    (found,) = measured(records, end, start=start).workloads
    return found


WEB = [
    workload(-9, "created", "Deployment", "web", desired=3),
    workload(-9, "created", "ReplicaSet", "web-1", desired=3, owner="Deployment/web"),
    *(made(-8, name, "ReplicaSet/web-1") for name in "abc"),
    *(serving(-5, name) for name in "abc"),
]


def test_all_serve() -> None:
    assert one(WEB) == WorkloadResult(
        kind="Deployment", namespace=NS, name="web", desired=3, shortfall=0.0, lowest=3
    )


def test_shortfall_is_in_replica_seconds() -> None:
    """One missing for 10 s, two for 20 s, one for 5 s more: 10 + 40 + 5."""
    found = one([*WEB, silent(10, "a"), silent(20, "b"), serving(40, "a"), serving(45, "b")])
    assert found.shortfall == approx(55.0)
    assert found.lowest == 1


def test_more_than_desired_makes_up_for_nothing() -> None:
    surplus = [made(1, "d", "ReplicaSet/web-1"), serving(2, "d")]
    found = one([*WEB, *surplus, silent(10, "a"), silent(10, "b"), serving(30, "a"), serving(30, "b")])
    assert found.shortfall == approx(20.0)  # 2 of 3 for 20 s
    assert found.lowest == 2


def test_a_replicaset_counts_for_its_deployment_also_when_it_is_scaled() -> None:
    scaled = workload(20, "scaled", "ReplicaSet", "web-1", desired=2)
    assert one([*WEB, scaled]).desired == 3


def test_scaling_changes_what_is_wanted() -> None:
    """5 wanted from 50 on, 3 serve until the end at 100."""
    found = one([*WEB, workload(50, "scaled", "Deployment", "web", desired=5)])
    assert (found.desired, found.shortfall) == (5, approx(100.0))


def test_a_pod_of_a_dump_may_come_before_its_owner() -> None:
    pods = [made(-10, name, "ReplicaSet/web-1") for name in "abc"]
    assert one([*pods, *WEB[:2], *(serving(-5, name) for name in "abc")]).shortfall == 0.0


def test_a_pod_that_the_api_has_forgotten_no_longer_counts() -> None:
    """Deleted by force while its machine is cut off: it answers until 60, but counts for nobody from 10 on."""
    found = one([*WEB, pod(10, "removed", "a"), silent(60, "a")])
    assert found.shortfall == approx(90.0)
    assert found.lowest == 2


def test_a_workload_that_was_removed_wants_nothing() -> None:
    ends = [workload(10, "removed", "Deployment", "web"), *(silent(10, name) for name in "abc")]
    assert one([*WEB, *ends]).shortfall == 0.0


def test_a_daemonset_wants_what_it_has_scheduled() -> None:
    records = [
        workload(-9, "created", "DaemonSet", "agent", desired=None),
        workload(-8, "status", "DaemonSet", "agent", replicas=2, ready=0, available=0),
        made(-8, "a", "DaemonSet/agent"),
        made(-8, "b", "DaemonSet/agent"),
        serving(-5, "a"),
        serving(-5, "b"),
        silent(10, "a"),
        workload(20, "status", "DaemonSet", "agent", replicas=1, ready=1, available=1),
    ]
    found = one(records)
    assert (found.desired, found.shortfall, found.lowest) == (1, approx(10.0), 1)


def test_the_window_cuts_off_what_was_before() -> None:
    assert one([*WEB, silent(10, "a")], end=100.0, start=60.0).shortfall == approx(40.0)


def budget(t: float, healthy: int, desired: int) -> Record:
    value = {"allowed": 0, "healthy": healthy, "desired": desired, "expected": 3}
    return Record(t, "budget.status", "PodDisruptionBudget", NS, "web", value=value)


def below(*records: Record, end: float = 100.0, start: float = 0.0) -> float:
    (found,) = measured(records, end, start=start).budgets
    return found.below


def test_time_below_a_budget() -> None:
    assert below(budget(-5, 3, 2)) == 0.0
    assert below(budget(-5, 3, 2), budget(10, 2, 2)) == 0.0  # as many as it wants is enough
    assert below(budget(-5, 3, 2), budget(10, 1, 2), budget(15, 0, 2), budget(30, 2, 2)) == approx(20.0)


def test_time_below_a_budget_within_the_window_only() -> None:
    assert below(budget(-5, 1, 2), budget(30, 2, 2)) == approx(30.0)
    assert below(budget(-5, 1, 2), end=40.0) == approx(40.0)
    assert below(budget(-5, 1, 2), budget(30, 2, 2), start=50.0, end=90.0) == 0.0


def test_a_budget_that_is_gone_is_no_longer_missed() -> None:
    gone = Record(25, "budget.removed", "PodDisruptionBudget", NS, "web")
    assert below(budget(-5, 1, 2), gone) == approx(25.0)
