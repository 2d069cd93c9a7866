"""ttlSecondsAfterFinished of Jobs [pkg/controller/ttlafterfinished]."""

from simkube.cluster.workloads.job import JobController
from simkube.cluster.workloads.ttl import TtlAfterFinishedController
from tests.cluster.harness import World


def ended(**spec: int) -> World:
    """A Job that is Complete since 2 s."""
    w = World()
    JobController(w.clock, w.client("job-controller"), w.timings)
    TtlAfterFinishedController(w.clock, w.client("ttl-after-finished-controller"))
    w.workload("Job", "work", w.template("work", restartPolicy="Never"), **spec)
    w.run(0.5)
    w.set_pod(w.pods()[0], phase="Succeeded", node="n1")
    w.run(1.5)
    assert w.get("Job", "work").status.completion_time is not None
    return w


def test_a_job_is_deleted_its_ttl_after_its_end() -> None:
    w = ended(ttl_seconds_after_finished=100)
    w.run(99)
    assert w.get("Job", "work") is not None
    w.run(2)
    assert w.get("Job", "work") is None


def test_without_a_ttl_it_stays_and_costs_nothing() -> None:
    w = ended()
    assert w.clock.next_due == float("inf")
    w.run(1e6)
    assert w.get("Job", "work") is not None


def test_a_ttl_that_is_given_later_counts_from_the_end() -> None:
    w = ended()
    w.run(500)
    w.change_spec(w.get("Job", "work"), ttl_seconds_after_finished=100)
    w.run(1)
    assert w.get("Job", "work") is None
