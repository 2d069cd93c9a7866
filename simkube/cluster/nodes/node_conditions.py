"""Conditions of nodes, as the node lifecycle controller reads and writes them (behaviour 1.2). Pure."""

from msgspec.structs import replace

from simkube.kube.objects import Condition, Node

# NetworkUnavailable is left alone: it belongs to the control plane.
KUBELET_CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


def ready_status(node: Node) -> str | None:
    """Status of condition Ready; None if it was never posted."""
    ready = node.condition("Ready")
    return None if ready is None else ready.status


def unknown(conditions: tuple[Condition, ...], now: float) -> tuple[Condition, ...]:
    """The conditions of a node that is silent: those of the kubelet Unknown, missing ones made."""
    found = [
        replace(
            condition,
            status="Unknown",
            since=now,
            reason="NodeStatusUnknown",
            message="Kubelet stopped posting node status.",
        )
        if condition.type in KUBELET_CONDITIONS and condition.status != "Unknown"
        else condition
        for condition in conditions
    ]
    there = {condition.type for condition in conditions}
    found.extend(
        Condition(type_, "Unknown", now, "NodeStatusNeverUpdated", "Kubelet never posted node status.")
        for type_ in KUBELET_CONDITIONS
        if type_ not in there
    )
    return tuple(found)
