"""Containers that exit, hang or crash, while their kubelet watches."""

from typing import Any

import pytest

from simkube.machines.faults import schedule
from simkube.scenario.scenario import Fault
from tests.machines.world import LATENCY, POD_START, Machines

T0 = LATENCY + POD_START


def one(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "main", "image": "app:1", **fields}]


def relist(world: Machines, time: float) -> float:
    """The first look at the runtime after a time."""
    phase = world.fleet.machines["n1"].kubelet.started_at % 1.0
    return next(t for t in (phase + n for n in range(int(time), int(time) + 3)) if t > time + 1e-9)


def fault(**fields: Any) -> Fault:
    return Fault.model_validate(fields)


def test_8_4_an_exit_is_seen_within_a_second_and_the_first_restart_is_immediate() -> None:
    world = Machines()
    world.machine()
    pod = world.bound("a")
    schedule(world.fleet, [fault(at="20.3s", kill="a")])
    world.run(30)
    seen = relist(world, 20.3)
    assert world.times("container.exited") == [20.3]
    assert world.times("container.restarting") == [pytest.approx(seen)]
    status = world.now(pod).status
    assert (status.phase, status.containers[0].restart_count) == ("Running", 1)


def test_9_a_crashed_container_is_not_ready_until_it_runs_again() -> None:
    world = Machines(crashes={"a": {"after": "5s", "times": 1}})
    world.machine()
    pod = world.bound("a", containers=one(readiness_probe={"tcp_socket": {"port": 80}}))
    changes = world.changes("Pod")
    world.run(20)
    ready = [c.new.is_ready for c in changes if c.new is not None]
    assert ready == [True, False, True]
    assert world.times("pod.silent") == [T0 + 5]
    assert world.now(pod).status.ready.since == pytest.approx(relist(world, T0 + 5))


def waits(world: Machines) -> list[float]:
    """Seconds from each exit to the next start."""
    exits = world.times("container.exited")
    starts = world.times("container.restarting")
    return [start - exit_ for exit_, start in zip(exits, starts, strict=False)]


@pytest.mark.parametrize(("version", "looks"), [("v1.34.4", range(3, 5)), ("v1.35.4", range(1, 2))])
def test_13_4_a_crash_loop_is_looked_at_every_10_s_or_from_1_35_when_it_is_over(
    version: str, looks: range
) -> None:
    world = Machines(version, crashes={"a": {"after": "2s"}})
    world.machine()
    world.bound("a")
    world.run(600)
    exits = world.times("container.exited")
    starts = world.times("container.restarting")
    told = [r for r in world.reasons if r[1] == "BackOff"]
    waiting = [
        t for t, _ in told if exits[3] <= t <= starts[3]
    ]  # the wait of 40 s: looks at 0, 10-15, 20-30, 30-45 s
    assert len(waiting) in looks


def test_8_4_a_container_killed_for_its_liveness_waits_only_beyond_its_own_lifetime() -> None:
    world = Machines(neverReady=["a"])
    world.machine()
    probe = {"http_get": {"port": 80}, "period_seconds": 10, "failure_threshold": 3}
    world.bound("a", containers=one(liveness_probe=probe))
    world.run(600)
    # it lives for 20 to 31 s each time; the wait before it is 0, 10, 20, then 40 s, counted from its start
    measured = waits(world)[:4]
    assert measured[:3] == [0.0, 0.0, 0.0]
    assert measured[3] > 5.0


@pytest.mark.parametrize("version", ["v1.34.4", "v1.36.3"])
def test_8_4_crash_loop_waits_0_10_20_up_to_300(version: str) -> None:
    world = Machines(version, crashes={"a": {"after": "2s"}})
    world.machine()
    pod = world.bound("a")
    world.run(3600)
    measured = waits(world)[:9]
    for wait, least in zip(measured, (0, 10, 20, 40, 80, 160, 300, 300, 300), strict=True):
        assert wait >= least
        if version == "v1.34.4":
            # looked at every 10 s x [1, 1.5), on a tick of 1 s: the first look after the wait, at most 16 s late
            assert wait < least + 1 + 16
        else:
            # looked at when the wait is over x [1, 1.5), at the latest after 60 s x [1, 1.5)
            assert wait <= max(1.0, least + 1 + min(least, 60) * 0.5 + 1 + (90 if least > 60 else 0))
    assert pod.meta.name in {name for name, reason, _ in world.events if reason == "BackOff"}


def test_8_4_the_reason_and_message_of_a_crash_loop() -> None:
    world = Machines(crashes={"a": {"after": "2s"}})
    world.machine()
    pod = world.bound("a")
    world.run(12)
    container = world.now(pod).status.containers[0]
    assert (container.state, container.reason) == ("waiting", "CrashLoopBackOff")
    named = f"a_default({pod.meta.uid})"
    assert container.message == f"back-off 10s restarting failed container=main pod={named}"
    text = f"Back-off restarting failed container main in pod {named}"
    assert ("a", "BackOff", text) in world.events
    assert world.now(pod).status.phase == "Running"


def test_8_4_a_container_that_ran_10_minutes_starts_over() -> None:
    world = Machines(crashes={"a": {"after": "601s"}})
    world.machine()
    world.bound("a")
    world.run(3000)
    assert all(wait <= 1.0 for wait in waits(world))


def test_8_4_a_kubelet_restart_forgets_the_backoff() -> None:
    world = Machines(crashes={"a": {"after": "2s"}})
    machine = world.machine()
    world.bound("a")
    world.run(200)
    assert max(waits(world)) > 30
    machine.kubelet.stop("restart")
    machine.kubelet.start()
    world.run(5)
    assert world.clock.now - world.times("container.restarting")[-1] < 5


@pytest.mark.parametrize(
    ("policy", "code", "phase"),
    [("Never", 1, "Failed"), ("OnFailure", 0, "Succeeded"), ("Never", 0, "Succeeded")],
)
def test_8_3_what_is_not_restarted_ends_the_pod(policy: str, code: int, phase: str) -> None:
    world = Machines(crashes={"a": {"after": "5s", "exitCode": code}})
    machine = world.machine()
    pod = world.bound("a", restart_policy=policy)
    world.run(20)
    assert world.now(pod).status.phase == phase
    assert world.told("container.restarting") == []
    assert machine.kubelet.admitted.pods == 0
    assert world.get("Pod", "a") is not None  # nobody deleted it


def test_8_3_on_failure_restarts_what_failed() -> None:
    world = Machines(crashes={"a": {"after": "5s", "exitCode": 1, "times": 1}})
    world.machine()
    pod = world.bound("a", restart_policy="OnFailure")
    world.run(20)
    assert world.now(pod).status.containers[0].restart_count == 1


def test_9_a_hang_is_noticed_after_failure_threshold_probes_and_their_timeout() -> None:
    world = Machines()
    world.machine()
    probe = {"http_get": {"port": 80}, "period_seconds": 10, "failure_threshold": 3, "timeout_seconds": 2}
    pod = world.bound("a", containers=one(readiness_probe=probe))
    schedule(world.fleet, [fault(at="25s", hang="a", **{"for": "60s"})])
    world.run(24)
    changes = world.changes("Pod")
    world.run(120)
    # ready since T0, so probes at T0 + 10k: those at 31.01, 41.01 and 51.01 fail, the last 2 s later;
    # it answers again from 85 on: the probe at 91.01 succeeds
    assert world.times("pod.silent") == [25.0]
    assert world.times("pod.serving") == [T0, 85.0]
    assert [c.new.is_ready for c in changes] == [False, True]
    not_ready, ready = (c.new.status.ready.since for c in changes)
    assert (not_ready, ready) == (pytest.approx(T0 + 52), pytest.approx(T0 + 90))
    assert any(reason == "Unhealthy" and "Readiness probe failed" in text for _, reason, text in world.events)
    assert pod.meta.name == "a"


def test_8_4_a_hang_is_ended_by_the_liveness_probe_with_sigkill_at_the_grace() -> None:
    world = Machines()
    world.machine()
    probe = {"http_get": {"port": 80}, "period_seconds": 10, "failure_threshold": 3, "timeout_seconds": 1}
    world.bound("a", containers=one(liveness_probe=probe), termination_grace_period_seconds=5)
    schedule(world.fleet, [fault(at="25s", hang="a")])
    world.run(120)
    # its worker began at LATENCY: probes at 30.01, 40.01, 50.01 time out 1 s later; 5 s of grace; restarted at once
    assert world.times("container.restarting") == [pytest.approx(LATENCY + 50 + 1 + 5)]


def test_faults_of_a_workload_strike_its_containers_on_every_machine() -> None:
    world = Machines()
    world.machine("n1")
    world.machine("n2")
    replica_set = world.workload("ReplicaSet", "web")
    sidecar = {"name": "mesh", "image": "app:1", "restart_policy": "Always"}
    template = world.template("web", containers=one(), init_containers=[sidecar])
    for node in ("n1", "n2"):
        world.fleet.machines[node].images.add(world.fleet.catalogue.get("app:1"))  # type: ignore[arg-type]
        world.pod(f"web-{node}", template, node=node, owner=replica_set)
    world.bound("other", node="n2")
    schedule(world.fleet, [fault(at="10s", kill="default/web")])
    world.run(15)
    exited = sorted((r.name, r.value["container"]) for r in world.told("container.exited"))
    assert exited == [("web-n1", "main"), ("web-n2", "main")]
