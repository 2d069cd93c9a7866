"""The storage drivers: they make, attach, detach and delete volumes when the API asks them to.

In a real cluster these are the sidecars external-provisioner and external-attacher of each driver, which run outside
of kube-controller-manager: that dying does not stop them.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.scheduler.claims import CLAIM, SELECTED_NODE, VOLUME, class_of, is_bound
from simkube.cluster.store import Change, Did
from simkube.cluster.volumes.facts import ANYWHERE, ATTACHMENT, Storage, driver
from simkube.cluster.volumes.volume_binder import PROVISIONER
from simkube.kube.objects import Meta, Node, Resource
from simkube.kube.storage import PersistentVolumeSpec, StorageClass, TopologySelectorTerm, claim_class

FINALIZER = "external-attacher"  # followed by the driver's name


class Provision(NamedTuple):
    """Make a volume for a claim."""

    namespace: str
    name: str
    uid: str


class Attach(NamedTuple):
    """End the attaching or detaching that a VolumeAttachment asks for."""

    name: str
    uid: str
    detach: bool


class Delete(NamedTuple):
    """Delete a volume that is released."""

    name: str


class CsiDrivers(Controller):
    """All drivers of the cluster. What they do takes the times of `storage`."""

    def __init__(self, clock: Clock, client: Client, storage: Storage) -> None:
        super().__init__(clock, client)
        self._storage = storage
        self._making: dict[Provision, None] = {}
        client.watch(CLAIM, self._claim_changed, Did.ADDED | Did.META)
        client.watch(VOLUME, self._volume_changed, Did.ADDED | Did.STATUS)
        client.watch(ATTACHMENT, self._attachment_changed, Did.ADDED | Did.TERMINATING | Did.REMOVED)
        for claim in client.table(CLAIM).values():
            self._claim_seen(claim)
        for attachment in client.table(ATTACHMENT).values():
            self._attachment_seen(attachment)

    # -- what is asked ------------------------------------------------------------------------------------------

    def _claim_changed(self, change: Change) -> None:
        self._claim_seen(change.new)

    def _claim_seen(self, claim: Resource) -> None:
        key = Provision(*claim.key, claim.meta.uid)
        if PROVISIONER in claim.meta.annotations and not is_bound(claim) and key not in self._making:
            self._making[key] = None
            self.enqueue_after(key, self._storage.provision)

    def _volume_changed(self, change: Change) -> None:
        self._volume_seen(change.new)

    def _volume_seen(self, volume: Resource) -> None:
        policy = volume.spec.persistent_volume_reclaim_policy
        if volume.status.get("phase") == "Released" and policy == "Delete":
            self.enqueue(Delete(volume.meta.name))

    def _attachment_changed(self, change: Change) -> None:
        if change.new is not None:
            self._attachment_seen(change.new)
            return
        volume = self.client.get(VOLUME, change.old.spec.source.persistent_volume_name)
        if volume is not None:
            self._volume_seen(volume)

    def _attachment_seen(self, attachment: Resource) -> None:
        meta = attachment.meta
        if meta.deletion_timestamp is not None:
            self.enqueue_after(Attach(meta.name, meta.uid, True), self._storage.detach)
        elif not attachment.status.get("attached"):
            self.enqueue_after(Attach(meta.name, meta.uid, False), self._storage.attach)

    # -- doing it -----------------------------------------------------------------------------------------------

    def reconcile(self, key: Hashable) -> None:
        if isinstance(key, Provision):
            self._provision(key)
        elif isinstance(key, Attach):
            self._attach(key)
        elif isinstance(key, Delete):
            self._delete(key.name)

    def _attach(self, key: Attach) -> None:
        attachment: Resource | None = self.client.get(ATTACHMENT, key.name)
        if attachment is None or attachment.meta.uid != key.uid:
            return
        if key.detach:
            self.client.update(replace(attachment, meta=replace(attachment.meta, finalizers=())))
        elif attachment.meta.deletion_timestamp is None:
            self.client.update(replace(attachment, status={"attached": True}))

    def _delete(self, name: str) -> None:
        """A volume that is still attached somewhere cannot be deleted."""
        volume: Resource | None = self.client.get(VOLUME, name)
        if volume is None or volume.status.get("phase") != "Released":
            return
        attachments = self.client.table(ATTACHMENT).values()
        if not any(a.spec.source.persistent_volume_name == name for a in attachments):
            self.client.delete(VOLUME, name, uid=volume.meta.uid)

    def _provision(self, key: Provision) -> None:
        claim: Resource | None = self.client.get(CLAIM, key.name, key.namespace)
        self._making.pop(key, None)
        if claim is None or claim.meta.uid != key.uid or claim.spec.volume_name:
            return
        storage_class = class_of(self.client, claim)
        name = f"pvc-{claim.meta.uid}"
        if storage_class is not None and self.client.get(VOLUME, name) is None:
            place = self._place(claim, storage_class)
            self.client.create(_new_volume(name, claim, storage_class, place))
            message = f"Successfully provisioned volume {name}"
            self.client.event(claim, "Normal", "ProvisioningSucceeded", message)

    def _place(self, claim: Resource, storage_class: StorageClass) -> tuple[str, str] | None:
        """The node label and its value that the volume is bound to; None: it can be reached from everywhere."""
        key = driver(self.client, storage_class.provisioner).topology
        if key == ANYWHERE:
            return None
        node: Node | None = self.client.get("Node", claim.meta.annotations.get(SELECTED_NODE, ""))
        if node is not None:
            return (key, node.meta.labels[key]) if key in node.meta.labels else None
        nodes: Iterable[Node] = self.client.table("Node").values()
        places = sorted({node.meta.labels[key] for node in nodes if key in node.meta.labels})
        allowed = _allowed(storage_class.allowed_topologies, key)
        places = [place for place in places if allowed is None or place in allowed]
        return (key, choose(claim.meta.name, places)) if places else None


def _allowed(terms: Sequence[TopologySelectorTerm], key: str) -> set[str] | None:
    """The values of a label that a class's allowedTopologies name; None: any."""
    if not terms:
        return None
    return {value for t in terms for e in t.match_label_expressions if e.key == key for value in e.values}


def choose(claim: str, places: Sequence[str]) -> str:
    """The zone of a claim that is bound before its pod is scheduled. Claims of a StatefulSet go round the zones.

    [component-helpers storage/volume, external-provisioner `getPVCNameHashAndIndexOffset`]: the hash of the set's name
    plus the ordinal, over the sorted zones.
    """
    base, _, ordinal = claim.rpartition("-")
    if base and ordinal.isascii() and ordinal.isdigit():
        return places[(_fnv32(base.rpartition("-")[2]) + int(ordinal)) % len(places)]
    return places[_fnv32(claim) % len(places)]


def _fnv32(text: str) -> int:
    """FNV-1, 32 bits [Go hash/fnv `New32`]."""
    value = 2166136261
    for byte in text.encode():
        value = (value * 16777619) & 0xFFFFFFFF ^ byte
    return value


def _new_volume(
    name: str, claim: Resource, storage_class: StorageClass, place: tuple[str, str] | None
) -> Resource:
    spec: dict[str, Any] = {
        "capacity": {"storage": claim.spec.resources.requests.get("storage", 0)},
        "accessModes": list(claim.spec.access_modes),
        "claimRef": {
            "apiVersion": claim.api_version,
            "kind": CLAIM,
            "namespace": claim.meta.namespace,
            "name": claim.meta.name,
            "uid": claim.meta.uid,
        },
        "persistentVolumeReclaimPolicy": storage_class.reclaim_policy,
        "storageClassName": claim_class(dict(claim.meta.annotations), claim.spec) or "",
        "volumeMode": claim.spec.volume_mode,
        "csi": {"driver": storage_class.provisioner, "volumeHandle": name},
    }
    if place is not None:
        term = {"matchExpressions": [{"key": place[0], "operator": "In", "values": [place[1]]}]}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [term]}}
    return Resource(
        api_version="v1", kind=VOLUME, meta=Meta(name), spec=PersistentVolumeSpec.model_validate(spec)
    )
