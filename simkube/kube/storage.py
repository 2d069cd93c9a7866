"""Volumes, claims and storage classes. Defaults: [pkg/apis/core/v1/defaults.go, storage/v1/defaults.go]."""

from typing import Any, ClassVar, Literal

from simkube.kube.meta import ObjectMeta
from simkube.kube.model import Bool, KubeModel, Labels, Resources, empty_dict, names
from simkube.kube.selector import LabelSelector, NodeSelector

DEFAULT_CLASS_ANNOTATION = "storageclass.kubernetes.io/is-default-class"
CLASS_ANNOTATION = (
    "volume.beta.kubernetes.io/storage-class"  # the old way to name a class; it wins over the field
)


class VolumeResourceRequirements(KubeModel):
    """`resources` of a claim; `requests["storage"]` is its size."""

    requests: Resources = empty_dict()
    limits: Resources = empty_dict()


class PersistentVolumeClaimSpec(KubeModel):
    """`spec` of a PersistentVolumeClaim; `storage_class_name` None takes the default class, "" none."""

    also_known: ClassVar[frozenset[str]] = names("dataSource dataSourceRef volumeAttributesClassName")

    access_modes: tuple[str, ...] = ()
    resources: VolumeResourceRequirements = VolumeResourceRequirements()
    storage_class_name: str | None = None
    volume_name: str = ""
    volume_mode: str = "Filesystem"
    selector: LabelSelector | None = None


class PersistentVolumeClaimTemplate(KubeModel):
    """`volumeClaimTemplates[]` of a StatefulSet."""

    also_known: ClassVar[frozenset[str]] = names("apiVersion kind status")

    metadata: ObjectMeta = ObjectMeta()
    spec: PersistentVolumeClaimSpec = PersistentVolumeClaimSpec()


class VolumeNodeAffinity(KubeModel):
    """`nodeAffinity` of a volume: the nodes that can reach it."""

    required: NodeSelector | None = None


class PersistentVolumeSpec(KubeModel):
    """`spec` of a PersistentVolume; its source (csi, local, nfs ...) is kept as it is."""

    also_known: ClassVar[frozenset[str]] = names(
        "awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker "
        "gcePersistentDisk glusterfs hostPath iscsi local mountOptions nfs photonPersistentDisk "
        "portworxVolume quobyte rbd scaleIO storageos volumeAttributesClassName vsphereVolume"
    )

    capacity: Resources = empty_dict()
    access_modes: tuple[str, ...] = ()
    claim_ref: dict[str, Any] | None = None
    persistent_volume_reclaim_policy: Literal["Retain", "Delete", "Recycle"] = "Retain"
    storage_class_name: str = ""
    volume_mode: str = "Filesystem"
    node_affinity: VolumeNodeAffinity | None = None


class TopologySelectorLabelRequirement(KubeModel):
    """`allowedTopologies[].matchLabelExpressions[]`."""

    key: str
    values: tuple[str, ...]


class TopologySelectorTerm(KubeModel):
    """`allowedTopologies[]`: all of the expressions hold; the terms are alternatives."""

    match_label_expressions: tuple[TopologySelectorLabelRequirement, ...] = ()


class StorageClass(KubeModel):
    """A StorageClass's own fields."""

    also_known: ClassVar[frozenset[str]] = names("mountOptions")

    provisioner: str
    parameters: Labels = empty_dict()
    reclaim_policy: Literal["Retain", "Delete", "Recycle"] = "Delete"
    volume_binding_mode: Literal["Immediate", "WaitForFirstConsumer"] = "Immediate"
    allowed_topologies: tuple[TopologySelectorTerm, ...] = ()
    allow_volume_expansion: Bool = False


class VolumeAttachmentSource(KubeModel):
    """`source` of a VolumeAttachment."""

    persistent_volume_name: str


class VolumeAttachmentSpec(KubeModel):
    """`spec` of a VolumeAttachment: this driver is to attach this volume to this node."""

    attacher: str
    node_name: str
    source: VolumeAttachmentSource


def claim_class(annotations: dict[str, str], spec: PersistentVolumeClaimSpec) -> str | None:
    """The storage class a claim asks for, None for the default [component-helpers `GetPersistentVolumeClaimClass`]."""
    return annotations.get(CLASS_ANNOTATION, spec.storage_class_name)
