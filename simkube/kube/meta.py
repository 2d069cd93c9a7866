"""`metadata`, as manifests and dumps carry it."""

from typing import ClassVar

from simkube.kube.model import Bool, Int, KubeModel, Labels, Seconds, empty_dict, names


class OwnerReference(KubeModel):
    """`metadata.ownerReferences[]`."""

    api_version: str = ""
    kind: str
    name: str
    uid: str = ""
    controller: Bool | None = None
    block_owner_deletion: Bool | None = None


class ObjectMeta(KubeModel):
    """`metadata`. Timestamps are text, as written (RFC 3339)."""

    also_known: ClassVar[frozenset[str]] = names("managedFields selfLink clusterName initializers")

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    labels: Labels = empty_dict()
    annotations: Labels = empty_dict()
    owner_references: tuple[OwnerReference, ...] = ()
    finalizers: tuple[str, ...] = ()
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: Seconds | None = None
    generation: Int = 0
    resource_version: str = ""

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that manages the object (`controller: true`), if any."""
        return next((owner for owner in self.owner_references if owner.controller), None)
