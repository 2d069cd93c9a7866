"""Ephemeral volume controller: the claims of generic ephemeral volumes, owned by their pod and gone with it.

[pkg/controller/volume/ephemeral/controller.go]
"""

from collections.abc import Hashable
from typing import cast

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.scheduler.claims import CLAIM
from simkube.cluster.store import Change, Did
from simkube.kube.objects import Key, Meta, OwnerReference, Pod, Resource
from simkube.kube.storage import PersistentVolumeClaimTemplate


class EphemeralVolumeController(Controller):
    """`ephemeral-volume-controller`. Keys are those of pods."""

    def __init__(self, clock: Clock, client: Client) -> None:
        super().__init__(clock, client)
        client.watch("Pod", self._pod_changed, Did.ADDED)
        self._look_at_everything()

    def start(self) -> None:
        super().start()
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        for pod in self.client.table("Pod").values():
            self._look_at(pod)

    def _pod_changed(self, change: Change) -> None:
        self._look_at(change.new)

    def _look_at(self, pod: Pod) -> None:
        volumes = pod.template.spec.volumes
        if volumes and any(volume.ephemeral is not None for volume in volumes):
            self.enqueue(pod.key)

    def reconcile(self, key: Hashable) -> None:
        namespace, name = cast(Key, key)
        pod: Pod | None = self.client.get("Pod", name, namespace)
        if pod is None or pod.is_terminating:
            return
        for volume in pod.template.spec.volumes:
            claim = f"{name}-{volume.name}"
            if volume.ephemeral is not None and self.client.get(CLAIM, claim, namespace) is None:
                self.client.create(_claim(pod, claim, volume.ephemeral.get("volumeClaimTemplate") or {}))


def _claim(pod: Pod, name: str, written: dict[str, object]) -> Resource:
    template = PersistentVolumeClaimTemplate.model_validate(written)
    meta = Meta(
        name,
        pod.meta.namespace,
        labels=template.metadata.labels,
        annotations=template.metadata.annotations,
        owners=(OwnerReference("Pod", pod.meta.name, pod.meta.uid, "v1"),),
    )
    return Resource(api_version="v1", kind=CLAIM, meta=meta, spec=template.spec, status={"phase": "Pending"})
