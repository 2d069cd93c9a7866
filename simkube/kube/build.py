"""From manifests to stored objects: what the API keeps when a manifest is created.

Times in manifests (creationTimestamp ...) are dropped: a run has its own clock, and what a manifest or dump describes
was there before it began. UIDs and owners of a dump are kept, so that its pods stay their ReplicaSets'.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from simkube.kube.manifests import Manifest
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
)
from simkube.kube.pod import PodSpec
from simkube.kube.quantity import bytes_of, milli_cpu
from simkube.kube.template import Template
from simkube.kube.workloads import PodTemplateSpec

WORKLOADS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job")
CLUSTER_SCOPED = (
    "Node",
    "PersistentVolume",
    "StorageClass",
    "PriorityClass",
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
    "IngressClass",
    "RuntimeClass",
    "CSIDriver",
)

_PER_POD = ("nodeName", "hostname", "subdomain")  # fields of a pod's spec that its template does not have


class Builder:
    """Makes stored objects; pods of the same template come to share one `Template`."""

    def __init__(self) -> None:
        self._templates: dict[str, Template] = {}

    def build(self, manifest: Manifest) -> Object:
        """The object of a manifest, without status (but for a node's and a bound pod's)."""
        meta = _meta(manifest)
        spec: Any = manifest.spec
        kind, api = manifest.kind, manifest.api_version
        if spec is None:
            body = {k: v for k, v in manifest.body.items() if k not in ("apiVersion", "kind", "metadata")}
            return Other(api_version=api, kind=kind, meta=meta, extra=body)
        if kind in WORKLOADS:
            return Workload(api_version=api, kind=kind, meta=meta, spec=spec, template=template_of(spec.template))
        if kind == "Pod":
            return self._pod(manifest, meta, spec)
        if kind == "Node":
            return _node(manifest, meta)
        if kind == "PodDisruptionBudget":
            return PodDisruptionBudget(meta=meta, spec=spec)
        return Resource(api_version=api, kind=kind, meta=meta, spec=spec)

    def _pod(self, manifest: Manifest, meta: Meta, spec: PodSpec) -> Pod:
        written = {k: v for k, v in (manifest.body.get("spec") or {}).items() if k not in _PER_POD}
        owner = meta.controller
        text = json.dumps([owner.uid if owner else meta.name, meta.labels, written], sort_keys=True, default=dict)
        template = self._templates.get(text)
        if template is None:
            template = self._templates[text] = Template(spec, meta.labels, meta.annotations)
        status = manifest.body.get("status") or {}
        phase = status.get("phase", "Pending") if isinstance(status, Mapping) else "Pending"
        finished = phase if phase in ("Succeeded", "Failed") else "Pending"
        return Pod(meta=meta, template=template, node=spec.node_name or "", status=PodStatus(phase=finished))


def template_of(spec: PodTemplateSpec) -> Template:
    """The shared template of a workload's `spec.template`."""
    return Template(spec.spec, spec.metadata.labels, spec.metadata.annotations)


def _meta(manifest: Manifest) -> Meta:
    metadata = manifest.metadata
    namespace = "" if manifest.kind in CLUSTER_SCOPED else metadata.namespace or "default"
    return Meta(
        name=metadata.name or metadata.generate_name,
        namespace=namespace,
        uid=metadata.uid,
        labels=_shared(metadata.labels),
        annotations=_shared(metadata.annotations),
        owners=tuple(
            OwnerReference(o.kind, o.name, o.uid, o.api_version, o.controller) for o in metadata.owner_references
        ),
        finalizers=tuple(metadata.finalizers),
        generation=metadata.generation or 1,
        extra=_shared(metadata.model_extra or {}),
    )


def _shared(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(mapping)) if mapping else NOTHING


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


def _node(manifest: Manifest, meta: Meta) -> Node:
    spec, status = manifest.spec, manifest.status
    if not isinstance(spec, NodeSpec):
        raise TypeError("a Node manifest has a NodeSpec")
    status = status or NodeStatusModel()
    info = (manifest.body.get("status") or {}).get("nodeInfo") or {}
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
    )
