"""`spec` and `status` of a Node [pkg/kubelet/nodestatus/setters.go].

Quantities come in the canonical form that the API server prints: whole Ki of memory in Ki, Mi, Gi ...
"""

from typing import Any

from simkube.kube.objects import Node, NodeResources, NodeStatus, Taint
from simkube.kube.quantity import NANO, quantity_text
from simkube.kube.render.metadata import condition
from simkube.kube.render.times import time_text


def node_content(node: Node, epoch: float) -> dict[str, Any]:
    """Spec and status; addresses and the like are there only if a manifest brought them."""
    spec: dict[str, Any] = {}
    if node.unschedulable:
        spec["unschedulable"] = True
    if node.taints:
        spec["taints"] = [_taint(taint, epoch) for taint in node.taints]
    return {"spec": spec, "status": _status(node.status, epoch)}


def _taint(taint: Taint, epoch: float) -> dict[str, Any]:
    result: dict[str, Any] = {"key": taint.key, "effect": taint.effect}
    if taint.value:
        result["value"] = taint.value
    if taint.time_added is not None:
        result["timeAdded"] = time_text(taint.time_added, epoch)
    return result


def _status(status: NodeStatus, epoch: float) -> dict[str, Any]:
    info = {"bootID": status.boot_id, "kubeletVersion": status.kubelet_version}
    result: dict[str, Any] = {
        "capacity": _resources(status.capacity),
        "allocatable": _resources(status.allocatable),
        "conditions": [condition(held, epoch) for held in status.conditions],
        "images": [{"names": [image.name], "sizeBytes": image.size} for image in status.images],
        "nodeInfo": {name: text for name, text in info.items() if text},
    }
    return {name: value for name, value in result.items() if value}


def _resources(held: NodeResources) -> dict[str, str]:
    result = {
        "cpu": quantity_text(held.cpu * (NANO // 1000)),
        "memory": quantity_text(held.memory * NANO, binary=True),
        "pods": quantity_text(held.pods * NANO),
    }
    if held.ephemeral_storage:
        result["ephemeral-storage"] = quantity_text(held.ephemeral_storage * NANO, binary=True)
    for name, amount in held.extended.items():
        result[name] = quantity_text(amount * NANO, binary=name.startswith("hugepages-"))
    return result
