"""Behaviour 1.4 and 1.6: taints on nodes, at once and through the queue, and their end."""

from typing import Any

import pytest

from simkube.cluster.store import Change
from simkube.kube.objects import Taint
from tests.cluster.node_world import ZONE, NodeWorld


def tainted_at(changes: list[Change], effect: str = "NoExecute") -> dict[str, list[Any]]:
    """Node -> (time added, key) of each taint with the effect, in order."""
    found: dict[str, list[Any]] = {}
    for change in changes:
        if change.old is None or change.new is None:
            continue
        for taint in change.new.taints:
            if taint.effect == effect and taint not in change.old.taints:
                key = taint.key.removeprefix("node.kubernetes.io/")
                found.setdefault(change.new.meta.name, []).append((taint.time_added, key))
    return found


def world_of(count: int, version: str = "v1.36.3", zone: str = "") -> NodeWorld:
    """Nodes n0 ... of one zone, their Leases renewed on 0, 10, 20 ..."""
    world = NodeWorld(version)
    for number in range(count):
        world.join(f"n{number}", zone=zone)
    return world


# -- NoSchedule ------------------------------------------------------------------------------------------------


def test_no_schedule_taints_come_and_go_with_the_node_event() -> None:
    """1.4: immediate, not rate-limited, with timeAdded."""
    world = world_of(3)
    world.until(61.0)
    world.post("n0", "True", MemoryPressure="True", NetworkUnavailable="True")
    world.post("n1", "False")
    world.until(61.02)
    assert world.taints("n0", "NoSchedule") == ["memory-pressure", "network-unavailable"]
    assert world.taints("n1", "NoSchedule") == ["not-ready"]
    assert world.get("Node", "n1").taints[0].time_added == pytest.approx(61.01)
    world.post("n0", "True", MemoryPressure="False", NetworkUnavailable="True")
    world.post("n1", "True")
    world.until(61.04)
    assert world.taints("n0", "NoSchedule") == ["network-unavailable"]
    assert world.taints("n1", "NoSchedule") == []


def test_cordon_taints_at_once() -> None:
    """1.4: spec.unschedulable=true, at creation too; users' taints stay."""
    world = NodeWorld()
    mine = Taint("gpu", "NoSchedule", "true")
    node = world.join("n0", taints=(mine,))
    world.join("n1", unschedulable=True)
    world.until(60.0)
    assert world.taints("n1", "NoSchedule") == ["unschedulable"]
    world.change(node, unschedulable=True)
    world.until(60.02)
    assert world.taints("n0", "NoSchedule") == ["gpu", "unschedulable"]
    world.change(node, unschedulable=False)
    world.until(60.04)
    assert world.get("Node", "n0").taints == (mine,)


def test_a_taint_that_a_user_removes_comes_back() -> None:
    """1.4: recomputed and diffed on each node event."""
    world = world_of(2)
    world.change(world.get("Node", "n0"), unschedulable=True)
    world.until(1.0)
    world.change(world.get("Node", "n0"), taints=())
    world.until(2.0)
    assert world.taints("n0", "NoSchedule") == ["unschedulable"]


def test_swap_adds_first_and_removes_then() -> None:
    """1.4: two writes, both present briefly."""
    world = world_of(3)
    world.until(61.0)
    world.post("n0", "False")
    world.until(61.5)
    changes = world.changes("Node")
    world.crash("n0")
    world.until(120.0)
    seen = [
        [
            taint.key.removeprefix("node.kubernetes.io/")
            for taint in change.new.taints
            if taint.effect == "NoSchedule"
        ]
        for change in changes
    ]
    assert ["not-ready", "unreachable"] in seen
    assert world.taints("n0", "NoSchedule") == ["unreachable"]


def test_no_schedule_taints_wait_for_the_api() -> None:
    """A write that failed is tried again."""
    world = world_of(2)
    world.until(1.0)
    world.change(world.get("Node", "n0"), unschedulable=True)
    world.api.available = False
    world.until(3.0)
    world.api.available = True
    world.until(8.0)
    assert world.taints("n0", "NoSchedule") == ["unschedulable"]


# -- NoExecute -------------------------------------------------------------------------------------------------


def test_first_node_at_once_then_one_in_ten_seconds() -> None:
    """1.4: rate 0.1/s, burst 1, polled every 100 ms: 110, 120, 130, 140 ..."""
    world = world_of(10)  # 4 of 10: Normal
    changes = world.changes("Node")
    world.until(61.0)
    world.crash("n0", "n1", "n2", "n3")
    world.until(109.9)
    assert world.no_execute("n0", "n1", "n2", "n3") == [[]] * 4
    world.until(300.0)
    found = tainted_at(changes)
    assert sorted(found) == ["n0", "n1", "n2", "n3"]
    assert all(len(taints) == 1 and taints[0][1] == "unreachable" for taints in found.values())
    times = sorted(taints[0][0] for taints in found.values())
    assert times == [pytest.approx(110.0 + 10.0 * k, abs=0.15) for k in range(4)]
    # the NoSchedule taint does not wait
    assert [t[0][0] for t in tainted_at(changes, "NoSchedule").values()] == [pytest.approx(110.01)] * 4


def test_each_zone_has_its_own_queue() -> None:
    """1.4: one queue per zone."""
    world = NodeWorld()
    for zone in "abc":
        for number in range(3):
            world.join(f"{zone}{number}", zone=zone)
    changes = world.changes("Node")
    world.until(61.0)
    world.crash("a0", "b0", "b1")
    world.until(200.0)
    found = {name: taints[0][0] for name, taints in tainted_at(changes).items()}
    assert found["a0"] == pytest.approx(110.0, abs=0.15)
    assert sorted((found["b0"], found["b1"])) == [
        pytest.approx(110.0, abs=0.25),
        pytest.approx(120.0, abs=0.25),
    ]


@pytest.mark.parametrize(("version", "taint"), [("v1.33.5", 115.0), ("v1.34.4", 110.0), ("v1.37.2", 110.0)])
def test_the_pass_that_writes_unknown_queues_from_1_34_on(version: str, taint: float) -> None:
    """1.4, NLC `processTaintBaseEviction`: up to 1.33 a pass went by the condition that it had found, so that the node
    was queued one pass (5 s) after it became Unknown."""
    grace = "50s"
    world = NodeWorld(version, {"node-monitor-grace-period": grace})
    world.join("n0")
    world.join("n1")
    changes = world.changes("Node")
    world.until(61.0)
    world.crash("n0")
    world.until(300.0)
    assert tainted_at(changes)["n0"] == [(pytest.approx(taint, abs=0.15), "unreachable")]


def test_not_ready_goes_through_the_queue_too() -> None:
    """1.4: Ready=False: not-ready:NoExecute, queued by the pass after the post."""
    world = world_of(3)
    changes = world.changes("Node")
    world.until(61.0)
    world.post("n0", "False")
    world.until(64.9)
    assert world.no_execute("n0") == [[]]
    world.until(200.0)
    assert tainted_at(changes)["n0"] == [(pytest.approx(65.0, abs=0.15), "not-ready")]


def test_the_opposite_taint_is_swapped_at_once() -> None:
    """1.4: bypasses the queue, both ways."""
    world = world_of(10)
    changes = world.changes("Node")
    world.until(61.0)
    world.post("n0", "False")
    world.crash("n0", "n1", "n2")  # the queue is busy when n0 becomes Unknown (posted at 61: 65 + 50)
    world.until(200.0)
    found = tainted_at(changes)["n0"]
    assert found == [
        (pytest.approx(65.0, abs=0.15), "not-ready"),
        (pytest.approx(115.0, abs=0.05), "unreachable"),
    ]
    assert world.no_execute("n0") == [["unreachable"]]
    world.beat("n0")
    world.post("n0", "False")
    world.until(206.0)
    assert world.no_execute("n0") == [["not-ready"]]


def test_ready_when_its_turn_comes_is_dropped() -> None:
    """1.4: the current condition decides at processing time; the token is spent all the same."""
    world = world_of(10)
    changes = world.changes("Node")
    world.until(61.0)
    world.crash("n0", "n1", "n2")
    world.until(111.0)
    first = next(iter(tainted_at(changes)))
    world.until(117.0)
    for name in {"n0", "n1", "n2"} - {first}:
        world.recover(name)
    world.until(300.0)
    assert list(tainted_at(changes)) == [first]


def test_a_node_that_is_deleted_leaves_the_queue_to_others() -> None:
    """1.4: a node that is gone costs its token."""
    world = world_of(10)
    changes = world.changes("Node")
    world.until(61.0)
    world.crash("n0", "n1", "n2")
    world.until(111.0)
    first = next(iter(tainted_at(changes)))
    gone, left = sorted({"n0", "n1", "n2"} - {first})
    world.hand.delete("Node", gone)
    world.until(300.0)
    assert tainted_at(changes)[left][0][0] in (pytest.approx(120.0, abs=0.15), pytest.approx(130.0, abs=0.15))


def test_a_taint_that_cannot_be_written_waits_for_the_next_token() -> None:
    """RLQ: a failed try stays in the queue and has spent the token."""
    world = NodeWorld()
    for name in ("n0", "n1"):
        world.join(name)
    world.until(61.0)
    world.crash("n0")
    world.until(105.0)
    written: list[float] = []
    world.store.watch("Node", lambda change: cut(change, world, written))
    world.until(111.0)
    world.api.available = True
    world.until(119.9)
    assert world.no_execute("n0") == [[]]
    world.until(120.5)
    assert world.no_execute("n0") == [["unreachable"]]


def cut(change: Change, world: NodeWorld, written: list[float]) -> None:
    """The API goes away with the first write of Unknown."""
    if not written and not change.new.is_ready:
        written.append(world.clock.now)
        world.api.available = False


def test_a_taint_that_a_user_removes_is_queued_again() -> None:
    """1.4 `markNodeForTainting`: every pass puts a node in that lacks its taint."""
    world = world_of(3)
    world.until(61.0)
    world.crash("n0")
    world.until(131.0)
    assert world.no_execute("n0") == [["unreachable"]]
    world.change(world.get("Node", "n0"), taints=())
    world.until(134.9)
    assert world.no_execute("n0") == [[]]
    world.until(135.2)
    assert world.no_execute("n0") == [["unreachable"]]


def test_eviction_rate_is_a_flag() -> None:
    """--node-eviction-rate 0.5: every 2 s."""
    world = NodeWorld(timings={"node-eviction-rate": 0.5})
    for number in range(10):
        world.join(f"n{number}")
    changes = world.changes("Node")
    world.until(61.0)
    world.crash("n0", "n1", "n2")
    world.until(300.0)
    times = sorted(taints[0][0] for taints in tainted_at(changes).values())
    assert times == [pytest.approx(110.0 + 2.0 * k, abs=0.15) for k in range(3)]


def test_a_node_that_changes_its_zone_changes_its_queue() -> None:
    world = NodeWorld()
    for zone in "ab":
        for number in range(3):
            world.join(f"{zone}{number}", zone=zone)
    world.until(30.0)
    world.change_meta(world.get("Node", "a2"), labels={ZONE: "b"})
    changes = world.changes("Node")
    world.until(61.0)
    world.crash("a2", "b0")
    world.until(200.0)
    times = sorted(taints[0][0] for taints in tainted_at(changes).values())
    assert times == [pytest.approx(110.0, abs=0.15), pytest.approx(120.0, abs=0.15)]


# -- recovery --------------------------------------------------------------------------------------------------


def test_ready_again_loses_no_schedule_at_once_and_no_execute_on_the_pass() -> None:
    """1.6."""
    world = world_of(3)
    world.until(61.0)
    world.crash("n0")
    world.until(151.0)
    assert world.taints("n0", "NoSchedule") == ["unreachable"]
    assert world.no_execute("n0") == [["unreachable"]]
    world.recover("n0")
    world.until(151.02)
    assert world.taints("n0", "NoSchedule") == []
    world.until(154.9)
    assert world.no_execute("n0") == [["unreachable"]]
    world.until(155.1)
    assert world.no_execute("n0") == [[]]


def test_the_controller_never_sets_pods_ready() -> None:
    """1.6: the kubelet does."""
    world = NodeWorld()
    world.join("n0", pods=1)
    world.join("n1")
    world.until(61.0)
    world.crash("n0")
    world.until(120.0)
    world.recover("n0")
    world.until(1000.0)
    assert not world.get("Pod", "n0-0").is_ready


def test_a_restart_gives_everyone_a_fresh_grace() -> None:
    """1.6: silent since 60, restarted at 100: Unknown at 150, not at 110."""
    world = world_of(3)
    world.until(61.0)
    world.crash("n0")
    world.until(90.0)
    world.lifecycle.stop()
    world.until(100.0)
    world.lifecycle.start()
    world.until(149.9)
    assert world.ready("n0") == "True"
    world.until(150.0)
    assert world.ready("n0") == "Unknown"


def test_nobody_is_judged_while_there_is_no_controller() -> None:
    """11: while no controller-manager leads there are no taints."""
    world = world_of(3)
    world.until(61.0)
    world.crash("n0")
    world.lifecycle.stop()
    world.change(world.get("Node", "n1"), unschedulable=True)
    world.post("n2", "False")
    world.until(1000.0)
    assert world.ready("n0") == "True"
    assert [world.get("Node", name).taints for name in ("n0", "n1", "n2")] == [(), (), ()]
    world.lifecycle.start()
    world.until(1000.5)
    assert world.taints("n1", "NoSchedule") == ["unschedulable"]
    assert world.taints("n2", "NoSchedule") == ["not-ready"]


def test_a_restart_removes_no_execute_taints_and_queues_again() -> None:
    """1.6: every node is "added", which removes the taints; unhealthy ones are queued at 0.1/s."""
    world = world_of(10)
    world.until(61.0)
    world.crash("n0", "n1")
    world.until(300.0)
    assert world.no_execute("n0", "n1") == [["unreachable"], ["unreachable"]]
    changes = world.changes("Node")
    world.lifecycle.stop()
    world.until(320.0)
    world.lifecycle.start()
    world.until(400.0)
    without = [c for c in changes if not any(t.effect == "NoExecute" for t in c.new.taints)]
    assert {change.new.meta.name for change in without} == {"n0", "n1"}
    times = sorted(taints[0][0] for taints in tainted_at(changes).values())
    assert times == [pytest.approx(320.0, abs=0.2), pytest.approx(330.0, abs=0.2)]


def test_a_restart_in_the_middle_of_marking_leaves_the_rest() -> None:
    """1.3, 1.6: only the True -> Unknown write marks pods; a new process does not see that one."""
    world = NodeWorld()
    world.join("n0", pods=5)
    world.join("n1")
    world.until(61.0)
    world.crash("n0")
    world.until(110.025)  # two pods are marked
    world.lifecycle.stop()
    world.until(111.0)
    world.lifecycle.start()
    world.until(400.0)
    assert [world.get("Pod", f"n0-{number}").is_ready for number in range(5)].count(False) == 2
