"""CronJob [pkg/controller/cronjob]. The run begins at 2026-01-01T00:00:00Z, a Thursday."""

from datetime import UTC, datetime
from typing import Any

import pytest

from simkube.cluster.collection.garbage import GarbageCollector
from simkube.cluster.workloads.cronjob import CronJobController
from simkube.cluster.workloads.job import JobController
from simkube.kube.objects import Meta, Resource, Workload
from simkube.kube.workloads import CronJobSpec
from tests.cluster.harness import World

EPOCH = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
HOUR = 3600.0


def world() -> World:
    w = World()
    CronJobController(w.clock, w.client("cronjob-controller"), EPOCH)
    JobController(w.clock, w.client("job-controller"), w.timings)
    GarbageCollector(w.clock, w.client("generic-garbage-collector"))
    return w


def cronjob(w: World, schedule: str = "0 * * * *", **spec: Any) -> Resource:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "work:1"}]}}
    model = CronJobSpec.model_validate(
        {"schedule": schedule, "jobTemplate": {"spec": {"template": template}}, **spec}
    )
    return w.hand.create(
        Resource(api_version="batch/v1", kind="CronJob", meta=Meta("nightly", "default"), spec=model)
    )


def jobs(w: World) -> list[Workload]:
    return list(w.store.table("Job").values())


def finish(w: World, phase: str = "Succeeded") -> None:
    for pod in w.pods():
        if not pod.is_finished:
            w.set_pod(pod, phase=phase, ready=False, node="n1")
    w.run(5)


def test_a_job_is_made_when_the_schedule_falls_due() -> None:
    w = world()
    cronjob(w)
    w.run(HOUR - 1)
    assert jobs(w) == []
    w.run(2)
    (job,) = jobs(w)
    assert job.meta.created == pytest.approx(HOUR + 0.1, abs=0.05)  # 100 ms padding, and the API's latency
    assert job.meta.name == f"nightly-{int(EPOCH + HOUR) // 60}"
    assert job.meta.annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"] == "2026-01-01T01:00:00Z"
    assert len(w.pods()) == 1


def test_between_two_times_it_costs_nothing() -> None:
    w = world()
    cronjob(w, "0 0 1 7 *")
    w.run(10)
    assert w.clock.next_due == pytest.approx(datetime(2026, 7, 1, tzinfo=UTC).timestamp() - EPOCH + 0.1)


def test_allow_runs_jobs_beside_each_other() -> None:
    w = world()
    cronjob(w)
    w.run(3 * HOUR + 5)
    assert len(jobs(w)) == 3
    assert len(w.get("CronJob", "nightly").status["active"]) == 3


def test_forbid_waits_for_the_job_before_and_then_makes_up_for_the_last_time() -> None:
    w = world()
    cronjob(w, concurrencyPolicy="Forbid")
    w.run(3 * HOUR + 600)
    assert len(jobs(w)) == 1
    finish(w)
    names = [job.meta.name for job in jobs(w)]
    assert names[-1] == f"nightly-{int(EPOCH + 3 * HOUR) // 60}"
    assert len(names) == 2


def test_a_start_later_than_the_deadline_is_skipped() -> None:
    w = world()
    cronjob(w, concurrencyPolicy="Forbid", startingDeadlineSeconds=300)
    w.run(3 * HOUR + 600)
    finish(w)
    assert len(jobs(w)) == 1
    w.run(HOUR)
    assert len(jobs(w)) == 2


def test_replace_deletes_the_job_before() -> None:
    w = world()
    cronjob(w, concurrencyPolicy="Replace")
    w.run(2 * HOUR + 5)
    (job,) = jobs(w)
    assert job.meta.name == f"nightly-{int(EPOCH + 2 * HOUR) // 60}"


def test_suspend_makes_no_jobs() -> None:
    w = world()
    cronjob(w, suspend=True)
    w.run(5 * HOUR)
    assert jobs(w) == []


def test_ended_jobs_are_kept_up_to_their_limits_with_their_pods() -> None:
    w = world()
    cronjob(w, successfulJobsHistoryLimit=2)
    for _ in range(5):
        w.run(HOUR)
        finish(w)
    w.run(60)
    assert len(jobs(w)) == 2
    assert len(w.pods()) == 2


def test_a_bad_schedule_is_told_and_does_nothing() -> None:
    w = world()
    cronjob(w, "soon")
    w.run(5 * HOUR)
    assert jobs(w) == []
    assert [reason for _, reason, _ in w.events] == ["UnparseableSchedule"]


def test_after_an_absence_only_the_last_time_is_made_up_for() -> None:
    w = World()
    controller = CronJobController(w.clock, w.client("cronjob-controller"), EPOCH)
    cronjob(w)
    w.run(10)
    controller.stop()
    w.run(4.5 * HOUR)
    controller.start()
    w.run(5)
    assert [job.meta.name for job in jobs(w)] == [f"nightly-{int(EPOCH + 4 * HOUR) // 60}"]


def test_jobs_of_a_deleted_cronjob_go_too() -> None:
    w = world()
    cronjob(w)
    w.run(HOUR + 5)
    w.hand.delete("CronJob", "nightly", "default")
    w.run(10 * HOUR)
    assert jobs(w) == []


def test_jobs_share_one_template() -> None:
    w = world()
    cronjob(w)
    w.run(2 * HOUR + 5)
    first, second = jobs(w)
    assert first.template is second.template
