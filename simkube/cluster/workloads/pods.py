"""A pod as its controller makes it: from the owner's template, named after the owner, owned by it."""

from collections.abc import Mapping
from functools import lru_cache

from simkube.kube.objects import Meta, OwnerReference, Pod, Workload
from simkube.kube.shared import generated_from
from simkube.kube.template import Template

MAX_BASE_NAME = 58  # a generated name has 63 characters at most, 5 of them the suffix


def new_pod(
    owner: Workload,
    template: Template,
    name: str,
    labels: Mapping[str, str] | None = None,
    node_affinity_name: str = "",
) -> Pod:
    """The pod to create [pkg/controller/controller_utils.go `GetPodFromTemplate`].

    `labels` None: those of the template, shared: such pods are found fastest by what selects them.
    `node_affinity_name`: the node a DaemonSet makes it for.
    """
    meta = Meta(
        name=name,
        namespace=owner.meta.namespace,
        labels=template.labels if labels is None else labels,
        annotations=template.annotations,
        owners=owned_by(owner),
        extra=generated_from(f"{owner.meta.name}-"),
    )
    return Pod(meta=meta, template=template, pinned=node_affinity_name)


def owned_by(owner: Workload) -> tuple[OwnerReference, ...]:
    """`ownerReferences` of what a workload makes; one tuple for all of its pods."""
    return _reference(owner.api_version, owner.kind, owner.meta.name, owner.meta.uid)


def generated_name(base: str, suffix: str) -> str:
    """`<base>-<suffix>`, the base cut to fit [apiserver pkg/storage/names/generate.go]."""
    return f"{base}-"[:MAX_BASE_NAME] + suffix


@lru_cache(maxsize=8192)
def _reference(api_version: str, kind: str, name: str, uid: str) -> tuple[OwnerReference, ...]:
    return (OwnerReference(kind, name, uid, api_version),)
