"""What a maintenance cost, counted by hand."""

from pytest import approx

from simkube.measure import Cost
from simkube.trace.record import Record
from tests.measure.records import NS, machine, measured, pod

EVICTION = "EvictionByEvictionAPI"


def cost(*records: Record, end: float = 7200.0, start: float = 0.0) -> Cost:
    return measured(records, end, start=start).cost


def node(t: float, what: str, name: str) -> Record:
    return Record(t, f"node.{what}", "Node", name=name)


def owned(t: float, name: str, bound: str = "n1") -> Record:
    return pod(t, "created", name, bound, value={"owner": "ReplicaSet/web"})


def bare(t: float, name: str) -> Record:
    return pod(t, "created", name, "n1", value={})


def test_a_run_without_a_plan_has_no_duration() -> None:
    assert cost() == Cost()


def test_duration_is_from_the_first_step_to_the_end_of_the_last() -> None:
    assert cost(Record(30, "plan.begun"), Record(1000, "plan.ended")).duration == 970.0
    assert cost(Record(30, "plan.begun")).duration is None  # it never ended


def test_extra_node_hours_count_machines_from_the_moment_they_are_there() -> None:
    """Two nodes at the start. A third machine from 600 s, its Node object from 660 s, both gone at 4200 s: 1 h."""
    records = [machine(-9, "added", "n1"), node(-9, "added", "n1"), node(-9, "added", "n2")]
    surge = [machine(600, "added", "n3"), node(660, "added", "n3")]
    away = [node(4190, "removed", "n3"), machine(4200, "removed", "n3")]
    assert cost(*records, *surge, *away).extra_node_hours == approx(1.0)
    assert cost(*records, *surge).extra_node_hours == approx((7200 - 600) / 3600)


def test_nodes_that_a_plan_adds_at_the_very_start_are_extra() -> None:
    """A plan begins at time 0, and may add machines at once."""
    records = [node(-9, "added", "n1"), machine(0, "added", "n2"), node(60, "added", "n2")]
    assert cost(*records, machine(3600, "removed", "n2"), node(3600, "removed", "n2")).extra_node_hours == 1.0


def test_fewer_nodes_than_at_the_start_earn_nothing_back() -> None:
    """n1 leaves for an hour, then two more come for half an hour: one above the start."""
    records = [node(-9, "added", "n1"), node(-9, "added", "n2"), node(0.5, "removed", "n1")]
    more = [node(3600, "added", "n3"), node(3600, "added", "n4"), node(5400, "removed", "n4")]
    assert cost(*records, *more).extra_node_hours == approx(0.5)


def test_evictions_and_deletions_are_told_apart() -> None:
    records = [
        *(owned(-9, name) for name in "abcdef"),
        pod(10, "terminating", "a", "n1", reason=EVICTION),
        pod(12, "removed", "a", "n1", reason="Running"),
        pod(10, "terminating", "b", "n1", reason="DeletionByTaintManager"),
        pod(10, "terminating", "c", "n1"),
        pod(11, "removed", "d", "n1", reason="Running"),  # by force: gone without a grace period
    ]
    found = cost(*records)
    assert (found.evictions, found.deletions) == (1, 3)


def test_pods_that_ended_by_themselves_are_not_counted() -> None:
    done = [pod(5, "phase", "a", "n1", reason="Succeeded"), pod(9, "removed", "a", "n1", reason="Succeeded")]
    assert cost(owned(-9, "a"), *done) == Cost()
    assert cost(bare(-9, "a"), *done) == Cost()


def test_what_happened_while_the_cluster_was_built_is_no_cost() -> None:
    records = [
        bare(-9, "a"),
        pod(-5, "terminating", "a", "n1", reason=EVICTION),
        pod(-4, "removed", "a", "n1", reason="Running"),
        Record(-3, "container.restarting", namespace=NS, name="b", uid="b"),
    ]
    assert cost(*records) == Cost()


def test_a_bare_pod_is_lost_once_it_is_being_deleted() -> None:
    """2: a deletion is never taken back, also when the kubelet that has to confirm it is away."""
    lost = (f"{NS}/a",)
    assert cost(bare(-9, "a"), pod(10, "terminating", "a", "n1")).pods_lost == lost
    ends = [pod(10, "terminating", "a", "n1"), pod(40, "removed", "a", "n1", reason="Running")]
    assert cost(bare(-9, "a"), *ends).pods_lost == lost
    assert cost(bare(-9, "a"), pod(10, "removed", "a", "n1", reason="Running")).pods_lost == lost


def test_a_bare_pod_that_failed_is_lost() -> None:
    """8.6: a graceful shutdown leaves its pods Failed; nothing starts them again."""
    failed = [pod(10, "phase", "a", "n1", reason="Failed"), pod(900, "removed", "a", "n1", reason="Failed")]
    assert cost(bare(-9, "a"), *failed).pods_lost == (f"{NS}/a",)
    assert cost(bare(-9, "a"), *failed).deletions == 0


def test_a_pod_with_a_controller_is_not_lost() -> None:
    assert cost(owned(-9, "a"), pod(10, "removed", "a", "n1", reason="Running")).pods_lost == ()


def test_pods_that_found_no_node_by_the_end() -> None:
    waiting = [owned(5, name, bound="") for name in "abc"]
    ends = [pod(9, "bound", "a", "n1"), pod(9, "removed", "b")]
    assert cost(*waiting, *ends).pending == (f"{NS}/c",)


def test_restarts_and_lost_data() -> None:
    again = [Record(t, "container.restarting", namespace=NS, name="a", uid="a") for t in (5, 6)]
    data = [Record(t, "data.lost", "Pod", NS, "db-0", uid=f"db-{t}") for t in (7, 8)]
    found = cost(*again, *data)
    assert found.restarts == 2
    assert found.data_lost == (f"{NS}/db-0",)
