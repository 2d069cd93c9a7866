"""Behaviour 1.2 and 1.3: when a node is Unknown, and what happens to its pods then."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from simkube.cluster.nodes.leases import NAMESPACE, start_renewing
from simkube.cluster.store import Change
from simkube.kube.objects import Condition
from tests.cluster.node_world import NodeWorld


def times(changes: list[Change], name: str, status: str) -> list[float]:
    """When condition Ready of the node became `status`."""
    found = []
    for change in changes:
        if change.object.meta.name == name and change.new is not None and change.old is not None:
            before, after = change.old.condition("Ready"), change.new.condition("Ready")
            if after is not None and after.status == status and (before is None or before.status != status):
                found.append(after.since)
    return found


# -- 1.2 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "renewed", "crash", "unknown"),
    [
        # last renewal -> noticed on the next pass -> + grace; the crash is 40 to 55 s before
        ("v1.36.3", 3.0, 62.9, 55.0 + 50.0),  # renewed at 53, 9.9 s before the crash: soon seen
        ("v1.36.3", 3.0, 63.1, 65.0 + 50.0),  # renewed at 63
        ("v1.36.3", 0.1, 60.1, 65.0 + 50.0),  # renewed just now, noticed 4.9 s later: as late as can be
        ("v1.36.3", 0.0, 64.0, 60.0 + 50.0),
        ("v1.32.0", 3.0, 63.1, 65.0 + 50.0),
        ("v1.31.14", 3.0, 63.1, 65.0 + 40.0),  # 40 s before 1.32
        ("v1.28.15", 3.0, 63.1, 65.0 + 40.0),
    ],
)
def test_unknown_a_grace_after_the_pass_that_noticed(
    version: str, renewed: float, crash: float, unknown: float
) -> None:
    """1.2: probeTimestamp is when the controller noticed; Unknown on the pass when the grace is over. Crash to Unknown
    is 40 to 55 s with 50 s grace, 30 to 45 s with 40 s."""
    world = NodeWorld(version)
    world.join("n1", renewed=renewed)
    world.join("other", pods=1)
    changes = world.changes("Node")
    world.until(crash)
    world.crash("n1")
    world.until(400.0)
    assert times(changes, "n1", "Unknown") == [pytest.approx(unknown)]
    assert 0 <= unknown - crash - (world.timings.node_monitor_grace_period - 10.4) <= 15.4
    assert world.ready("other") == "True"


def thousandths(least: int, most: int) -> st.SearchStrategy[float]:
    return st.integers(least, most).map(lambda number: number / 1000.0)


@settings(max_examples=60, deadline=None)
@given(
    phase=thousandths(0, 990),
    renewed=thousandths(0, 10_300),
    period=thousandths(10_000, 10_400),
    crash=thousandths(60_000, 200_000),
    back=thousandths(0, 120_000),
)
def test_unknown_as_a_controller_that_looks_every_five_seconds_finds(
    phase: float, renewed: float, period: float, crash: float, back: float
) -> None:
    """1.2: the pass that was computed is the one that 5 s ticks with a memory of the Lease would find."""
    world = NodeWorld(phase=phase)
    world.node("n1")
    world.join("other")
    start_renewing(world.hand, "n1", period, renewed)
    changes = world.changes("Node")
    world.until(crash)
    world.crash("n1")
    world.until(crash + back)
    start_renewing(world.hand, "n1", period)
    world.until(crash + back + 60.0)

    def last_renewal(now: float) -> float:
        if now >= crash + back + 1e-6:
            return crash + back + int((now - crash - back) / period + 1e-9) * period
        return renewed + int((min(now, crash) - renewed) / period + 1e-9) * period

    seen, probe, expected = -1.0, 0.0, []
    for tick in range(1000):
        now = 5.0 * phase + 5.0 * tick
        if now > crash + back + 60.0:
            break
        if now >= renewed and last_renewal(now + 1e-6) > seen:
            seen, probe = last_renewal(now + 1e-6), now
        if not expected and now >= probe + 50.0 - 1e-6:
            expected = [pytest.approx(now)]
    assert times(changes, "n1", "Unknown") == expected


def test_grace_is_strict_but_passes_are_more_than_a_period_apart() -> None:
    """1.2: now > probe + grace. 10 passes later more than 50 s have gone; a grace of 51 s needs one pass more."""
    world = NodeWorld(timings={"node-monitor-grace-period": "51s"})
    world.join("n1")
    world.join("other")
    world.until(64.0)
    world.crash("n1")
    world.until(114.9)
    assert world.ready("n1") == "True"
    world.until(115.0)
    assert world.ready("n1") == "Unknown"


def test_passes_have_a_phase() -> None:
    """1.2: passes every 5 s from some moment on: renewed at 60, noticed at 62, Unknown at 112."""
    world = NodeWorld(phase=0.4)
    world.join("n1")
    world.join("other")
    changes = world.changes("Node")
    world.until(64.0)
    world.crash("n1")
    world.until(200.0)
    assert times(changes, "n1", "Unknown") == [pytest.approx(112.0)]


def test_a_status_update_is_a_heartbeat_too() -> None:
    """1.2: lastHeartbeatTime of Ready counts like a renewal: posted at 97, noticed at 100."""
    world = NodeWorld()
    world.join("n1")
    world.join("other")
    world.until(64.0)
    world.crash("n1")
    world.until(97.0)
    world.post("n1", MemoryPressure="True")
    world.until(149.9)
    assert world.ready("n1") == "True"
    world.until(150.0)
    assert world.ready("n1") == "Unknown"


def test_a_change_of_the_spec_is_no_heartbeat() -> None:
    """1.2: a cordon says nothing about the kubelet."""
    world = NodeWorld()
    node = world.join("n1")
    world.join("other")
    world.until(64.0)
    world.crash("n1")
    world.until(100.0)
    world.change(node, unschedulable=True)
    world.until(110.0)
    assert world.ready("n1") == "Unknown"


def test_back_within_the_grace_is_unseen() -> None:
    """1.2, 8.3: a reboot shorter than the grace changes nothing in the API."""
    world = NodeWorld()
    world.join("n1", pods=2)
    world.until(64.0)
    world.crash("n1")
    changes, pods = world.changes("Node"), world.changes("Pod")
    world.until(104.0)
    world.beat("n1")
    world.until(1000.0)
    assert changes == []
    assert pods == []


def test_a_second_silence_has_its_own_grace() -> None:
    """1.2: down at 64, back at 100, down at 103: renewed at 100, noticed on the pass at 100, Unknown at 150."""
    world = NodeWorld()
    world.join("n1")
    world.join("other")
    changes = world.changes("Node")
    world.until(64.0)
    world.crash("n1")
    world.until(100.0)
    world.beat("n1")
    world.until(103.0)
    world.crash("n1")
    world.until(400.0)
    assert times(changes, "n1", "Unknown") == [pytest.approx(150.0)]


def test_a_new_node_has_the_startup_grace_from_its_creation() -> None:
    """1.2: 60 s from creation if no Ready was ever posted; conditions are made then."""
    world = NodeWorld()
    world.join("other")
    world.until(12.0)
    node = world.node("n1")
    world.change(node, status=replace(node.status, conditions=()))
    world.until(20.0)
    # the test's own removal of Ready came before any pass saw the node
    world.until(74.9)
    assert world.get("Node", "n1").status.conditions == ()
    world.until(75.0)  # 12 + 60 = 72: the pass after it
    found = {c.type: (c.status, c.reason) for c in world.get("Node", "n1").status.conditions}
    assert found == dict.fromkeys(
        ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure"), ("Unknown", "NodeStatusNeverUpdated")
    )
    assert world.events_of("NodeNotReady") == []


def test_a_new_node_that_renews_its_lease_is_left_alone() -> None:
    """1.2 (NLC): if the kubelet never posts a status but renews its Lease, no action is taken."""
    world = NodeWorld()
    world.join("other")
    node = world.node("n1")
    world.change(node, status=replace(node.status, conditions=()))
    world.beat("n1")
    world.until(1000.0)
    assert world.get("Node", "n1").status.conditions == ()


def test_not_ready_is_never_invented_and_becomes_unknown_when_silent() -> None:
    """1.2: False only if a kubelet posts it; False -> Unknown when the grace is over."""
    world = NodeWorld()
    world.join("n1", pods=1)
    world.join("other")
    changes = world.changes("Node")
    world.until(63.0)
    world.post("n1", "False")
    world.crash("n1")
    world.until(300.0)
    assert times(changes, "n1", "Unknown") == [pytest.approx(115.0)]  # posted at 63, noticed at 65


def test_a_node_without_a_lease_lives_by_its_status() -> None:
    """1.2: every status update is noticed on the next pass; without them it is Unknown a grace later."""
    world = NodeWorld()
    world.node("n1")
    world.join("other")
    for time in (40.0, 80.0, 120.0):
        world.until(time)
        world.post("n1")
    world.until(169.9)
    assert world.ready("n1") == "True"
    world.until(170.0)
    assert world.ready("n1") == "Unknown"


def test_a_deleted_lease_counts_until_its_last_renewal() -> None:
    world = NodeWorld()
    world.join("n1")
    world.join("other")
    world.until(62.0)
    world.hand.delete("Lease", "n1", NAMESPACE)
    world.until(109.9)
    assert world.ready("n1") == "True"
    world.until(110.0)
    assert world.ready("n1") == "Unknown"


def test_conditions_and_events_of_a_silent_node() -> None:
    """1.2: reason and time; event NodeNotReady once; lastTransitionTime is the write's."""
    world = NodeWorld()
    world.join("n1")
    world.join("other")
    world.until(61.0)
    world.crash("n1")
    world.until(300.0)
    ready = world.get("Node", "n1").condition("Ready")
    assert ready == Condition(
        "Ready", "Unknown", 110.0, "NodeStatusUnknown", "Kubelet stopped posting node status."
    )
    assert world.events_of("NodeNotReady") == [("n1", "Node n1 status is now: NodeNotReady")]


def test_events_of_coming_and_going() -> None:
    """1.2: RegisteredNode and RemovingNode on the next pass."""
    world = NodeWorld()
    world.join("n1")
    world.until(3.0)
    assert world.events_of("RegisteredNode") == [("n1", "Node n1 event: Registered Node n1 in Controller")]
    world.until(21.0)
    world.hand.delete("Node", "n1")
    world.until(24.9)
    assert world.events_of("RemovingNode") == []
    world.until(25.0)
    assert world.events_of("RemovingNode") == [("n1", "Node n1 event: Removing Node n1 from Controller")]


# -- 1.3 -------------------------------------------------------------------------------------------------------


def test_pods_are_marked_when_the_controller_writes_unknown() -> None:
    """1.3: Ready=False with a new time on every pod that has the condition, DaemonSet, finished or not; reason,
    message, ContainersReady and phase stay; event NodeNotReady on the pod."""
    world = NodeWorld()
    world.join("n1", pods=1)
    world.join("other", pods=1)
    daemon = world.pod(
        "daemon", node="n1", phase="Running", ready=True, owner=world.workload("DaemonSet", "ds")
    )
    world.pod("pending", node="n1")  # no condition Ready yet
    world.pod("unready", node="n1", phase="Running", ready=False)
    done = world.pod("done", node="n1", phase="Running", ready=True)
    status = replace(world.now(done).status, phase="Succeeded", containers_ready=True)
    world.change(
        done, status=replace(status, ready=replace(status.ready, reason="PodCompleted", message="m"))
    )
    world.until(61.0)
    world.crash("n1")
    world.until(109.9)
    assert world.now(daemon).is_ready
    world.until(112.0)
    marked = {name: world.get("Pod", name).status.ready for name in ("n1-0", "daemon", "done")}
    for ready in marked.values():
        assert ready.status == "False"
        assert 110.0 <= ready.since < 110.2
    assert (marked["done"].reason, marked["done"].message) == ("PodCompleted", "m")
    assert world.now(done).status.phase == "Succeeded"
    assert world.now(done).status.containers_ready
    assert world.get("Pod", "n1-0").status.phase == "Running"
    assert world.get("Pod", "pending").status.ready is None
    assert world.get("Pod", "unready").status.ready.since == 0.0
    assert world.get("Pod", "other-0").is_ready
    events = [event for event in world.events_of("NodeNotReady") if event[0] != "n1"]
    assert sorted(events) == [(name, "Node is not ready") for name in ("daemon", "done", "n1-0")]


def test_pods_stay_ready_when_the_kubelet_posts_not_ready() -> None:
    """1.3: a kubelet's own False marks nobody, nor does False -> Unknown afterwards."""
    world = NodeWorld()
    world.join("n1", pods=1)
    world.join("other")
    world.until(61.0)
    world.post("n1", "False")
    world.until(80.0)
    assert world.get("Pod", "n1-0").is_ready
    world.crash("n1")
    world.until(250.0)
    assert world.ready("n1") == "Unknown"
    assert world.get("Pod", "n1-0").is_ready


def test_a_pod_bound_to_a_node_that_is_down_is_marked() -> None:
    """1.3: newly bound, recorded Ready not True. While the record says True, it is not."""
    world = NodeWorld()
    world.join("n1")
    world.join("other")
    world.until(61.0)
    world.crash("n1")
    world.until(100.0)
    early = world.pod("early", node="n1", phase="Running", ready=True)
    world.until(101.0)
    assert world.now(early).is_ready
    world.until(120.0)
    assert not world.now(early).is_ready  # marked with the others at 110
    late = world.pod("late", node="n1", phase="Running", ready=True)
    well = world.pod("well", node="other", phase="Running", ready=True)
    world.until(121.0)
    assert not world.now(late).is_ready
    assert world.now(well).is_ready
    assert ("late", "Node is not ready") in world.events_of("NodeNotReady")


def test_marking_that_failed_is_tried_again_on_the_next_pass() -> None:
    """1.3: errors are remembered and retried (nodesToRetry): the API is away from 110.015 to 112."""
    world = NodeWorld()
    world.join("n1", pods=3)
    world.join("other")
    world.until(61.0)
    world.crash("n1")
    world.until(110.015)  # Unknown at 110.00, one pod at 110.01, the next at 110.02
    world.api.available = False
    world.until(112.0)
    world.api.available = True
    ready = [world.get("Pod", f"n1-{number}").is_ready for number in range(3)]
    assert ready.count(False) == 1
    world.until(114.9)
    assert [world.get("Pod", f"n1-{number}").is_ready for number in range(3)] == ready
    world.until(115.5)
    assert not any(world.get("Pod", f"n1-{number}").is_ready for number in range(3))


def test_a_retry_ends_when_the_node_is_well() -> None:
    """1.3 (NLC): a retry needs a node that is not Ready."""
    world = NodeWorld()
    world.join("n1", pods=3)
    world.join("other")
    world.until(61.0)
    world.crash("n1")
    world.until(110.015)
    world.api.available = False
    world.until(112.0)
    world.api.available = True
    world.recover("n1")
    world.until(130.0)
    assert [world.get("Pod", f"n1-{number}").is_ready for number in range(3)].count(False) == 1


def test_unknown_that_cannot_be_written_is_tried_on_later_passes() -> None:
    """1.2: the node is skipped while the API is away; no pods are marked meanwhile."""
    world = NodeWorld()
    world.join("n1", pods=1)
    world.join("other")
    world.until(61.0)
    world.crash("n1")
    world.until(108.0)
    world.api.available = False
    world.until(123.0)
    assert world.ready("n1") == "True"
    world.api.available = True
    world.until(124.9)
    assert world.ready("n1") == "True"
    world.until(125.1)  # three passes in vain took some milliseconds each
    assert world.ready("n1") == "Unknown"
    world.until(126.0)
    assert not world.get("Pod", "n1-0").is_ready


def test_a_write_that_failed_is_tried_again_at_once() -> None:
    """1.2: 5 tries, 20 ms apart, after a live GET of the node: the API is away for 5 ms when Unknown is due."""
    world = NodeWorld()
    world.join("n1", pods=1)
    world.join("other")
    world.until(61.0)
    world.crash("n1")
    world.until(109.999)
    world.api.available = False
    world.until(110.005)
    world.api.available = True
    world.until(110.02)
    assert world.ready("n1") == "True"
    world.until(110.1)
    assert world.ready("n1") == "Unknown"
    assert not world.get("Pod", "n1-0").is_ready


def test_marking_takes_the_time_of_the_clients_rate() -> None:
    """1.3: serial, at --kube-api-qps 20, burst 30: a write of the node and 100 of its pods: (101 - 30) / 20 = 3.55 s.
    The next passes count from the end of that one."""
    world = NodeWorld(qps=20.0)
    world.join("n1", pods=100)
    world.join("other", pods=1)
    world.until(61.0)
    world.crash("n1")
    world.until(112.0)
    marked = sum(not world.get("Pod", f"n1-{number}").is_ready for number in range(100))
    assert 64 <= marked <= 71  # 30 at once, 40 in two seconds; one for the node's taints
    world.until(114.5)
    assert not any(world.get("Pod", f"n1-{number}").is_ready for number in range(100))
    world.until(116.0)
    world.hand.delete("Node", "n1")
    world.until(117.0)
    assert world.events_of("RemovingNode") == []
    world.until(119.0)
    assert len(world.events_of("RemovingNode")) == 1
