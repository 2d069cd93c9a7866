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
        _set(conditions, type_, "False", reason, message, now)
    ready = conditions.pop("Ready", None)
    if ready is not None:
        conditions["Ready"] = ready  # the last one
    if report.trouble:
        _set(conditions, "Ready", "False", "KubeletNotReady", report.trouble, now)
    else:
        _set(conditions, "Ready", "True", "KubeletReady", "kubelet is posting ready status", now)
    status = NodeStatus(
        allocatable=report.allocatable,
        capacity=report.capacity,
        conditions=tuple(conditions.values()),
        images=report.images,
        kubelet_version=report.kubelet_version,
        boot_id=report.boot_id,
    )
    return old if status == old else status


def _set(
    conditions: dict[str, Condition], type_: str, status: str, reason: str, message: str, now: float
) -> None:
    """lastTransitionTime moves only with the status."""
    old = conditions.get(type_)
    if old is None or old.status != status:
        conditions[type_] = Condition(type_, status, now, reason, message)
    elif old.reason != reason or (type_ == "Ready" and old.message != message):
        conditions[type_] = Condition(type_, status, old.since, reason, message)
