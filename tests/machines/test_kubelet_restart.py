"""A kubelet that stops and starts again, on the same or another version, while containers go on."""

from typing import Any

import pytest

from simkube.kube.objects import Pod, Taint
from simkube.machines.machine import Machine
from tests.machines.world import LATENCY, POD_START, Machines

START = 1.5  # kubeletStart
PROBE = {"http_get": {"port": 80}, "period_seconds": 10}


def one(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "main", "image": "app:1", **fields}]


def restart(machine: Machine) -> None:
    machine.kubelet.stop("restart")
    machine.kubelet.start()


def running(world: Machines, name: str = "a", **spec: Any) -> Pod:
    pod = world.bound(name, **spec)
    world.run(60)
    assert world.now(pod).is_ready
    return pod


@pytest.mark.parametrize("version", ["v1.34.4", "v1.36.3"])
def test_8_2_pods_without_readiness_probe_do_not_notice(version: str) -> None:
    world = Machines(version)
    machine = world.machine()
    running(world)
    changes = world.changes("Pod")
    told = len(world.records)
    restart(machine)
    world.run(60)
    assert changes == []
    assert [r.what for r in world.records[told:]] == ["kubelet.stopped", "kubelet.started"]


@pytest.mark.parametrize(("version", "blips"), [("v1.34.4", True), ("v1.35.4", False), ("v1.36.3", False)])
def test_8_2_and_13_4_pods_with_one_blip_before_1_35(version: str, blips: bool) -> None:
    world = Machines(version)
    machine = world.machine()
    running(world, containers=one(readiness_probe=PROBE))
    changes = world.changes("Pod")
    at = world.clock.now
    restart(machine)
    world.run(60)
    if not blips:
        assert changes == []
        return
    assert [change.new.is_ready for change in changes] == [False, True]
    not_ready, ready = (change.new.status.ready.since for change in changes)
    assert not_ready == pytest.approx(at + START)
    assert 0.0 < ready - not_ready <= 10.0  # a random part of the period
    assert world.told("pod.silent") == []  # nothing happened to the container


def test_13_4_a_container_younger_than_10_s_is_not_trusted() -> None:
    world = Machines("v1.36.3")
    machine = world.machine()
    pod = world.bound("a", containers=one(readiness_probe=PROBE))
    world.run(5)
    assert world.now(pod).is_ready
    restart(machine)
    world.run(START)
    assert not world.now(pod).is_ready
    world.run(11)
    assert world.now(pod).is_ready


def test_13_4_what_was_not_ready_stays_so_until_a_probe_succeeds() -> None:
    world = Machines("v1.36.3", startup="40s")
    machine = world.machine()
    pod = world.bound("a", containers=one(readiness_probe=PROBE))
    world.run(30)
    restart(machine)
    world.run(START + 5)
    assert not world.now(pod).is_ready
    world.run(20)
    assert world.now(pod).is_ready


def test_8_2_a_container_that_exits_while_the_kubelet_is_down_is_restarted_when_it_is_back() -> None:
    world = Machines()
    machine = world.machine()
    running(world)
    machine.kubelet.stop("killed")
    world.run(5)
    next(iter(machine.sandboxes.values())).containers[0].kill()
    world.run(20)
    assert world.told("container.restarting") == []
    machine.kubelet.start()
    world.run(5)
    assert len(world.told("container.restarting")) == 1


def test_8_2_pods_deleted_meanwhile_end_when_the_kubelet_is_back() -> None:
    world = Machines(exit="2s")
    machine = world.machine()
    pod = running(world)
    machine.kubelet.stop("killed")
    world.delete(pod)
    world.run(100)
    assert world.now(pod).status.phase == "Running"  # Terminating, as nobody confirms
    machine.kubelet.start()
    t = world.clock.now + START
    world.run(10)
    assert world.times("container.exited") == [pytest.approx(t + LATENCY + 2)]
    assert world.get("Pod", "a") is None


def test_8_5_a_hook_that_lost_its_kubelet_leads_to_nothing_and_the_stop_begins_anew() -> None:
    world = Machines(exit="1s")
    machine = world.machine()
    hook = {"pre_stop": {"sleep": {"seconds": 10}}}
    pod = running(world, containers=one(lifecycle=hook))
    world.delete(pod)
    world.run(5)
    machine.kubelet.stop("killed")
    world.run(60)
    assert world.told("container.exited") == []
    machine.kubelet.start()
    t = world.clock.now + START + LATENCY
    world.run(60)
    assert world.times("container.exited") == [pytest.approx(t + 11)]


def test_3_pods_that_the_api_has_forgotten_are_killed_at_the_next_housekeeping() -> None:
    world = Machines(exit="60s")
    machine = world.machine()
    pod = running(world)
    machine.kubelet.stop("killed")
    world.delete(pod, grace=0)
    machine.kubelet.start()
    t = world.clock.now
    world.run(30)
    # listed at t + 1.5; housekeeping every 2 s from t on; then 2 s until SIGKILL
    assert world.times("container.exited") == [pytest.approx(t + 2 + 2)]
    assert machine.sandboxes == {}


def test_8_2_every_pod_passes_admission_again_in_order_of_creation() -> None:
    world = Machines()
    machine = world.machine(cpu=1000)
    request = one(resources={"requests": {"cpu": "500m"}})
    first = running(world, "a", containers=request)
    second = running(world, "b", containers=request)
    machine.kubelet.stop("restart")
    machine.allocatable = machine.capacity = world.get("Node", "n1").status.allocatable.__class__(
        500, 16 << 30
    )
    machine.kubelet.start()
    world.run(10)
    assert world.now(first).status.phase == "Running"
    status = world.now(second).status
    assert (status.phase, status.reason) == ("Failed", "OutOfcpu")
    assert status.message == (
        "Pod was rejected: Node didn't have enough resource: cpu, requested: 500, used: 500, capacity: 500"
    )
    assert ("b", "OutOfcpu", status.message.removeprefix("Pod was rejected: ")) in world.events
    # its containers belong to no pod of the kubelet now, and are killed
    assert [r.name for r in world.told("container.exited")] == ["b"]


@pytest.mark.parametrize(("effect", "phase"), [("NoExecute", "Failed"), ("NoSchedule", "Running")])
def test_8_2_untolerated_no_execute_taints_reject_and_no_schedule_does_not(effect: str, phase: str) -> None:
    world = Machines()
    machine = world.machine()
    pod = running(world)
    world.change(world.get("Node", "n1"), taints=(Taint("maintenance", effect),))
    restart(machine)
    world.run(5)
    status = world.now(pod).status
    assert status.phase == phase
    if phase == "Failed":
        assert status.reason == "TaintToleration"
        text = "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"
        assert status.message == f"Pod was rejected: {text}"


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"node_selector": {"disk": "ssd"}}, "NodeAffinity"),
        ({"containers": one(resources={"requests": {"memory": "17Gi"}})}, "OutOfmemory"),
        ({"containers": one(ports=[{"container_port": 80, "host_port": 80}])}, "NodePorts"),
    ],
)
def test_8_2_pods_are_taken_only_if_they_fit(spec: dict[str, Any], reason: str) -> None:
    world = Machines()
    world.machine()
    world.bound("first", containers=one(ports=[{"container_port": 80, "host_port": 80}]))
    pod = world.bound("a", **spec)
    world.run(5)
    assert (world.now(pod).status.phase, world.now(pod).status.reason) == ("Failed", reason)
    assert [r.name for r in world.told("container.started")] == ["first"]


def test_8_2_too_many_pods() -> None:
    world = Machines()
    world.machine(pods=1)
    world.bound("first")
    pod = world.bound("a")
    world.run(5)
    assert world.now(pod).status.reason == "OutOfpods"


def test_8_2_the_room_of_a_pod_is_free_when_its_containers_have_ended() -> None:
    world = Machines(exit="5s")
    world.machine(pods=1)
    first = running(world, "first")
    world.delete(first)
    world.run(1)
    early = world.bound("early")
    world.run(4.5)
    late = world.bound("late")
    world.run(10)
    assert world.now(early).status.reason == "OutOfpods"
    assert world.now(late).status.phase == "Running"


def test_a_new_version_is_reported_and_containers_go_on() -> None:
    world = Machines("v1.37.2")
    machine = world.machine(version="v1.36.3")
    running(world)
    assert world.get("Node", "n1").status.kubelet_version == "v1.36.3"
    at = world.clock.now
    machine.install_kubelet("v1.37.2")
    world.run(START)
    assert world.get("Node", "n1").status.kubelet_version == "v1.37.2"
    assert world.get("Node", "n1").is_ready
    assert [r.value for r in world.told("kubelet.started")][-1] == "v1.37.2"
    assert world.told("container.exited") == []
    assert at + START == pytest.approx(world.clock.now)


def test_each_kubelet_follows_the_rules_of_its_own_minor() -> None:
    world = Machines("v1.37.2")
    world.machine("old", version="v1.34.4")
    world.machine("new")
    world.bound("a", node="old")
    world.bound("b", node="new")
    world.run(10)
    texts = {name: text for name, reason, text in world.events if reason == "Started"}
    assert texts == {"a": "Started container main", "b": "Container started"}


def test_a_pod_being_started_when_the_kubelet_stops_is_started_by_the_next() -> None:
    world = Machines()
    machine = world.machine()
    world.bound("a")
    world.run(0.5)
    machine.kubelet.stop("restart")
    world.run(10)
    assert world.told("container.started") == []
    machine.kubelet.start()
    t = world.clock.now + START + LATENCY
    world.run(10)
    assert world.times("container.started") == [pytest.approx(t + POD_START)]
