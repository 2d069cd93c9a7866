"""PodGC: behaviour, section 3. The controller starts at 0, so its passes fall on 0, 20, 40 ... seconds."""

from msgspec.structs import replace

from simkube.cluster.collection.podgc import PodGarbageCollector
from simkube.kube.objects import Taint
from tests.cluster.harness import World

TAINT = Taint("node.kubernetes.io/out-of-service", "NoExecute", "nodeshutdown")


def world(**timings: str | float) -> World:
    w = World(timings={name.replace("_", "-"): value for name, value in timings.items()})
    PodGarbageCollector(w.clock, w.client("pod-garbage-collector"), w.timings)
    w.node("n1")
    return w


def gone_at(w: World, name: str, limit: float) -> float | None:
    """When the pod's object vanishes, to a tenth of a second."""
    end = w.clock.now + limit
    while w.clock.now < end:
        if w.get("Pod", name) is None:
            return round(w.clock.now, 1)
        w.run(0.1)
    return None


def test_3_orphaned_pods_go_two_passes_after_the_one_that_finds_them() -> None:
    w = world()
    w.pod("a", node="n1", phase="Running", ready=True)
    w.run(5)
    w.hand.delete("Node", "n1")
    seen = w.changes("Pod")
    # found by the pass at 20 s, quarantined 40 s, taken by the pass at 60 s: 55 s after the deletion
    assert gone_at(w, "a", 200) == 60.1
    failed = seen[0].new.status
    assert failed.phase == "Failed"
    assert (failed.disrupted.status, failed.disrupted.reason) == ("True", "DeletionByPodGC")
    assert failed.disrupted.message == "PodGC: node no longer exists"


def test_3_the_delay_after_a_nodes_deletion_stays_within_40_to_80_s() -> None:
    for moment in (0.5, 7.0, 19.5, 20.5):
        w = world()
        w.pod("a", node="n1", phase="Running", ready=True)
        w.run(moment)
        w.hand.delete("Node", "n1")
        at = gone_at(w, "a", 200)
        assert at is not None
        assert 40 <= at - moment <= 80


def test_3_a_node_that_is_back_within_the_quarantine_keeps_its_pods() -> None:
    w = world()
    w.pod("a", node="n1", phase="Running", ready=True)
    w.run(5)
    w.hand.delete("Node", "n1")
    w.run(50)  # until 55 s; the quarantine ends at 60 s
    w.node("n1")
    assert gone_at(w, "a", 300) is None


def test_3_a_live_get_confirms_and_without_an_answer_the_quarantine_begins_again() -> None:
    w = world()
    w.pod("a", node="n1", phase="Running", ready=True)
    w.run(5)
    w.hand.delete("Node", "n1")
    w.run(50)  # 55 s
    w.api.available = False
    w.run(10)  # the pass at 60 s gets no answer
    w.api.available = True
    # found anew at 80 s, taken at 120 s
    assert gone_at(w, "a", 200) == 120.1


def test_3_terminating_pods_on_an_out_of_service_node_go_at_the_next_pass() -> None:
    w = world()
    w.pod("a", node="n1", phase="Running", ready=True)
    w.pod("b", node="n1", phase="Running", ready=True)
    w.hand.delete("Pod", "a", "default")
    w.run(25)
    node = w.get("Node", "n1")
    w.change(node, taints=(TAINT,))
    w.run(20)
    assert w.get("Pod", "a") is not None  # the node is Ready
    ready = replace(node.status.conditions[0], status="Unknown")
    w.change(node, status=replace(node.status, conditions=(ready,)))
    assert gone_at(w, "a", 200) == 60.1
    assert w.get("Pod", "b") is not None  # not terminating


def test_3_a_pod_deleted_later_on_an_out_of_service_node_too() -> None:
    w = world()
    w.pod("a", node="n1", phase="Running", ready=True)
    node = w.get("Node", "n1")
    ready = replace(node.status.conditions[0], status="Unknown")
    w.change(node, taints=(TAINT,), status=replace(node.status, conditions=(ready,)))
    w.run(101)
    w.hand.delete("Pod", "a", "default")
    assert gone_at(w, "a", 200) == 120.1


def test_3_unscheduled_terminating_pods_go_at_the_next_pass() -> None:
    w = world()
    pod = w.pod("a")
    w.change_meta(pod, finalizers=("example.com/hold",))
    w.run(3)
    w.hand.delete("Pod", "a", "default")
    w.run(30)
    assert w.get("Pod", "a").status.phase == "Failed"  # the finalizer still holds the object
    w.change_meta(pod, finalizers=())
    assert w.get("Pod", "a") is None


def test_3_finished_pods_above_the_threshold_go_evicted_ones_first_then_the_oldest() -> None:
    w = world(terminated_pod_gc_threshold=2)
    for name in ("a", "b", "c", "d"):
        w.pod(name, node="n1", phase="Failed")
        w.run(1)
    c = w.get("Pod", "c")
    w.change(c, status=replace(c.status, reason="Evicted"))
    w.run(20)
    assert [pod.meta.name for pod in w.pods()] == ["b", "d"]


def test_3_a_threshold_of_zero_keeps_all() -> None:
    w = world(terminated_pod_gc_threshold=0)
    for number in range(5):
        w.pod(f"p{number}", node="n1", phase="Failed")
    w.run(100)
    assert len(w.pods()) == 5


def test_nothing_to_collect_costs_nothing() -> None:
    w = world()
    w.pod("a", node="n1", phase="Running", ready=True)
    w.pod("b", node="n1", phase="Failed")
    w.run(100)
    assert w.clock.next_due == float("inf")


def test_passes_end_when_all_is_collected() -> None:
    w = world()
    w.pod("a", node="n1", phase="Running", ready=True)
    w.hand.delete("Node", "n1")
    w.run(200)
    assert w.pods() == []
    assert w.clock.next_due == float("inf")


def test_a_restart_begins_the_quarantine_anew_on_a_new_grid() -> None:
    w = World()
    controller = PodGarbageCollector(w.clock, w.client("pod-garbage-collector"), w.timings)
    w.node("n1")
    w.pod("a", node="n1", phase="Running", ready=True)
    w.hand.delete("Node", "n1")
    w.run(35)
    controller.stop()
    w.run(3)
    controller.start()  # passes at 38, 58, 78
    assert gone_at(w, "a", 200) == 78.1
