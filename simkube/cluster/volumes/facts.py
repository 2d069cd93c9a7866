"""What is known of volumes: which drivers attach them, from where they can be reached, whether a pod has its own.

A PersistentVolume of a dump says from which nodes it can be reached; one that is made here gets what its provisioner
is known for. A provisioner that is not listed makes disks as clouds do: of one zone, attached to one node at a time.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

from simkube.cluster.api import Client
from simkube.cluster.scheduler.claims import CLAIM, VOLUME, claims_of, is_bound
from simkube.cluster.store import Change, Did
from simkube.kube.objects import Pod, Resource
from simkube.kube.storage import PersistentVolumeSpec

ATTACHMENT = "VolumeAttachment"
ZONE = "topology.kubernetes.io/zone"
NODE = "kubernetes.io/hostname"
ANYWHERE = ""


class Driver(NamedTuple):
    """How a driver's volumes behave: the node label that a volume is bound to ("": none), and whether a volume must be
    attached to a node before it can be mounted there (`attachRequired` of a CSIDriver)."""

    topology: str
    attaches: bool


class Storage(NamedTuple):
    """How long a driver takes, in seconds. Kubernetes has no say in this; the defaults are of the order that cloud
    disks show and are meant to be overridden."""

    provision: float = 3.0
    attach: float = 5.0
    detach: float = 5.0


CLOUD_DISK = Driver(ZONE, True)
NETWORK_DISK = Driver(ANYWHERE, True)
FILE_SHARE = Driver(ANYWHERE, False)
LOCAL_DISK = Driver(NODE, False)

# By the end of the provisioner's name (Ceph's and NFS's begin with a namespace). Sources: the CSIDriver objects
# (attachRequired) and StorageClass examples in the drivers' own deployments.
_DRIVERS = {
    "rbd.csi.ceph.com": NETWORK_DISK,
    "driver.longhorn.io": NETWORK_DISK,
    "efs.csi.aws.com": FILE_SHARE,
    "file.csi.azure.com": FILE_SHARE,
    "kubernetes.io/azure-file": FILE_SHARE,
    "filestore.csi.storage.gke.io": FILE_SHARE,
    "cephfs.csi.ceph.com": FILE_SHARE,
    "nfs.csi.k8s.io": FILE_SHARE,
    "nfs-subdir-external-provisioner": FILE_SHARE,
    "k8s.io/minikube-hostpath": FILE_SHARE,  # a directory by name, without node affinity
    "rancher.io/local-path": LOCAL_DISK,
    "openebs.io/local": LOCAL_DISK,
    "local.csi.openebs.io": LOCAL_DISK,
    "topolvm.io": LOCAL_DISK,
    "microk8s.io/hostpath": LOCAL_DISK,
    "docker.io/hostpath": LOCAL_DISK,
}
_ATTACHED_IN_TREE = ("awsElasticBlockStore", "azureDisk", "cinder", "gcePersistentDisk", "vsphereVolume")


def driver(client: Client, name: str) -> Driver:
    """What is known of a driver; its CSIDriver object, if there is one, says whether it attaches."""
    known = next((found for end, found in _DRIVERS.items() if name.endswith(end)), CLOUD_DISK)
    described = client.get("CSIDriver", name)
    if described is None:
        return known
    spec: dict[str, Any] = described.extra.get("spec") or {}
    return known._replace(attaches=bool(spec.get("attachRequired", True)))


def attacher(client: Client, volume: PersistentVolumeSpec) -> str:
    """The driver that attaches the volume to nodes, "" if it needs no attaching (local, hostPath, nfs ...)."""
    source: dict[str, Any] = volume.model_extra or {}
    csi = source.get("csi")
    if isinstance(csi, dict):
        name = str(csi.get("driver", ""))
        return name if driver(client, name).attaches else ""
    return next((f"kubernetes.io/{name}" for name in _ATTACHED_IN_TREE if name in source), "")


def is_exclusive(volume: PersistentVolumeSpec) -> bool:
    """It can be attached to one node at a time [pkg/volume/util/util.go `IsMultiAttachAllowed`]."""
    modes = volume.access_modes
    return bool(modes) and not {"ReadWriteMany", "ReadOnlyMany"} & set(modes)


def attachment_name(volume: str, node: str) -> str:
    """The name of the VolumeAttachment of a volume to a node."""
    return "csi-" + blake2b(f"{volume}/{node}".encode(), digest_size=32).hexdigest()


def volumes_of(client: Client, pod: Pod) -> list[Resource]:
    """The volumes bound to the pod's claims, as far as they are."""
    found = []
    for name, _ in claims_of(pod):
        claim: Resource | None = client.get(CLAIM, name, pod.meta.namespace)
        volume = client.get(VOLUME, claim.spec.volume_name) if claim is not None and is_bound(claim) else None
        if volume is not None:
            found.append(volume)
    return found


def attached(client: Client, pod: Pod) -> bool:
    """Does the node of a pod have what it mounts: every claim bound, every volume attached that needs it? What a
    kubelet asks before it starts the pod's containers, and again when `AttachmentWatch` calls."""
    volumes = volumes_of(client, pod)
    if len(volumes) < len(claims_of(pod)):
        return False
    for volume in volumes:
        if attacher(client, volume.spec):
            found = client.get(ATTACHMENT, attachment_name(volume.meta.name, pod.node))
            if found is None or found.meta.deletion_timestamp is not None or not found.status.get("attached"):
                return False
    return True


class AttachmentWatch:
    """Tells kubelets of the VolumeAttachments of their node: one watch for all of them."""

    def __init__(self, client: Client) -> None:
        self._calls: dict[str, Callable[[], None]] = {}
        client.watch(ATTACHMENT, self._changed, Did.STATUS | Did.TERMINATING | Did.REMOVED)

    def tell(self, node: str, call: Callable[[], None] | None) -> None:
        """Call `call` whenever a volume was attached to the node or is taken from it; None ends that."""
        if call is None:
            self._calls.pop(node, None)
        else:
            self._calls[node] = call

    def _changed(self, change: Change) -> None:
        call = self._calls.get(change.object.spec.node_name)
        if call is not None:
            call()
