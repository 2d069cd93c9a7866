"""PersistentVolume controller: binds claims to volumes, has volumes made, releases them (see also volumes.py).

Also what pvc-protection-controller does: a claim that a pod uses stays until that pod is gone.
[pkg/controller/volume/persistentvolume/pv_controller.go, pkg/controller/volume/pvcprotection]
"""

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

from msgspec.structs import replace

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.scheduler.claims import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    CLAIM,
    CLASS,
    NO_PROVISIONER,
    SELECTED_NODE,
    VOLUME,
    claims_of,
    could_bind,
    is_bound,
    refers_to,
    waits_for_consumer,
)
from simkube.cluster.store import Change, Did
from simkube.kube.objects import Key, Pod, Resource
from simkube.kube.quantity import bytes_of
from simkube.kube.storage import DEFAULT_CLASS_ANNOTATION, claim_class

PROTECTION = "kubernetes.io/pvc-protection"
PROVISIONER = "volume.kubernetes.io/storage-provisioner"  # asks this driver to make the claim's volume


class ClaimKey(NamedTuple):
    """A claim to look at."""

    namespace: str
    name: str


class VolumeKey(NamedTuple):
    """A volume to look at."""

    name: str


class VolumeBinder(Controller):
    """`persistentvolume-binder`."""

    def __init__(self, clock: Clock, client: Client) -> None:
        super().__init__(clock, client)
        self._pending: dict[Key, None] = {}
        self._free: dict[str, None] = {}  # volumes without a claim
        self._reserved: dict[Key, dict[str, None]] = {}  # claim -> volumes that name it
        self._users: dict[Key, dict[Key, None]] = {}  # claim -> pods that use it
        self._told: dict[Key, str] = {}  # claim -> reason of the last event
        client.watch(CLAIM, self._claim_changed)
        client.watch(VOLUME, self._volume_changed)
        client.watch(CLASS, lambda _: self._look_at_pending(), Did.ADDED | Did.META)
        client.watch("Pod", self._pod_changed, Did.ADDED | Did.REMOVED | Did.BOUND)
        self._look_at_everything()

    def start(self) -> None:
        super().start()
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        for memory in (self._users, self._free, self._reserved, self._pending):
            memory.clear()
        for pod in self.client.table("Pod").values():
            self._note_pod(pod)
        for claim in self.client.table(CLAIM).values():
            self._claim_seen(claim)
        for volume in self.client.table(VOLUME).values():
            self._note_volume(volume)
            self.enqueue(VolumeKey(volume.meta.name))

    # -- what happened ------------------------------------------------------------------------------------------

    def _claim_changed(self, change: Change) -> None:
        if change.new is not None:
            self._claim_seen(change.new)
            return
        self._pending.pop(change.old.key, None)
        self._told.pop(change.old.key, None)
        if change.old.spec.volume_name:
            self.enqueue(VolumeKey(change.old.spec.volume_name))

    def _claim_seen(self, claim: Resource) -> None:
        if is_bound(claim):
            self._pending.pop(claim.key, None)
        else:
            self._pending[claim.key] = None
        self.enqueue(ClaimKey(*claim.key))

    def _volume_changed(self, change: Change) -> None:
        old: Resource | None = change.old
        if old is not None:
            self._free.pop(old.meta.name, None)
            self._reserved.get(_claim_of(old), {}).pop(old.meta.name, None)
        if change.new is not None:
            self._note_volume(change.new)
        elif old is not None and old.spec.claim_ref is not None:
            self.enqueue(ClaimKey(*_claim_of(old)))
        self.enqueue(VolumeKey(change.object.meta.name))

    def _note_volume(self, volume: Resource) -> None:
        if volume.spec.claim_ref is None:
            self._free[volume.meta.name] = None
        else:
            self._reserved.setdefault(_claim_of(volume), {})[volume.meta.name] = None

    def _look_at_pending(self) -> None:
        for key in self._pending:
            self.enqueue(ClaimKey(*key))

    def _pod_changed(self, change: Change) -> None:
        pod: Pod = change.old if change.new is None else change.new
        if not pod.template.has_claims:
            return
        if change.new is not None:
            self._note_pod(pod)
            return
        for name, _ in claims_of(pod):
            claim = (pod.meta.namespace, name)
            self._users.get(claim, {}).pop(pod.key, None)
            self.enqueue(ClaimKey(*claim))

    def _note_pod(self, pod: Pod) -> None:
        if pod.template.has_claims:
            for name, _ in claims_of(pod):
                self._users.setdefault((pod.meta.namespace, name), {})[pod.key] = None

    # -- claims -------------------------------------------------------------------------------------------------

    def reconcile(self, key: Hashable) -> None:
        if isinstance(key, VolumeKey):
            volume: Resource | None = self.client.get(VOLUME, key.name)
            if volume is not None and volume.meta.deletion_timestamp is None:
                self._sync_volume(volume)
        elif isinstance(key, ClaimKey):
            claim: Resource | None = self.client.get(CLAIM, key.name, key.namespace)
            if claim is not None:
                self._sync_claim(self._protected(claim))

    def _protected(self, claim: Resource) -> Resource:
        """The claim with the finalizer that holds it while a pod uses it; without, once it is to go and nobody does."""
        holds = PROTECTION in claim.meta.finalizers
        is_going = claim.meta.deletion_timestamp is not None
        if holds != is_going or (is_going and self._is_used(claim)):
            return claim
        others = tuple(name for name in claim.meta.finalizers if name != PROTECTION)
        finalizers = others if is_going else (*others, PROTECTION)
        return self.client.update(replace(claim, meta=replace(claim.meta, finalizers=finalizers)))

    def _is_used(self, claim: Resource) -> bool:
        pods = (self.client.get("Pod", name, namespace) for namespace, name in self._users.get(claim.key, ()))
        return any(pod is not None and pod.node for pod in pods)

    def _sync_claim(self, claim: Resource) -> None:
        if claim.meta.deletion_timestamp is not None:
            return
        named: Resource | None = (
            self.client.get(VOLUME, claim.spec.volume_name) if claim.spec.volume_name else None
        )
        if is_bound(claim):
            if named is None and claim.status.get("phase") != "Lost":
                message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
                self._tell(claim, "Warning", "ClaimLost", message)
                self.client.update(replace(claim, status={**claim.status, "phase": "Lost"}))
            elif named is not None and claim.status.get("phase") != "Bound":
                self._bind(named, claim)
        elif not claim.spec.volume_name:
            self._find(claim)
        elif named is not None and (refers_to(named, claim) or could_bind(named, claim)):
            self._bind(named, claim)
        elif named is not None:
            message = f'volume "{named.meta.name}" already bound to a different claim.'
            self._tell(claim, "Warning", "FailedBinding", message)

    def _find(self, claim: Resource) -> None:
        """A volume for the claim: one that is there, else a new one [`syncUnboundClaim`]."""
        delayed = waits_for_consumer(self.client, claim)
        reserved = self._candidates(claim, self._reserved.get(claim.key, {}))
        free = [] if delayed else self._candidates(claim, self._free)
        if reserved or free:
            smallest = min(reserved or free, key=lambda v: bytes_of(v.spec.capacity.get("storage", 0)))
            self._bind(smallest, claim)
            return
        class_name = claim_class(dict(claim.meta.annotations), claim.spec)
        if class_name is None and (default := self._default_class()):
            spec = claim.spec.model_copy(update={"storage_class_name": default})
            self.client.update(replace(claim, spec=spec))
        elif delayed and SELECTED_NODE not in claim.meta.annotations:
            message = "waiting for first consumer to be created before binding"
            self._tell(claim, "Normal", "WaitForFirstConsumer", message)
        elif class_name:
            self._provision(claim, class_name)
        else:
            message = "no persistent volumes available for this claim and no storage class is set"
            self._tell(claim, "Normal", "FailedBinding", message)

    def _candidates(self, claim: Resource, names: Iterable[str]) -> list[Resource]:
        volumes = (self.client.get(VOLUME, name) for name in names)
        return [volume for volume in volumes if volume is not None and could_bind(volume, claim)]

    def _default_class(self) -> str:
        """The newest of the classes marked as default, by name if of one age [plugin/pkg/admission/storage]."""
        classes: list[Resource] = [
            found
            for found in self.client.table(CLASS).values()
            if found.meta.annotations.get(DEFAULT_CLASS_ANNOTATION) == "true"
        ]
        return min(classes, key=lambda c: (-c.meta.created, c.meta.name)).meta.name if classes else ""

    def _provision(self, claim: Resource, class_name: str) -> None:
        """Ask the class's driver for a volume; csi_driver.py answers."""
        storage_class: Resource | None = self.client.get(CLASS, class_name)
        if storage_class is None:
            message = f'storageclass.storage.k8s.io "{class_name}" not found'
            self._tell(claim, "Warning", "ProvisioningFailed", message)
            return
        name = storage_class.spec.provisioner
        if name == NO_PROVISIONER or claim.meta.annotations.get(PROVISIONER) == name:
            return
        annotations = {**claim.meta.annotations, PROVISIONER: name}
        self.client.update(replace(claim, meta=replace(claim.meta, annotations=annotations)))
        message = (
            f"Waiting for a volume to be created either by the external provisioner '{name}' or manually"
        )
        self._tell(claim, "Normal", "ExternalProvisioning", f"{message} by the system administrator.")

    def _bind(self, volume: Resource, claim: Resource) -> None:
        if not (volume.status.get("phase") == "Bound" and _uid(volume) == claim.meta.uid):
            volume = self.client.update(_reserved(volume, claim))
        annotations = {**claim.meta.annotations, BIND_COMPLETED: "yes"}
        if not claim.spec.volume_name:
            annotations[BOUND_BY_CONTROLLER] = "yes"
        status = {
            "phase": "Bound",
            "accessModes": list(volume.spec.access_modes),
            "capacity": dict(volume.spec.capacity),
        }
        spec = claim.spec.model_copy(update={"volume_name": volume.meta.name})
        meta = replace(claim.meta, annotations=annotations)
        self.client.update(replace(claim, meta=meta, spec=spec, status=status))

    # -- volumes ------------------------------------------------------------------------------------------------

    def _sync_volume(self, volume: Resource) -> None:
        """[`syncVolume`]"""
        uid = _uid(volume)
        if not uid:
            if volume.status.get("phase") != "Available":
                self.client.update(replace(volume, status={"phase": "Available"}))
            self._look_at_pending()
            return
        namespace, name = _claim_of(volume)
        claim: Resource | None = self.client.get(CLAIM, name, namespace)
        if claim is None or claim.meta.uid != uid:
            if volume.status.get("phase") != "Released":
                self.client.update(replace(volume, status={"phase": "Released"}))
        elif not claim.spec.volume_name:
            self.enqueue(ClaimKey(*claim.key))
        elif claim.spec.volume_name == volume.meta.name and volume.status.get("phase") != "Bound":
            self.client.update(replace(volume, status={"phase": "Bound"}))

    def _tell(self, claim: Resource, type_: str, reason: str, message: str) -> None:
        """An event, once for each reason in a row."""
        if self._told.get(claim.key) != reason:
            self._told[claim.key] = reason
            self.client.event(claim, type_, reason, message)


def _claim_of(volume: Resource) -> Key:
    """The claim that the volume names."""
    reference: dict[str, Any] = volume.spec.claim_ref or {}
    return (str(reference.get("namespace", "")), str(reference.get("name", "")))


def _uid(volume: Resource) -> str:
    """The UID of the claim that has the volume, "" if it has none or is only meant for one."""
    reference: dict[str, Any] = volume.spec.claim_ref or {}
    return str(reference.get("uid") or "")


def _reserved(volume: Resource, claim: Resource) -> Resource:
    reference = {
        "apiVersion": claim.api_version,
        "kind": CLAIM,
        "namespace": claim.meta.namespace,
        "name": claim.meta.name,
        "uid": claim.meta.uid,
    }
    spec = volume.spec.model_copy(update={"claim_ref": reference})
    return replace(volume, spec=spec, status={"phase": "Bound"})
