"""Behaviour 4.2: Deployments, with their ReplicaSets at work."""

from random import Random
from typing import Any

import pytest

from simkube.cluster.errors import Forbidden
from simkube.cluster.workloads.deployment import DeploymentController
from simkube.cluster.workloads.replicaset import ReplicaSetController
from simkube.kube.objects import Condition, Meta, OwnerReference, Workload
from simkube.kube.template import Template
from simkube.kube.workloads import ReplicaSetSpec
from tests.cluster.harness import World


def controlled(version: str = "v1.36.3") -> tuple[World, DeploymentController]:
    world = World(version)
    controller = DeploymentController(world.clock, world.client("deployment-controller"), world.timings)
    ReplicaSetController(world.clock, world.client("replicaset-controller"), world.timings)
    return world, controller


def deployed(world: World, replicas: int = 4, **spec: Any) -> Workload:
    """A Deployment that is complete."""
    deployment = world.workload("Deployment", "web", replicas=replicas, **spec)
    settle(world)
    return deployment


def settle(world: World, rounds: int = 20) -> None:
    """Kubelets start and end pods until nothing changes."""
    for _ in range(rounds):
        world.run(0.5)
        world.start_pods()
        world.finish_deletions()


def update(world: World, deployment: Workload, version: str = "2") -> None:
    """A new template, as a user who changes the image makes it."""
    current = world.now(deployment)
    template = world.template("web", containers=[{"name": "main", "image": f"web:{version}"}])
    world.change(current, template=Template(template.spec, current.template.labels))
    world.change_meta(deployment, generation=current.meta.generation + 1)


def replicasets(world: World) -> dict[str, int]:
    """Sizes by revision."""
    found = world.store.table("ReplicaSet").values()
    return {rs.meta.annotations["deployment.kubernetes.io/revision"]: rs.spec.replicas for rs in found}


def progressing(world: World) -> Condition:
    found: Condition = next(
        c for c in world.get("Deployment", "web").status.conditions if c.type == "Progressing"
    )
    return found


def status(world: World) -> tuple[int, int, int, int]:
    found = world.get("Deployment", "web").status
    return found.replicas, found.updated, found.ready, found.available


def messages(world: World, reason: str = "ScalingReplicaSet") -> list[str]:
    return [message for _, r, message in world.events if r == reason]


# -- its ReplicaSet -------------------------------------------------------------------------------------------------


def test_it_makes_a_replicaset_named_after_its_template() -> None:
    world, _ = controlled()
    deployment = world.workload("Deployment", "web", replicas=3, min_ready_seconds=5)
    world.change_meta(deployment, annotations={"team": "a"})
    world.run(1)
    (replicaset,) = world.store.table("ReplicaSet").values()
    hashed = replicaset.meta.labels["pod-template-hash"]
    assert replicaset.meta.name == f"web-{hashed}"
    assert set(hashed) <= set("bcdfghjklmnpqrstvwxz2456789") and 1 <= len(hashed) <= 10
    assert replicaset.meta.owners == (OwnerReference("Deployment", "web", deployment.meta.uid),)
    assert dict(replicaset.meta.annotations) == {
        "team": "a",
        "deployment.kubernetes.io/revision": "1",
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
    }
    assert replicaset.template.spec is deployment.template.spec
    assert (replicaset.spec.replicas, replicaset.spec.min_ready_seconds) == (3, 5)
    assert replicaset.spec.selector.match_labels == {"app": "web", "pod-template-hash": hashed}
    assert all(dict(p.meta.labels) == {"app": "web", "pod-template-hash": hashed} for p in world.pods())
    assert world.get("Deployment", "web").meta.annotations["deployment.kubernetes.io/revision"] == "1"
    assert messages(world) == [f"Scaled up replica set web-{hashed} from 0 to 3"]


def test_an_equal_template_is_the_same_one() -> None:
    world, _ = controlled()
    deployment = deployed(world)
    again = world.template("web")
    assert again.spec is not deployment.template.spec
    world.change(deployment, template=again)
    settle(world)
    assert len(world.store.table("ReplicaSet")) == 1


def test_completion_and_progress() -> None:
    world, _ = controlled()
    world.workload("Deployment", "web", replicas=2)
    world.run(1)
    (name,) = [rs.meta.name for rs in world.store.table("ReplicaSet").values()]
    assert (progressing(world).status, progressing(world).reason) == ("True", "ReplicaSetUpdated")
    assert progressing(world).message == f'ReplicaSet "{name}" is progressing.'
    world.start_pods()
    world.run(1)
    assert status(world) == (2, 2, 2, 2)
    assert progressing(world).reason == "NewReplicaSetAvailable"
    assert progressing(world).message == f'ReplicaSet "{name}" has successfully progressed.'
    available = next(c for c in world.get("Deployment", "web").status.conditions if c.type == "Available")
    assert (available.status, available.reason) == ("True", "MinimumReplicasAvailable")
    assert world.get("Deployment", "web").status.observed_generation == 1


def test_13_1_terminating_replicas_from_1_35_on() -> None:
    for version, expected in (("v1.34.4", 0), ("v1.35.4", 1)):
        world, _ = controlled(version)
        deployed(world, 2)
        world.hand.delete("Pod", world.pods()[0].meta.name, "default")
        world.run(1)
        assert world.get("Deployment", "web").status.terminating == expected


def test_it_does_not_react_to_evictions_itself() -> None:
    """The ReplicaSet replaces at its size; maxUnavailable is no budget for a drain."""
    world, _ = controlled()
    deployed(world, 4, strategy={"rolling_update": {"max_surge": 0, "max_unavailable": 1}})
    sizes = replicasets(world)
    before = len(messages(world))
    for pod in world.pods():
        world.hand.evict(pod.meta.name, "default")
    world.run(1)
    assert replicasets(world) == sizes and len(messages(world)) == before
    assert len([p for p in world.pods() if p.is_active]) == 4


# -- rolling update -------------------------------------------------------------------------------------------------


def rolls(world: World, deployment: Workload, seconds: float = 60) -> tuple[int, int]:
    """Roll to another template, pods becoming Ready one by one; (most pods wanted at once, fewest available)."""
    update(world, deployment)
    most, fewest = 0, 10**6
    for _ in range(int(seconds * 10)):
        world.run(0.1)
        most = max(most, sum(replicasets(world).values()))
        fewest = min(fewest, sum(p.is_ready and p.is_active for p in world.pods()))
        waiting = [p for p in world.pods() if not p.node and p.is_active]
        if waiting:
            world.set_pod(waiting[0], "Running", True, "n1")
        world.finish_deletions()
    return most, fewest


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "most", "fewest"),
    [
        (4, 1, 0, 5, 4),
        (4, 0, 1, 4, 3),
        (10, "25%", "25%", 13, 8),
        (1, "25%", "25%", 2, 1),
        (3, 0, "33%", 3, 2),
    ],
)
def test_a_rollout_stays_between_its_fences(
    replicas: int, surge: int | str, unavailable: int | str, most: int, fewest: int
) -> None:
    world, _ = controlled()
    strategy = {"rolling_update": {"max_surge": surge, "max_unavailable": unavailable}}
    deployment = deployed(world, replicas, strategy=strategy)
    assert rolls(world, deployment) == (most, fewest)
    assert replicasets(world) == {"1": 0, "2": replicas}
    assert status(world) == (replicas,) * 4
    assert progressing(world).reason == "NewReplicaSetAvailable"


def test_a_rollout_stands_still_when_new_pods_do_not_become_ready() -> None:
    world, _ = controlled()
    deployment = deployed(world, 10, strategy={"rolling_update": {"max_surge": 3, "max_unavailable": 2}})
    update(world, deployment)
    world.run(30)
    # the example in rolling.go: 3 new, old ones down to 8, then 2 more new
    assert replicasets(world) == {"1": 8, "2": 5}


def test_minready_seconds_slow_a_rollout() -> None:
    world, _ = controlled()
    strategy = {"rolling_update": {"max_surge": 1, "max_unavailable": 0}}
    deployment = world.workload("Deployment", "web", replicas=1, min_ready_seconds=30, strategy=strategy)
    world.run(1)
    world.start_pods()
    world.run(40)
    update(world, deployment)
    world.run(1)
    world.start_pods()
    world.run(28)
    assert replicasets(world) == {"1": 1, "2": 1}
    world.run(3)
    assert replicasets(world) == {"1": 0, "2": 1}


def test_going_back_takes_the_old_replicaset_with_a_new_revision() -> None:
    world, _ = controlled()
    deployment = deployed(world)
    first = deployment.template
    update(world, deployment)
    settle(world)
    world.change(deployment, template=first)
    settle(world)
    assert replicasets(world) == {"2": 0, "3": 4}
    newest = next(rs for rs in world.store.table("ReplicaSet").values() if rs.spec.replicas)
    assert newest.meta.annotations["deployment.kubernetes.io/revision-history"] == "1"
    assert world.get("Deployment", "web").meta.annotations["deployment.kubernetes.io/revision"] == "3"


def test_a_second_update_in_the_middle_leaves_three() -> None:
    world, _ = controlled()
    deployment = deployed(world, 4, strategy={"rolling_update": {"max_surge": 2, "max_unavailable": 0}})
    update(world, deployment)
    world.run(1)
    update(world, deployment, "3")
    world.run(1)
    # 6 pods are wanted already; the two of revision 2 are not available: they go, and make room
    assert replicasets(world) == {"1": 4, "2": 0, "3": 2}
    settle(world)
    assert replicasets(world) == {"1": 0, "2": 0, "3": 4}


def test_old_revisions_are_deleted_beyond_the_limit() -> None:
    world, _ = controlled()
    deployment = deployed(world, 1, revision_history_limit=2)
    for version in "23456":
        update(world, deployment, version)
        settle(world)
    assert replicasets(world) == {"4": 0, "5": 0, "6": 1}


def test_annotations_and_min_ready_seconds_reach_the_replicaset() -> None:
    world, _ = controlled()
    deployment = deployed(world)
    world.change_meta(deployment, annotations={**world.now(deployment).meta.annotations, "a": "b"})
    world.change_spec(deployment, min_ready_seconds=7)
    world.run(1)
    (replicaset,) = world.store.table("ReplicaSet").values()
    assert replicaset.meta.annotations["a"] == "b" and replicaset.spec.min_ready_seconds == 7
    settle(world)
    world.change_meta(deployment, annotations={**world.now(deployment).meta.annotations, "a": "c"})
    world.run(1)
    assert world.now(replicaset).meta.annotations["a"] == "c"


# -- scaling and pausing --------------------------------------------------------------------------------------------


def test_scaling() -> None:
    world, _ = controlled()
    deployment = deployed(world, 2)
    name = next(iter(world.store.table("ReplicaSet")))[1]
    world.change_spec(deployment, replicas=5)
    settle(world)
    assert replicasets(world) == {"1": 5}
    world.change_spec(deployment, replicas=1)
    settle(world)
    assert replicasets(world) == {"1": 1}
    assert messages(world)[1:] == [
        f"Scaled up replica set {name} from 2 to 5",
        f"Scaled down replica set {name} from 5 to 1",
    ]
    replicaset = world.get("ReplicaSet", name)
    assert replicaset.meta.annotations["deployment.kubernetes.io/desired-replicas"] == "1"
    assert replicaset.meta.generation == 3


def test_scaling_in_the_middle_of_a_rollout_is_proportional() -> None:
    world, _ = controlled()
    deployment = deployed(world, 10, strategy={"rolling_update": {"max_surge": 3, "max_unavailable": 2}})
    update(world, deployment)
    world.run(10)
    assert replicasets(world) == {"1": 8, "2": 5}
    world.change_spec(deployment, replicas=15)
    world.run(0.015)
    # the example of the documentation: of 5 more, 3 go to the larger and 2 to the smaller
    assert replicasets(world) == {"1": 11, "2": 7}


def test_paused_only_scales() -> None:
    world, _ = controlled()
    deployment = deployed(world, 2)
    world.change_spec(deployment, paused=True)
    update(world, deployment)
    world.change_spec(deployment, replicas=4)
    settle(world)
    assert replicasets(world) == {"1": 4}
    assert (progressing(world).status, progressing(world).reason) == ("Unknown", "DeploymentPaused")
    world.change_spec(deployment, paused=False)
    world.run(0.015)
    assert progressing(world).reason in ("DeploymentResumed", "NewReplicaSetCreated")
    settle(world)
    assert replicasets(world) == {"1": 0, "2": 4}


# -- progress -------------------------------------------------------------------------------------------------------


def test_a_rollout_without_progress_times_out_and_nothing_else_happens() -> None:
    world, _ = controlled()
    deployment = deployed(world, 2, progress_deadline_seconds=60)
    update(world, deployment)
    began = world.clock.now
    world.run(60)
    assert progressing(world).status == "True"
    world.run(2)
    newest = max(world.store.table("ReplicaSet").values(), key=lambda rs: rs.meta.created)
    found = progressing(world)
    assert (found.status, found.reason) == ("False", "ProgressDeadlineExceeded")
    assert found.message == f'ReplicaSet "{newest.meta.name}" has timed out progressing.'
    assert began + 60 < found.since <= began + 62
    sizes = replicasets(world)
    world.run(3600)
    assert replicasets(world) == sizes
    settle(world)
    assert progressing(world).reason == "NewReplicaSetAvailable"


def test_progress_refreshes_the_deadline() -> None:
    world, _ = controlled()
    world.workload("Deployment", "web", replicas=3, progress_deadline_seconds=60)
    for _ in range(3):
        world.run(50)
        world.set_pod(next(p for p in world.pods() if not p.node), "Running", True, "n1")
    world.run(1)
    assert progressing(world).reason == "NewReplicaSetAvailable"


def test_a_completed_rollout_never_times_out() -> None:
    world, _ = controlled()
    deployed(world, 3, progress_deadline_seconds=10)
    for pod in world.pods():
        world.set_pod(pod, ready=False)
    world.run(3600)
    assert (progressing(world).status, progressing(world).reason) == ("True", "NewReplicaSetAvailable")
    available = next(c for c in world.get("Deployment", "web").status.conditions if c.type == "Available")
    assert (available.status, available.reason) == ("False", "MinimumReplicasUnavailable")


def test_without_a_deadline_there_is_no_progressing() -> None:
    world, _ = controlled()
    deployed(world, 1, progress_deadline_seconds=2**31 - 1)
    assert [c.type for c in world.get("Deployment", "web").status.conditions] == ["Available"]


def test_a_failure_of_the_replicaset_shows() -> None:
    world, _ = controlled()

    def quota(pod: object, _: object) -> object:
        raise Forbidden("exceeded quota")

    world.api.admission["Pod"] = [quota]
    world.workload("Deployment", "web", replicas=1)
    world.run(1)
    failure = next(c for c in world.get("Deployment", "web").status.conditions if c.type == "ReplicaFailure")
    assert (failure.status, failure.reason, failure.message) == ("True", "FailedCreate", "exceeded quota")
    world.api.admission.clear()
    world.run(600)
    settle(world)
    assert "ReplicaFailure" not in [c.type for c in world.get("Deployment", "web").status.conditions]


def test_a_replicaset_that_cannot_be_made() -> None:
    world, _ = controlled()

    def refuse(_: object, __: object) -> object:
        raise Forbidden("no")

    world.api.admission["ReplicaSet"] = [refuse]
    world.workload("Deployment", "web", replicas=1)
    world.run(1)
    assert (progressing(world).status, progressing(world).reason) == ("False", "ReplicaSetCreateError")
    assert messages(world, "ReplicaSetCreateError")[0].endswith(": no")
    world.api.admission.clear()
    world.run(600)
    settle(world)
    assert status(world) == (1, 1, 1, 1)


# -- Recreate -------------------------------------------------------------------------------------------------------


def test_recreate_waits_until_the_last_old_pod_is_gone() -> None:
    world, _ = controlled()
    deployment = deployed(world, 3, strategy={"type": "Recreate"})
    update(world, deployment)
    world.run(1)
    assert replicasets(world) == {"1": 0}
    old = world.pods()
    assert all(pod.is_terminating for pod in old)
    for pod in old[:2]:
        world.hand.delete("Pod", pod.meta.name, "default", grace=0)
    world.run(600)
    assert replicasets(world) == {"1": 0}, "one that terminates on a dead node blocks the new version"
    world.hand.delete("Pod", old[2].meta.name, "default", grace=0)
    world.run(1)
    assert replicasets(world) == {"1": 0, "2": 3}, "then all at once"


@pytest.mark.parametrize(("version", "goes_on"), [("v1.34.4", False), ("v1.36.3", False), ("v1.37.2", True)])
def test_13_1_when_recreate_looks_again(version: str, goes_on: bool) -> None:
    """Finished pods do not block. Where no ReplicaSet's status tells of them (its controller is away here), Recreate
    notices when its last pod is removed; from 1.37 on, when any is."""
    world = World(version)
    DeploymentController(world.clock, world.client("deployment-controller"), world.timings)
    replicaset_controller = ReplicaSetController(world.clock, world.client("rs"), world.timings)
    deployment = deployed(world, 2, strategy={"type": "Recreate"})
    update(world, deployment)
    world.run(1)
    replicaset_controller.stop()
    first, second = world.pods()
    for pod in (first, second):
        world.set_pod(pod, phase="Failed", ready=False)
    world.hand.delete("Pod", first.meta.name, "default", grace=0)
    world.run(300)
    assert replicasets(world) == ({"1": 0, "2": 2} if goes_on else {"1": 0})
    world.hand.delete("Pod", second.meta.name, "default", grace=0)
    world.run(1)
    assert replicasets(world) == {"1": 0, "2": 2}


# -- ReplicaSets that come and go -----------------------------------------------------------------------------------


def test_it_adopts_and_releases_replicasets() -> None:
    world, _ = controlled()
    template = world.template("web")
    labels = {"app": "web", "pod-template-hash": "abc"}
    orphan = world.hand.create(
        Workload(
            kind="ReplicaSet",
            meta=Meta("web-abc", "default", labels=labels),
            spec=ReplicaSetSpec.model_validate({"replicas": 2, "selector": {"matchLabels": labels}}),
            template=Template(template.spec, labels),
        )
    )
    deployment = deployed(world, 2)
    assert list(world.store.table("ReplicaSet")) == [("default", "web-abc")], (
        "the same template: it is the new one"
    )
    assert world.now(orphan).meta.controller.uid == deployment.meta.uid
    assert progressing(world).reason == "NewReplicaSetAvailable"
    world.change_meta(orphan, labels={"app": "debug"})
    settle(world)
    assert world.now(orphan).meta.owners == ()
    assert len(world.store.table("ReplicaSet")) == 2


def test_a_deleted_replicaset_is_made_again() -> None:
    world, _ = controlled()
    deployed(world, 2)
    ((_, name),) = world.store.table("ReplicaSet")
    world.hand.delete("ReplicaSet", name, "default")
    world.run(1)
    assert list(world.store.table("ReplicaSet")) == [("default", name)]


def test_a_deleting_deployment_does_nothing() -> None:
    world, _ = controlled()
    deployment = deployed(world, 2)
    world.change_meta(deployment, finalizers=("foregroundDeletion",))
    world.hand.delete("Deployment", "web", "default")
    update(world, deployment)
    world.run(10)
    assert replicasets(world) == {"1": 2}


# -- as a controller ------------------------------------------------------------------------------------------------


def test_what_pods_do_costs_nothing_beyond_their_replicasets_status() -> None:
    world, controller = controlled()
    deployed(world, 4)
    seen = world.changes("Deployment")
    for pod in world.pods():
        world.change_meta(pod, annotations={"a": "b"})
    controller.enqueue(("default", "web"))
    world.run(10)
    assert seen == []


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happened_a_controller_without_memory_finds_nothing_left_to_do(seed: int) -> None:
    world, _ = controlled()
    random = Random(seed)
    surge = {"rolling_update": {"max_surge": 2, "max_unavailable": 1}}
    recreate = {"type": "Recreate"}
    deployment = deployed(world, 3, strategy=random.choice((surge, recreate)), revision_history_limit=1)
    for _ in range(120):
        act, pods = random.randrange(8), world.pods()
        if act == 0:
            update(world, deployment, random.choice("1234"))
        elif act == 1:
            world.change_spec(deployment, replicas=random.randrange(6))
        elif act == 2 and pods:
            world.hand.delete("Pod", random.choice(pods).meta.name, "default")
        elif act == 3 and pods:
            world.set_pod(random.choice(pods), "Running", random.random() < 0.8, "n1")
        elif act == 4:
            world.change_spec(deployment, paused=random.random() < 0.3)
        elif act == 5:
            world.finish_deletions()
        elif act == 6:
            world.start_pods()
        world.run(random.random() * 0.1)
    world.change_spec(deployment, paused=False)
    settle(world, 40)
    assert status(world) == (world.now(deployment).spec.replicas,) * 4
    seen = [*(world.changes(kind) for kind in ("Deployment", "ReplicaSet", "Pod"))]
    DeploymentController(world.clock, world.client("deployment-controller"), world.timings)
    ReplicaSetController(world.clock, world.client("replicaset-controller"), world.timings)
    world.run(5)
    assert seen == [[], [], []]


def test_after_a_restart_it_still_times_out() -> None:
    world, controller = controlled()
    world.workload("Deployment", "web", replicas=1, progress_deadline_seconds=60)
    world.run(30)
    controller.stop()
    world.run(10)
    controller.start()
    world.run(25)
    assert progressing(world).reason == "ProgressDeadlineExceeded"
