"""Behaviour 5.1: what a budget's status says."""

from math import ceil
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from simkube.cluster.disruption.budgets import allowed, expectation
from simkube.cluster.disruption.controller import DisruptionController
from simkube.cluster.errors import TooManyRequests
from simkube.kube.objects import (
    BudgetStatus,
    Condition,
    Meta,
    Object,
    Other,
    OwnerReference,
    Pod,
    PodDisruptionBudget,
)
from simkube.kube.policy import PodDisruptionBudgetSpec
from tests.cluster.harness import World


def controlled(version: str = "v1.36.3") -> tuple[World, DisruptionController]:
    world = World(version)
    return world, DisruptionController(world.clock, world.client("disruption-controller"), world.timings)


def owned(
    world: World, kind: str = "ReplicaSet", name: str = "web", replicas: int = 3, ready: int = 3, **more: Any
) -> Object:
    """A workload with that many pods, the first `ready` of them Ready."""
    owner = world.workload(
        kind, name, **more, **({} if kind in ("DaemonSet", "Job") else {"replicas": replicas})
    )
    for number in range(replicas):
        world.pod(f"{name}-{number}", owner.template, "n1", "Running", number < ready, owner)
    return owner


def status(world: World, name: str = "b") -> BudgetStatus:
    world.run(1)
    found: PodDisruptionBudget = world.get("PodDisruptionBudget", name)
    return found.status


def counts(world: World, name: str = "b") -> tuple[int, int, int, int]:
    """(expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed)"""
    found = status(world, name)
    return found.expected_pods, found.desired_healthy, found.current_healthy, found.disruptions_allowed


@pytest.mark.parametrize(
    ("spec", "selected", "scale", "expected"),
    [
        ({"min_available": 2}, 5, None, (5, 2)),
        ({"min_available": 0}, 0, None, (0, 0)),
        ({"min_available": "50%"}, 5, 5, (5, 3)),  # 2.5 rounds up: stricter
        ({"min_available": "100%"}, 9, 4, (4, 4)),
        ({"min_available": "1%"}, 1, 100, (100, 1)),
        ({"max_unavailable": 1}, 5, 4, (4, 3)),
        ({"max_unavailable": 9}, 5, 4, (4, 0)),
        ({"max_unavailable": "50%"}, 1, 1, (1, 0)),  # 0.5 rounds up: looser, one replica may go
        ({"max_unavailable": "30%"}, 10, 10, (10, 7)),
        ({"max_unavailable": "25%"}, 5, 5, (5, 3)),
        ({}, 5, None, (0, 0)),
    ],
)
def test_expected_and_desired(
    spec: dict[str, Any], selected: int, scale: int | None, expected: tuple[int, int]
) -> None:
    def asked() -> int:
        assert scale is not None, "an integer minAvailable asks no controller"
        return scale

    assert expectation(PodDisruptionBudgetSpec.model_validate(spec), selected, asked) == expected


@pytest.mark.parametrize(
    ("healthy", "desired", "expected", "answer"), [(5, 3, 5, 2), (3, 3, 5, 0), (1, 3, 5, 0), (5, 0, 0, 0)]
)
def test_disruptions_allowed(healthy: int, desired: int, expected: int, answer: int) -> None:
    assert allowed(healthy, desired, expected) == answer


def test_selected_pods_of_any_phase_count_for_an_integer() -> None:
    world, _ = controlled()
    owned(world, replicas=3, ready=2)
    world.pod("pending")
    world.pod("done", node="n1", phase="Succeeded")
    world.pod("elsewhere", node="n1", phase="Running", ready=True, namespace="other")
    gone = world.pod("going", node="n1", phase="Running", ready=True)
    world.hand.delete("Pod", gone.meta.name, "default")
    world.budget("b", min_available=1)
    assert counts(world) == (6, 1, 2, 1)


def test_healthy_is_ready_and_not_terminating_whatever_the_phase() -> None:
    world, _ = controlled()
    world.budget("b", min_available=1)
    pod = world.pod("p", node="n1", phase="Running", ready=True)
    world.set_pod(pod, phase="Failed")
    assert counts(world) == (1, 1, 1, 0)
    world.hand.delete("Pod", "p", "default", grace=30)
    assert counts(world) == (0, 1, 0, 0)


def test_conditions_and_observed_generation() -> None:
    world, _ = controlled()
    world.run(2)
    owned(world, replicas=2, ready=1)
    protecting = world.budget("b", min_available=1)
    found = status(world)
    assert found.observed_generation == 1
    assert (found.condition.status, found.condition.reason, found.condition.since) == (
        "False",
        "InsufficientPods",
        2.01,
    )
    world.set_pod(world.pods()[1], ready=True)
    assert status(world).condition.reason == "SufficientPods"
    world.change_spec(protecting, min_available=2)
    found = status(world)
    assert (found.observed_generation, found.disruptions_allowed) == (2, 0)


def test_scale_is_the_deployments_via_its_replicaset() -> None:
    world, _ = controlled()
    deployment = world.workload("Deployment", "web", replicas=10)
    for name in ("web-1", "web-2"):
        replicaset = owned(world, name=name, replicas=2, template=deployment.template)
        world.change_meta(replicaset, owners=(OwnerReference("Deployment", "web", deployment.meta.uid),))
    world.budget("b", max_unavailable=1)
    assert counts(world) == (10, 9, 4, 0)
    # its Deployment gone, each ReplicaSet stands for itself
    world.hand.delete("Deployment", "web", "default")
    world.set_pod(world.pods()[0], ready=False)
    assert counts(world) == (4, 3, 3, 0)


def test_scales_of_distinct_controllers_add_up() -> None:
    world, _ = controlled()
    template = world.template("web")
    owned(world, "ReplicaSet", "a", replicas=3, template=template)
    owned(world, "StatefulSet", "b", replicas=2, template=template)
    world.budget("b", min_available="50%")
    assert counts(world) == (5, 3, 5, 2)


def test_any_kind_with_a_scale_counts() -> None:
    world, _ = controlled()
    spec = {"replicas": 4}
    rollout = world.hand.create(
        Other(
            api_version="argoproj.io/v1alpha1",
            kind="Rollout",
            meta=Meta("web", "default"),
            extra={"spec": spec},
        )
    )
    world.pod("p", node="n1", phase="Running", ready=True, owner=rollout)
    world.budget("b", max_unavailable=1)
    assert counts(world) == (4, 3, 1, 0)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("DaemonSet", "daemonsets.apps does not implement the scale subresource"),
        ("Job", "jobs.batch does not implement the scale subresource"),
        ("gone", 'found no controllers for pod "web-0"'),
    ],
)
def test_without_a_scale_the_sync_fails_safe(kind: str, message: str) -> None:
    world, _ = controlled()
    owner = owned(world, "ReplicaSet" if kind == "gone" else kind)
    if kind == "gone":
        world.hand.delete("ReplicaSet", owner.meta.name, "default")
    world.budget("b", max_unavailable=1)
    found = status(world)
    assert found.disruptions_allowed == 0
    assert found.condition == Condition("DisruptionAllowed", "False", 0.01, "SyncFailed", message)
    failure = f"Failed to calculate the number of expected pods: {message}"
    assert ("b", "CalculateExpectedPodCountFailed", failure) in world.events


def test_a_daemonset_works_with_an_integer_min_available() -> None:
    world, _ = controlled()
    owned(world, "DaemonSet")
    world.budget("b", min_available=2)
    assert counts(world) == (3, 2, 3, 1)


def test_a_failed_sync_keeps_the_old_counts() -> None:
    world, _ = controlled()
    replicaset = owned(world)
    world.budget("b", max_unavailable=1)
    assert counts(world) == (3, 2, 3, 1)
    world.hand.delete("ReplicaSet", replicaset.meta.name, "default")
    world.set_pod(world.pods()[0], ready=False)
    assert counts(world) == (3, 2, 3, 0)
    assert status(world).condition.reason == "SyncFailed"


def test_unmanaged_pods_are_left_out_of_shares_with_an_event() -> None:
    world, _ = controlled()
    owned(world, replicas=2)
    world.pod("bare", node="n1", phase="Running", ready=True)
    world.budget("b", max_unavailable=1)
    assert counts(world) == (2, 1, 3, 2)
    name, reason, message = world.events[-1]
    assert (name, reason) == ("b", "UnmanagedPods")
    assert (
        "&LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelectorRequirement{},}"
        in message
    )


def test_a_budget_over_nothing_allows_nothing() -> None:
    world, _ = controlled()
    world.budget("b", app="nobody", min_available=0)
    assert counts(world) == (0, 0, 0, 0)
    assert ("b", "NoPods", "No matching pods found") in world.events


def test_an_empty_selector_is_the_namespace_and_none_is_nobody() -> None:
    world, _ = controlled()
    owned(world, replicas=2)
    world.pod("other", world.template("db"))
    world.budget("all", min_available=1, selector={})
    world.budget("none", min_available=1, selector=None)
    assert counts(world, "all")[0] == 3
    assert counts(world, "none")[0] == 0


def test_several_budgets_over_a_pod_are_said() -> None:
    world, _ = controlled()
    world.budget("a", min_available=1)
    world.budget("b", min_available=1)
    world.pod("p")
    message = 'Pod "default"/"p" matches multiple PodDisruptionBudgets.  Chose "a" arbitrarily.'
    assert ("p", "MultiplePodDisruptionBudgets", message) in world.events


def test_a_node_failure_shrinks_everybodys_budget() -> None:
    world, _ = controlled()
    owned(world, replicas=3)
    world.budget("b", max_unavailable=1)
    assert counts(world) == (3, 2, 3, 1)
    world.set_pod(world.pods()[0], ready=False)  # as marked when its node is Unknown
    assert counts(world) == (3, 2, 2, 0)


# -- evictions and disruptedPods ------------------------------------------------------------------------------------


def test_an_eviction_spends_the_budget_until_a_replacement_is_ready() -> None:
    world, _ = controlled()
    replicaset = owned(world, replicas=2)
    world.budget("b", max_unavailable=1)
    world.run(1)
    world.hand.evict("web-0", "default")
    with pytest.raises(TooManyRequests):
        world.hand.evict("web-1", "default")
    assert counts(world) == (2, 1, 1, 0)
    assert dict(status(world).disrupted_pods) == {}, "dropped as soon as the pod terminates"
    new = world.pod("web-2", replicaset.template, "n2", "Running", False, replicaset)
    assert counts(world) == (2, 1, 1, 0)
    world.set_pod(new, ready=True)
    assert counts(world) == (2, 1, 2, 1)
    world.hand.evict("web-1", "default")


def test_an_approved_eviction_counts_for_two_minutes_without_a_deletion() -> None:
    world, _ = controlled()
    owned(world, replicas=2)
    protecting = world.budget("b", max_unavailable=1)
    world.run(10)
    approved = replace(world.now(protecting).status, disrupted_pods={"web-0": world.clock.now, "gone": 0.0})
    world.change(protecting, status=approved)  # as if the server died between approval and DELETE, at 10
    assert counts(world) == (2, 1, 1, 0)
    assert dict(status(world).disrupted_pods) == {"web-0": 10.0}
    world.run(117.9)  # 129.9
    assert world.now(protecting).status.disruptions_allowed == 0
    world.run(0.2)
    assert world.now(protecting).status.disruptions_allowed == 1
    assert dict(world.now(protecting).status.disrupted_pods) == {}
    message = "Pod was expected by PDB default/default to be deleted but it wasn't"
    assert world.events[-1] == ("web-0", "NotDeleted", message)


# -- DisruptionTarget -----------------------------------------------------------------------------------------------


def marked(world: World, pod: Pod, reason: str = "DeletionByTaintManager") -> Pod:
    mark = Condition("DisruptionTarget", "True", world.clock.now, reason)
    changed: Pod = world.change(pod, status=replace(world.now(pod).status, disrupted=mark))
    return changed


def test_a_mark_without_a_deletion_is_taken_back_after_two_minutes() -> None:
    world, _ = controlled()
    pod = marked(world, world.pod("p", node="n1", phase="Running", ready=True))
    world.run(119.9)
    assert world.now(pod).status.disrupted.status == "True"
    world.run(0.2)
    mark = world.now(pod).status.disrupted
    assert (mark.status, mark.since, mark.reason) == ("False", pytest.approx(120.01), "")


def test_marks_of_the_kubelet_and_of_finished_or_terminating_pods_stay() -> None:
    world, _ = controlled()
    by_kubelet = marked(world, world.pod("a", node="n1", phase="Running"), "TerminationByKubelet")
    finished = marked(world, world.pod("b", node="n1", phase="Running"))
    world.set_pod(finished, phase="Failed")
    terminating = marked(world, world.pod("c", node="n1", phase="Running"))
    world.hand.delete("Pod", "c", "default")
    world.run(300)
    for pod in (by_kubelet, finished, terminating):
        assert world.now(pod).status.disrupted.status == "True"


# -- as a controller ------------------------------------------------------------------------------------------------


def test_unchanged_status_is_not_written() -> None:
    world, controller = controlled()
    owned(world)
    world.budget("b", max_unavailable=1)
    world.run(1)
    seen = world.changes("PodDisruptionBudget")
    controller.enqueue(("PodDisruptionBudget", "default", "b"))
    world.run(1)
    assert seen == []


def test_changed_labels_move_a_pod_from_one_budget_to_another() -> None:
    world, _ = controlled()
    world.budget("web", min_available=1)
    world.budget("db", app="db", min_available=1)
    pod = world.pod("p", node="n1", phase="Running", ready=True)
    assert (counts(world, "web"), counts(world, "db")) == ((1, 1, 1, 0), (0, 1, 0, 0))
    world.change_meta(pod, labels={"app": "db"})
    assert (counts(world, "web"), counts(world, "db")) == ((0, 1, 0, 0), (1, 1, 1, 0))


def test_any_history_of_pods_comes_to_the_same_as_counting_them() -> None:
    world, _ = controlled()
    random = Random(4)
    owners = [
        world.workload("ReplicaSet", name, world.template("web"), replicas=n)
        for n, name in ((3, "a"), (5, "b"))
    ]
    budget = world.budget("b", min_available=1)
    for step in range(400):
        pods, act = world.pods(), random.randrange(7)
        if act <= 1 or not pods:
            owner = random.choice((*owners, None))
            world.pod(f"p{step}", owners[0].template, "n1", "Running", random.random() < 0.5, owner)
        elif act == 2:
            world.set_pod(random.choice(pods), ready=random.random() < 0.7)
        elif act == 3:
            world.hand.delete("Pod", random.choice(pods).meta.name, "default", grace=random.choice((0, 30)))
        elif act == 4:
            world.change_meta(random.choice(pods), labels={"app": random.choice(("web", "db"))})
        elif act == 5:
            world.change_meta(random.choice(pods), owners=())
        else:
            app = random.choice(("web", "db"))
            world.change_spec(
                budget, min_available=None, max_unavailable=0, selector={"match_labels": {"app": app}}
            )
        if random.random() < 0.3:
            world.run(0.02)
            found = world.now(budget)
            app = found.spec.selector.match_labels["app"]
            selected = world.pods(app)
            assert found.status.current_healthy == sum(p.is_ready and not p.is_terminating for p in selected)
            uids = {p.meta.controller.uid for p in selected if p.meta.controller is not None}
            scale = sum(owner.spec.replicas for owner in owners if owner.meta.uid in uids)
            assert found.status.expected_pods == (len(selected) if found.spec.min_available == 1 else scale)


@pytest.mark.parametrize("spec", [{"min_available": 2}, {"min_available": "50%"}, {"max_unavailable": 1}])
def test_what_is_expected_follows_pods_and_the_scales_of_their_controllers(spec: dict[str, Any]) -> None:
    world, _ = controlled()
    random = Random(8)
    owners = [
        world.workload("ReplicaSet", name, world.template("web"), replicas=n)
        for n, name in ((3, "a"), (5, "b"))
    ]
    budget = world.budget("b", **spec)
    for step in range(300):
        pods, act = world.pods(), random.randrange(6)
        if (act <= 1 and len(pods) < 6) or not pods:
            owner = random.choice((*owners, *owners, None))
            world.pod(f"p{step}", owners[0].template, "n1", "Running", random.random() < 0.5, owner)
        elif act <= 3:
            world.hand.delete("Pod", random.choice(pods).meta.name, "default", grace=0)
        elif act == 4:
            world.set_pod(random.choice(pods), ready=random.random() < 0.7)
        else:
            world.change_spec(random.choice(owners), replicas=random.randrange(1, 9))
        world.change_meta(budget, annotations={"step": str(step)})  # a new scale alone has nothing counted
        told = len(world.events)
        world.run(0.02)
        pods = world.pods()
        uids = {pod.meta.controller.uid for pod in pods if pod.meta.controller is not None}
        scale = sum(world.now(owner).spec.replicas for owner in owners if owner.meta.uid in uids)
        expected, desired = {
            "2": (len(pods), 2),
            "50%": (scale, ceil(scale / 2)),
            "1": (scale, max(0, scale - 1)),
        }[str(next(iter(spec.values())))]
        found = world.now(budget).status
        assert (found.expected_pods, found.desired_healthy) == (expected, desired)
        reasons = [reason for _, reason, _ in world.events[told:]]
        bare = any(pod.meta.controller is None for pod in pods)
        assert ("UnmanagedPods" in reasons) == (bare and spec != {"min_available": 2}), "told at each count"


def test_after_a_restart_it_counts_again_and_keeps_what_it_waits_for() -> None:
    world, controller = controlled()
    owned(world, replicas=2)
    protecting = world.budget("b", max_unavailable=1)
    world.run(10)
    controller.stop()
    world.change(protecting, status=replace(world.now(protecting).status, disrupted_pods={"web-0": 10.0}))
    pod = marked(world, world.pods()[1])
    world.run(60)
    controller.start()
    world.run(70)
    assert counts(world) == (2, 1, 2, 1)
    assert world.now(pod).status.disrupted.status == "False"
