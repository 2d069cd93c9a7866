"""Job: behaviour 4.5 and the rows of 13.1 about it."""

from typing import Any

import pytest
from msgspec.structs import replace

from simkube.cluster.collection.garbage import GarbageCollector
from simkube.cluster.workloads.job import JobController
from simkube.cluster.workloads.job_rules import Backoff, format_indexes, parse_indexes
from simkube.kube.objects import Condition, ContainerStatus, Pod, Workload
from tests.cluster.harness import World

IGNORE_DISRUPTION = {
    "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
}


def world(version: str = "v1.36.3") -> World:
    w = World(version)
    JobController(w.clock, w.client("job-controller"), w.timings)
    return w


def job(w: World, **spec: Any) -> Workload:
    owner = w.workload("Job", "work", w.template("work", restartPolicy="Never"), **spec)
    w.run(0.5)
    return owner


def run_all(w: World, node: str = "n1") -> None:
    for pod in w.pods():
        if pod.status.phase == "Pending" and not pod.is_terminating:
            w.set_pod(pod, phase="Running", ready=True, node=node)
    w.run(1.5)


def end(w: World, pod: Pod, phase: str) -> None:
    w.set_pod(pod, phase=phase, ready=False)


def active(w: World) -> list[Pod]:
    return [pod for pod in w.pods() if pod.is_active]


def status(w: World) -> Any:
    return w.get("Job", "work").status


def conditions(w: World) -> dict[str, tuple[str, str]]:
    return {c.type: (c.status, c.reason) for c in status(w).conditions}


# -- counting -------------------------------------------------------------------------------------------------------


def test_4_5_parallelism_and_completions_are_one_by_default() -> None:
    w = world()
    job(w)
    assert len(w.pods()) == 1
    pod = w.pods()[0]
    assert pod.meta.finalizers == ("batch.kubernetes.io/job-tracking",)
    assert pod.meta.labels["batch.kubernetes.io/job-name"] == "work"
    run_all(w)
    end(w, pod, "Succeeded")
    w.run(3)
    assert conditions(w)["Complete"] == ("True", "CompletionsReached")
    assert (status(w).succeeded, status(w).failed, status(w).replicas) == (1, 0, 0)
    assert w.pods()[0].meta.finalizers == ()


def test_never_more_pods_than_completions_are_left() -> None:
    w = world()
    job(w, completions=3, parallelism=2)
    assert len(active(w)) == 2
    run_all(w)
    end(w, active(w)[0], "Succeeded")
    w.run(3)
    assert len(active(w)) == 2
    run_all(w)
    end(w, active(w)[0], "Succeeded")
    w.run(3)
    assert len(active(w)) == 1


def test_without_completions_a_success_ends_the_creation_of_pods() -> None:
    w = world()
    job(w, parallelism=3)
    run_all(w)
    end(w, active(w)[0], "Succeeded")
    w.run(3)
    assert len(active(w)) == 2
    for pod in active(w):
        end(w, pod, "Succeeded")
    w.run(3)
    assert "Complete" in conditions(w)


def test_4_5_pod_events_are_gathered_for_one_second() -> None:
    w = world()
    job(w, completions=2, parallelism=1)
    run_all(w)
    end(w, active(w)[0], "Succeeded")
    w.run(0.9)
    assert active(w) == []
    w.run(0.2)
    assert len(active(w)) == 1


# -- failures -------------------------------------------------------------------------------------------------------


def test_4_5_failed_pods_are_replaced_after_10_s_doubling_each_time() -> None:
    w = world()
    job(w)
    waits = []
    for _ in range(4):
        run_all(w)
        pod = active(w)[0]
        end(w, pod, "Failed")
        began = w.clock.now
        while not active(w):
            w.run(0.25)
        waits.append(round(w.clock.now - began))
    assert waits == [10, 20, 40, 80]


@pytest.mark.parametrize(("failures", "wait"), [(0, 0), (1, 10), (2, 20), (6, 320), (7, 600), (50, 600)])
def test_4_5_backoff_is_10_s_times_a_power_of_two_up_to_ten_minutes(failures: int, wait: float) -> None:
    assert Backoff(failures, 100.0).remaining(100.0, 10.0, 600.0) == wait


def test_4_5_the_job_fails_above_backoff_limit() -> None:
    w = world()
    job(w, backoff_limit=2)
    for _ in range(3):
        run_all(w)
        end(w, active(w)[0], "Failed")
        w.run(700)
    assert conditions(w)["Failed"] == ("True", "BackoffLimitExceeded")
    assert active(w) == []
    assert status(w).failed == 3


def test_4_5_a_deleted_pod_counts_as_a_failure_and_waits_for_the_backoff() -> None:
    w = world()
    job(w)
    run_all(w)
    old = active(w)[0]
    w.hand.delete("Pod", old.meta.name, "default")
    deleted = w.clock.now
    w.run(3)
    assert status(w).failed == 1
    assert active(w) == []
    w.run(6.5)
    assert active(w) == []
    w.run(2)  # 11.5 s after the deletion
    assert len(active(w)) == 1
    assert active(w)[0].meta.created - deleted == pytest.approx(10, abs=0.1)
    assert w.get("Pod", old.meta.name).is_terminating  # it was not waited for


def test_4_5_evictions_alone_can_use_up_backoff_limit() -> None:
    w = world()
    job(w, backoff_limit=1)
    for _ in range(2):
        run_all(w)
        w.hand.delete("Pod", active(w)[0].meta.name, "default")
        w.run(1200)
        w.finish_deletions()
        w.run(3)
    assert conditions(w)["Failed"] == ("True", "BackoffLimitExceeded")


def test_4_5_a_pod_failure_policy_that_ignores_disruption_keeps_it_from_counting() -> None:
    w = world()
    job(w, backoff_limit=0, pod_failure_policy=IGNORE_DISRUPTION)
    run_all(w)
    pod = active(w)[0]
    disrupted = Condition("DisruptionTarget", "True", w.clock.now, "EvictionByEvictionAPI")
    current = w.change(pod, status=replace(w.now(pod).status, disrupted=disrupted))
    w.hand.delete("Pod", pod.meta.name, "default")
    w.run(25)
    assert active(w) == []  # podReplacementPolicy Failed: waits until the old one has ended
    assert status(w).failed == 0
    end(w, current, "Failed")
    w.run(15)
    assert len(active(w)) == 1
    assert status(w).failed == 0
    assert "Failed" not in conditions(w)


def test_4_5_the_same_policy_counts_a_failure_of_the_program() -> None:
    w = world()
    job(w, backoff_limit=0, pod_failure_policy=IGNORE_DISRUPTION)
    run_all(w)
    end(w, active(w)[0], "Failed")
    w.run(15)
    assert conditions(w)["Failed"] == ("True", "BackoffLimitExceeded")


def test_a_policy_can_fail_the_job_by_exit_code() -> None:
    w = world()
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    job(w, pod_failure_policy={"rules": [rule]})
    run_all(w)
    pod = active(w)[0]
    container = ContainerStatus("main", "terminated", exit_code=42, finished_at=w.clock.now)
    current = w.now(pod)
    w.hand.update(replace(current, status=replace(current.status, phase="Failed", containers=(container,))))
    w.run(3)
    assert conditions(w)["Failed"] == ("True", "PodFailurePolicy")
    message = next(c.message for c in status(w).conditions if c.type == "Failed")
    name = f"default/{pod.meta.name}"
    assert (
        message == f"Container main for pod {name} failed with exit code 42 matching FailJob rule at index 0"
    )


def test_4_5_pod_replacement_policy_failed_waits_for_the_end_of_the_old_pod() -> None:
    w = world()
    job(w, pod_replacement_policy="Failed")
    run_all(w)
    old = active(w)[0]
    w.hand.delete("Pod", old.meta.name, "default")
    w.run(120)
    assert active(w) == []
    assert (status(w).terminating, status(w).failed) == (1, 0)
    end(w, old, "Failed")
    w.run(15)
    assert len(active(w)) == 1
    assert status(w).failed == 1


def test_before_1_29_the_replacement_policy_is_not_read() -> None:
    w = world("v1.28.15")
    job(w, pod_replacement_policy="Failed")
    run_all(w)
    w.hand.delete("Pod", active(w)[0].meta.name, "default")
    w.run(15)
    assert len(active(w)) == 1


def test_with_restart_policy_on_failure_restarts_use_up_the_limit() -> None:
    w = world()
    w.workload("Job", "work", w.template("work", restartPolicy="OnFailure"), backoff_limit=3)
    w.run(0.5)
    run_all(w)
    pod = w.now(active(w)[0])
    for restarts in (2, 3):
        container = ContainerStatus("main", "running", restart_count=restarts)
        w.change(pod, status=replace(w.now(pod).status, containers=(container,)))
        w.run(3)
        assert ("FailureTarget" in conditions(w)) is (restarts == 3)


# -- ends -----------------------------------------------------------------------------------------------------------


def test_active_deadline_fails_the_job_and_deletes_its_pods() -> None:
    w = world()
    job(w, active_deadline_seconds=60)
    run_all(w)
    w.run(50)
    assert len(active(w)) == 1
    w.run(10)
    assert active(w) == []
    assert "FailureTarget" in conditions(w)
    assert "Failed" not in conditions(w)  # from 1.31 on it waits for terminating pods
    end(w, w.pods()[0], "Failed")
    w.run(3)
    assert conditions(w)["Failed"] == ("True", "DeadlineExceeded")
    assert status(w).failed == 1


def test_before_1_31_the_end_does_not_wait_for_terminating_pods() -> None:
    w = world("v1.30.14")
    job(w, active_deadline_seconds=60)
    run_all(w)
    w.run(60)
    assert conditions(w)["Failed"] == ("True", "DeadlineExceeded")


def test_suspending_removes_pods_without_counting_them_and_resuming_starts_anew() -> None:
    w = world()
    owner = job(w, parallelism=2, completions=2)
    run_all(w)
    w.change_spec(owner, suspend=True)
    w.run(3)
    assert active(w) == []
    assert status(w).failed == 0
    assert conditions(w)["Suspended"][0] == "True"
    w.finish_deletions()
    w.change_spec(owner, suspend=False)
    w.run(3)
    assert len(active(w)) == 2
    assert conditions(w)["Suspended"][0] == "False"
    assert status(w).start_time == pytest.approx(w.clock.now, abs=3.1)


def test_less_parallelism_removes_pods_without_counting_them() -> None:
    w = world()
    owner = job(w, parallelism=4, completions=10)
    run_all(w)
    w.change_spec(owner, parallelism=1)
    w.run(3)
    assert len(active(w)) == 1
    assert status(w).failed == 0


def test_pods_of_a_deleted_job_lose_their_finalizer() -> None:
    w = world()
    GarbageCollector(w.clock, w.client("generic-garbage-collector"))
    job(w, parallelism=2, completions=2)
    run_all(w)
    w.hand.delete("Job", "work", "default")
    w.run(3)
    assert [pod.is_terminating for pod in w.pods()] == [True, True]
    w.finish_deletions()
    assert w.pods() == []


def test_finished_pods_of_a_finished_job_can_be_deleted() -> None:
    w = world()
    job(w)
    run_all(w)
    end(w, active(w)[0], "Succeeded")
    w.run(3)
    w.hand.delete("Pod", w.pods()[0].meta.name, "default")
    assert w.pods() == []


# -- indexed --------------------------------------------------------------------------------------------------------


def test_indexed_pods_get_the_first_free_indexes() -> None:
    w = world()
    job(w, completion_mode="Indexed", completions=5, parallelism=3)
    index = "batch.kubernetes.io/job-completion-index"
    assert sorted(pod.meta.annotations[index] for pod in active(w)) == ["0", "1", "2"]
    assert all(pod.meta.name.startswith(f"work-{pod.meta.annotations[index]}-") for pod in w.pods())
    run_all(w)
    by_index = {pod.meta.annotations[index]: pod for pod in active(w)}
    end(w, by_index["0"], "Succeeded")
    end(w, by_index["2"], "Failed")
    w.run(15)
    assert sorted(pod.meta.annotations[index] for pod in active(w)) == ["1", "2", "3"]
    assert status(w).completed_indexes == "0"


@pytest.mark.parametrize("text", ["", "0", "1,2", "1,3-5,7", "0-9"])
def test_indexes_are_read_and_written(text: str) -> None:
    assert format_indexes(parse_indexes(text)) == text


# -- cost, restarts -------------------------------------------------------------------------------------------------


def test_a_running_job_costs_nothing() -> None:
    w = world()
    job(w)
    run_all(w)
    w.run(5)
    assert w.clock.next_due == float("inf")


def test_a_restarted_controller_counts_what_ended_while_it_was_away_once() -> None:
    w = World()
    controller = JobController(w.clock, w.client("job-controller"), w.timings)
    job(w, completions=2, parallelism=2)
    run_all(w)
    end(w, active(w)[0], "Succeeded")
    w.run(3)
    controller.stop()
    end(w, active(w)[0], "Succeeded")
    w.run(60)
    controller.start()
    w.run(3)
    assert status(w).succeeded == 2
    assert "Complete" in conditions(w)
