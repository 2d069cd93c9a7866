"""Stored objects written as the API server prints them: plain data, ready for YAML or JSON.

What a stored object does not hold is left out rather than made up: managedFields; of pods the node's addresses, image
and container IDs, `lastState`, service account and token, a StatefulSet's `subdomain`; of nodes lastHeartbeatTime, and
addresses and system unless a manifest brought them; ports and zones of EndpointSlices; a Lease's duration and owner;
allocated clusterIPs; metrics of autoscalers. Moments that are derived: see `simkube.kube.render.pod_conditions`.
"""

from collections.abc import Mapping
from typing import Any

from simkube.kube.kinds import kind_of
from simkube.kube.objects import (
    EndpointSlice,
    Lease,
    Node,
    Object,
    Pod,
    PodDisruptionBudget,
    Resource,
    Workload,
)
from simkube.kube.render.fields import fields, plain
from simkube.kube.render.metadata import metadata
from simkube.kube.render.node import node_content
from simkube.kube.render.others import budget_status, lease_spec, resource_status, slice_content
from simkube.kube.render.pod import pod_content
from simkube.kube.render.workload import workload_status


def to_manifest(obj: Object, epoch: float) -> dict[str, Any]:
    """The object, of any kind, that shares nothing with the store. `epoch`: Unix time of second 0 of the run.

    A Lease shows the renewal that is stored: what a reader sees at some moment is what
    `simkube.cluster.nodes.leases.as_seen` makes of it.
    """
    written = {
        "apiVersion": obj.api_version,
        "kind": obj.kind.partition(".")[0],  # a foreign Service is stored as Service.serving.knative.dev
        "metadata": metadata(obj, epoch),
    }
    return {**written, **_over(plain(obj.extra), _content(obj, epoch))}


def _content(obj: Object, epoch: float) -> dict[str, Any]:
    """All but apiVersion, kind, metadata and what is carried."""
    match obj:
        case Pod():
            return pod_content(obj, epoch)
        case Node():
            return node_content(obj, epoch)
        case Workload():
            return {"spec": fields(obj.spec), "status": workload_status(obj, epoch)}
        case EndpointSlice():
            return slice_content(obj)
        case PodDisruptionBudget():
            return {"spec": fields(obj.spec), "status": budget_status(obj, epoch)}
        case Lease():
            return {"spec": lease_spec(obj, epoch)}
        case Resource():
            return _resource(obj, epoch)
    return {}


def _resource(obj: Resource, epoch: float) -> dict[str, Any]:
    kind = kind_of(obj.api_version, obj.kind)
    spec = fields(obj.spec)
    content = spec if kind is not None and kind.flat else {"spec": spec}
    return {**content, "status": resource_status(obj, epoch)} if obj.status else content


def _over(carried: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Any]:
    """What is held, beside and inside what is carried."""
    merged = dict(carried)
    for name, value in held.items():
        below = carried.get(name)
        merged[name] = _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
