"""Claims, volumes, attaching and detaching: behaviour, section 3 (Volumes) and 13.1."""

from typing import Any

import pytest
from msgspec.structs import replace

from simkube.cluster.collection.podgc import PodGarbageCollector
from simkube.cluster.volumes.attach_detach import AttachDetach
from simkube.cluster.volumes.csi_driver import CsiDrivers, choose
from simkube.cluster.volumes.ephemeral import EphemeralVolumeController
from simkube.cluster.volumes.facts import AttachmentWatch, Storage, attached
from simkube.cluster.volumes.volume_binder import VolumeBinder
from simkube.cluster.workloads.statefulset import StatefulSetController
from simkube.kube.objects import Meta, Node, Other, Pod, Resource, Taint
from simkube.kube.storage import PersistentVolumeClaimSpec, PersistentVolumeSpec, StorageClass
from simkube.kube.template import Template
from tests.cluster.harness import World

ZONE = "topology.kubernetes.io/zone"
OUT_OF_SERVICE = Taint("node.kubernetes.io/out-of-service", "NoExecute", "nodeshutdown")
STORAGE = Storage(provision=3.0, attach=5.0, detach=2.0)
REPORT = 5.0  # a node status every 10 s: unmounting is seen after 5 s on average


def world(version: str = "v1.36.3") -> World:
    w = World(version)
    VolumeBinder(w.clock, w.client("persistentvolume-binder"))
    CsiDrivers(w.clock, w.client("csi-drivers"), STORAGE)
    AttachDetach(w.clock, w.client("attachdetach-controller"), w.timings)
    for name, zone in (("n1", "a"), ("n2", "b"), ("n3", "c")):
        w.node(name, labels={ZONE: zone})
    return w


def storage_class(w: World, name: str = "disk", default: bool = False, **fields: Any) -> Resource:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    spec = StorageClass.model_validate({"provisioner": "disk.example.com", **fields})
    meta = Meta(name, annotations=annotations)
    return w.hand.create(Resource(api_version="storage.k8s.io/v1", kind="StorageClass", meta=meta, spec=spec))


def claim(w: World, name: str = "data", annotations: dict[str, str] | None = None, **fields: Any) -> Resource:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Gi"}},
        "storageClassName": "disk",
        **fields,
    }
    meta = Meta(name, "default", annotations=annotations or {})
    model = PersistentVolumeClaimSpec.model_validate({k: v for k, v in spec.items() if v is not None})
    return w.hand.create(Resource(api_version="v1", kind="PersistentVolumeClaim", meta=meta, spec=model))


def volume(w: World, name: str, size: str = "10Gi", **fields: Any) -> Resource:
    spec = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "disk",
        "csi": {"driver": "disk.example.com", "volumeHandle": name},
        **fields,
    }
    model = PersistentVolumeSpec.model_validate(spec)
    return w.hand.create(Resource(api_version="v1", kind="PersistentVolume", meta=Meta(name), spec=model))


def the_claim(w: World, name: str = "data") -> Resource:
    found: Resource = w.get("PersistentVolumeClaim", name)
    return found


def the_volume(w: World, name: str = "data") -> Resource:
    found: Resource = w.store.get("PersistentVolume", the_claim(w, name).spec.volume_name)
    return found


def phase(w: World, name: str = "data") -> str:
    return str(the_claim(w, name).status.get("phase", "Pending"))


def topology(pv: Resource) -> list[tuple[str, tuple[str, ...]]]:
    if pv.spec.node_affinity is None:
        return []
    return [
        (e.key, e.values)
        for t in pv.spec.node_affinity.required.node_selector_terms
        for e in t.match_expressions
    ]


def template(w: World, name: str = "data") -> Template:
    source = {"name": "data", "persistentVolumeClaim": {"claimName": name}}
    return w.template("db", volumes=[source])


def attachments(w: World) -> list[tuple[str, bool]]:
    found = w.store.table("VolumeAttachment").values()
    return [(a.spec.node_name, bool(a.status["attached"])) for a in found]


def ready(w: World, name: str, status: str) -> None:
    node: Node = w.get("Node", name)
    condition = replace(node.status.conditions[0], status=status, since=w.clock.now)
    w.change(node, status=replace(node.status, conditions=(condition,)))


# -- binding --------------------------------------------------------------------------------------------------------


def test_immediate_makes_a_volume_at_once() -> None:
    w = world()
    storage_class(w)
    claim(w)
    w.run(2.9)
    assert phase(w) == "Pending"
    w.run(1)
    assert phase(w) == "Bound"
    pv = the_volume(w)
    assert pv.status["phase"] == "Bound"
    assert pv.spec.claim_ref["uid"] == the_claim(w).meta.uid
    ((key, (zone,)),) = topology(pv)
    assert key == ZONE
    assert zone in "abc"


def test_wait_for_first_consumer_makes_it_in_the_zone_of_the_selected_node() -> None:
    w = world()
    storage_class(w, volumeBindingMode="WaitForFirstConsumer")
    pvc = claim(w)
    w.run(3600)
    assert phase(w) == "Pending"
    assert [reason for _, reason, _ in w.events] == ["WaitForFirstConsumer"]
    w.change_meta(
        w.now(pvc), annotations={"volume.kubernetes.io/selected-node": "n2"}
    )  # as the scheduler does
    w.run(4)
    assert phase(w) == "Bound"
    assert topology(the_volume(w)) == [(ZONE, ("b",))]


def test_a_claim_without_a_class_gets_the_default_one() -> None:
    w = world()
    storage_class(w, "plain")
    storage_class(w, "standard", default=True)
    claim(w, storageClassName=None)
    w.run(5)
    assert phase(w) == "Bound"
    assert the_volume(w).spec.storage_class_name == "standard"


def test_the_default_may_come_later() -> None:
    w = world()
    claim(w, storageClassName=None)
    w.run(60)
    assert phase(w) == "Pending"
    storage_class(w, default=True)
    w.run(5)
    assert phase(w) == "Bound"


def test_the_old_annotation_names_the_class_as_in_the_cassandra_example() -> None:
    w = world()
    storage_class(w, "fast", provisioner="k8s.io/minikube-hostpath")
    claim(w, annotations={"volume.beta.kubernetes.io/storage-class": "fast"}, storageClassName=None)
    w.run(5)
    assert phase(w) == "Bound"
    assert topology(the_volume(w)) == []  # a directory by name, on whatever node


def test_a_class_that_does_not_exist_is_told_and_waited_for() -> None:
    w = world()
    claim(w)
    w.run(60)
    assert ("data", "ProvisioningFailed", 'storageclass.storage.k8s.io "disk" not found') in w.events
    storage_class(w)
    w.run(5)
    assert phase(w) == "Bound"


def test_the_smallest_fitting_volume_is_taken_before_a_new_one_is_made() -> None:
    w = world()
    storage_class(w)
    volume(w, "large", "100Gi")
    volume(w, "small", "5Gi")
    volume(w, "fits", "20Gi")
    volume(w, "other", "20Gi", storageClassName="slow")
    volume(w, "shared", "10Gi", accessModes=["ReadOnlyMany"])
    w.run(1)
    claim(w)
    w.run(1)
    assert the_claim(w).spec.volume_name == "fits"


def test_a_volume_that_names_the_claim_is_its_own() -> None:
    w = world()
    reference = {"namespace": "default", "name": "data"}
    volume(w, "small", "10Gi")
    volume(w, "mine", "50Gi", claimRef=reference)
    w.run(1)
    claim(w)
    w.run(1)
    assert the_claim(w).spec.volume_name == "mine"


def test_a_released_volume_is_deleted_or_retained_by_its_policy() -> None:
    w = world()
    storage_class(w)
    storage_class(w, "kept", reclaimPolicy="Retain")
    claim(w, "gone")
    claim(w, "stays", storageClassName="kept")
    w.run(5)
    for name in ("gone", "stays"):
        w.hand.delete("PersistentVolumeClaim", name, "default")
    w.run(5)
    (left,) = w.store.table("PersistentVolume").values()
    assert (left.spec.storage_class_name, left.status["phase"]) == ("kept", "Released")


def test_a_claim_in_use_stays_until_its_pod_is_gone() -> None:
    w = world()
    storage_class(w)
    claim(w)
    w.run(5)
    w.pod("a", template(w), "n1", "Running", True)
    w.hand.delete("PersistentVolumeClaim", "data", "default")
    w.run(600)
    assert the_claim(w).meta.deletion_timestamp is not None
    w.hand.delete("Pod", "a", "default", grace=0)
    w.run(1)
    assert the_claim(w) is None


def test_a_claim_whose_volume_is_gone_is_lost() -> None:
    w = world()
    storage_class(w)
    claim(w)
    w.run(5)
    w.hand.delete("PersistentVolume", the_claim(w).spec.volume_name)
    w.run(1)
    assert phase(w) == "Lost"


def test_claims_of_a_statefulset_go_round_the_zones() -> None:
    zones = ("a", "b", "c")
    found = [choose(f"data-web-{ordinal}", zones) for ordinal in range(3)]
    assert sorted(found) == ["a", "b", "c"]
    assert [
        choose(f"logs-web-{ordinal}", zones) for ordinal in range(3)
    ] == found  # two claims of one pod meet


def test_allowed_topologies_are_kept_to() -> None:
    w = world()
    term = {"matchLabelExpressions": [{"key": ZONE, "values": ["c"]}]}
    storage_class(w, allowedTopologies=[term])
    claim(w)
    w.run(5)
    assert topology(the_volume(w)) == [(ZONE, ("c",))]


def test_a_node_local_provisioner_binds_to_the_node() -> None:
    w = world()
    storage_class(w, provisioner="rancher.io/local-path", volumeBindingMode="WaitForFirstConsumer")
    claim(w, annotations={"volume.kubernetes.io/selected-node": "n3"})
    w.run(5)
    assert topology(the_volume(w)) == [("kubernetes.io/hostname", ("n3",))]


def test_generic_ephemeral_volumes_get_a_claim_owned_by_their_pod() -> None:
    w = world()
    EphemeralVolumeController(w.clock, w.client("ephemeral-volume-controller"))
    storage_class(w)
    wanted = {"spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "disk"}}
    w.pod("a", w.template("db", volumes=[{"name": "tmp", "ephemeral": {"volumeClaimTemplate": wanted}}]))
    w.run(5)
    owner = the_claim(w, "a-tmp").meta.controller
    assert owner is not None
    assert (owner.kind, owner.name) == ("Pod", "a")
    assert phase(w, "a-tmp") == "Bound"


# -- attaching ------------------------------------------------------------------------------------------------------


def bound(version: str = "v1.36.3", **fields: Any) -> World:
    """A claim that has its volume."""
    w = world(version)
    storage_class(w, **fields)
    claim(w)
    w.run(10)
    return w


def running(version: str = "v1.36.3") -> World:
    """A pod on n1 with its volume attached there, at 20 s."""
    w = bound(version)
    w.pod("a", template(w), "n1", "Running", True)
    w.run(10)
    assert attachments(w) == [("n1", True)]
    return w


def test_a_volume_is_attached_where_its_pod_is_bound() -> None:
    w = bound()
    pod = w.pod("a", template(w))
    w.run(60)
    assert attachments(w) == []
    w.set_pod(pod, node="n1")
    w.run(1)
    assert attachments(w) == [("n1", False)]
    assert not attached(w.hand, w.now(pod))
    w.run(5)
    assert attachments(w) == [("n1", True)]
    assert attached(w.hand, w.now(pod))


def test_pods_without_claims_and_volumes_that_need_no_attaching_are_ready_at_once() -> None:
    w = bound(provisioner="efs.csi.aws.com")
    assert attached(w.hand, w.pod("plain", node="n1"))
    assert attached(w.hand, w.pod("a", template(w), "n1"))
    w.run(60)
    assert attachments(w) == []


def test_a_csidriver_object_says_whether_its_volumes_are_attached() -> None:
    w = world()
    extra = {"spec": {"attachRequired": False}}
    w.hand.create(
        Other(api_version="storage.k8s.io/v1", kind="CSIDriver", meta=Meta("disk.example.com"), extra=extra)
    )
    storage_class(w)
    claim(w)
    w.run(10)
    w.pod("a", template(w), "n1")
    w.run(10)
    assert attachments(w) == []


def test_a_kubelet_is_told_when_a_volume_of_its_node_is_attached() -> None:
    w = bound()
    calls: list[tuple[str, float]] = []
    watch = AttachmentWatch(w.hand)
    watch.tell("n1", lambda: calls.append(("n1", round(w.clock.now))))
    watch.tell("n2", lambda: calls.append(("n2", round(w.clock.now))))
    w.pod("a", template(w), "n1")
    w.run(10)
    assert calls == [("n1", 15)]


def test_3_from_a_healthy_node_it_is_detached_once_no_pod_there_needs_it() -> None:
    w = running()
    w.hand.delete("Pod", "a", "default")
    w.run(3600)
    assert attachments(w) == [("n1", True)]  # Terminating pods still need it
    w.finish_deletions()
    w.run(REPORT - 0.5)
    assert attachments(w) == [("n1", True)]
    w.run(1)
    assert w.store.table("VolumeAttachment")  # being detached
    w.run(2)
    assert attachments(w) == []


def test_3_a_pod_that_comes_back_to_the_node_meanwhile_finds_it_attached() -> None:
    w = running()
    w.hand.delete("Pod", "a", "default", grace=0)
    w.run(2)
    pod = w.pod("a", template(w), "n1")
    assert attached(w.hand, pod)
    w.run(600)
    assert attachments(w) == [("n1", True)]


def test_3_a_pod_that_comes_back_during_the_detach_waits_for_a_new_attachment() -> None:
    w = running()
    w.hand.delete("Pod", "a", "default", grace=0)
    w.run(REPORT + 1)
    pod: Pod = w.pod("a", template(w), "n1")
    assert not attached(w.hand, pod)
    w.run(STORAGE.detach + STORAGE.attach)
    assert attached(w.hand, w.now(pod))


def test_3_a_pod_elsewhere_waits_for_the_detach_and_is_told_so() -> None:
    w = running()
    w.hand.delete("Pod", "a", "default", grace=0)
    pod: Pod = w.pod("b", template(w), "n2")
    w.run(1)
    assert attachments(w) == [("n1", True)]
    name = the_claim(w).spec.volume_name
    why = "Volume is already exclusively attached to one node and can't be attached to another"
    assert ("b", "FailedAttachVolume", f'Multi-Attach error for volume "{name}" {why}') in w.events
    began = w.clock.now - 1
    while not attached(w.hand, w.now(pod)):
        w.run(0.1)
    assert w.clock.now - began == pytest.approx(REPORT + STORAGE.detach + STORAGE.attach, abs=0.5)


def test_13_1_from_1_37_on_the_event_says_waiting_for_detach() -> None:
    w = running("v1.37.2")
    w.pod("b", template(w), "n2")
    w.run(1)
    name = the_claim(w).spec.volume_name
    message = f'Waiting for detach for volume "{name}" Volume is already used by pod(s) a'
    assert ("b", "FailedAttachVolume", message) in w.events


def detached_after(w: World, limit: float = 3600) -> float | None:
    """Seconds until the VolumeAttachment is on its way out."""
    began = w.clock.now
    while w.clock.now < began + limit:
        left = list(w.store.table("VolumeAttachment").values())
        if not left or left[0].meta.deletion_timestamp is not None:
            return round(w.clock.now - began)
        w.run(0.5)
    return None


def test_3_from_a_node_that_is_not_ready_by_force_after_six_minutes() -> None:
    w = running()
    ready(w, "n1", "Unknown")
    w.run(1000)
    assert attachments(w) == [("n1", True)]  # the Terminating or Running pod object still needs it
    w.hand.delete("Pod", "a", "default", grace=0)
    assert detached_after(w) == 360  # the clock starts when no pod needs it there


def test_3_at_once_with_the_out_of_service_taint() -> None:
    w = running()
    ready(w, "n1", "Unknown")
    w.hand.delete("Pod", "a", "default", grace=0)
    w.run(60)
    w.change(w.get("Node", "n1"), taints=(OUT_OF_SERVICE,))
    assert detached_after(w) in (0, 1)


def test_3_with_the_taint_there_before_the_pod_goes_it_does_not_wait_either() -> None:
    w = running()
    ready(w, "n1", "Unknown")
    w.change(w.get("Node", "n1"), taints=(OUT_OF_SERVICE,))
    w.hand.delete("Pod", "a", "default", grace=0)
    assert detached_after(w) in (0, 1)


def test_3_a_node_whose_object_is_gone_counts_as_not_healthy() -> None:
    w = running()
    w.hand.delete("Node", "n1")
    w.hand.delete("Pod", "a", "default", grace=0)
    assert detached_after(w) == 360


def test_3_a_node_that_returns_before_lets_go_as_a_healthy_one_does() -> None:
    w = running()
    ready(w, "n1", "Unknown")
    w.hand.delete("Pod", "a", "default", grace=0)
    w.run(100)
    ready(w, "n1", "True")
    assert detached_after(w) in (0, 1)


def test_3_a_restarted_controller_begins_its_six_minutes_anew() -> None:
    w = World()
    VolumeBinder(w.clock, w.client("persistentvolume-binder"))
    CsiDrivers(w.clock, w.client("csi-drivers"), STORAGE)
    controller = AttachDetach(w.clock, w.client("attachdetach-controller"), w.timings)
    w.node("n1")
    storage_class(w)
    claim(w)
    w.run(10)
    w.pod("a", template(w), "n1", "Running", True)
    w.run(10)
    ready(w, "n1", "Unknown")
    w.hand.delete("Pod", "a", "default", grace=0)
    w.run(300)
    controller.stop()
    w.run(10)
    controller.start()
    assert detached_after(w) == 360


def test_3_a_dead_nodes_statefulset_pod_is_blocked_by_its_object_and_then_by_its_volume() -> None:
    w = world()
    StatefulSetController(w.clock, w.client("statefulset-controller"), w.timings)
    PodGarbageCollector(w.clock, w.client("pod-garbage-collector"), w.timings)
    storage_class(w)
    claims = [
        {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "disk"}}
    ]
    w.workload("StatefulSet", "db", replicas=1, volume_claim_templates=claims)
    w.run(5)
    w.set_pod(w.get("Pod", "db-0"), phase="Running", ready=True, node="n1")
    w.run(10)
    ready(w, "n1", "Unknown")
    w.hand.delete("Pod", "db-0", "default")
    w.run(7200)
    assert w.get("Pod", "db-0").is_terminating  # nobody confirms
    w.hand.delete("Node", "n1")
    deleted = w.clock.now
    while w.get("Pod", "db-0").node == "n1":
        w.run(0.5)
    assert 40 <= w.clock.now - deleted <= 80  # PodGC
    gone = w.clock.now
    pod = w.set_pod(w.get("Pod", "db-0"), node="n2")
    while not attached(w.hand, w.now(pod)):
        w.run(0.5)
    assert w.clock.now - gone == pytest.approx(360 + STORAGE.detach + STORAGE.attach, abs=1.5)


def test_a_quiet_cluster_costs_nothing() -> None:
    w = running()
    assert w.clock.next_due == float("inf")
