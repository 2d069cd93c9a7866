"""StatefulSet: behaviour 4.3 and the rows of 13.1 about it."""

from typing import Any

import pytest
from msgspec.structs import replace

from simkube.cluster.workloads.roster import max_unavailable
from simkube.cluster.workloads.statefulset import StatefulSetController
from simkube.kube.objects import Pod, Workload
from simkube.kube.template import Template
from simkube.kube.workloads import StatefulSetSpec
from tests.cluster.harness import World

CLAIMS = [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]


def world(version: str = "v1.36.3") -> World:
    world = World(version)
    StatefulSetController(world.clock, world.client("statefulset-controller"), world.timings)
    return world


def names(world: World) -> list[str]:
    return sorted(pod.meta.name for pod in world.pods())


def terminating(world: World) -> list[str]:
    return sorted(pod.meta.name for pod in world.pods() if pod.is_terminating)


def start(world: World, name: str, node: str = "n1") -> None:
    pod = world.get("Pod", name)
    world.set_pod(pod, phase="Running", ready=True, node=pod.node or node)
    world.run(1)


def started(world: World, replicas: int, **spec: Any) -> Workload:
    """A set whose pods are all Running and Ready."""
    owner = world.workload("StatefulSet", "db", replicas=replicas, **spec)
    for _ in range(replicas):
        world.run(1)
        world.start_pods()
    world.run(1)
    return owner


def settle(world: World, rounds: int = 20) -> None:
    """Kubelets stop and start whatever they are told to."""
    for _ in range(rounds):
        world.run(1)
        world.finish_deletions()
        world.run(1)
        world.start_pods()


def new_template(world: World, owner: Workload, image: str = "db:2") -> None:
    template = world.template("db", containers=[{"name": "main", "image": image}])
    current = world.now(owner)
    meta = replace(current.meta, generation=current.meta.generation + 1)
    world.hand.update(replace(current, template=template, meta=meta))


def images(world: World) -> list[str]:
    by_name = sorted(world.pods(), key=lambda pod: pod.meta.name)
    return [pod.template.spec.containers[0].image for pod in by_name]


# -- identity -------------------------------------------------------------------------------------------------------


def test_4_3_pods_have_names_by_ordinal_and_the_labels_of_their_identity() -> None:
    w = world()
    started(w, 2)
    assert names(w) == ["db-0", "db-1"]
    labels = w.get("Pod", "db-1").meta.labels
    assert labels["statefulset.kubernetes.io/pod-name"] == "db-1"
    assert labels["apps.kubernetes.io/pod-index"] == "1"
    assert labels["controller-revision-hash"].startswith("db-")


def test_4_3_ordinals_start() -> None:
    w = world()
    started(w, 2, ordinals={"start": 5})
    assert names(w) == ["db-5", "db-6"]


def test_4_3_a_terminating_pod_is_replaced_only_when_its_object_is_gone() -> None:
    w = world()
    started(w, 3)
    pod = w.get("Pod", "db-1")
    w.hand.delete("Pod", "db-1", "default")
    w.run(3600)  # a dead node: nobody confirms
    assert w.get("Pod", "db-1").meta.uid == pod.meta.uid
    w.finish_deletions()
    w.run(1)
    assert w.get("Pod", "db-1").meta.uid != pod.meta.uid


def test_4_3_the_same_with_parallel_management() -> None:
    w = world()
    started(w, 3, pod_management_policy="Parallel")
    w.hand.delete("Pod", "db-1", "default")
    w.run(3600)
    assert terminating(w) == ["db-1"]
    assert names(w) == ["db-0", "db-1", "db-2"]


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_4_3_finished_pods_are_deleted_and_recreated(phase: str) -> None:
    w = world()
    started(w, 2)
    before = w.get("Pod", "db-1")
    w.set_pod(before, phase=phase, ready=False)
    w.run(1)
    after = w.get("Pod", "db-1")
    assert after.meta.uid != before.meta.uid
    assert after.status.phase == "Pending"


# -- order ----------------------------------------------------------------------------------------------------------


def test_4_3_ordered_ready_creates_the_next_when_the_one_before_is_ready() -> None:
    w = world()
    w.workload("StatefulSet", "db", replicas=3)
    w.run(60)
    assert names(w) == ["db-0"]
    w.set_pod(w.get("Pod", "db-0"), phase="Running", ready=False, node="n1")
    w.run(60)
    assert names(w) == ["db-0"]
    start(w, "db-0")
    assert names(w) == ["db-0", "db-1"]


def test_4_3_ordered_ready_waits_for_min_ready_seconds() -> None:
    w = world()
    w.workload("StatefulSet", "db", replicas=2, min_ready_seconds=30)
    w.run(1)
    start(w, "db-0")  # Ready at 1 s, available at 31 s
    w.run(28)  # 30 s
    assert names(w) == ["db-0"]
    assert w.get("StatefulSet", "db").status.available == 0
    w.run(2)
    assert names(w) == ["db-0", "db-1"]
    assert w.get("StatefulSet", "db").status.available == 1


def test_4_3_parallel_creates_all_at_once() -> None:
    w = world()
    w.workload("StatefulSet", "db", replicas=40, pod_management_policy="Parallel")
    w.run(1)
    assert len(w.pods()) == 40


def test_4_3_a_bad_low_ordinal_blocks_creation_of_higher_ones() -> None:
    w = world()
    started(w, 3)
    w.set_pod(w.get("Pod", "db-0"), ready=False)
    w.hand.delete("Pod", "db-2", "default", grace=0)
    w.run(600)
    assert names(w) == ["db-0", "db-1"]
    w.set_pod(w.get("Pod", "db-0"), ready=True)
    w.run(1)
    assert names(w) == ["db-0", "db-1", "db-2"]


def test_4_3_a_bad_low_ordinal_blocks_scaling_down() -> None:
    w = world()
    owner = started(w, 3)
    w.set_pod(w.get("Pod", "db-0"), ready=False)
    w.change_spec(owner, replicas=1)
    w.run(600)
    assert terminating(w) == []


def test_4_3_scale_down_takes_the_highest_first_one_at_a_time() -> None:
    w = world()
    owner = started(w, 4)
    w.change_spec(owner, replicas=1)
    gone = []
    for _ in range(3):
        w.run(60)
        gone.append(terminating(w))
        w.finish_deletions()
    w.run(60)
    assert gone == [["db-3"], ["db-2"], ["db-1"]]
    assert names(w) == ["db-0"]


def test_4_3_parallel_scales_down_at_once() -> None:
    w = world()
    owner = started(w, 4, pod_management_policy="Parallel")
    w.change_spec(owner, replicas=1)
    w.run(1)
    assert terminating(w) == ["db-1", "db-2", "db-3"]


def test_4_3_scale_down_refuses_while_another_condemned_pod_is_unhealthy() -> None:
    w = world()
    owner = started(w, 4)
    w.set_pod(w.get("Pod", "db-2"), ready=False)
    w.change_spec(owner, replicas=2)
    w.run(600)
    assert terminating(w) == ["db-3"]  # healthy itself
    w2 = world()
    owner = started(w2, 4)
    w2.set_pod(w2.get("Pod", "db-2"), ready=False)
    w2.set_pod(w2.get("Pod", "db-3"), ready=False)
    w2.change_spec(owner, replicas=2)
    w2.run(600)
    assert terminating(w2) == []  # the first unhealthy one is db-2


def test_4_3_scale_down_takes_a_victim_that_is_itself_the_first_unhealthy_one() -> None:
    w = world()
    owner = started(w, 3)
    w.set_pod(w.get("Pod", "db-2"), ready=False)
    w.change_spec(owner, replicas=2)
    w.run(1)
    assert terminating(w) == ["db-2"]


# -- rolling update -------------------------------------------------------------------------------------------------


def test_4_3_rolling_update_goes_from_the_highest_ordinal_down_one_at_a_time() -> None:
    w = world()
    owner = started(w, 3)
    new_template(w, owner)
    order = []
    for _ in range(3):
        w.run(60)
        order.append(terminating(w))
        w.finish_deletions()
        w.run(60)
        assert terminating(w) == []  # waits until the new one is Ready
        w.start_pods()
    w.run(60)
    assert order == [["db-2"], ["db-1"], ["db-0"]]
    assert images(w) == ["db:2"] * 3
    status = w.get("StatefulSet", "db").status
    assert status.current_revision == status.update_revision
    assert (status.updated, status.current, status.replicas) == (3, 3, 3)


def test_4_3_the_partition_keeps_lower_ordinals_and_recreates_them_at_the_current_revision() -> None:
    w = world()
    owner = started(w, 4, update_strategy={"rollingUpdate": {"partition": 2}})
    kept = [w.get("Pod", name).meta.uid for name in ("db-0", "db-1")]
    new_template(w, owner)
    settle(w)
    assert images(w) == ["db:1", "db:1", "db:2", "db:2"]
    assert [w.get("Pod", name).meta.uid for name in ("db-0", "db-1")] == kept
    w.hand.delete("Pod", "db-0", "default", grace=0)
    settle(w)
    assert images(w) == ["db:1", "db:1", "db:2", "db:2"]
    status = w.get("StatefulSet", "db").status
    assert status.current_revision != status.update_revision
    assert (status.current, status.updated) == (2, 2)


def test_4_3_on_delete_replaces_nothing_by_itself() -> None:
    w = world()
    owner = started(w, 2, update_strategy={"type": "OnDelete"})
    new_template(w, owner)
    w.run(3600)
    assert terminating(w) == []
    w.hand.delete("Pod", "db-0", "default", grace=0)
    settle(w)
    assert images(w) == ["db:2", "db:1"]


def test_4_3_a_broken_pod_blocks_the_way_back_forced_rollback() -> None:
    w = world()
    owner = started(w, 3)
    new_template(w, owner, "db:broken")
    w.run(1)
    w.finish_deletions()
    w.run(1)
    w.set_pod(w.get("Pod", "db-2"), phase="Running", ready=False, node="n1")  # never becomes Ready
    new_template(w, owner, "db:1")
    w.run(3600)
    assert images(w) == ["db:1", "db:1", "db:broken"]
    w.hand.delete("Pod", "db-2", "default", grace=0)
    settle(w)
    assert images(w) == ["db:1"] * 3


def test_4_3_going_back_to_an_old_template_makes_its_revision_the_newest_again() -> None:
    w = world()
    owner = started(w, 1)
    first = w.get("StatefulSet", "db").status.update_revision
    new_template(w, owner)
    settle(w, 3)
    new_template(w, owner, "db:1")
    settle(w, 3)
    assert w.get("StatefulSet", "db").status.update_revision == first
    numbers = {r.meta.name: r.extra["revision"] for r in w.store.table("ControllerRevision").values()}
    assert max(numbers, key=lambda name: numbers[name]) == first
    assert len(numbers) == 2


def test_4_3_history_is_kept_up_to_its_limit() -> None:
    w = world()
    owner = started(w, 1, revision_history_limit=2)
    for number in range(2, 7):
        new_template(w, owner, f"db:{number}")
        settle(w, 3)
    assert len(w.store.table("ControllerRevision")) == 3  # two old ones and the live one


def test_13_1_before_1_37_max_unavailable_is_ignored() -> None:
    w = world("v1.36.3")
    owner = started(w, 5, update_strategy={"rollingUpdate": {"maxUnavailable": 3}})
    new_template(w, owner)
    w.run(1)
    assert terminating(w) == ["db-4"]


def test_13_1_from_1_37_on_ordered_ready_deletes_up_to_max_unavailable_in_one_pass() -> None:
    w = world("v1.37.2")
    owner = started(w, 5, update_strategy={"rollingUpdate": {"maxUnavailable": 3}})
    new_template(w, owner)
    w.run(1)
    assert terminating(w) == ["db-2", "db-3", "db-4"]
    w.finish_deletions()
    w.run(60)
    assert terminating(w) == []  # the next batch waits for all three
    settle(w)
    assert images(w) == ["db:2"] * 5


def test_13_1_from_1_37_on_parallel_takes_unavailable_ones_regardless_of_the_budget() -> None:
    w = world("v1.37.2")
    strategy = {"rollingUpdate": {"maxUnavailable": 2}}
    owner = started(w, 6, pod_management_policy="Parallel", update_strategy=strategy)
    for name in ("db-0", "db-1", "db-2"):
        w.set_pod(w.get("Pod", name), ready=False)
    new_template(w, owner)
    w.run(1)
    assert terminating(w) == ["db-0", "db-1", "db-2"]  # 3 unavailable > 2: no budget left for sound ones


def test_13_1_from_1_37_on_parallel_spends_what_is_left_on_available_ones() -> None:
    w = world("v1.37.2")
    strategy = {"rollingUpdate": {"maxUnavailable": 3}}
    owner = started(w, 6, pod_management_policy="Parallel", update_strategy=strategy)
    w.set_pod(w.get("Pod", "db-0"), ready=False)
    new_template(w, owner)
    w.run(1)
    assert terminating(w) == ["db-0", "db-4", "db-5"]


@pytest.mark.parametrize(
    ("value", "replicas", "expected"), [(None, 5, 1), (2, 5, 2), ("50%", 5, 2), ("10%", 5, 1), ("100%", 4, 4)]
)
def test_13_1_max_unavailable_rounds_down_but_is_at_least_one(
    value: Any, replicas: int, expected: int
) -> None:
    rolling = {} if value is None else {"maxUnavailable": value}
    spec = StatefulSetSpec.model_validate(
        {"replicas": replicas, "updateStrategy": {"rollingUpdate": rolling}}
    )
    assert max_unavailable(spec) == expected


@pytest.mark.parametrize(("version", "advances"), [("v1.36.3", False), ("v1.37.2", True)])
def test_13_1_on_delete_advances_the_current_revision_from_1_37_on(version: str, advances: bool) -> None:
    w = world(version)
    owner = started(w, 1, update_strategy={"type": "OnDelete"})
    new_template(w, owner)
    w.run(1)
    w.hand.delete("Pod", "db-0", "default", grace=0)
    settle(w, 3)
    status = w.get("StatefulSet", "db").status
    assert (status.current_revision == status.update_revision) is advances


@pytest.mark.parametrize(("version", "deleted"), [("v1.33.5", ["db-2"]), ("v1.34.4", [])])
def test_parallel_updates_wait_for_min_ready_seconds_from_1_34_on(version: str, deleted: list[str]) -> None:
    # [stateful_set_utils.go: isHealthy up to 1.33, isUnavailable from 1.34 on]
    w = world(version)
    owner = started(w, 4, pod_management_policy="Parallel", min_ready_seconds=600)
    w.run(700)
    new_template(w, owner)
    w.run(1)
    w.finish_deletions()
    w.run(1)
    w.start_pods()  # db-3 Ready, but not yet available
    w.run(60)
    assert terminating(w) == deleted


# -- claims ---------------------------------------------------------------------------------------------------------


def test_4_3_each_pod_has_its_own_claim_which_outlives_it() -> None:
    w = world()
    owner = started(w, 2, volume_claim_templates=CLAIMS)
    claims = [claim.meta.name for claim in w.store.table("PersistentVolumeClaim").values()]
    assert claims == ["data-db-0", "data-db-1"]
    assert w.get("Pod", "db-1").template.claims == ("data-db-1",)
    w.change_spec(owner, replicas=0)
    settle(w)
    assert w.pods() == []
    assert len(w.store.table("PersistentVolumeClaim")) == 2  # PVCs are retained by default


def test_pods_of_one_ordinal_share_a_template() -> None:
    w = world()
    started(w, 1, volume_claim_templates=CLAIMS)
    before: Template = w.get("Pod", "db-0").template
    w.hand.delete("Pod", "db-0", "default", grace=0)
    w.run(1)
    assert w.get("Pod", "db-0").template is before


def owners(w: World, claim: str) -> list[tuple[str, str]]:
    return [(o.kind, o.name) for o in w.get("PersistentVolumeClaim", claim).meta.owners]


def test_retention_policy_names_the_owner_with_whom_a_claim_goes() -> None:
    # [stateful_set_utils.go updateClaimOwnerRefForSetAndPod]
    w = world()
    policy = {"whenDeleted": "Delete", "whenScaled": "Delete"}
    owner = started(w, 2, volume_claim_templates=CLAIMS, persistent_volume_claim_retention_policy=policy)
    assert owners(w, "data-db-1") == [("StatefulSet", "db")]
    w.change_spec(owner, replicas=1)
    w.run(1)
    assert owners(w, "data-db-0") == [("StatefulSet", "db")]
    assert owners(w, "data-db-1") == [("Pod", "db-1")]


def test_a_claim_that_is_being_deleted_holds_its_pod_back() -> None:
    w = world()
    started(w, 1, volume_claim_templates=CLAIMS)
    claim = w.get("PersistentVolumeClaim", "data-db-0")
    w.change_meta(claim, finalizers=("kubernetes.io/pvc-protection",))
    w.hand.delete("PersistentVolumeClaim", "data-db-0", "default")
    w.hand.delete("Pod", "db-0", "default", grace=0)
    w.run(60)
    assert w.pods() == []
    w.change_meta(claim, finalizers=())
    w.run(120)
    assert names(w) == ["db-0"]


# -- reporting, restarts ----------------------------------------------------------------------------------------------


def test_status_is_written_only_when_it_changes() -> None:
    w = world()
    started(w, 2)
    seen = w.changes("StatefulSet")
    pod = w.get("Pod", "db-0")
    w.change_meta(pod, annotations={"touched": "yes"})
    w.run(3600)
    assert seen == []


def test_a_restarted_controller_finds_what_happened_while_it_was_away() -> None:
    w = World()
    controller = StatefulSetController(w.clock, w.client("statefulset-controller"), w.timings)
    started(w, 2)
    controller.stop()
    w.hand.delete("Pod", "db-1", "default", grace=0)
    w.run(60)
    assert names(w) == ["db-0"]
    controller.start()
    w.run(1)
    assert names(w) == ["db-0", "db-1"]


def test_an_orphan_with_the_name_and_labels_of_a_member_is_adopted() -> None:
    w = world()
    owner = started(w, 1)
    pod = w.get("Pod", "db-0")
    w.change_meta(pod, owners=())
    w.run(1)
    adopted: Pod = w.get("Pod", "db-0")
    assert adopted.meta.uid == pod.meta.uid
    assert adopted.meta.controller is not None
    assert adopted.meta.controller.uid == owner.meta.uid


def test_pods_of_a_dump_that_show_their_revision_are_not_rolled() -> None:
    w = World()
    owner = w.workload("StatefulSet", "db", replicas=2)
    template = w.template("db")
    for ordinal in range(2):
        labels = {"app": "db", "controller-revision-hash": "db-5f7b8c9d4"}
        w.pod(f"db-{ordinal}", template, "n1", "Running", True, owner, labels=labels)
    StatefulSetController(w.clock, w.client("statefulset-controller"), w.timings).start()
    w.run(600)
    assert terminating(w) == []
    assert w.get("StatefulSet", "db").status.updated == 2


def test_an_event_says_what_was_done() -> None:
    w = world("v1.34.4")
    w.workload("StatefulSet", "db", replicas=1)
    w.run(1)
    assert ("db", "SuccessfulCreate", "create Pod db-0 in StatefulSet db successful") in w.events
