"""From manifests to stored objects: what the API keeps when a manifest is created.

Times in manifests (creationTimestamp ...) are dropped: a run has its own clock, and what a manifest or dump describes
was there before it began. UIDs and owners of a dump are kept, so that its pods stay their ReplicaSets'.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from simkube.kube.kinds import KINDS, group_of, kind_of
from simkube.kube.manifests import Manifest
from simkube.kube.meta import ObjectMeta
from simkube.kube.node import NodeSpec
from simkube.kube.node import NodeStatus as NodeStatusModel
from simkube.kube.objects import (
    NOTHING,
    Condition,
    Meta,
    Node,
    NodeResources,
    NodeStatus,
    Object,
    Other,
    OwnerReference,
    Pod,
    PodDisruptionBudget,
    PodStatus,
    Resource,
    Taint,
    Workload,
    WorkloadStatus,
)
from simkube.kube.pod import PodSpec
from simkube.kube.quantity import bytes_of, milli_cpu
from simkube.kube.shared import generated_from, only_node, shared_spec
from simkube.kube.template import Template
from simkube.kube.workloads import PodTemplateSpec

WORKLOADS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job")
KEEP_STATUS = ("PersistentVolume", "PersistentVolumeClaim")  # what is bound stays bound

_CLUSTER_SCOPED = {kind.name for kind in KINDS if not kind.namespaced} | {
    "APIService",
    "CSIDriver",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "IngressClass",
    "MutatingWebhookConfiguration",
    "Namespace",
    "RuntimeClass",
    "ValidatingWebhookConfiguration",
}
# Kinds that something here goes by, and their API groups.
_OURS = {kind.name: group_of(kind.api_version) for kind in KINDS} | {
    "ControllerRevision": "apps",
    "EndpointSlice": "discovery.k8s.io",
    "Lease": "coordination.k8s.io",
    "Namespace": "",
}
_TOP = frozenset(("apiVersion", "kind", "metadata", "spec", "status"))
_LASTING = ("addresses", "daemonEndpoints")  # of a node's status: what stays as it is
_REPORTED = ("bootID", "kubeletVersion", "kubeProxyVersion")  # of its nodeInfo: what its kubelet tells anew
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # of generated names [apimachinery pkg/util/rand]


class Builder:
    """Makes stored objects; pods of the same template come to share one `Template`."""

    def __init__(self) -> None:
        self._templates: dict[str, Template] = {}
        self._generated = 0

    def build(self, manifest: Manifest) -> Object:
        """The object of a manifest. Of its status is kept what a run cannot find out by itself: a node's size, whether
        a pod or Job has finished, what a claim is bound to."""
        meta = self._meta(manifest)
        spec: Any = manifest.spec
        kind, api = manifest.kind, manifest.api_version
        if spec is None:
            body = {k: v for k, v in manifest.body.items() if k not in ("apiVersion", "kind", "metadata")}
            return Other(api_version=api, kind=_stored_kind(api, kind), meta=meta, extra=body)
        extra = _beside_spec(manifest)
        if kind in WORKLOADS:
            done = _job_status(manifest) if kind == "Job" else WorkloadStatus()
            template = template_of(spec.template)
            return Workload(
                api_version=api, kind=kind, meta=meta, spec=spec, template=template, status=done, extra=extra
            )
        if kind == "Pod":
            return self._pod(manifest, meta, spec, extra)
        if kind == "Node":
            return _node(manifest, meta, extra)
        if kind == "PodDisruptionBudget":
            return PodDisruptionBudget(meta=meta, spec=spec, extra=extra)
        status = _status(manifest) if kind in KEEP_STATUS else NOTHING
        return Resource(api_version=api, kind=kind, meta=meta, spec=spec, status=status, extra=extra)

    def _pod(self, manifest: Manifest, meta: Meta, spec: PodSpec, extra: Mapping[str, Any]) -> Pod:
        written = manifest.body.get("spec") or {}
        owner = meta.controller
        pinned = only_node(spec) if owner is not None and owner.kind == "DaemonSet" else ""
        shared = shared_spec(written, meta, pinned)
        text = json.dumps([owner.uid if owner else meta.name, dict(meta.labels), shared], sort_keys=True)
        template = self._templates.get(text)
        if template is None:
            common = PodSpec.model_validate(shared, by_alias=True, by_name=False)
            template = self._templates[text] = Template(common, meta.labels, meta.annotations)
        phase = _status(manifest).get("phase")
        return Pod(
            meta=replace(meta, labels=template.labels),
            template=template,
            node=spec.node_name,
            pinned=pinned,
            status=PodStatus(phase=phase if phase in ("Succeeded", "Failed") else "Pending"),
            extra=extra,
        )

    def _meta(self, manifest: Manifest) -> Meta:
        metadata = manifest.metadata
        namespace = "" if manifest.kind in _CLUSTER_SCOPED else metadata.namespace or "default"
        return Meta(
            name=metadata.name or self._generate(metadata.generate_name),
            namespace=namespace,
            uid=metadata.uid,
            labels=_shared(metadata.labels),
            annotations=_shared(metadata.annotations),
            owners=tuple(
                OwnerReference(o.kind, o.name, o.uid, o.api_version, o.controller, o.block_owner_deletion)
                for o in metadata.owner_references
            ),
            finalizers=tuple(metadata.finalizers),
            generation=metadata.generation or 1,
            extra=_meta_extra(metadata),
        )

    def _generate(self, base: str) -> str:
        """A name as the API server makes it of `generateName`; always the same in the same place."""
        number, suffix = self._generated, ""
        self._generated += 1
        for _ in range(5):
            number, digit = divmod(number, len(_LETTERS))
            suffix = _LETTERS[digit] + suffix
        return base + suffix


def template_of(spec: PodTemplateSpec) -> Template:
    """The shared template of a workload's `spec.template`."""
    return Template(spec.spec, spec.metadata.labels, spec.metadata.annotations)


def _shared(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(mapping)) if mapping else NOTHING


def _meta_extra(metadata: ObjectMeta) -> Mapping[str, Any]:
    """What `Meta` has no field for."""
    if metadata.model_extra:
        base = {"generateName": metadata.generate_name} if metadata.generate_name else {}
        return MappingProxyType({**metadata.model_extra, **base})
    return generated_from(metadata.generate_name) if metadata.generate_name else NOTHING


def _beside_spec(manifest: Manifest) -> Mapping[str, Any]:
    """Top-level fields that no model knows."""
    kind = kind_of(manifest.api_version, manifest.kind)
    if kind is None or kind.flat:
        return NOTHING  # its model has them
    return _shared({name: value for name, value in manifest.body.items() if name not in _TOP})


def _stored_kind(api_version: str, kind: str) -> str:
    """`Service.serving.knative.dev` for what is another Service than Kubernetes' own."""
    if kind not in _OURS or _OURS[kind] == group_of(api_version):
        return kind
    return f"{kind}.{group_of(api_version) or api_version}"


def _status(manifest: Manifest) -> Mapping[str, Any]:
    status = manifest.body.get("status")
    return status if isinstance(status, Mapping) else NOTHING


def _job_status(manifest: Manifest) -> WorkloadStatus:
    """A Job that has finished stays so: its controller goes by the conditions [pkg/controller/job/utils.go]."""
    said = _status(manifest).get("conditions")
    conditions = tuple(
        Condition(str(one["type"]), "True", 0.0, str(one.get("reason", "")))
        for one in (said if isinstance(said, list) else ())
        if isinstance(one, Mapping)
        and one.get("type") in ("Complete", "Failed")
        and one.get("status") == "True"
    )
    return WorkloadStatus(conditions=conditions)


def node_resources(quantities: Mapping[str, Any]) -> NodeResources:
    """`capacity` or `allocatable` as numbers; 110 pods if nothing is said."""
    known = ("cpu", "memory", "pods", "ephemeral-storage")
    return NodeResources(
        cpu=milli_cpu(quantities.get("cpu", 0)),
        memory=bytes_of(quantities.get("memory", 0)),
        pods=bytes_of(quantities.get("pods", 110)),
        ephemeral_storage=bytes_of(quantities.get("ephemeral-storage", 0)),
        extended={k: bytes_of(v) for k, v in quantities.items() if k not in known},
    )


def _node(manifest: Manifest, meta: Meta, extra: Mapping[str, Any]) -> Node:
    spec, status = manifest.spec, manifest.status
    if not isinstance(spec, NodeSpec):
        raise TypeError("a Node manifest has a NodeSpec")
    status = status or NodeStatusModel()
    info = _status(manifest).get("nodeInfo")
    info = info if isinstance(info, Mapping) else NOTHING
    ready = Condition("Ready", "True", 0.0, "KubeletReady", "kubelet is posting ready status")
    return Node(
        meta=meta,
        unschedulable=spec.unschedulable,
        taints=tuple(Taint(t.key, t.effect, t.value) for t in spec.taints),
        status=NodeStatus(
            allocatable=node_resources(status.allocatable),
            capacity=node_resources(status.capacity),
            conditions=(ready,),
            kubelet_version=str(info.get("kubeletVersion", "")),
        ),
        extra=_shared({**extra, **_of_node(manifest, spec, info)}),
    )


def _of_node(manifest: Manifest, spec: NodeSpec, info: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a node's spec and status that `Node` does not have, and that do not change in a run."""
    inside = {
        name: value for name, value in spec.to_dict().items() if name not in ("taints", "unschedulable")
    }
    status = {name: value for name, value in _status(manifest).items() if name in _LASTING}
    if lasting := {name: value for name, value in info.items() if name not in _REPORTED}:
        status["nodeInfo"] = lasting
    return {name: values for name, values in (("spec", inside), ("status", status)) if values}
