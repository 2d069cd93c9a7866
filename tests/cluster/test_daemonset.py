"""DaemonSet: behaviour 4.4."""

from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from simkube.cluster.workloads.daemon_fleet import max_surge, max_unavailable
from simkube.cluster.workloads.daemon_nodes import Fit, Todo, daemon_spec, fit, todo
from simkube.cluster.workloads.daemonset import DaemonSetController
from simkube.kube.objects import Node, Pod, Taint, Workload
from simkube.kube.pod import PodSpec
from simkube.kube.workloads import DaemonSetSpec
from tests.cluster.harness import World

UNSCHEDULABLE = Taint("node.kubernetes.io/unschedulable", "NoSchedule")
UNREACHABLE = (
    Taint("node.kubernetes.io/unreachable", "NoSchedule"),
    Taint("node.kubernetes.io/unreachable", "NoExecute"),
)


def world(nodes: int = 3, version: str = "v1.36.3") -> World:
    w = World(version)
    for number in range(nodes):
        w.node(f"n{number}")
    DaemonSetController(w.clock, w.client("daemon-set-controller"), w.timings)
    return w


def bind(w: World) -> None:
    """The scheduler and the kubelets do their part for every pod that has none."""
    for pod in w.pods():
        if not pod.is_terminating and pod.status.phase == "Pending":
            w.set_pod(pod, phase="Running", ready=True, node=pod.node or pod.pinned)
    w.run(1)


def agents(nodes: int = 3, version: str = "v1.36.3", **spec: Any) -> tuple[World, Workload]:
    """A DaemonSet that runs on all nodes."""
    w = world(nodes, version)
    owner = w.workload("DaemonSet", "agent", **spec)
    w.run(1)
    bind(w)
    return w, owner


def on(w: World, node: str) -> list[Pod]:
    return [pod for pod in w.pods() if (pod.node or pod.pinned) == node]


def status(w: World) -> Any:
    return w.get("DaemonSet", "agent").status


def new_template(w: World, owner: Workload, image: str = "agent:2") -> None:
    current = w.now(owner)
    template = w.template("agent", containers=[{"name": "main", "image": image}])
    meta = replace(current.meta, generation=current.meta.generation + 1)
    w.hand.update(replace(current, template=template, meta=meta))
    w.run(1)


def terminating(w: World) -> list[str]:
    return sorted(pod.node for pod in w.pods() if pod.is_terminating)


def updated(w: World) -> list[str]:
    return sorted(pod.node for pod in w.pods() if pod.template.spec.containers[0].image == "agent:2")


# -- where --------------------------------------------------------------------------------------------------------


def test_4_4_a_pod_for_each_node_pinned_by_affinity_and_left_to_the_scheduler() -> None:
    w = world(3)
    w.workload("DaemonSet", "agent")
    w.run(1)
    assert sorted(pod.pinned for pod in w.pods()) == ["n0", "n1", "n2"]
    assert all(pod.node == "" for pod in w.pods())
    assert all(pod.template is w.pods()[0].template for pod in w.pods())


def test_4_4_tolerations_added_to_each_pod() -> None:
    spec = daemon_spec(PodSpec())
    assert {(t.key, t.effect, t.operator, t.toleration_seconds) for t in spec.tolerations} == {
        ("node.kubernetes.io/not-ready", "NoExecute", "Exists", None),
        ("node.kubernetes.io/unreachable", "NoExecute", "Exists", None),
        ("node.kubernetes.io/disk-pressure", "NoSchedule", "Exists", None),
        ("node.kubernetes.io/memory-pressure", "NoSchedule", "Exists", None),
        ("node.kubernetes.io/pid-pressure", "NoSchedule", "Exists", None),
        ("node.kubernetes.io/unschedulable", "NoSchedule", "Exists", None),
    }
    host = daemon_spec(PodSpec(host_network=True))
    assert "node.kubernetes.io/network-unavailable" in {t.key for t in host.tolerations}


def test_4_4_a_toleration_of_its_own_with_seconds_is_made_endless() -> None:
    own = {
        "key": "node.kubernetes.io/unreachable",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 5,
    }
    spec = daemon_spec(PodSpec.model_validate({"tolerations": [own]}))
    kept = [t for t in spec.tolerations if t.key == "node.kubernetes.io/unreachable"]
    assert [t.toleration_seconds for t in kept] == [None]


@pytest.mark.parametrize(
    ("spec", "taints", "expected"),
    [
        ({}, (), (True, True)),
        ({"nodeSelector": {"disk": "ssd"}}, (), (True, True)),
        ({"nodeSelector": {"disk": "hdd"}}, (), (False, False)),
        ({"nodeName": "other"}, (), (False, False)),
        ({}, (Taint("dedicated", "NoSchedule", "db"),), (False, True)),
        ({}, (Taint("dedicated", "NoExecute", "db"),), (False, False)),
        ({}, (Taint("dedicated", "PreferNoSchedule", "db"),), (True, True)),
        ({}, (UNSCHEDULABLE,), (True, True)),
        ({}, UNREACHABLE[1:], (True, True)),
        ({}, UNREACHABLE, (False, True)),  # only the NoExecute taint is tolerated
        ({"tolerations": [{"operator": "Exists"}]}, UNREACHABLE, (True, True)),
        ({"tolerations": [{"operator": "Exists"}]}, (Taint("dedicated", "NoExecute", "db"),), (True, True)),
    ],
)
def test_4_4_node_test(spec: dict[str, Any], taints: tuple[Taint, ...], expected: tuple[bool, bool]) -> None:
    node: Node = World().node("n", labels={"disk": "ssd"}, taints=taints, unschedulable=True)
    assert fit(node, daemon_spec(PodSpec.model_validate(spec))) == expected


def test_4_4_required_node_affinity_decides() -> None:
    term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    spec = daemon_spec(PodSpec.model_validate({"affinity": {"nodeAffinity": required}}))
    w = World()
    assert fit(w.node("a", labels={"disk": "ssd"}), spec).should_run
    assert not fit(w.node("b"), spec).should_continue


def test_4_4_cordoned_and_dead_nodes_keep_daemon_pods_and_cordoned_ones_get_them() -> None:
    # [daemonset_util.go AddOrUpdateDaemonPodTolerations]: unreachable:NoSchedule is not among the added tolerations,
    # so a dead node gets no new pod unless the template itself tolerates that.
    w, _ = agents()
    w.change(w.get("Node", "n0"), unschedulable=True, taints=(UNSCHEDULABLE,))
    w.change(w.get("Node", "n1"), taints=UNREACHABLE)
    w.run(600)
    assert terminating(w) == []
    for node in ("n0", "n1"):
        w.hand.delete("Pod", on(w, node)[0].meta.name, "default", grace=0)
    w.run(600)
    assert [len(on(w, node)) for node in ("n0", "n1", "n2")] == [1, 0, 1]


def test_4_4_a_node_that_no_longer_fits_the_selector_loses_its_pod() -> None:
    w = world(2)
    for name in ("n0", "n1"):
        node = w.get("Node", name)
        w.change_meta(node, labels={**node.meta.labels, "disk": "ssd"})
    w.workload("DaemonSet", "agent", w.template("agent", nodeSelector={"disk": "ssd"}))
    w.run(1)
    bind(w)
    w.change_meta(w.get("Node", "n1"), labels={})
    w.run(1)
    assert terminating(w) == ["n1"]


def test_4_4_an_untolerated_noschedule_taint_stops_new_pods_only() -> None:
    w, _ = agents()
    w.change(w.get("Node", "n1"), taints=(Taint("dedicated", "NoSchedule"),))
    w.run(60)
    assert terminating(w) == []
    assert (status(w).replicas, status(w).misscheduled) == (2, 1)
    w.hand.delete("Pod", on(w, "n1")[0].meta.name, "default", grace=0)
    w.run(60)
    assert on(w, "n1") == []


def test_4_4_an_untolerated_noexecute_taint_ends_them() -> None:
    w, _ = agents()
    w.change(w.get("Node", "n1"), taints=(Taint("dedicated", "NoExecute"),))
    w.run(1)
    assert terminating(w) == ["n1"]


def test_4_4_a_new_node_gets_a_pod() -> None:
    w, _ = agents()
    w.node("n9")
    w.run(1)
    assert len(on(w, "n9")) == 1
    assert status(w).replicas == 4


def test_pods_that_wait_for_a_node_that_is_gone_are_deleted() -> None:
    # [daemon_controller.go getUnscheduledPodsWithoutNode]: PodGC cannot know them
    w = world(2)
    w.workload("DaemonSet", "agent")
    w.run(1)
    w.hand.delete("Node", "n1")
    w.run(1)
    assert on(w, "n1") == []
    assert len(on(w, "n0")) == 1


# -- replacing ----------------------------------------------------------------------------------------------------


def test_4_4_a_deleted_pod_is_replaced_only_when_the_old_one_is_gone() -> None:
    w, _ = agents()
    old = on(w, "n1")[0]
    w.hand.delete("Pod", old.meta.name, "default")
    w.run(3600)  # a dead node: Terminating and Running
    assert on(w, "n1") == [w.get("Pod", old.meta.name)]
    w.finish_deletions()
    w.run(1)
    assert [pod.meta.uid == old.meta.uid for pod in on(w, "n1")] == [False]


def test_4_4_or_when_it_is_both_terminating_and_in_a_terminal_phase() -> None:
    w, _ = agents()
    old = on(w, "n1")[0]
    w.change_meta(old, finalizers=("example.com/hold",))
    w.hand.delete("Pod", old.meta.name, "default")
    w.run(1)
    w.set_pod(old, phase="Failed", ready=False)
    w.run(1)
    assert len(on(w, "n1")) == 2


def test_4_4_failed_pods_are_deleted_under_a_backoff_per_node() -> None:
    w, _ = agents()
    deleted: list[float] = []

    def note(change: Any) -> None:
        if change.new is None:
            deleted.append(w.clock.now)

    w.store.watch("Pod", note)
    for _ in range(400):  # a kubelet that rejects every pod at once
        for pod in on(w, "n1"):
            if pod.status.phase != "Failed":
                w.set_pod(pod, phase="Failed", ready=False, node="n1")
        w.run(0.1)
    waits = [round(later - earlier) for earlier, later in pairwise(deleted)]
    assert waits == [1, 2, 4, 8, 16]
    assert any(reason == "FailedDaemonPod" for _, reason, _ in w.events)


def test_4_4_succeeded_pods_are_deleted_with_an_event() -> None:
    w, _ = agents()
    old = on(w, "n1")[0]
    w.set_pod(old, phase="Succeeded", ready=False)
    w.run(1)
    assert w.get("Pod", old.meta.name) is None
    assert len(on(w, "n1")) == 1
    assert any(reason == "SucceededDaemonPod" for _, reason, _ in w.events)


def test_of_several_running_pods_on_a_node_the_oldest_stays() -> None:
    w, owner = agents()
    first = on(w, "n1")[0]
    labels = dict(first.meta.labels)
    w.pod("agent-extra", first.template, "n1", "Running", True, owner, labels=labels)
    w.run(1)
    assert [pod.meta.name for pod in on(w, "n1") if not pod.is_terminating] == [first.meta.name]


# -- rolling update -------------------------------------------------------------------------------------------------


def roll(w: World, limit: int) -> list[int]:
    """Let an update run; the number of pods it takes away at a time."""
    taken = []
    for _ in range(limit):
        if not (away := terminating(w)):
            break
        taken.append(len(away))
        w.finish_deletions()
        w.run(1)
        assert terminating(w) == []  # waits until the new ones are available
        bind(w)
        w.run(1)
    return taken


def test_4_4_one_at_a_time_by_default() -> None:
    w, owner = agents()
    new_template(w, owner)
    assert roll(w, 10) == [1, 1, 1]
    assert updated(w) == ["n0", "n1", "n2"]
    assert status(w).updated == 3


def test_4_4_max_unavailable_is_a_share_of_the_desired_number_rounded_up() -> None:
    strategy = {"rollingUpdate": {"maxUnavailable": "25%"}}
    w, owner = agents(nodes=10, update_strategy=strategy)
    new_template(w, owner)
    assert roll(w, 10) == [3, 3, 3, 1]  # ceil(2.5) = 3


@pytest.mark.parametrize(
    ("rolling", "desired", "expected"),
    [
        ({}, 10, (1, 0)),
        ({"maxUnavailable": "25%"}, 10, (3, 0)),
        ({"maxUnavailable": 0, "maxSurge": "11%"}, 10, (0, 2)),
    ],
)
def test_4_4_percentages_round_up(rolling: dict[str, Any], desired: int, expected: tuple[int, int]) -> None:
    spec = DaemonSetSpec.model_validate({"updateStrategy": {"rollingUpdate": rolling}})
    assert (max_unavailable(spec, desired), max_surge(spec, desired)) == expected


def test_4_4_both_zero_means_one_unavailable() -> None:
    strategy = {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 0}}
    w, owner = agents(update_strategy=strategy)
    new_template(w, owner)
    assert len(terminating(w)) == 1


def test_4_4_unavailable_old_pods_are_replaced_first_and_regardless_of_the_budget() -> None:
    w, owner = agents(nodes=5)
    for node in ("n1", "n3"):
        w.set_pod(on(w, node)[0], ready=False)
    new_template(w, owner)
    assert terminating(w) == ["n1", "n3"]  # two unavailable already use up the budget of one


def test_4_4_a_dead_node_uses_up_the_budget() -> None:
    w, owner = agents(nodes=3)
    new_template(w, owner)
    first = terminating(w)[0]
    w.finish_deletions()
    w.run(1)
    replacement = on(w, first)[0]
    w.set_pod(replacement, phase="Running", ready=False, node=first)  # new, and never Ready
    w.run(3600)
    assert terminating(w) == []
    assert updated(w) == [first]


def test_4_4_on_delete_replaces_nothing_by_itself() -> None:
    w, owner = agents(update_strategy={"type": "OnDelete"})
    new_template(w, owner)
    w.run(600)
    assert terminating(w) == []
    w.hand.delete("Pod", on(w, "n1")[0].meta.name, "default", grace=0)
    w.run(1)
    bind(w)
    assert updated(w) == ["n1"]


def test_4_4_with_surge_an_extra_pod_runs_before_the_old_one_goes() -> None:
    strategy = {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    w, owner = agents(update_strategy=strategy)
    new_template(w, owner)
    assert terminating(w) == []
    extra = [pod for pod in w.pods() if not pod.node]
    assert len(extra) == 1
    node = extra[0].pinned
    bind(w)
    w.run(1)
    assert terminating(w) == [node]
    for _ in range(10):
        w.finish_deletions()
        w.run(1)
        bind(w)
        w.run(1)
    assert updated(w) == ["n0", "n1", "n2"]
    assert len(w.pods()) == 3


def test_with_surge_a_pod_where_none_should_run_goes_only_when_there_are_enough_available() -> None:
    # [update.go rollingUpdate: shouldNotRunPodsToDelete]
    strategy = {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    w, owner = agents(update_strategy=strategy)
    w.change(w.get("Node", "n1"), taints=(Taint("dedicated", "NoSchedule"),))
    w.set_pod(on(w, "n0")[0], ready=False)  # 2 available, 2 desired
    new_template(w, owner)
    assert "n1" not in terminating(w)
    bind(w)  # the new pod of n0 is available: 3 of 2
    w.run(1)
    assert "n1" in terminating(w)


def test_with_surge_an_old_pod_that_is_not_ready_makes_way() -> None:
    # [daemon_controller.go podsShouldBeOnNode]: two pods stand together only while the old one is Ready
    w = World()
    w.node("n0")
    base = w.template("agent")
    old = w.pod("old", base, "n0", "Running", True, labels={"controller-revision-hash": "a"})
    new = w.pod("new", base, "n0", "Running", False, labels={"controller-revision-hash": "b"})
    here = Fit(True, True)
    assert todo(here, [old, new], "b", surge=True, min_ready=0, now=0.0) == Todo()
    old = w.set_pod(old, ready=False)
    assert todo(here, [old, new], "b", surge=True, min_ready=0, now=0.0) == Todo(delete=(old,))


def test_4_4_min_ready_seconds_holds_the_next_node_back() -> None:
    w, owner = agents(min_ready_seconds=30)
    w.run(60)
    new_template(w, owner)
    w.finish_deletions()
    w.run(1)
    bind(w)  # Ready now
    w.run(28)
    assert terminating(w) == []
    assert status(w).available == 2
    w.run(3)
    assert len(terminating(w)) == 1


# -- cost, restarts -------------------------------------------------------------------------------------------------


def test_status_counts() -> None:
    w, _ = agents()
    found = status(w)
    assert (found.replicas, found.current, found.ready, found.available, found.updated) == (3, 3, 3, 3, 3)
    w.set_pod(on(w, "n0")[0], ready=False)
    w.run(1)
    assert (status(w).ready, status(w).available) == (2, 2)


def test_a_change_on_one_node_looks_at_that_node_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from simkube.cluster.workloads.daemon_fleet import Fleet

    w, _ = agents(nodes=50)
    looked: list[str] = []
    look = Fleet.look

    def note(self: Fleet, name: str, node: Node | None, now: float) -> Any:
        looked.append(name)
        return look(self, name, node, now)

    monkeypatch.setattr(Fleet, "look", note)
    w.set_pod(on(w, "n7")[0], ready=False)
    w.run(60)
    assert looked == ["n7"]


def test_status_is_written_only_when_it_changes() -> None:
    w, _ = agents()
    seen = w.changes("DaemonSet")
    w.change_meta(on(w, "n0")[0], annotations={"touched": "yes"})
    w.change(w.get("Node", "n0"), taints=(UNSCHEDULABLE,))
    w.run(3600)
    assert seen == []


def test_a_restarted_controller_finds_what_happened_while_it_was_away() -> None:
    w = World()
    w.node("n0")
    controller = DaemonSetController(w.clock, w.client("daemon-set-controller"), w.timings)
    w.workload("DaemonSet", "agent")
    w.run(1)
    bind(w)
    controller.stop()
    w.hand.delete("Pod", on(w, "n0")[0].meta.name, "default", grace=0)
    w.node("n1")
    w.run(60)
    assert w.pods() == []
    controller.start()
    w.run(1)
    assert sorted(pod.pinned for pod in w.pods()) == ["n0", "n1"]


def test_the_rate_limit_of_the_client_spreads_the_creations() -> None:
    w = World()
    for number in range(100):
        w.node(f"n{number}")
    client = w.api.client("daemon-set-controller", qps=20, burst=30)
    DaemonSetController(w.clock, client, w.timings)
    w.workload("DaemonSet", "agent")
    w.run(1)
    assert 30 <= len(w.pods()) <= 51  # the burst, and 20 a second; status writes count too
    w.run(10)
    assert len(w.pods()) == 100


def test_pods_of_a_dump_that_show_one_revision_are_not_rolled() -> None:
    w = World()
    w.node("n0")
    owner = w.workload("DaemonSet", "agent")
    labels = {"app": "agent", "controller-revision-hash": "7c9f8d6b5"}
    w.pod("agent-abcde", w.template("agent"), "n0", "Running", True, owner, labels=labels)
    DaemonSetController(w.clock, w.client("daemon-set-controller"), w.timings)
    w.run(600)
    assert terminating(w) == []
    assert status(w).updated == 1
