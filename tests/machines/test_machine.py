"""Power, boot, network: what each fault of a machine does, and how it comes back."""

from typing import Any

import pytest
from msgspec.structs import replace

from simkube.cluster.nodes.leases import NAMESPACE, renewed_at
from simkube.kube.objects import Pod
from simkube.machines.faults import schedule
from simkube.scenario.scenario import Fault
from tests.machines.world import LATENCY, POD_START, Machines

BOOT = 30.0
KUBELET = 1.5


def one(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "main", "image": "app:1", **fields}]


def running(world: Machines, name: str = "a", **spec: Any) -> Pod:
    pod = world.bound(name, **spec)
    world.run(60)
    assert world.now(pod).status.phase == "Running"
    return pod


def lease_at(world: Machines) -> float:
    lease = world.store.get("Lease", "n1", NAMESPACE)
    return renewed_at(lease, world.clock.now)


def whats(world: Machines, since: float) -> list[tuple[float, str]]:
    return [(round(r.t - since, 6), r.what) for r in world.records if r.t >= since]


def test_a_crash_is_told_and_nothing_is_written() -> None:
    world = Machines()
    machine = world.machine()
    running(world)
    changes = world.changes("Pod")
    nodes = world.changes("Node")
    t = world.clock.now
    machine.crash()
    world.run(100)
    assert whats(world, t) == [(0.0, "machine.off"), (0.0, "kubelet.stopped"), (0.0, "pod.silent")]
    assert (changes, nodes) == ([], [])
    assert t - 10.4 <= lease_at(world) <= t  # the last renewal before the crash


def test_8_3_after_a_reboot_the_same_pod_starts_in_place_with_a_new_address() -> None:
    world = Machines()
    machine = world.machine()
    pod = running(world)
    before = world.now(pod)
    changes = world.changes("Pod")
    t = world.clock.now
    machine.crash()
    world.run(20)
    machine.power_on()
    world.run(100)
    up = t + 20 + BOOT + KUBELET
    after = world.now(pod)
    assert (after.meta.uid, after.node) == (before.meta.uid, "n1")
    assert after.status.ip != before.status.ip
    assert after.status.containers[0].restart_count == 1
    # Ready=True stands until the kubelet's first sync finds the container gone, and starts it
    ready = [(round(c.new.status.ready.since, 6), c.new.is_ready) for c in changes]
    assert ready == [(pytest.approx(up), False), (pytest.approx(up + POD_START), True)]
    assert [c.new.status.containers[0].state for c in changes] == ["terminated", "running"]
    assert world.times("container.restarting") == [pytest.approx(up + POD_START)]
    assert world.times("pod.serving")[-1] == pytest.approx(up + POD_START)
    assert ("a", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.") in world.events


def test_8_1_a_reboot_is_an_event_and_the_node_object_survives() -> None:
    world = Machines()
    machine = world.machine()
    node = world.change(world.get("Node", "n1"), unschedulable=True)
    old_boot = node.status.boot_id
    machine.shut_down(reboot=True)
    world.run(100)
    node = world.get("Node", "n1")
    assert node.unschedulable and node.is_ready
    assert node.status.boot_id not in ("", old_boot)
    text = f"Node n1 has been rebooted, boot id: {node.status.boot_id}"
    assert ("n1", "Rebooted", text) in world.events
    assert ("n1", "Starting", "Starting kubelet.") in world.events


def test_8_3_init_containers_run_again_after_a_reboot() -> None:
    world = Machines(init="2s")
    machine = world.machine()
    running(world, init_containers=[{"name": "setup", "image": "app:1"}])
    assert [r.value["container"] for r in world.told("container.started")] == ["setup", "main"]
    machine.crash()
    machine.power_on()
    world.run(100)
    assert [r.value["container"] for r in world.told("container.restarting")] == ["setup", "main"]


@pytest.mark.parametrize(("policy", "phase"), [("Never", "Failed"), ("OnFailure", "Running")])
def test_8_3_the_restart_policy_decides_after_a_reboot(policy: str, phase: str) -> None:
    world = Machines()
    machine = world.machine()
    pod = running(world, restart_policy=policy)
    machine.crash()
    machine.power_on()
    world.run(100)
    assert world.now(pod).status.phase == phase


def test_8_3_a_pod_that_had_succeeded_is_left_alone_by_a_reboot() -> None:
    world = Machines(crashes={"a": {"after": "5s", "exitCode": 0}})
    machine = world.machine()
    pod = world.bound("a", restart_policy="OnFailure")
    world.run(20)
    machine.crash()
    machine.power_on()
    world.run(100)
    assert world.now(pod).status.phase == "Succeeded"
    assert world.told("container.restarting") == []


def test_3_a_pod_deleted_while_its_machine_was_off_ends_when_it_is_back() -> None:
    world = Machines()
    machine = world.machine()
    pod = running(world)
    machine.crash()
    world.delete(pod)
    world.run(100)
    assert world.now(pod).is_terminating
    machine.power_on()
    world.run(BOOT + KUBELET + LATENCY)
    assert world.now(pod).status.phase == "Failed"  # exit code 255: it was lost
    world.run(1)
    assert world.get("Pod", "a") is None
    assert machine.sandboxes == {}


def test_8_3_an_empty_dir_survives_a_reboot() -> None:
    world = Machines()
    machine = world.machine()
    running(world, volumes=[{"name": "cache", "empty_dir": {}}])
    running(world, "b", volumes=[{"name": "cache", "empty_dir": {"medium": "Memory"}}])
    machine.crash()
    machine.power_on()
    world.run(100)
    assert [r.name for r in world.told("data.lost")] == ["b"]


def test_8_6_an_orderly_shutdown_stops_the_kubelet_first_and_tells_the_api_nothing() -> None:
    world = Machines(exit="2s", shutdown="10s")
    machine = world.machine()
    pod = running(world)
    nodes = world.changes("Node")
    t = world.clock.now
    machine.shut_down()
    world.run(60)
    assert whats(world, t) == [
        (0.0, "kubelet.stopped"),
        (0.0, "pod.silent"),
        (2.0, "container.exited"),
        (10.0, "machine.off"),
    ]
    assert nodes == [] and world.now(pod).is_ready  # belief does not know
    assert not machine.on


def test_a_machine_that_drains_connections_answers_until_it_is_off() -> None:
    world = Machines(exit="60s", onTerm="drain", shutdown="10s")
    machine = world.machine()
    running(world)
    t = world.clock.now
    machine.shut_down()
    world.run(60)
    assert world.times("pod.silent") == [pytest.approx(t + 10)]


def test_a_reboot_is_a_shutdown_and_a_boot() -> None:
    world = Machines()
    machine = world.machine()
    running(world)
    t = world.clock.now
    machine.shut_down(reboot=True)
    world.run(10 + BOOT)
    assert machine.booted_at == pytest.approx(t + 10 + BOOT)
    assert machine.kubelet.running
    assert world.fleet.console("n1").booted_at == pytest.approx(t + 10 + BOOT)


def test_a_frozen_machine_stands_still_and_goes_on() -> None:
    world = Machines(exit="2s")
    machine = world.machine()
    pod = running(world)
    t = world.clock.now
    machine.freeze()
    assert whats(world, t) == [(0.0, "machine.frozen"), (0.0, "pod.silent")]
    world.delete(pod)
    world.run(100)
    assert world.now(pod).status.phase == "Running"
    assert lease_at(world) <= t
    machine.thaw()
    assert world.times("pod.serving")[-1] == t + 100
    assert world.told("container.restarting") == []
    assert lease_at(world) == t + 100  # its connections are still there
    world.run(10)
    assert world.times("container.exited") == [pytest.approx(t + 100 + LATENCY + 2)]
    assert world.get("Pod", "a") is None


def test_what_was_due_while_a_machine_was_frozen_happens_when_it_thaws() -> None:
    world = Machines(startup="30s")
    machine = world.machine()
    world.bound("a")
    world.run(10)
    machine.freeze()
    world.run(50)
    assert world.told("pod.serving") == []
    machine.thaw()
    assert world.times("pod.serving") == [60.0]


def test_a_machine_cut_off_from_the_control_plane_goes_on_serving() -> None:
    world = Machines()
    machine = world.machine()
    pod = running(world)
    t = world.clock.now
    machine.cut(control_plane_only=True)
    cut = world.told("machine.cut")[0]
    assert (cut.node, cut.reason) == ("n1", "control-plane")
    world.delete(pod)
    world.run(100)
    assert world.told("pod.silent") == []
    assert world.now(pod).is_terminating
    assert t - 10.4 <= lease_at(world) <= t
    assert [r.what for r in world.records if r.t >= t] == ["machine.cut", "proxy.frozen"]


def test_1_6_after_the_network_is_back_node_and_pods_are_put_right() -> None:
    world = Machines()
    machine = world.machine()
    pod = running(world)
    machine.cut()
    assert world.told("machine.cut")[0].reason == ""
    world.run(60)
    # what the node lifecycle controller writes meanwhile
    node = world.get("Node", "n1")
    conditions = tuple(replace(c, status="Unknown", since=world.clock.now) for c in node.status.conditions)
    world.change(node, status=replace(node.status, conditions=conditions))
    world.set_pod(pod, ready=False)
    world.run(60)
    assert not world.get("Node", "n1").is_ready
    machine.rejoin()
    t = world.clock.now
    world.run(10.4)
    assert world.get("Node", "n1").is_ready  # in the next computation of the status
    world.run(60)  # the watch is tried again within 30 to 60 s, then the status manager's round comes
    assert world.now(pod).is_ready
    assert t <= world.now(pod).status.ready.since <= t + 70
    assert world.told("container.restarting") == []


def test_1_6_a_pod_marked_not_ready_by_others_is_put_right_in_the_10_s_round() -> None:
    world = Machines()
    machine = world.machine()
    pod = running(world)
    marked = world.clock.now
    world.set_pod(pod, ready=False)
    world.run(11)
    since = world.now(pod).status.ready.since
    assert marked < since <= marked + 10
    assert (since - machine.kubelet.started_at) % 10 == pytest.approx(0, abs=1e-6) or (
        since - machine.kubelet.started_at
    ) % 10 == pytest.approx(10, abs=1e-6)


def test_faults_of_machines_come_and_go_as_the_scenario_says() -> None:
    world = Machines()
    for n in range(1, 8):
        world.machine(f"n{n}")
    faults = [
        {"at": "10s", "crash": "n1", "for": "60s"},
        {"at": "10s", "shutdown": "n2", "for": "60s"},
        {"at": "10s", "reboot": "n3"},
        {"at": "10s", "freeze": "n4", "for": "60s"},
        {"at": "10s", "cut": "n5", "for": "60s"},
        {"at": "10s", "cutControlPlane": "n6", "for": "60s"},
        {"at": "10s", "stopKubelet": "n7", "for": "60s"},
    ]
    schedule(world.fleet, [Fault.model_validate(fault) for fault in faults])
    world.run(200)
    told: dict[str, list[tuple[float, str]]] = {}
    for record in world.records:
        if record.t > 0 and record.what.startswith(("machine.", "kubelet.")):
            told.setdefault(record.node, []).append((round(record.t, 6), record.what))
    stop, start = "kubelet.stopped", "kubelet.started"
    assert told == {
        "n1": [(10.0, "machine.off"), (10.0, stop), (70.0, "machine.on"), (100.0, start)],
        "n2": [(10.0, stop), (20.0, "machine.off"), (70.0, "machine.on"), (100.0, start)],
        "n3": [(10.0, stop), (20.0, "machine.off"), (20.0, "machine.on"), (50.0, start)],
        "n4": [(10.0, "machine.frozen"), (70.0, "machine.thawed")],
        "n5": [(10.0, "machine.cut"), (70.0, "machine.rejoined")],
        "n6": [(10.0, "machine.cut"), (70.0, "machine.rejoined")],
        "n7": [(10.0, stop), (70.0, start)],
    }


def test_acts_on_machines_may_be_done_twice() -> None:
    world = Machines()
    machine = world.machine()
    machine.power_on()
    machine.thaw()
    machine.rejoin()
    machine.kubelet.start()
    assert [r.what for r in world.records] == ["machine.on", "kubelet.started"]
    machine.shut_down()
    machine.shut_down()
    world.run(100)
    machine.shut_down()
    machine.crash()
    assert len(world.told("machine.off")) == 1
