"""StorageClasses that manifests count on and do not bring: those of the cluster that they were written for.

Without them a pod with a claim would wait for ever. Each is taken to make disks as clouds do: of one zone, when a pod
is scheduled. A dump that brings its nodes is believed to be whole: nothing is added.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from simkube.kube.model import Labels
from simkube.kube.objects import Meta, Object, Resource, Workload
from simkube.kube.storage import (
    DEFAULT_CLASS_ANNOTATION,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimTemplate,
    StorageClass,
    claim_class,
)
from simkube.kube.workloads import StatefulSetSpec
from simkube.scenario.pieces import Pieces, made_by

DEFAULT = "standard"  # the name that GKE, kind and minikube give theirs
PROVISIONER = "disk.simkube"


def missing_classes(pieces: Pieces, warnings: list[str]) -> list[Object]:
    """The classes that claims ask for and that are not there; told of in one warning."""
    classes = {obj.meta.name: obj for _, obj in pieces if obj.kind == "StorageClass"}
    has_default = any(
        obj.meta.annotations.get(DEFAULT_CLASS_ANNOTATION) == "true" for obj in classes.values()
    )
    wanted: dict[str, bool] = {}  # name -> whether it is the default
    for name in (name for _, obj in pieces for name in _asked(obj)):
        if name is None and not has_default:
            wanted[DEFAULT] = True
        elif name and name not in classes:
            wanted.setdefault(name, False)
    if wanted:
        names = ", ".join(f"{name} (the default)" if default else name for name, default in wanted.items())
        warnings.append(
            f"StorageClass not among the manifests: {names}; taken to make disks, each of one zone"
        )
    return [_class(name, default) for name, default in wanted.items()]


def _asked(obj: Object) -> Iterator[str | None]:
    """The class of each claim that an object is or makes: None for the default, "" for none."""
    if isinstance(obj, Resource) and isinstance(obj.spec, PersistentVolumeClaimSpec):
        if not obj.spec.volume_name:
            yield claim_class(dict(obj.meta.annotations), obj.spec)
    elif isinstance(obj, Workload) and isinstance(obj.spec, StatefulSetSpec):
        for template in obj.spec.volume_claim_templates:
            yield claim_class(template.metadata.annotations, template.spec)
    made = made_by(obj, 0)
    for volume in made.template.spec.volumes if made is not None else ():
        yield from _of_ephemeral(volume.ephemeral)


def _of_ephemeral(ephemeral: Mapping[str, Any] | None) -> Iterator[str | None]:
    """A generic ephemeral volume brings the template of its claim."""
    if ephemeral is not None:
        template = PersistentVolumeClaimTemplate.model_validate(ephemeral.get("volumeClaimTemplate") or {})
        yield claim_class(template.metadata.annotations, template.spec)


def _class(name: str, default: bool) -> Resource:
    annotations: Labels = {DEFAULT_CLASS_ANNOTATION: "true"} if default else {}
    spec = StorageClass(provisioner=PROVISIONER, volume_binding_mode="WaitForFirstConsumer")
    meta = Meta(name, annotations=annotations)
    return Resource(api_version="storage.k8s.io/v1", kind="StorageClass", meta=meta, spec=spec)
