"""Behaviour 1.5: zones in disruption, master disruption mode, exclusion; and the timelines of 12.1."""

import pytest

from tests.cluster.node_world import ZONE, NodeWorld
from tests.cluster.test_node_tainting import tainted_at, world_of


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


@pytest.mark.parametrize(
    ("ready", "failing", "tainted"),
    [
        (1, 2, 2),  # 1 control plane + 2 workers: Normal
        (1, 3, 0),  # 3/4: Partial, a small zone stops
        (3, 3, 3),  # 0.50: Normal
        (3, 4, 0),  # 0.57: Partial
        (2, 3, 0),  # 12.1: three of five
    ],
)
def test_small_zones(ready: int, failing: int, tainted: int) -> None:
    """1.5: Partial with at most 50 nodes: rate 0. NoSchedule taints apply all the same."""
    world = world_of(ready + failing)
    changes = world.changes("Node")
    world.until(61.0)
    world.crash(*names("n", failing))
    world.until(600.0)
    assert len(tainted_at(changes)) == tainted
    assert [world.taints(name, "NoSchedule") for name in names("n", failing)] == [["unreachable"]] * failing


def test_large_zone_is_slow() -> None:
    """1.5: 30 of 51 (0.59) is Partial; more than 50 nodes: 0.01/s. The bucket is full when the rate changes, so the
    first is tainted at once, the next 100 s later."""
    world = world_of(51)
    changes = world.changes("Node")
    world.until(61.0)
    world.crash(*names("n", 30))
    world.until(415.0)
    times = sorted(taints[0][0] for taints in tainted_at(changes).values())
    assert times == [pytest.approx(110.0 + 100.0 * k, abs=0.25) for k in range(4)]


def test_one_node_gets_its_taint_while_the_pods_are_marked() -> None:
    """12.1, the race: the state of the zone is set at the end of the pass that queued the nodes, and that pass lasts
    as long as marking pods takes (30 pods a node, three nodes in parallel, 10 ms a write: 0.3 s); the queue is polled
    every 0.1 s meanwhile. Up to 1.33 nodes are queued one pass later, so nobody is tainted."""
    for version, expected in (("v1.36.3", 1), ("v1.33.5", 0)):
        world = NodeWorld(version, {"node-monitor-grace-period": "50s"}, phase=0.1)
        for name in names("n", 5):
            world.join(name, pods=30)
        changes = world.changes("Node")
        world.until(61.0)
        world.crash("n0", "n1", "n2")
        world.until(400.0)
        assert len(tainted_at(changes)) == expected


def test_partial_ends_when_enough_are_back() -> None:
    """1.5: back to Normal, rate 0.1; the stopped bucket was empty, so the new one starts empty."""
    world = world_of(5)
    changes = world.changes("Node")
    world.until(61.0)
    world.crash("n0", "n1", "n2")
    world.until(201.0)
    assert tainted_at(changes) == {}
    world.recover("n0")  # 2 of 5 on the pass at 205
    world.until(300.0)
    found = tainted_at(changes)
    assert sorted(found) == ["n1", "n2"]
    times = sorted(taints[0][0] for taints in found.values())
    assert times == [pytest.approx(215.0, abs=0.2), pytest.approx(225.0, abs=0.2)]


def test_a_full_zone_beside_a_healthy_one_evicts_at_the_full_rate() -> None:
    """1.5: workers alone in a labelled zone: Full, but 0.1 as long as the control plane's zone is not Full."""
    world = NodeWorld()
    world.join("cp", zone="cp", labels={"node-role.kubernetes.io/control-plane": ""})
    for name in names("n", 4):
        world.join(name, zone="a")
    changes = world.changes("Node")
    world.until(61.0)
    world.crash(*names("n", 4))
    world.until(400.0)
    times = sorted(taints[0][0] for taints in tainted_at(changes).values())
    assert times == [pytest.approx(110.0 + 10.0 * k, abs=0.2) for k in range(4)]


def test_when_every_node_fails_nobody_is_evicted() -> None:
    """1.5: a single-zone cluster in which every counted node fails, control plane included, never evicts."""
    world = NodeWorld()
    world.join("cp", labels={"node-role.kubernetes.io/control-plane": ""})
    for name in names("n", 3):
        world.join(name, pods=1)
    world.until(61.0)
    world.crash("cp", *names("n", 3))
    world.until(2000.0)
    assert [world.ready(name) for name in ("cp", "n0", "n1", "n2")] == ["Unknown"] * 4
    assert world.no_execute("cp", "n0", "n1", "n2") == [[]] * 4
    assert not any(pod.is_terminating for pod in world.pods())


def test_one_node_cluster_never_evicts() -> None:
    """1.5: with few pods the pass ends before the poll; with many the taint comes and goes."""
    for pods in (1, 30):
        world = NodeWorld()
        world.join("n0", pods=pods)
        world.until(61.0)
        world.crash("n0")
        world.until(2000.0)
        assert world.no_execute("n0") == [[]]
        assert not any(pod.is_terminating for pod in world.pods())


def test_master_disruption_takes_taints_and_timers_back() -> None:
    """1.5: the last zone fails while pods of the first wait for their 300 s: taints go from all nodes, timers are
    cancelled, nobody new is tainted."""
    world = NodeWorld()
    for zone in "ab":
        for number in range(2):
            world.join(f"{zone}{number}", zone=zone, pods=1)
    world.until(61.0)
    world.crash("a0", "a1")
    world.until(201.0)
    assert world.no_execute("a0", "a1") == [["unreachable"], ["unreachable"]]
    world.crash("b0", "b1")  # renewed at 200, Unknown at 250
    world.until(251.0)
    assert world.no_execute("a0", "a1", "b0", "b1") == [[]] * 4
    cancelled = [message for _, message in world.events_of("TaintManagerEviction") if "Cancelling" in message]
    assert {f"Cancelling deletion of Pod default/{name}-0" for name in ("a0", "a1")} <= set(cancelled)
    world.until(3000.0)
    assert world.no_execute("a0", "a1", "b0", "b1") == [[]] * 4
    assert not any(pod.is_terminating for pod in world.pods())


def test_leaving_master_disruption_starts_over() -> None:
    """1.5: one node is back: rates are set, dead nodes flow through the queue again (its bucket is empty at first),
    tolerations restart from zero."""
    world = NodeWorld()
    for name in ("a0", "a1", "b0", "b1"):
        world.join(name, zone=name[0], pods=1)
    world.until(61.0)
    world.crash("a0", "a1", "b0", "b1")
    world.until(1001.0)
    changes = world.changes("Node")
    world.recover("a0")  # seen on the pass at 1005
    world.until(1200.0)
    found = {name: taints[0][0] for name, taints in tainted_at(changes).items()}
    assert found["a1"] == pytest.approx(1015.0, abs=0.3)
    times = sorted((found["b0"], found["b1"]))
    assert times == [pytest.approx(1015.0, abs=0.3), pytest.approx(1025.0, abs=0.3)]
    world.until(1314.0)
    assert not any(pod.is_terminating for pod in world.pods())
    world.until(1330.0)
    assert {pod.meta.name for pod in world.pods() if pod.is_terminating} == {"a1-0", "b0-0", "b1-0"}


def test_leaving_master_disruption_pardons_all_nodes() -> None:
    """1.5: probe timestamps are reset: a node that has been silent for 45 s has another 50."""
    world = NodeWorld()
    world.join("n0")
    world.join("n1")
    world.join("n2", labels={"node.kubernetes.io/exclude-disruption": ""})  # Ready, but not counted
    world.until(61.0)
    world.crash("n0", "n1")
    world.until(161.0)
    world.crash("n2")  # renewed at 160: Unknown at 210 otherwise
    world.until(202.0)
    world.recover("n0")  # the mode ends at 205
    world.until(254.9)
    assert world.ready("n2") == "True"
    world.until(255.1)
    assert world.ready("n2") == "Unknown"


def test_excluded_nodes_do_not_count() -> None:
    """1.5: label exclude-disruption, any value: without it 3 of 6 would be Normal, with it it is 3 of 3: Full."""
    world = NodeWorld()
    for name in names("n", 3):
        world.join(name)
    for name in names("x", 3):
        world.join(name, labels={"node.kubernetes.io/exclude-disruption": "false"})
    world.until(61.0)
    world.crash(*names("n", 3))
    world.until(1000.0)
    assert world.no_execute(*names("n", 3)) == [[]] * 3


def test_a_label_changes_the_count() -> None:
    """1.5: 3 of 5 is Partial; two healthy nodes move in from another zone: 3 of 7 is Normal."""
    world = world_of(5, zone="a")
    world.join("x", zone="b")
    world.join("y", zone="b")
    changes = world.changes("Node")
    world.until(61.0)
    world.crash("n0", "n1", "n2")
    world.until(201.0)
    assert tainted_at(changes) == {}
    for name in ("x", "y"):
        world.change_meta(world.get("Node", name), labels={ZONE: "a"})
    world.until(300.0)
    assert sorted(tainted_at(changes)) == ["n0", "n1", "n2"]


def test_deleted_nodes_do_not_count() -> None:
    """1.5: 3 of 5 is Partial; one dead node is deleted: 2 of 4 is Normal."""
    world = world_of(5)
    changes = world.changes("Node")
    world.until(61.0)
    world.crash("n0", "n1", "n2")
    world.until(201.0)
    world.hand.delete("Node", "n0")
    world.until(300.0)
    assert sorted(tainted_at(changes)) == ["n1", "n2"]


def test_mass_unknown_when_kubelets_lose_the_api_alone() -> None:
    """11: a controller-manager that keeps its API while all kubelets lose theirs: every zone is Full, nobody is
    evicted, and when they are back nothing has moved."""
    world = NodeWorld()
    for zone in "abc":
        for number in range(2):
            world.join(f"{zone}{number}", zone=zone, pods=1)
    everyone = [f"{zone}{number}" for zone in "abc" for number in range(2)]
    world.until(61.0)
    world.crash(*everyone)
    world.until(900.0)
    for name in everyone:
        world.recover(name)
    world.until(2000.0)
    assert world.no_execute(*everyone) == [[]] * 6
    assert not any(pod.is_terminating for pod in world.pods())
