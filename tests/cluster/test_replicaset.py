"""Behaviour 4.1: ReplicaSets."""

from random import Random

import pytest
from msgspec.structs import replace

from simkube.cluster.errors import Forbidden
from simkube.cluster.workloads.replicaset import ReplicaSetController
from simkube.kube.objects import OwnerReference, Pod, Workload
from tests.cluster.harness import World


def controlled(version: str = "v1.36.3") -> tuple[World, ReplicaSetController]:
    world = World(version)
    return world, ReplicaSetController(world.clock, world.client("replicaset-controller"), world.timings)


def status(world: World, name: str = "web") -> tuple[int, int, int, int]:
    found = world.get("ReplicaSet", name).status
    return found.replicas, found.ready, found.available, found.terminating


def alive(world: World) -> list[Pod]:
    return [pod for pod in world.pods() if pod.is_active]


def scale(world: World, replicaset: Workload, replicas: int) -> None:
    world.change_spec(replicaset, replicas=replicas)
    world.run(1)


def test_it_makes_its_pods_named_and_owned() -> None:
    world, _ = controlled()
    replicaset = world.workload("ReplicaSet", "web", replicas=3)
    world.run(1)
    pods = world.pods()
    assert len({pod.meta.name for pod in pods}) == 3
    for pod in pods:
        assert pod.meta.name.startswith("web-") and len(pod.meta.name) == len("web-") + 5
        assert pod.meta.owners == (OwnerReference("ReplicaSet", "web", replicaset.meta.uid),)
        assert pod.template is replicaset.template
    assert status(world) == (3, 0, 0, 0)


def test_a_terminating_pod_is_replaced_at_once() -> None:
    world, _ = controlled()
    world.workload("ReplicaSet", "web", replicas=2)
    world.run(1)
    world.start_pods()
    world.run(1)
    assert status(world) == (2, 2, 2, 0)
    world.hand.delete("Pod", world.pods()[0].meta.name, "default")
    world.run(0.05)
    assert len(world.pods()) == 3
    assert status(world) == (2, 1, 1, 1)  # 13.1: terminatingReplicas from 1.35 on
    world.finish_deletions()
    world.run(1)
    assert status(world) == (2, 1, 1, 0)


def test_13_1_terminating_replicas_are_not_reported_before_1_35() -> None:
    world, _ = controlled("v1.34.4")
    world.workload("ReplicaSet", "web", replicas=1)
    world.run(1)
    world.start_pods()
    world.hand.delete("Pod", world.pods()[0].meta.name, "default")
    world.run(1)
    assert status(world)[3] == 0


def test_a_pod_that_is_not_ready_counts_as_active_and_is_not_replaced() -> None:
    world, _ = controlled()
    world.workload("ReplicaSet", "web", replicas=2)
    world.run(1)
    world.start_pods()
    world.set_pod(world.pods()[0], ready=False)
    world.run(600)
    assert len(world.pods()) == 2
    assert status(world) == (2, 1, 1, 0)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_finished_pod_is_replaced_and_kept(phase: str) -> None:
    world, _ = controlled()
    world.workload("ReplicaSet", "web", replicas=1)
    world.run(1)
    world.set_pod(world.pods()[0], phase=phase, node="n1")
    world.run(1)
    assert len(world.pods()) == 2
    assert status(world)[0] == 1


def test_status_counts_active_pods_as_this_sync_found_them() -> None:
    world, _ = controlled()
    replicaset = world.workload("ReplicaSet", "web", replicas=2)
    seen = world.changes("ReplicaSet")
    world.run(1)
    assert [change.new.status.replicas for change in seen] == [0, 2]
    assert seen[0].new.status.observed_generation == replicaset.meta.generation


def test_unchanged_status_is_not_written() -> None:
    world, controller = controlled()
    world.workload("ReplicaSet", "web", replicas=2)
    world.run(1)
    seen = world.changes("ReplicaSet")
    controller.enqueue(("default", "web"))
    world.run(10)
    assert seen == []


def test_a_sync_creates_and_deletes_at_most_500() -> None:
    world, _ = controlled()
    replicaset = world.workload("ReplicaSet", "web", replicas=1100)
    created: list[float] = []
    world.store.watch("Pod", lambda change: created.append(world.clock.now))
    world.run(1)
    assert [created.count(at) for at in dict.fromkeys(created)] == [500, 500, 100]
    created.clear()
    scale(world, replicaset, 10)
    assert [created.count(at) for at in dict.fromkeys(created)] == [500, 500, 90]


def test_creation_doubles_its_batches_and_stops_at_the_first_failing_one() -> None:
    world, _ = controlled()
    tries: list[float] = []

    def quota(pod: Pod, _: object) -> Pod:
        tries.append(world.clock.now)
        if len(tries) > 3:
            raise Forbidden("exceeded quota")
        return pod

    world.api.admission["Pod"] = [quota]
    world.workload("ReplicaSet", "web", replicas=20)
    world.run(0.012)
    assert len(tries) == 7  # 1 + 2 made, the batch of 4 refused, none after it
    assert len(world.pods()) == 3
    failure = world.get("ReplicaSet", "web").status.conditions
    assert [(c.type, c.status, c.reason, c.message) for c in failure] == [
        ("ReplicaFailure", "True", "FailedCreate", "exceeded quota")
    ]
    assert ("web", "FailedCreate", "Error creating: exceeded quota") in world.events
    world.run(0.02)
    assert len(tries) == 8  # tried again, starting with a batch of one
    world.api.admission.clear()
    world.run(5)
    assert len(world.pods()) == 20
    assert world.get("ReplicaSet", "web").status.conditions == ()


def test_the_clients_rate_limit_slows_creation() -> None:
    """20 calls a second after a burst of 30: 30 at once, the rest with one more status write or so takes over 3 s."""
    world = World()
    ReplicaSetController(world.clock, world.api.client("replicaset-controller", 20, 30), world.timings)
    world.workload("ReplicaSet", "web", replicas=100)
    world.run(0.5)
    assert 30 <= len(world.pods()) <= 40
    world.run(2)
    assert len(world.pods()) < 90
    world.run(10)
    assert len(world.pods()) == 100
    assert status(world)[0] == 100


def test_events_of_creation_and_deletion() -> None:
    world, _ = controlled()
    replicaset = world.workload("ReplicaSet", "web", replicas=1)
    world.run(1)
    name = world.pods()[0].meta.name
    scale(world, replicaset, 0)
    assert world.events == [
        ("web", "SuccessfulCreate", f"Created pod: {name}"),
        ("web", "SuccessfulDelete", f"Deleted pod: {name}"),
    ]


def test_it_deletes_first_what_is_worth_least() -> None:
    world, _ = controlled()
    replicaset = world.workload("ReplicaSet", "web", replicas=3)
    world.run(1)
    a, b, c = world.pods()
    world.set_pod(a, "Running", True, "n1")
    world.set_pod(c, "Running", False, "n2")
    scale(world, replicaset, 1)
    assert world.get("Pod", a.meta.name).is_active
    assert world.get("Pod", b.meta.name) is None  # no node: gone at once
    assert world.get("Pod", c.meta.name).is_terminating


def test_only_a_family_counts_pods_on_a_node() -> None:
    """Rule 5 for pods of all ReplicaSets of one Deployment; a bare ReplicaSet has no family at all."""
    for owned in (True, False):
        world, _ = controlled()
        deployment = world.workload("Deployment", "web", replicas=1)
        owners = (OwnerReference("Deployment", "web", deployment.meta.uid),) if owned else ()
        template = world.template(labels={"app": "web", "pod-template-hash": "1"})
        replicaset = world.workload("ReplicaSet", "web-1", template, replicas=2)
        world.change_meta(replicaset, owners=owners)
        world.run(1)
        crowded, alone = world.pods()
        other = world.workload(
            "ReplicaSet", "web-2", world.template(labels={"app": "web", "x": "2"}), replicas=1
        )
        world.change_meta(other, owners=owners)
        world.run(1)
        world.set_pod(world.pods()[2], "Running", True, "a")
        world.set_pod(crowded, "Running", True, "a")
        world.run(100)
        world.set_pod(alone, "Running", True, "b")  # Ready for a shorter time: rule 6 takes it
        scale(world, replicaset, 1)
        gone = crowded if owned else alone
        assert world.get("Pod", gone.meta.name).is_terminating


def test_min_ready_seconds() -> None:
    world, _ = controlled()
    world.workload("ReplicaSet", "web", replicas=1, min_ready_seconds=10)
    world.run(2)
    pod = world.pods()[0]
    world.set_pod(pod, "Running", True, "n1")  # at 2
    world.run(9)
    assert status(world) == (1, 1, 0, 0)
    world.set_pod(pod, ready=False)  # at 11: the flap starts it anew
    world.set_pod(pod, ready=True)
    world.run(9.9)
    assert status(world) == (1, 1, 0, 0)
    world.run(0.2)
    assert status(world) == (1, 1, 1, 0)


def test_it_adopts_what_fits_and_has_no_controller() -> None:
    world, _ = controlled()
    before = world.pod("before", node="n1", phase="Running", ready=True)
    world.pod("other", world.template("db"))
    world.pod("finished", node="n1", phase="Succeeded")
    replicaset = world.workload("ReplicaSet", "web", replicas=2)
    world.run(1)
    assert world.now(before).meta.controller.uid == replicaset.meta.uid
    assert [p.meta.name for p in world.pods() if p.meta.controller is None] == ["other", "finished"]
    assert len(alive(world)) == 3  # "other", "before" and one that was made
    world.pod("after")
    world.run(1)
    assert world.get("Pod", "after") is None or world.get("Pod", "after").meta.controller is not None
    assert sum(p.meta.controller is not None for p in alive(world)) == 2  # adopted, and one too many deleted


def test_a_deleting_one_neither_adopts_nor_acts() -> None:
    world, _ = controlled()
    replicaset = world.workload("ReplicaSet", "web", replicas=1)
    world.run(1)
    world.change_meta(replicaset, finalizers=("foregroundDeletion",))
    world.hand.delete("ReplicaSet", "web", "default")
    world.hand.delete("Pod", world.pods()[0].meta.name, "default")
    orphan = world.pod("orphan")
    world.run(1)
    assert world.pods() == [orphan]


def test_it_releases_pods_whose_labels_left() -> None:
    world, _ = controlled()
    world.workload("ReplicaSet", "web", replicas=1)
    world.run(1)
    pod = world.pods()[0]
    world.change_meta(pod, labels={"app": "debug"})
    world.run(1)
    assert world.now(pod).meta.owners == ()
    assert len(world.pods()) == 2
    world.change_meta(pod, labels={"app": "web"})  # and takes it back, one too many: one goes
    world.run(1)
    assert len(alive(world)) == 1


def test_it_goes_on_after_a_restart_of_the_controller() -> None:
    world, controller = controlled()
    world.workload("ReplicaSet", "web", replicas=2)
    world.run(1)
    controller.stop()
    for pod in world.pods():
        world.hand.delete("Pod", pod.meta.name, "default")
    world.run(60)
    assert world.pods() == []
    controller.start()
    world.run(1)
    assert len(world.pods()) == 2


def test_it_waits_out_an_api_that_is_away() -> None:
    world, _ = controlled()
    replicaset = world.workload("ReplicaSet", "web", replicas=2)
    world.run(1)
    world.store.put(
        replace(world.now(replicaset), spec=replicaset.spec.model_copy(update={"replicas": 4})), "etcd"
    )
    world.api.available = False
    world.run(60)
    assert len(world.pods()) == 2
    world.api.available = True
    world.run(60)
    assert len(world.pods()) == 4


def test_any_order_of_losses_ends_with_the_wanted_number() -> None:
    world, _ = controlled()
    replicaset = world.workload("ReplicaSet", "web", replicas=5)
    random = Random(11)
    for _ in range(100):
        world.run(random.random() * 0.02)
        pods = world.pods()
        if pods and random.random() < 0.7:
            pod = random.choice(pods)
            act = random.randrange(4)
            if act == 0:
                world.hand.delete("Pod", pod.meta.name, "default")
            elif act == 1:
                world.set_pod(pod, random.choice(("Running", "Failed")), node="n1")
            elif act == 2:
                world.change_meta(pod, labels={"app": random.choice(("web", "debug"))})
            else:
                world.change_spec(replicaset, replicas=random.randrange(8))
        if random.random() < 0.1:
            world.finish_deletions()
    world.run(5)
    owned = [p for p in alive(world) if p.meta.controller is not None]
    assert len(owned) == world.now(replicaset).spec.replicas
    assert all(p.meta.labels["app"] == "web" for p in owned)
    assert status(world)[0] == len(owned)
