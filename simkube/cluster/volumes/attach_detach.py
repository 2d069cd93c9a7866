"""Attach-detach controller: VolumeAttachments for the volumes of pods, on the nodes that they are bound to (section 3).

A volume that no pod needs any more is taken from a healthy node once the kubelet says that it is unmounted. That stands
in its next node status, which here comes after half of the period, as it does on average. From a node that is not Ready
it is taken by force after 6 minutes, with the out-of-service taint at once.
[pkg/controller/volume/attachdetach/attach_detach_controller.go, reconciler/reconciler.go]
"""

from collections.abc import Hashable
from typing import cast

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.collection.podgc import OUT_OF_SERVICE
from simkube.cluster.controller import Controller
from simkube.cluster.scheduler.claims import CLAIM, VOLUME, claims_of
from simkube.cluster.store import Change, Did
from simkube.cluster.volumes.csi_driver import FINALIZER
from simkube.cluster.volumes.facts import ATTACHMENT, attacher, attachment_name, is_exclusive, volumes_of
from simkube.kube.objects import Key, Meta, Node, Pod, Resource
from simkube.kube.storage import VolumeAttachmentSource, VolumeAttachmentSpec
from simkube.timings import Timings

RENAMED = 37  # the minor from which the event says "Waiting for detach" instead of "Multi-Attach error"


class AttachDetach(Controller):
    """`attachdetach-controller`. Keys are names of volumes."""

    def __init__(self, clock: Clock, client: Client, timings: Timings) -> None:
        super().__init__(clock, client)
        self._minor = timings.version.minor
        self._timeout = timings.force_detach_timeout
        self._report = timings.node_status_update_frequency / 2
        self._needs: dict[
            Key, tuple[str, dict[str, None]]
        ] = {}  # pod -> its node, and the volumes it needs there
        self._users: dict[str, dict[str, dict[Key, None]]] = {}  # volume -> node -> pods
        self._unbound: dict[Key, dict[Key, None]] = {}  # claim -> pods that were bound to a node before it
        self._attached: dict[str, dict[str, str]] = {}  # volume -> node -> name of the VolumeAttachment
        self._on: dict[str, dict[str, None]] = {}  # node -> volumes attached to it
        self._unneeded: dict[
            tuple[str, str], float
        ] = {}  # volume and node -> since when no pod needs it there
        self._told: dict[tuple[str, Key], None] = {}  # volume and pod that an event told of waiting
        client.watch("Pod", self._pod_changed, Did.ADDED | Did.BOUND | Did.PHASE | Did.REMOVED)
        client.watch(CLAIM, self._claim_changed, Did.STATUS)
        client.watch(ATTACHMENT, self._attachment_changed, Did.ADDED | Did.REMOVED)
        client.watch("Node", self._node_changed, Did.READY | Did.SPEC | Did.REMOVED)
        self._look_at_everything()

    def stop(self) -> None:
        super().stop()
        self._unneeded.clear()
        self._told.clear()

    def start(self) -> None:
        super().start()
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        self._needs.clear()
        self._users.clear()
        self._attached.clear()
        self._on.clear()
        for attachment in self.client.table(ATTACHMENT).values():
            self._note_attachment(attachment)
        for pod in self.client.table("Pod").values():
            self._note_pod(pod)
        for volume in (*self._users, *self._attached):
            self.enqueue(volume)

    # -- what happened ------------------------------------------------------------------------------------------

    def _pod_changed(self, change: Change) -> None:
        pod: Pod = change.old if change.new is None else change.new
        if not pod.template.has_claims:
            return
        if change.new is None:
            self._forget_pod(pod.key)
        else:
            self._note_pod(pod)

    def _note_pod(self, pod: Pod) -> None:
        """A pod needs its volumes on its node until it has finished or its object is gone [`IsPodTerminated`]."""
        if not pod.node or pod.is_finished:
            self._forget_pod(pod.key)
            return
        if not pod.template.has_claims:
            return
        bound = volumes_of(self.client, pod)
        if len(bound) < len(claims_of(pod)):
            for name, _ in claims_of(pod):
                self._unbound.setdefault((pod.meta.namespace, name), {})[pod.key] = None
        needed = (pod.node, {v.meta.name: None for v in bound if attacher(self.client, v.spec)})
        if self._needs.get(pod.key, ("", {})) == needed:
            return
        self._forget_pod(pod.key)
        if needed[1]:
            self._needs[pod.key] = needed
        for volume in needed[1]:
            self._users.setdefault(volume, {}).setdefault(pod.node, {})[pod.key] = None
            self.enqueue(volume)

    def _forget_pod(self, key: Key) -> None:
        node, volumes = self._needs.pop(key, ("", {}))
        for volume in volumes:
            pods = self._users[volume][node]
            del pods[key]
            self._told.pop((volume, key), None)
            if not pods:
                del self._users[volume][node]
                self._unneeded[volume, node] = self.clock.now
            self.enqueue(volume)

    def _claim_changed(self, change: Change) -> None:
        for namespace, name in self._unbound.pop(change.new.key, {}):
            pod: Pod | None = self.client.get("Pod", name, namespace)
            if pod is not None:
                self._note_pod(pod)

    def _attachment_changed(self, change: Change) -> None:
        attachment: Resource = change.object
        volume, node = attachment.spec.source.persistent_volume_name, attachment.spec.node_name
        if change.new is not None:
            self._note_attachment(attachment)
            return
        self._attached.get(volume, {}).pop(node, None)
        self._on.get(node, {}).pop(volume, None)
        self._unneeded.pop((volume, node), None)
        self.enqueue(volume)

    def _note_attachment(self, attachment: Resource) -> None:
        volume, node = attachment.spec.source.persistent_volume_name, attachment.spec.node_name
        self._attached.setdefault(volume, {})[node] = attachment.meta.name
        self._on.setdefault(node, {})[volume] = None

    def _node_changed(self, change: Change) -> None:
        for volume in self._on.get(change.object.meta.name, ()):
            self.enqueue(volume)

    # -- reconciling --------------------------------------------------------------------------------------------

    def reconcile(self, key: Hashable) -> None:
        name = cast(str, key)
        wanted = self._users.get(name, {})
        for node in list(self._attached.get(name, ())):
            if node in wanted:
                self._unneeded.pop((name, node), None)
            else:
                self._detach(name, node)
        volume: Resource | None = self.client.get(VOLUME, name)
        if volume is None:
            return
        for node in wanted:
            there = self._attached.get(name, {})
            if node in there:
                continue
            if there and is_exclusive(volume.spec):
                self._tell_waiting(volume, node, next(iter(there)))
            else:
                self._attach(volume, node)

    def _attach(self, volume: Resource, node: str) -> None:
        driver = attacher(self.client, volume.spec)
        source = VolumeAttachmentSource(persistent_volume_name=volume.meta.name)
        meta = Meta(attachment_name(volume.meta.name, node), finalizers=(f"{FINALIZER}/{driver}",))
        spec = VolumeAttachmentSpec(attacher=driver, node_name=node, source=source)
        self.client.create(
            Resource(
                api_version="storage.k8s.io/v1",
                kind=ATTACHMENT,
                meta=meta,
                spec=spec,
                status={"attached": False},
            )
        )

    def _detach(self, volume: str, node: str) -> None:
        attachment: Resource | None = self.client.get(ATTACHMENT, self._attached[volume][node])
        if attachment is None or attachment.meta.deletion_timestamp is not None:
            return
        due = self._unneeded.setdefault((volume, node), self.clock.now) + self._patience(node)
        if due > self.clock.now:
            self.enqueue_at(volume, due)
        else:
            self.client.delete(ATTACHMENT, attachment.meta.name)

    def _patience(self, name: str) -> float:
        """Seconds that a volume stays attached to the node without being needed there."""
        node: Node | None = self.client.get("Node", name)
        if node is not None and any(taint.key == OUT_OF_SERVICE for taint in node.taints):
            return 0.0
        return self._report if node is not None and node.is_ready else self._timeout

    def _tell_waiting(self, volume: Resource, node: str, holder: str) -> None:
        """An event for each pod that waits, once."""
        name = volume.meta.name
        using = self._users.get(name, {}).get(holder, {})
        for key in self._users[name][node]:
            pod: Pod | None = self.client.get("Pod", key[1], key[0])
            if pod is None or (name, key) in self._told:
                continue
            self._told[name, key] = None
            self.client.event(pod, "Warning", "FailedAttachVolume", self._why(name, pod, list(using)))

    def _why(self, volume: str, pod: Pod, using: list[Key]) -> str:
        what = "Waiting for detach" if self._minor >= RENAMED else "Multi-Attach error"
        here = [name for namespace, name in using if namespace == pod.meta.namespace]
        elsewhere = len(using) - len(here)
        if not using:
            tail = "waiting on detach before it can be attached to another node"
            held = "Volume is already exclusively attached to one node"
            why = f"{held}, {tail}" if self._minor >= RENAMED else f"{held} and can't be attached to another"
        elif here:
            more = f" and {elsewhere} pod(s) in different namespaces" if elsewhere else ""
            why = f"Volume is already used by pod(s) {', '.join(here)}{more}"
        else:
            why = f"Volume is already used by {elsewhere} pod(s) in different namespaces"
        return f'{what} for volume "{volume}" {why}'
