"""How a kubelet makes its node known and keeps it so."""

import pytest
from msgspec.structs import replace

from simkube.cluster.nodes.leases import NAMESPACE
from simkube.kube.objects import Condition, Image, Meta, Node, NodeResources, NodeStatus, Taint
from simkube.machines.node_status import NO_NETWORK, Report, new_node, reported
from tests.machines.world import LATENCY, POD_START, Machines

BOOT, KUBELET, NETWORK = 30.0, 1.5, 10.0
ZONE = "topology.kubernetes.io/zone"


def report(trouble: str = "") -> Report:
    room = NodeResources(4000, 16 << 30)
    return Report(trouble, room, room, (Image("a:1", 1),), "v1.36.3", "boot-1")


def test_8_1_a_new_machine_joins_by_itself() -> None:
    world = Machines()
    world.machine("n1", labels={ZONE: "a"}, taints=(Taint("dedicated", "NoSchedule", "x"),))
    world.fleet.add("n2", like="n1")
    assert world.times("machine.added") == world.times("machine.on", "n2") == [0.0]
    world.clock.run_until(BOOT + KUBELET)
    node = world.get("Node", "n2")
    assert node.meta.labels == {"kubernetes.io/hostname": "n2", ZONE: "a"}
    assert [taint.key for taint in node.taints] == ["dedicated"]
    ready = node.condition("Ready")
    assert (ready.status, ready.reason, ready.message) == ("False", "KubeletNotReady", NO_NETWORK)
    assert node.status.kubelet_version == "v1.36.3"
    world.clock.run_until(BOOT + KUBELET + NETWORK)
    ready = world.get("Node", "n2").condition("Ready")
    assert (ready.status, ready.reason, ready.message) == (
        "True",
        "KubeletReady",
        "kubelet is posting ready status",
    )
    assert ready.since == BOOT + KUBELET + NETWORK
    assert ("n2", "NodeReady", "Node n2 status is now: NodeReady") in world.events
    assert world.store.get("Lease", "n2", NAMESPACE).live


def test_8_1_pods_need_a_network_but_those_of_the_host_do_not() -> None:
    world = Machines()
    world.machine("n1")
    world.fleet.add("n2", like="n1")
    world.clock.run_until(BOOT + KUBELET)
    world.bound("host", node="n2", host_network=True)
    pod = world.bound("a", node="n2")
    world.run(60)
    assert world.times("container.started", "host") == [pytest.approx(BOOT + KUBELET + LATENCY + POD_START)]
    (started,) = world.times("container.started", "a")
    up = BOOT + KUBELET + NETWORK + POD_START
    assert up + 1 <= started < up + 1.5  # tried again 1 to 1.5 s after the network is there
    assert world.now(pod).status.phase == "Running"


def test_a_version_can_be_given_to_a_new_machine() -> None:
    world = Machines()
    world.machine("n1")
    world.fleet.add("n2", like="n1", version="v1.37.2")
    world.run(60)
    assert world.get("Node", "n2").status.kubelet_version == "v1.37.2"
    assert world.fleet.console("n2").kubelet_version == "v1.37.2"


def test_8_1_a_kubelet_that_starts_without_an_api_registers_when_there_is_one() -> None:
    world = Machines()
    machine = world.machine()
    world.api.available = False
    world.fleet.api_went_away()
    machine.crash()
    machine.power_on()
    world.run(100)
    assert machine.kubelet.running
    boot = world.get("Node", "n1").status.boot_id
    world.api.available = True
    world.fleet.api_came_back()
    world.run(7)  # it tries at least every 7 s
    assert world.get("Node", "n1").status.boot_id not in ("", boot)


def test_1_1_a_status_is_sent_when_something_changed_and_at_the_next_computation() -> None:
    world = Machines()
    machine = world.machine()
    writes = world.changes("Node")
    machine.images.add(Image("b:1", 5))
    machine.kubelet.node.post_later()
    machine.kubelet.node.post_later()
    world.run(10.4)
    assert [w.by for w in writes] == ["kubelet/n1"]
    assert [i.name for i in world.get("Node", "n1").status.images] == ["b:1"]


def test_1_6_a_live_kubelet_puts_a_condition_right_that_somebody_else_wrote() -> None:
    world = Machines()
    world.machine()
    node = world.get("Node", "n1")
    unknown = tuple(replace(c, status="Unknown", since=0.0) for c in node.status.conditions)
    world.change(node, status=replace(node.status, conditions=unknown))
    world.run(10.4)
    assert world.get("Node", "n1").is_ready


def test_8_1_cordoning_is_an_event_of_the_kubelet() -> None:
    world = Machines()
    world.machine()
    world.change(world.get("Node", "n1"), unschedulable=True)
    world.change(world.get("Node", "n1"), unschedulable=False)
    reasons = [reason for _, reason, _ in world.events]
    assert reasons == ["NodeNotSchedulable", "NodeSchedulable"]


def test_a_kubelet_does_not_register_again_when_its_node_is_deleted_until_it_restarts() -> None:
    world = Machines()
    machine = world.machine()
    world.hand.delete("Node", "n1")
    world.run(600)
    assert world.get("Node", "n1") is None
    machine.kubelet.stop("restart")
    machine.kubelet.start()
    world.run(KUBELET)
    assert world.get("Node", "n1").is_ready  # its network is configured already


def test_1_1_reported_keeps_transition_times_and_conditions_of_others() -> None:
    room = NodeResources(4000, 16 << 30)
    other = Condition("NetworkUnavailable", "False", 5.0, "RouteCreated")
    first = reported(NodeStatus(allocatable=room, capacity=room, conditions=(other,)), report("broken"), 10.0)
    types = [c.type for c in first.conditions]
    assert types == ["NetworkUnavailable", "MemoryPressure", "DiskPressure", "PIDPressure", "Ready"]
    assert first.conditions[0] is other
    second = reported(first, report("broken"), 20.0)
    assert second is first
    third = reported(first, report("still broken"), 30.0)
    assert (third.conditions[-1].since, third.conditions[-1].message) == (10.0, "still broken")
    fourth = reported(third, report(), 40.0)
    assert (fourth.conditions[-1].status, fourth.conditions[-1].since) == ("True", 40.0)


def test_a_new_node_says_what_its_machine_is() -> None:
    node = new_node("n9", {"a": "b"}, (), report(NO_NETWORK), 3.0)
    assert node.meta == Meta("n9", labels={"a": "b"})
    assert isinstance(node, Node) and not node.is_ready


def test_a_machine_given_back_is_gone_with_its_data() -> None:
    world = Machines()
    world.machine("n1")
    world.bound("a", volumes=[{"name": "cache", "empty_dir": {}}])
    world.run(10)
    world.fleet.remove("n1")
    whats = [r.what for r in world.records if r.t == 10.0]
    assert whats == ["machine.off", "kubelet.stopped", "pod.silent", "machine.removed", "data.lost"]
    console = world.fleet.console("n1")
    assert (console.exists, console.on, console.kubelet_running) == (False, False, False)
    world.fleet.remove("n1")  # harmless


def test_the_console_shows_what_a_person_would_see() -> None:
    world = Machines()
    machine = world.machine()
    assert world.fleet.console("n1") == (True, True, 0.0, True, "v1.36.3")
    machine.crash()
    assert world.fleet.console("n1")[:4] == (True, False, 0.0, False)
    machine.power_on()
    assert world.fleet.console("n1")[:4] == (True, True, 0.0, False)
    world.run(BOOT)
    assert world.fleet.console("n1")[:4] == (True, True, pytest.approx(BOOT), True)


@pytest.mark.parametrize(("kubelets_first", "watching"), [(True, True), (True, False), (False, True)])
def test_a_run_begins_with_running_and_ready_pods_for_one_write_each(
    kubelets_first: bool, watching: bool
) -> None:
    world = Machines(startup={"lognormal": {"median": "8s", "p95": "25s"}})
    nodes = [world.node(f"n{n}") for n in (1, 2)]
    if kubelets_first:
        for node in nodes:
            world.fleet.join(node, watching)
    probe = {"tcp_socket": {"port": 80}, "period_seconds": 5}
    containers = [{"name": "main", "image": "app:1", "readiness_probe": probe}]
    template = world.template("web", containers=containers)
    pods = [world.pod(f"web-{n}", template, node=f"n{n % 2 + 1}") for n in range(4)]
    world.pod("pending", template)
    if not kubelets_first:
        for node in nodes:
            world.fleet.join(node)
    changes = world.changes("Pod")
    world.fleet.adopt_pods()
    world.fleet.listen()
    assert world.clock.now == 0.0
    assert len(changes) == 4
    assert all(world.now(pod).is_ready and world.now(pod).status.phase == "Running" for pod in pods)
    assert [r.name for r in world.told("pod.serving")] == ["web-0", "web-2", "web-1", "web-3"]
    assert "app:1" in [image.name for image in world.get("Node", "n1").status.images]
    written = len(changes)
    world.run(365 * 86400)  # nothing happens while nothing happens
    assert len(changes) == written
    assert world.store.get("Lease", "n1", NAMESPACE).live
