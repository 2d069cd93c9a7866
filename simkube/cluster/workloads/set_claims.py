"""The PersistentVolumeClaims of a StatefulSet's pods: made from its templates, kept or not as its policy says.

[pkg/controller/statefulset/stateful_pod_control.go, stateful_set_utils.go]
"""

from contextlib import suppress

from msgspec.structs import replace

from simkube.cluster.api import Client
from simkube.cluster.errors import AlreadyExists, Conflict
from simkube.kube.objects import Meta, Object, OwnerReference, Pod, Resource, Workload
from simkube.kube.pod import PersistentVolumeClaimVolumeSource, Volume
from simkube.kube.storage import PersistentVolumeClaimTemplate
from simkube.kube.template import Template

CLAIM = "PersistentVolumeClaim"


def claim_name(template: PersistentVolumeClaimTemplate, set_name: str, ordinal: int) -> str:
    """`<template>-<set>-<ordinal>`."""
    return f"{template.metadata.name}-{set_name}-{ordinal}"


def with_claims(template: Template, owner: Workload, ordinal: int) -> Template:
    """The template of one ordinal: the set's claims take the place of volumes with the same name."""
    templates: tuple[PersistentVolumeClaimTemplate, ...] = owner.spec.volume_claim_templates
    claims = {t.metadata.name: claim_name(t, owner.meta.name, ordinal) for t in templates}
    volumes = tuple(
        Volume(name=name, persistent_volume_claim=PersistentVolumeClaimVolumeSource(claim_name=claim))
        for name, claim in claims.items()
    )
    others = tuple(volume for volume in template.spec.volumes if volume.name not in claims)
    spec = template.spec.model_copy(update={"volumes": (*volumes, *others)})
    return Template(spec, template.labels, template.annotations)


def make_claims(client: Client, owner: Workload, ordinal: int) -> None:
    """Create those of the ordinal's claims that do not exist. Raises `Conflict` if one is being deleted."""
    for template in owner.spec.volume_claim_templates:
        name = claim_name(template, owner.meta.name, ordinal)
        existing = client.get(CLAIM, name, owner.meta.namespace)
        if existing is None:
            with suppress(AlreadyExists):
                client.create(_new_claim(owner, template, name))
        elif existing.meta.deletion_timestamp is not None:
            raise Conflict(f"pvc {name} is being deleted")


def _new_claim(owner: Workload, template: PersistentVolumeClaimTemplate, name: str) -> Resource:
    selector = owner.spec.selector
    labels = {**template.metadata.labels, **(selector.match_labels if selector is not None else {})}
    meta = Meta(name, owner.meta.namespace, labels=labels, annotations=template.metadata.annotations)
    return Resource(api_version="v1", kind=CLAIM, meta=meta, spec=template.spec, status={"phase": "Pending"})


def are_stale(client: Client, owner: Workload, ordinal: int) -> bool:
    """whenScaled Delete: a claim still belongs to an earlier pod of this name, and goes with it."""
    if owner.spec.persistent_volume_claim_retention_policy.when_scaled == "Retain":
        return False
    pod = client.get("Pod", f"{owner.meta.name}-{ordinal}", owner.meta.namespace)
    uid = pod.meta.uid if pod is not None else ""
    return any(
        reference.kind == "Pod" and reference.uid != uid
        for claim in _claims(client, owner, ordinal)
        for reference in claim.meta.owners
    )


def keep_policy(client: Client, owner: Workload, ordinal: int, scaled_down: bool) -> None:
    """Let the ordinal's claims be owned by whom the retention policy names: with that owner they go.

    [`updateClaimOwnerRefForSetAndPod`]
    """
    pod: Pod | None = client.get("Pod", f"{owner.meta.name}-{ordinal}", owner.meta.namespace)
    for claim in _claims(client, owner, ordinal):
        owners = _owners(claim, owner, pod, scaled_down)
        if owners != claim.meta.owners:
            client.update(replace(claim, meta=replace(claim.meta, owners=owners)))


def _owners(claim: Object, owner: Workload, pod: Pod | None, scaled_down: bool) -> tuple[OwnerReference, ...]:
    policy = owner.spec.persistent_volume_claim_retention_policy
    ours = ("StatefulSet", owner.meta.name)
    kept = tuple(o for o in claim.meta.owners if o.kind != "Pod" and (o.kind, o.name) != ours)
    if any(o.controller for o in kept):
        return kept  # someone else manages the claim
    if policy.when_scaled == "Delete" and scaled_down:
        return (*kept, OwnerReference("Pod", pod.meta.name, pod.meta.uid, "v1")) if pod is not None else kept
    if policy.when_deleted == "Delete":
        return (*kept, OwnerReference("StatefulSet", owner.meta.name, owner.meta.uid))
    return kept


def _claims(client: Client, owner: Workload, ordinal: int) -> list[Object]:
    names = (claim_name(template, owner.meta.name, ordinal) for template in owner.spec.volume_claim_templates)
    claims = (client.get(CLAIM, name, owner.meta.namespace) for name in names)
    return [claim for claim in claims if claim is not None]
