"""From a pod's deletion to its disappearance: hooks, SIGTERM, SIGKILL, and who tells whom."""

from typing import Any

import pytest

from simkube.kube.objects import Pod
from tests.machines.world import LATENCY, POD_STOP, Machines


def started(world: Machines, name: str = "a", **spec: Any) -> tuple[Pod, float]:
    """A running pod, and the time at which its kubelet will have seen a deletion of now."""
    if "n1" not in world.fleet.machines:
        world.machine()
    pod = world.bound(name, **spec)
    world.run(30)
    assert world.now(pod).status.phase == "Running"
    return pod, world.clock.now + LATENCY


def one(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "main", "image": "app:1", **fields}]


def sleep(seconds: int) -> dict[str, Any]:
    return {"pre_stop": {"sleep": {"seconds": seconds}}}


def test_8_5_sigterm_last_status_and_confirmation() -> None:
    world = Machines(exit="4s")
    pod, t = started(world)
    changes = world.changes("Pod")
    world.delete(pod)
    world.run(20)
    assert world.times("pod.silent") == [pytest.approx(t)]  # onTerm exit: it stops answering at SIGTERM
    assert world.times("container.exited") == [pytest.approx(t + 4)]
    by_kubelet = [change.new for change in changes if change.by == "kubelet/n1"]
    assert [new and new.status.phase for new in by_kubelet] == ["Succeeded", None]
    assert world.get("Pod", "a") is None
    assert ("a", "Killing", "Stopping container main") in world.events


def test_8_5_the_object_goes_when_the_kubelet_has_cleaned_up() -> None:
    world = Machines(exit="4s")
    pod, t = started(world)
    world.delete(pod)
    world.clock.run_until(t + 4 + POD_STOP - 0.001)
    assert world.now(pod).status.phase == "Succeeded"
    assert world.now(pod).status.ready.status == "False"
    world.clock.run_until(t + 4 + POD_STOP)
    assert world.get("Pod", "a") is None


def test_8_5_what_takes_longer_than_the_grace_is_killed_at_the_grace() -> None:
    world = Machines(exit="60s")
    pod, t = started(world, termination_grace_period_seconds=10)
    world.delete(pod)
    world.run(20)
    exited = world.told("container.exited")[0]
    assert (round(exited.t, 6), exited.value["exitCode"]) == (pytest.approx(t + 10), 137)


def test_8_5_the_last_phase_is_failed_if_a_container_did_not_exit_0() -> None:
    world = Machines(exit="60s")
    pod, t = started(world, termination_grace_period_seconds=10)
    world.delete(pod)
    world.clock.run_until(t + 10)
    status = world.now(pod).status
    assert (status.phase, status.ready.reason, status.containers[0].exit_code) == ("Failed", "PodFailed", 137)


@pytest.mark.parametrize(("on_term", "silent"), [("exit", 0.0), ("drain", 4.0), ("ignore", 30.0)])
def test_8_5_on_term_says_how_long_it_answers(on_term: str, silent: float) -> None:
    world = Machines(exit="4s", onTerm=on_term)
    pod, t = started(world)
    world.delete(pod)
    world.run(40)
    assert world.times("pod.silent") == [pytest.approx(t + silent)]


def test_8_5_the_pre_stop_hook_runs_before_sigterm_and_the_pod_answers_meanwhile() -> None:
    world = Machines(exit="1s")
    pod, t = started(world, containers=one(lifecycle=sleep(15)))
    world.delete(pod)
    world.run(30)
    assert world.times("pod.silent") == [pytest.approx(t + 15)]
    assert world.times("container.exited") == [pytest.approx(t + 16)]


def test_8_5_the_hook_consumes_the_grace_but_sigterm_gets_2_seconds() -> None:
    world = Machines(exit="60s")
    pod, t = started(world, containers=one(lifecycle=sleep(60)))
    world.delete(pod)
    world.run(60)
    assert world.times("container.exited") == [pytest.approx(t + 32)]  # worst case: grace + 2 s


def test_8_5_readiness_goes_on_while_terminating_and_is_not_forced() -> None:
    world = Machines(exit="25s")
    readiness = {"http_get": {"port": 80}, "period_seconds": 2, "failure_threshold": 3}
    pod, t = started(world, containers=one(readiness_probe=readiness))
    since = world.now(pod).status.ready.since
    world.delete(pod)
    # silent from t on; probes at since + 2k: three of them fail
    ticks = [since + 2 * k for k in range(60) if since + 2 * k >= t - 1e-6]
    world.clock.run_until(ticks[2] - 0.001)
    assert world.now(pod).is_ready
    world.clock.run_until(ticks[2])
    assert not world.now(pod).is_ready


@pytest.mark.parametrize(("version", "freezes"), [("v1.34.4", False), ("v1.36.3", True), ("v1.37.2", False)])
def test_13_4_exec_probes_of_terminating_pods_freeze_in_1_35_and_1_36(version: str, freezes: bool) -> None:
    world = Machines(version, exit="25s")
    readiness = {"exec": {"command": ["true"]}, "period_seconds": 2}
    pod, t = started(world, containers=one(readiness_probe=readiness))
    world.delete(pod)
    world.clock.run_until(t + 20)
    assert world.now(pod).is_ready == freezes


@pytest.mark.parametrize(
    ("second", "left"),
    [
        (20, 20.0),  # the kubelet counts it anew, from when it hears of it
        (3, 2.0),  # 3 s from the first DELETE are over after 5 s: 1 s, and SIGTERM gets 2 s at least
        (40, 25.0),  # a longer one changes nothing: 30 s from the first
    ],
)
def test_3_a_second_delete_may_only_shorten(second: int, left: float) -> None:
    world = Machines(exit="60s")
    pod, _ = started(world)
    world.delete(pod)
    world.run(5)
    world.delete(pod, grace=second)
    heard = world.clock.now + LATENCY
    world.run(30)
    assert world.times("container.exited") == [pytest.approx(heard + left)]


def test_8_5_a_pod_deleted_by_force_gets_2_seconds_and_its_object_is_gone_at_once() -> None:
    world = Machines(exit="60s")
    pod, t = started(world)
    world.delete(pod, grace=0)
    assert world.get("Pod", "a") is None
    world.run(20)
    assert world.times("container.exited") == [pytest.approx(t + 2)]  # 1 s of grace, 2 s at least
    assert world.fleet.machines["n1"].sandboxes == {}
    assert world.fleet.machines["n1"].kubelet.workers == {}


def test_3_a_pod_with_finalizers_stays_after_the_kubelets_confirmation() -> None:
    world = Machines()
    pod, _ = started(world)
    world.change_meta(pod, finalizers=("batch.kubernetes.io/job-tracking",))
    world.delete(pod)
    world.run(10)
    assert world.now(pod).status.phase == "Succeeded"
    assert world.now(pod).meta.deletion_grace_period_seconds == 0
    assert world.fleet.machines["n1"].kubelet.workers == {}
    world.change_meta(pod, finalizers=())
    assert world.get("Pod", "a") is None


def test_8_5_sidecars_end_last_the_last_first() -> None:
    world = Machines(exit="3s")
    sidecars = [{"name": name, "image": "app:1", "restart_policy": "Always"} for name in ("first", "second")]
    pod, t = started(world, init_containers=sidecars)
    world.delete(pod)
    world.run(20)
    exited = [(r.value["container"], round(r.t, 6)) for r in world.told("container.exited")]
    assert exited == [
        ("main", pytest.approx(t + 3)),
        ("second", pytest.approx(t + 6)),
        ("first", pytest.approx(t + 9)),
    ]


def test_8_5_nobody_waits_for_a_turn_beyond_the_grace() -> None:
    world = Machines(exit="60s")
    sidecars = [{"name": name, "image": "app:1", "restart_policy": "Always"} for name in ("first", "second")]
    pod, t = started(world, init_containers=sidecars, termination_grace_period_seconds=10)
    world.delete(pod)
    world.run(30)
    exited = {r.value["container"]: round(r.t - t, 6) for r in world.told("container.exited")}
    assert exited == {"main": 10, "first": 12, "second": 12}


def test_a_pod_deleted_before_it_started_goes_at_once() -> None:
    world = Machines()
    world.machine()
    pod = world.bound("a")
    world.run(0.5)
    world.delete(pod)
    world.run(LATENCY)
    assert world.get("Pod", "a") is None
    world.run(10)
    assert world.told("container.started") == []
    assert world.fleet.machines["n1"].kubelet.admitted.pods == 0


def test_3_empty_dirs_are_lost_with_the_pod() -> None:
    world = Machines()
    pod, _ = started(world, volumes=[{"name": "cache", "empty_dir": {}}])
    other, _ = started(world, "b")
    world.delete(pod)
    world.delete(other)
    world.run(20)
    assert [r.name for r in world.told("data.lost")] == ["a"]


def test_a_running_job_that_is_stopped_has_not_succeeded() -> None:
    world = Machines(jobDuration="100s")
    world.machine()
    job = world.workload("Job", "backup")
    template = world.template("backup", restart_policy="Never", containers=one())
    world.fleet.machines["n1"].images.add(world.fleet.catalogue.get("app:1"))  # type: ignore[arg-type]
    pod = world.pod("backup-x", template, node="n1", owner=job)
    world.run(10)
    world.delete(pod)
    world.run(1.2)
    assert world.now(pod).status.phase == "Failed"
    assert world.now(pod).status.containers[0].exit_code == 143


def test_3_a_finished_pod_is_gone_at_once_when_it_is_deleted() -> None:
    world = Machines(jobDuration="5s")
    world.machine()
    job = world.workload("Job", "backup")
    template = world.template("backup", restart_policy="Never", containers=one())
    world.fleet.machines["n1"].images.add(world.fleet.catalogue.get("app:1"))  # type: ignore[arg-type]
    pod = world.pod("backup-x", template, node="n1", owner=job)
    world.run(20)
    world.delete(pod)
    assert world.get("Pod", "backup-x") is None
    assert world.fleet.machines["n1"].kubelet.workers == {}


def test_9_the_api_is_away_while_a_pod_ends_and_hears_of_it_in_the_10_s_round() -> None:
    world = Machines(exit="4s")
    machine = world.machine()
    pod, t = started(world)
    world.delete(pod)
    world.run(1)
    world.api.available = False
    world.fleet.api_went_away()
    world.run(20)
    assert world.times("container.exited") == [pytest.approx(t + 4)]
    assert world.now(pod).status.phase == "Running"
    world.api.available = True
    world.fleet.api_came_back()
    world.run(10)  # the status manager's round does not wait for the watch
    assert world.get("Pod", "a") is None
    assert machine.kubelet.workers == {}
