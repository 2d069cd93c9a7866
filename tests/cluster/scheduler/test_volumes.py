"""7.2: volumes. Facts of volumebinding's, volumezone's and volumerestrictions' tests."""

from typing import Any

import pytest
from msgspec.structs import replace

from simkube.kube.objects import Meta, Resource
from simkube.kube.storage import PersistentVolumeClaimSpec, PersistentVolumeSpec, StorageClass
from tests.cluster.scheduler.bed import ZONE, Bed
from tests.cluster.scheduler.test_scheduler import _woken

CLAIM, VOLUME, CLASS = "PersistentVolumeClaim", "PersistentVolume", "StorageClass"
SELECTED = "volume.kubernetes.io/selected-node"
HELPLESS = "Preemption is not helpful for scheduling."
RWOP = (
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another "
    "pod (U)"
)


class Storage(Bed):
    """Nodes n1 and n2 in zone a, n3 in zone b; the test is the volume controller."""

    def __init__(self, version: str = "v1.37.2") -> None:
        super().__init__(version)
        for name, zone in {"n1": "a", "n2": "a", "n3": "b"}.items():
            self.node(name, {ZONE: zone})

    def storage_class(
        self, name: str = "fast", mode: str = "WaitForFirstConsumer", **fields: Any
    ) -> Resource:
        fields.setdefault("provisioner", "csi.example.com")
        spec = StorageClass.model_validate({"volumeBindingMode": mode, **fields})
        return self.hand.create(
            Resource(api_version="storage.k8s.io/v1", kind=CLASS, meta=Meta(name), spec=spec)
        )

    def claim(
        self, name: str = "data", size: str = "1Gi", class_name: str = "fast", **fields: Any
    ) -> Resource:
        written = {"storageClassName": class_name, "resources": {"requests": {"storage": size}}, **fields}
        written.setdefault("accessModes", ["ReadWriteOnce"])
        spec = PersistentVolumeClaimSpec.model_validate(written)
        meta = Meta(name, "default")
        return self.hand.create(
            Resource(api_version="v1", kind=CLAIM, meta=meta, spec=spec, status={"phase": "Pending"})
        )

    def volume(
        self, name: str = "pv", size: str = "1Gi", class_name: str = "fast", zone: str = "", **fields: Any
    ) -> Resource:
        """A free volume; `zone` is a node affinity."""
        written = {
            "storageClassName": class_name,
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteOnce"],
        }
        if zone:
            expression = {"key": ZONE, "operator": "In", "values": [zone]}
            written["nodeAffinity"] = {
                "required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
            }
        labels = fields.pop("labels", {})
        spec = PersistentVolumeSpec.model_validate({**written, **fields})
        meta = Meta(name, labels=labels)
        return self.hand.create(
            Resource(api_version="v1", kind=VOLUME, meta=meta, spec=spec, status={"phase": "Available"})
        )

    def bind(self, claim: str = "data", volume: str = "pv") -> None:
        """As the volume controller ends a binding."""
        current = self.get(CLAIM, claim)
        meta = replace(
            current.meta, annotations={**current.meta.annotations, "pv.kubernetes.io/bind-completed": "yes"}
        )
        spec = current.spec.model_copy(update={"volume_name": volume})
        self.hand.update(replace(current, spec=spec, meta=meta, status={"phase": "Bound"}))

    def bound(self, claim: str = "data", volume: str = "pv", **fields: Any) -> None:
        self.claim(claim)
        self.volume(volume, **fields)
        self.bind(claim, volume)


def mounts(*claims: str) -> dict[str, Any]:
    return {"volumes": [{"name": c, "persistentVolumeClaim": {"claimName": c}} for c in claims]}


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("v1.32.10", "node(s) had volume node affinity conflict"),
        ("v1.33.5", "node(s) didn't match PersistentVolume's node affinity"),
    ],
)
def test_7_2_a_bound_volume_is_used_where_it_can_be_reached(version: str, reason: str) -> None:
    bed = Storage(version)
    bed.bound(zone="b")
    assert bed.rejected(bed.asking(**mounts("data"))) == {"n1": reason, "n2": reason}


def test_7_2_other_operators_of_a_volumes_affinity() -> None:
    bed = Storage()
    expression = {"key": ZONE, "operator": "NotIn", "values": ["a"]}
    bed.bound(nodeAffinity={"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}})
    assert set(bed.rejected(bed.asking(**mounts("data")))) == {"n1", "n2"}


def test_7_2_zone_labels_of_a_volume() -> None:
    reason = "node(s) had no available volume zone"
    for key in (ZONE, "failure-domain.beta.kubernetes.io/zone"):
        bed = Storage()
        bed.node("n4")  # without any zone: passes
        bed.bound(labels={key: "b"})
        assert bed.rejected(bed.asking(**mounts("data"))) == {"n1": reason, "n2": reason}
    bed = Storage()
    bed.bound(labels={ZONE: "a__b"})
    assert bed.rejected(bed.asking(**mounts("data"))) == {}


def test_7_2_read_write_once_pod() -> None:
    bed = Storage()
    bed.claim(accessModes=["ReadWriteOncePod"])
    bed.volume()
    bed.bind()
    user = bed.put("n1", **mounts("data"))[0]
    assert bed.rejected(bed.asking(**mounts("data"))) == {"n1": RWOP, "n2": RWOP, "n3": RWOP}
    bed.hand.delete("Pod", user.meta.name, "default", grace=0)
    assert bed.rejected(bed.asking(**mounts("data"))) == {}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda bed: None, 'persistentvolumeclaim "data" not found'),
        (lambda bed: bed.claim(class_name="slow"), "pod has unbound immediate PersistentVolumeClaims"),
        (lambda bed: bed.claim(class_name="gone"), "pod has unbound immediate PersistentVolumeClaims"),
        (
            lambda bed: bed.change(bed.claim(volumeName="pv"), status={"phase": "Lost"}),
            'persistentvolumeclaim "data" bound to non-existent persistentvolume "pv"',
        ),
        (
            lambda bed: bed.change_meta(bed.claim(), deletion_timestamp=1.0, finalizers=("x",)),
            'persistentvolumeclaim "data" is being deleted',
        ),
    ],
)
def test_7_2_claims_that_no_node_can_help(make: Any, message: str) -> None:
    bed = Storage()
    bed.storage_class()
    bed.storage_class("slow", "Immediate")
    make(bed)
    bed.pod("p", bed.template(**mounts("data")))
    bed.run(1)
    assert bed.get("Pod", "p").status.scheduled.message == (
        f"0/3 nodes are available: {message}. preemption: 0/3 nodes are available: 3 {HELPLESS}"
    )


def test_ephemeral_volumes_wait_for_their_claim() -> None:
    bed = Storage()
    bed.storage_class()
    template = bed.template(volumes=[{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}])
    bed.pod("p", template)
    bed.run(1)
    message = 'waiting for ephemeral volume controller to create the persistentvolumeclaim "p-scratch"'
    assert message in bed.get("Pod", "p").status.scheduled.message
    bed.claim("p-scratch")
    bed.run(1)
    assert SELECTED in bed.get(CLAIM, "p-scratch").meta.annotations


def test_7_2_a_claim_that_waits_gets_a_node_and_the_pod_is_bound_when_it_is() -> None:
    bed = Storage()
    bed.storage_class(allowedTopologies=[{"matchLabelExpressions": [{"key": ZONE, "values": ["b"]}]}])
    bed.claim()
    bed.pod("p", bed.template(**mounts("data")))
    bed.run(0.5)
    assert bed.get(CLAIM, "data").meta.annotations[SELECTED] == "n3"
    assert bed.get("Pod", "p").status.nominated_node == "n3"  # 13.3: since 1.35
    assert bed.nodes.by_name["n3"].pods == 1  # assumed
    bed.run(3.2)
    assert bed.where("p") == ""
    bed.volume(zone="b")
    bed.bind()
    bed.run(0.2)
    assert bed.where("p") == ""  # looked at every second since 0.01
    bed.run(0.2)
    assert bed.where("p") == "n3"
    assert bed.nodes.by_name["n3"].pods == 1


def test_7_2_no_provisioner_and_no_volume() -> None:
    bed = Storage()
    bed.storage_class(provisioner="kubernetes.io/no-provisioner")
    bed.claim()
    none = "node(s) didn't find available persistent volumes to bind"
    asking = bed.asking(**mounts("data"))
    assert bed.rejected(asking) == {"n1": none, "n2": none, "n3": none}
    bed.volume("small", "500Mi", zone="a")
    bed.volume("other", class_name="other", zone="a")
    bed.volume("taken", zone="a", claimRef={"namespace": "default", "name": "another", "uid": "x"})
    assert bed.rejected(asking) == {"n1": none, "n2": none, "n3": none}
    bed.volume("right", "2Gi", zone="a")
    assert bed.rejected(asking) == {"n3": none}


def test_7_2_the_smallest_volume_that_fits_is_reserved() -> None:
    bed = Storage()
    bed.storage_class(provisioner="kubernetes.io/no-provisioner")
    claim = bed.claim()
    for name, size in {"large": "5Gi", "medium": "2Gi", "huge": "9Gi"}.items():
        bed.volume(name, size, zone="b")
    bed.pod("p", bed.template(**mounts("data")))
    bed.run(0.5)
    reserved = {v.meta.name: v.spec.claim_ref for v in bed.store.table(VOLUME).values()}
    assert reserved["large"] is None and reserved["huge"] is None
    assert reserved["medium"] is not None and reserved["medium"]["uid"] == claim.meta.uid
    assert bed.get(VOLUME, "medium", "").meta.annotations["pv.kubernetes.io/bound-by-controller"] == "yes"
    bed.bind("data", "medium")
    bed.run(1)
    assert bed.where("p") == "n3"


def test_7_2_two_claims_of_a_pod_need_two_volumes_on_one_node() -> None:
    bed = Storage()
    bed.storage_class(provisioner="kubernetes.io/no-provisioner")
    bed.claim("one")
    bed.claim("two")
    none = "node(s) didn't find available persistent volumes to bind"
    bed.volume("a1", zone="a")
    bed.volume("b1", zone="b")
    asking = bed.asking(**mounts("one", "two"))
    assert bed.rejected(asking) == {"n1": none, "n2": none, "n3": none}
    bed.volume("b2", zone="b")
    assert bed.rejected(asking) == {"n1": none, "n2": none}


def test_7_2_a_claim_with_a_selected_node_goes_nowhere_else() -> None:
    bed = Storage()
    bed.storage_class()
    bed.change_meta(bed.claim(), annotations={SELECTED: "n2"})
    none = "node(s) didn't find available persistent volumes to bind"
    assert bed.rejected(bed.asking(**mounts("data"))) == {"n1": none, "n3": none}


def test_a_provisioner_that_gives_up_lets_the_pod_be_tried_elsewhere() -> None:
    bed = Storage()
    bed.storage_class()
    bed.claim()
    bed.pod("p", bed.template(nodeSelector={"kubernetes.io/hostname": "n1"}, **mounts("data")))
    bed.run(0.5)
    claim = bed.get(CLAIM, "data")
    assert claim.meta.annotations == {SELECTED: "n1"}
    bed.change_meta(claim, annotations={})
    bed.run(1)
    scheduled = bed.get("Pod", "p").status.scheduled
    assert (scheduled.reason, scheduled.message) == (
        "SchedulerError",
        'running PreBind plugin "VolumeBinding": binding volumes: provisioning failed for PVC "data"',
    )
    assert bed.nodes.by_name["n1"].pods == 0
    bed.run(5)
    assert bed.get(CLAIM, "data").meta.annotations == {SELECTED: "n1"}  # tried again


def test_binding_volumes_times_out_after_ten_minutes() -> None:
    bed = Storage()
    bed.storage_class()
    bed.claim()
    bed.pod("p", bed.template(**mounts("data")))
    bed.run(599)
    assert bed.nodes.count == 3 and sum(info.pods for info in bed.nodes.by_name.values()) == 1
    bed.run(2)
    assert "context deadline exceeded" in bed.get("Pod", "p").status.scheduled.message


def test_a_pod_deleted_while_its_volumes_are_bound_gives_its_room_back() -> None:
    bed = Storage()
    bed.storage_class()
    bed.claim()
    bed.pod("p", bed.template(**mounts("data")))
    bed.run(0.5)
    bed.hand.delete("Pod", "p", "default")
    assert sum(info.pods for info in bed.nodes.by_name.values()) == 0
    bed.run(5)


def test_7_5_volumes_wake_on_claims_volumes_and_classes() -> None:
    bed = Storage()
    bed.claim()
    bed.pod("p", bed.template(**mounts("data")))
    assert not _woken(bed, lambda: bed.claim("another"))
    assert _woken(bed, lambda: bed.storage_class())
    assert SELECTED in bed.get(CLAIM, "data").meta.annotations
