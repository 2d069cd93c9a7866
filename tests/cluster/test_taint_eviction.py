"""Behaviour 2: taint-based eviction."""

from typing import Any

import pytest

from simkube.cluster.admission.admission_tolerations import DefaultTolerationSeconds
from simkube.cluster.nodes.node_lifecycle import NodeLifecycle
from simkube.cluster.nodes.taint_eviction import TaintEviction
from simkube.kube.objects import Condition, Node, Pod, Taint
from tests.cluster.harness import World
from tests.cluster.node_world import NodeWorld

NOT_READY = Taint("node.kubernetes.io/not-ready", "NoExecute")
UNREACHABLE = Taint("node.kubernetes.io/unreachable", "NoExecute")
OUT_OF_SERVICE = Taint("node.kubernetes.io/out-of-service", "NoExecute", "nodeshutdown")
GPU = Taint("gpu", "NoExecute", "yes")


class EvictionWorld(World):
    """One node, n1, whose taints the test sets; pods get the default tolerations."""

    def __init__(self, version: str = "v1.36.3") -> None:
        super().__init__(version)
        self.api.admission["Pod"] = [DefaultTolerationSeconds(self.timings)]
        self.controller = TaintEviction(self.clock, self.client("taint-eviction-controller"), self.timings)
        self.node("n1")

    def taint(self, *taints: Taint) -> None:
        node: Node = self.get("Node", "n1")
        self.change(node, taints=taints)

    def running(self, name: str, tolerations: list[dict[str, Any]] | None = None) -> Pod:
        template = self.template(tolerations=tolerations or [])
        return self.pod(name, template, node="n1", phase="Running", ready=True)

    def deleted_at(self, name: str) -> float | None:
        """When the pod was deleted; it has the default grace of 30 s."""
        pod: Pod | None = self.get("Pod", name)
        assert pod is not None
        return None if pod.meta.deletion_timestamp is None else pod.meta.deletion_timestamp - 30.0

    def messages(self) -> list[str]:
        return [message for _, reason, message in self.events if reason == "TaintManagerEviction"]


# -- when ------------------------------------------------------------------------------------------------------


def test_default_tolerations_hold_for_five_minutes_from_processing() -> None:
    """2.3: the timer starts when the taint is processed, not at its timeAdded."""
    world = EvictionWorld()
    world.running("p")
    world.run(1000.0)
    world.taint(Taint(UNREACHABLE.key, "NoExecute", time_added=5.0))
    world.run(299.9)
    assert world.deleted_at("p") is None
    world.run(0.3)
    assert world.deleted_at("p") == pytest.approx(1300.0, abs=0.1)


def test_user_taints_act_at_once_and_on_all() -> None:
    """2.1: no toleration matches: delete now; no rate limit; whatever owns the pod, in any phase."""
    world = EvictionWorld()
    world.running("p")
    daemon = world.pod("d", node="n1", phase="Running", ready=True, owner=world.workload("DaemonSet", "ds"))
    world.pod("done", node="n1", phase="Succeeded")
    world.pod("elsewhere", node="n2", phase="Running")
    world.pod("pending")
    world.taint(GPU)
    world.run(1.0)
    assert world.deleted_at("p") == pytest.approx(0.0, abs=0.1)
    assert world.now(daemon).is_terminating
    assert world.get("Pod", "done") is None  # finished pods go at once: no grace (section 3)
    assert not world.get("Pod", "elsewhere").is_terminating
    assert not world.get("Pod", "pending").is_terminating


def test_no_schedule_taints_evict_nobody() -> None:
    world = EvictionWorld()
    world.running("p")
    world.taint(Taint("gpu", "NoSchedule"), Taint("a", "PreferNoSchedule"))
    world.run(1000.0)
    assert world.deleted_at("p") is None


def test_shortest_and_forever() -> None:
    """2.2: the minimum of those that set seconds; none: forever; the first match counts."""
    world = EvictionWorld()
    gpu: dict[str, Any] = {"key": "gpu", "operator": "Exists", "effect": "NoExecute"}
    world.running("forever", [gpu])
    world.running("minute", [{**gpu, "tolerationSeconds": 60}])
    world.running("first", [{**gpu, "tolerationSeconds": 10}, gpu])
    world.running("zero", [{**gpu, "tolerationSeconds": 0}])
    world.running("both", [gpu, {**gpu, "key": "b", "tolerationSeconds": 20}])
    world.taint(GPU, Taint("b", "NoExecute"))
    world.run(1.0)
    deleted = {
        name for name in ("forever", "minute", "first", "zero", "both") if world.deleted_at(name) is not None
    }
    assert deleted == {"forever", "minute", "first", "zero"}  # only "both" tolerates b
    world.run(30.0)
    assert world.deleted_at("both") == pytest.approx(20.0, abs=0.1)
    world = EvictionWorld()
    for name, tolerations in {
        "forever": [gpu],
        "minute": [{**gpu, "tolerationSeconds": 60}],
        "first": [{**gpu, "tolerationSeconds": 10}, gpu],
    }.items():
        world.running(name, tolerations)
    world.taint(GPU)
    world.run(1000.0)
    assert world.deleted_at("forever") is None
    assert world.deleted_at("minute") == pytest.approx(60.0, abs=0.1)
    assert world.deleted_at("first") == pytest.approx(10.0, abs=0.1)


# -- what changes a timer --------------------------------------------------------------------------------------


def test_a_swap_of_taints_does_not_restart_the_timer() -> None:
    """2: not-ready -> unreachable leaves the existing timer unchanged."""
    world = EvictionWorld()
    world.running("p")
    world.taint(NOT_READY)
    world.run(200.0)
    world.taint(NOT_READY, UNREACHABLE)
    world.run(1.0)
    world.taint(UNREACHABLE)
    world.run(100.0)
    assert world.deleted_at("p") == pytest.approx(300.0, abs=0.1)
    assert world.messages() == ["Marking for deletion Pod default/p"]


@pytest.mark.parametrize("seconds", [10, 900])
def test_a_finite_timer_is_neither_shortened_nor_extended(seconds: int) -> None:
    """2: a re-evaluation with a finite minimum leaves it unchanged."""
    world = EvictionWorld()
    world.running("p", [{"key": "gpu", "operator": "Exists", "tolerationSeconds": seconds}])
    world.taint(UNREACHABLE)
    world.run(100.0)
    world.taint(UNREACHABLE, GPU)
    world.run(500.0)
    assert world.deleted_at("p") == pytest.approx(300.0, abs=0.1)


def test_lower_toleration_seconds_later_have_no_effect() -> None:
    """2: nor has a pod whose tolerations change; "forever" cancels."""
    world = EvictionWorld()
    pod = world.running("p")
    other = world.running("q")
    world.taint(UNREACHABLE)
    world.run(100.0)
    key = {"key": UNREACHABLE.key, "operator": "Exists"}
    world.change(pod, template=world.template(tolerations=[{**key, "tolerationSeconds": 1}]))
    world.change(other, template=world.template(tolerations=[key]))
    world.run(1000.0)
    assert world.deleted_at("p") == pytest.approx(300.0, abs=0.1)
    assert world.deleted_at("q") is None
    assert "Cancelling deletion of Pod default/q" in world.messages()


def test_an_untolerated_taint_replaces_the_timer() -> None:
    """2: "delete now" cancels a pending timer, with its event, and deletes."""
    world = EvictionWorld()
    world.running("p")
    world.taint(UNREACHABLE)
    world.run(100.0)
    world.taint(UNREACHABLE, GPU)
    world.run(1.0)
    assert world.deleted_at("p") == pytest.approx(100.0, abs=0.1)
    assert world.messages() == ["Cancelling deletion of Pod default/p", "Marking for deletion Pod default/p"]
    world.run(1000.0)
    assert len(world.messages()) == 2


def test_taints_gone_cancel_all_timers() -> None:
    """2: with event; and the next taint starts in full."""
    world = EvictionWorld()
    world.running("p")
    world.taint(NOT_READY)
    world.run(299.0)
    world.taint()
    world.run(500.0)
    assert world.deleted_at("p") is None
    assert world.messages() == ["Cancelling deletion of Pod default/p"]
    now = world.clock.now
    world.taint(NOT_READY)
    world.run(301.0)
    assert world.deleted_at("p") == pytest.approx(now + 300.0, abs=0.1)


def test_a_deleted_pod_cancels_its_timer() -> None:
    """2: pod object gone: cancelled; a new pod of that name has its own time."""
    world = EvictionWorld()
    world.running("p")
    world.taint(UNREACHABLE)
    world.run(200.0)
    world.hand.delete("Pod", "p", "default", grace=0)
    world.run(1.0)
    assert world.messages() == ["Cancelling deletion of Pod default/p"]
    world.running("p")
    world.run(298.0)
    assert world.deleted_at("p") is None
    world.run(3.0)
    assert world.deleted_at("p") == pytest.approx(501.0, abs=0.1)


def test_a_deleted_node_does_not_cancel() -> None:
    """2: node object deleted: taints are forgotten, timers fire."""
    world = EvictionWorld()
    world.running("p")
    world.taint(UNREACHABLE)
    world.run(200.0)
    world.hand.delete("Node", "n1")
    late = world.running("late")
    world.run(150.0)
    assert world.deleted_at("p") == pytest.approx(300.0, abs=0.1)
    world.run(1000.0)
    assert not world.now(late).is_terminating


def test_a_pod_that_comes_to_a_tainted_node() -> None:
    """2: a newly bound pod is judged by the node's taints."""
    world = EvictionWorld()
    world.taint(UNREACHABLE)
    world.run(50.0)
    pod = world.pod("p")
    world.run(10.0)
    world.set_pod(pod, node="n1")
    world.run(301.0)
    assert world.deleted_at("p") == pytest.approx(360.0, abs=0.1)


def test_a_restart_starts_tolerations_in_full() -> None:
    """2: kcm restart: finite timers restart from the new process's start."""
    world = EvictionWorld()
    world.running("p")
    world.taint(UNREACHABLE)
    world.run(200.0)
    world.controller.stop()
    world.run(200.0)
    assert world.deleted_at("p") is None
    world.controller.start()
    world.run(301.0)
    assert world.deleted_at("p") == pytest.approx(700.0, abs=0.1)


# -- the deletion ----------------------------------------------------------------------------------------------


def test_condition_then_plain_delete() -> None:
    """2: DisruptionTarget first, then DELETE with the pod's own grace; budgets are not asked."""
    world = EvictionWorld()
    template = world.template(terminationGracePeriodSeconds=7)
    world.pod("p", template, node="n1", phase="Running", ready=True)
    world.budget("all", maxUnavailable=0)
    changes = world.changes("Pod")
    world.taint(GPU)
    world.run(1.0)
    first, second = changes
    condition: Condition = first.new.status.disrupted
    assert (condition.type, condition.status, condition.reason, condition.message) == (
        "DisruptionTarget",
        "True",
        "DeletionByTaintManager",
        "Taint manager: deleting due to NoExecute taint",
    )
    assert not first.new.is_terminating
    assert second.new.is_terminating
    assert second.new.meta.deletion_grace_period_seconds == 7
    assert world.messages() == ["Marking for deletion Pod default/p"]


def test_five_tries_then_given_up() -> None:
    """2: 5 tries, 10 ms apart, no requeue: an outage of 30 ms is outlived, one of 10 s is not."""
    for outage, deleted in ((0.03, True), (10.0, False)):
        world = EvictionWorld()
        world.running("p")
        world.taint(UNREACHABLE)
        world.run(299.995)
        world.api.available = False
        world.run(outage + 0.03)
        world.api.available = True
        world.run(1000.0)
        assert (world.deleted_at("p") is not None) is deleted


def test_out_of_service_acts_at_once() -> None:
    """2, 3: pods do not tolerate it: all are deleted immediately, also those that wait for their 300 s."""
    world = EvictionWorld()
    world.running("p")
    world.taint(UNREACHABLE)
    world.run(50.0)
    world.taint(UNREACHABLE, OUT_OF_SERVICE)
    world.run(1.0)
    assert world.deleted_at("p") == pytest.approx(50.0, abs=0.1)


def test_static_pods_tolerate_everything() -> None:
    """2: the kubelet gives static pods an Exists/NoExecute toleration."""
    world = EvictionWorld()
    world.running("mirror", [{"operator": "Exists", "effect": "NoExecute"}])
    world.taint(UNREACHABLE, GPU, OUT_OF_SERVICE)
    world.run(1000.0)
    assert world.deleted_at("mirror") is None


@pytest.mark.parametrize("grace", [10, 300])
def test_a_pod_that_is_terminating_already_is_not_hurried(grace: int) -> None:
    """2, 3: a DELETE with default options does nothing to a pod that is being deleted [rest/delete.go]."""
    world = EvictionWorld()
    pod = world.running("p")
    world.hand.delete("Pod", "p", "default", grace=grace)
    world.taint(GPU)
    world.run(1.0)
    assert world.now(pod).meta.deletion_timestamp == grace
    assert world.now(pod).meta.deletion_grace_period_seconds == grace


# -- with the node lifecycle controller ------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1.28.15", "v1.34.4", "v1.37.2"])
def test_crash_to_delete(version: str) -> None:
    """2, 12.1: 40 to 55 s (30 to 45 before 1.32) + queue + 300 s; the k-th node of a zone 10 (k - 1) s later."""
    world = NodeWorld(version)
    for number in range(6):
        world.join(f"n{number}", pods=2)
    world.until(61.0)
    world.crash("n0", "n1")
    world.until(600.0)
    grace = world.timings.node_monitor_grace_period
    unknown = (
        60.0 + grace + (5.0 if version < "v1.34" else 0.0)
    )  # up to 1.33 one more pass until it is queued
    deleted = sorted(
        (pod.meta.deletion_timestamp or 0.0) - 30.0 for pod in world.pods() if pod.is_terminating
    )
    expected = [unknown + 300.0] * 2 + [unknown + 310.0] * 2
    assert deleted == [pytest.approx(time, abs=0.4) for time in expected]


def test_back_within_five_minutes_nothing_moves() -> None:
    """1.6, 2: taints go on the pass after Ready, timers are cancelled."""
    world = NodeWorld()
    for number in range(3):
        world.join(f"n{number}", pods=2)
    world.until(61.0)
    world.crash("n0")
    world.until(405.0)  # the pods would be deleted at 410
    world.recover("n0")
    world.until(3000.0)
    assert not any(pod.is_terminating for pod in world.pods())


def test_both_controllers_restart() -> None:
    """1.6: all toleration countdowns restart: down since 60, restarted at 300, deleted about 600."""
    world = NodeWorld()
    for number in range(3):
        world.join(f"n{number}", pods=1)
    world.until(61.0)
    world.crash("n0")
    world.until(300.0)
    for controller in (world.lifecycle, world.eviction):
        assert isinstance(controller, NodeLifecycle | TaintEviction)
        controller.stop()
        controller.start()
    world.until(599.0)
    assert not any(pod.is_terminating for pod in world.pods())
    world.until(601.0)
    assert [pod.meta.name for pod in world.pods() if pod.is_terminating] == ["n0-0"]


def test_the_same_chance_the_same_history() -> None:
    """Same seed, same trace."""

    def history() -> list[tuple[float, str, tuple[Taint, ...]]]:
        world = NodeWorld(qps=20.0)
        for number in range(30):
            world.join(f"n{number}", zone="abc"[number % 3], pods=3)
        changes = world.changes("Node")
        world.until(61.0)
        world.crash(*(f"n{number}" for number in range(12)))
        world.until(1000.0)
        return [(change.revision, change.new.meta.name, change.new.taints) for change in changes]

    assert history() == history()
