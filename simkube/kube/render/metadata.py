"""`metadata` as the API server prints it, and conditions, which look alike everywhere."""

from typing import Any

from simkube.kube.objects import Condition, Object, OwnerReference
from simkube.kube.render.fields import plain
from simkube.kube.render.times import time_text

# Built-in kinds whose spec nobody counts the changes of: all without `Generation = 1` in pkg/registry/*/*/strategy.go.
_WITHOUT_GENERATION = frozenset(
    (
        "APIService",
        "Binding",
        "CSIDriver",
        "CSINode",
        "CSIStorageCapacity",
        "CertificateSigningRequest",
        "ClusterRole",
        "ClusterRoleBinding",
        "ComponentStatus",
        "ConfigMap",
        "ControllerRevision",
        "Endpoints",
        "Event",
        "Lease",
        "LimitRange",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "ResourceQuota",
        "Role",
        "RoleBinding",
        "RuntimeClass",
        "Secret",
        "Service",
        "ServiceAccount",
        "StorageClass",
        "VolumeAttachment",
        "VolumeAttributesClass",
    )
)


def metadata(obj: Object, epoch: float) -> dict[str, Any]:
    """Of an object; one that is not stored yet has neither resourceVersion nor creationTimestamp."""
    meta = obj.meta
    result: dict[str, Any] = {"name": meta.name}
    if meta.namespace:
        result["namespace"] = meta.namespace
    if meta.uid:
        result["uid"] = meta.uid
    if obj.version:
        result["resourceVersion"] = str(obj.version)
        result["creationTimestamp"] = time_text(meta.created, epoch)
    if obj.kind not in _WITHOUT_GENERATION:
        result["generation"] = meta.generation
    if meta.deletion_timestamp is not None:
        result["deletionTimestamp"] = time_text(meta.deletion_timestamp, epoch)
        if meta.deletion_grace_period_seconds is not None:
            result["deletionGracePeriodSeconds"] = meta.deletion_grace_period_seconds
    if meta.labels:
        result["labels"] = dict(meta.labels)
    if meta.annotations:
        result["annotations"] = dict(meta.annotations)
    if meta.owners:
        result["ownerReferences"] = [_owner(owner) for owner in meta.owners]
    if meta.finalizers:
        result["finalizers"] = list(meta.finalizers)
    return {**plain(meta.extra), **result}


def _owner(owner: OwnerReference) -> dict[str, Any]:
    result: dict[str, Any] = {
        "apiVersion": owner.api_version,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
    }
    if owner.controller is not None:
        result["controller"] = owner.controller
    if owner.block_owner_deletion is not None:
        result["blockOwnerDeletion"] = owner.block_owner_deletion
    return result


def condition(held: Condition, epoch: float, **more: Any) -> dict[str, Any]:
    """Of `status.conditions`; `more`: the fields that only its kind has."""
    result = {
        "type": held.type,
        "status": held.status,
        **more,
        "lastTransitionTime": time_text(held.since, epoch),
    }
    texts = {"reason": held.reason, "message": held.message}
    return {**result, **{name: text for name, text in texts.items() if text}}
