"""Reaction, repair, recovery and outage of single pods, worked out by hand."""

from pytest import approx

from simkube.measure import Recovery, RecoveryResult
from simkube.trace.record import Record
from tests.measure.records import machine, measured, pod, serving, silent


def recovery(*records: Record, end: float = 1000.0, start: float = 0.0) -> RecoveryResult:
    return measured(sorted(records, key=lambda record: record.t), end, start=start).recovery


def made(t: float, name: str, owner: str = "ReplicaSet/web") -> Record:
    return pod(t, "created", name, value={"owner": owner})


def one(found: RecoveryResult) -> Recovery:
    (only,) = found.longest
    return only


A = [made(-9, "a"), serving(-5, "a")]


def node(t: float, what: str) -> Record:
    return Record(t, f"node.{what}", "Node", name="n1")


def restarting(t: float, name: str) -> Record:
    return Record(t, "container.restarting", "Pod", "shop", name, name, "n1", value={"container": "main"})


def test_nothing_failed() -> None:
    assert recovery(*A) == RecoveryResult()


def test_a_node_is_lost_and_the_pod_comes_back_elsewhere() -> None:
    """2: Unknown after 47 s, deleted after 5 min more; the successor runs 4 s after that, and answers 8 s later."""
    found = recovery(
        *A,
        machine(60, "off", "n1"),
        silent(60, "a"),
        node(107, "unknown"),
        pod(407, "terminating", "a", "n1"),
        made(407.5, "b"),
        pod(411, "phase", "b", "n2", reason="Running"),
        serving(419, "b", "n2"),
    )
    assert (found.failed, found.back) == (1, 1)
    assert one(found) == Recovery(
        namespace="shop",
        pod="a",
        node="n1",
        start=60,
        reaction=47,
        repair=411 - 107,
        recovery=419 - 107,
        outage=419 - 60,
        successor="b",
    )


def test_a_container_crashes_and_starts_again_in_its_pod() -> None:
    """The kubelet's restart is the first reaction and the repair."""
    only = one(recovery(*A, silent(10, "a"), restarting(11, "a"), serving(16, "a")))
    assert (only.reaction, only.repair, only.recovery, only.outage) == (1, 0, 5, 6)
    assert only.successor == ""


def test_a_machine_that_freezes_for_a_moment_needs_no_reaction() -> None:
    only = one(recovery(*A, silent(10, "a"), serving(14, "a")))
    assert (only.reaction, only.repair, only.recovery, only.outage) == (None, None, 4, 4)


def test_a_pod_that_is_evicted_has_not_failed() -> None:
    gone = [pod(10, "terminating", "a", "n1"), silent(11, "a"), pod(12, "removed", "a", "n1")]
    assert recovery(*A, *gone, made(12, "b"), serving(20, "b")) == RecoveryResult()


def test_successors_are_told_apart() -> None:
    """x was evicted before a is deleted: the first new pod is that of x."""
    found = recovery(
        *A,
        made(-9, "x"),
        silent(60, "a"),
        pod(100, "terminating", "x", "n1"),
        pod(101, "terminating", "a", "n1"),
        made(102, "b"),
        made(103, "c"),
        serving(110, "b"),
        serving(120, "c"),
    )
    assert (one(found).successor, one(found).outage) == ("c", 60)


def test_a_pod_that_is_removed_by_force_and_one_that_failed() -> None:
    removed = recovery(*A, silent(10, "a"), pod(20, "removed", "a", "n1"), made(21, "b"), serving(30, "b"))
    failed = recovery(
        *A, silent(10, "a"), pod(20, "phase", "a", reason="Failed"), made(21, "b"), serving(30, "b")
    )
    for found in (removed, failed):
        assert (one(found).reaction, one(found).outage) == (10, 20)


def test_those_that_are_not_back_by_the_end() -> None:
    bare = [pod(-9, "created", "bare", value={}), serving(-5, "bare")]
    found = recovery(
        *A,
        *bare,
        silent(60, "a"),
        silent(60, "bare"),
        node(107, "unknown"),
        pod(407, "terminating", "a", "n1"),
        pod(407, "terminating", "bare", "n1"),
        made(408, "b"),
    )
    assert (found.failed, found.back, found.outage) == (2, 0, None)
    assert [(r.pod, r.reaction, r.outage, r.successor) for r in found.longest] == [
        ("a", 47, None, "b"),
        ("bare", 47, None, ""),
    ]


def test_a_pod_that_is_done_is_not_missed() -> None:
    assert recovery(*A, silent(10, "a"), pod(11, "phase", "a", reason="Succeeded")) == RecoveryResult()


def test_a_node_s_own_pods_are_not_missed_with_its_machine() -> None:
    agent = [made(-9, "agent", "DaemonSet/agent"), serving(-5, "agent")]
    away = [machine(10, "off", "n1"), silent(10, "agent"), silent(10, "a"), machine(10, "removed", "n1")]
    found = recovery(*A, *agent, *away)
    assert [r.pod for r in found.longest] == ["a"]


def test_the_window() -> None:
    records = [*A, silent(10, "a"), serving(15, "a"), silent(30, "a"), serving(37, "a")]
    assert recovery(*records, start=20.0).failed == 1
    assert recovery(*records).failed == 2


def test_median_and_longest() -> None:
    records = [
        record
        for n in range(5)
        for record in (serving(-5, f"p{n}"), silent(10, f"p{n}"), serving(20 + n * n, f"p{n}"))
    ]
    found = recovery(*records)
    assert found.outage is not None
    assert (found.outage.median, found.outage.longest) == (approx(14), approx(26))  # 10, 11, 14, 19, 26
    assert [r.outage for r in found.longest] == [26, 19, 14, 11, 10]
