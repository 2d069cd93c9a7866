"""A node's object as its kubelet writes it. Pure. [pkg/kubelet/nodestatus/setters.go, kubelet_node_status.go]"""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from simkube.kube.objects import Condition, Image, Meta, Node, NodeResources, NodeStatus, Taint

HEALTHY = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)
NO_NETWORK = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)
SHUTTING_DOWN = "node is shutting down"


class Report(NamedTuple):
    """What a kubelet knows of its machine. `trouble`: why it is not Ready, "" if it is."""

    trouble: str
    allocatable: NodeResources
    capacity: NodeResources
    images: tuple[Image, ...]
    kubelet_version: str
    boot_id: str


def new_node(
    name: str, labels: Mapping[str, str], taints: tuple[Taint, ...], report: Report, now: float
) -> Node:
    """The object with which a kubelet registers."""
    empty = NodeStatus(allocatable=report.allocatable, capacity=report.capacity)
    node = Node(meta=Meta(name, labels=labels), taints=taints, status=empty)
    return replace(node, status=reported(empty, report, now))


def reported(old: NodeStatus, report: Report, now: float) -> NodeStatus:
    """The status after a report; `old` itself if nothing changes. Conditions of others stay."""
    conditions = {condition.type: condition for condition in old.conditions}
    for type_, reason, message in HEALTHY:
        _set(conditions, Condition(type_, "False", now, reason, message))
    ready = conditions.pop("Ready", None)
    if ready is not None:
        conditions["Ready"] = ready  # the last one
    if report.trouble:
        _set(conditions, Condition("Ready", "False", now, "KubeletNotReady", report.trouble))
    else:
        _set(conditions, Condition("Ready", "True", now, "KubeletReady", "kubelet is posting ready status"))
    status = NodeStatus(
        allocatable=report.allocatable,
        capacity=report.capacity,
        conditions=tuple(conditions.values()),
        images=report.images,
        kubelet_version=report.kubelet_version,
        boot_id=report.boot_id,
    )
    return old if status == old else status


def _set(conditions: dict[str, Condition], new: Condition) -> None:
    """lastTransitionTime moves only with the status."""
    old = conditions.get(new.type)
    if old is None or old.status != new.status:
        conditions[new.type] = new
    elif old.reason != new.reason or (new.type == "Ready" and old.message != new.message):
        conditions[new.type] = replace(new, since=old.since)
