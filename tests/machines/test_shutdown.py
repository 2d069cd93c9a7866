"""Graceful node shutdown, where a kubelet is set up for it."""

from typing import Any

import pytest

from tests.machines.world import LATENCY, Machines

GRACEFUL = {"shutdown-grace-period": "60s", "shutdown-grace-period-critical-pods": "20s"}
MESSAGE = "Pod was terminated in response to imminent node shutdown."


def one(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "main", "image": "app:1", **fields}]


def test_8_6_ordinary_pods_end_first_then_critical_ones() -> None:
    world = Machines(timings=GRACEFUL, exit={"default": "5s", "slow": "100s"}, shutdown="10s")
    machine = world.machine()
    plain = world.bound("plain")
    slow = world.bound("slow", termination_grace_period_seconds=3600)
    critical = world.bound("critical", priority=2_000_000_000)
    world.run(20)
    t = world.clock.now
    machine.shut_down()
    ready = world.get("Node", "n1").condition("Ready")
    assert (ready.status, ready.reason, ready.message) == (
        "False",
        "KubeletNotReady",
        "node is shutting down",
    )
    late = world.bound("late")
    world.run(1)
    assert world.now(late).status.reason == "NodeShutdown"
    message = world.now(late).status.message
    assert message == "Pod was rejected: Pod was rejected as the node is shutting down."
    world.run(200)
    ends = {r.name: round(r.t - t, 6) for r in world.told("container.exited")}
    # the first group has 60 - 20 = 40 s; the second follows when the first is through, and takes its 5 s
    assert ends == {"plain": 5.0, "slow": 40.0, "critical": 45.0}
    assert world.times("machine.off") == [pytest.approx(t + 45 + 10)]
    for pod in (plain, slow):
        status = world.now(pod).status  # nobody deleted them
        assert (status.reason, status.message) == ("Terminated", MESSAGE)
        assert status.disrupted.reason == "TerminationByKubelet"
    assert world.now(slow).status.phase == "Failed"
    assert world.now(critical).status.reason == "Terminated"


def test_8_6_off_by_default() -> None:
    world = Machines(exit="5s")
    machine = world.machine()
    pod = world.bound("a")
    world.run(20)
    machine.shut_down()
    world.run(60)
    assert world.now(pod).status.phase == "Running"
    assert world.get("Node", "n1").is_ready


def test_8_6_after_the_boot_the_node_is_ready_and_takes_pods() -> None:
    world = Machines(timings=GRACEFUL)
    machine = world.machine()
    world.run(1)
    machine.shut_down(reboot=True)
    world.run(60)
    assert world.get("Node", "n1").is_ready
    pod = world.bound("a")
    world.run(5 + LATENCY)
    assert world.now(pod).status.phase == "Running"
