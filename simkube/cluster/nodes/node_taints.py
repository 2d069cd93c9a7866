"""The taints that the node lifecycle controller gives and takes, and the arithmetic of taints (behaviour 1.4). Pure."""

from collections.abc import Iterable

from msgspec.structs import replace

from simkube.cluster.nodes.node_conditions import ready_status
from simkube.kube.objects import Node, Taint

Taints = tuple[Taint, ...]

_PREFIX = "node.kubernetes.io/"
NOT_READY = Taint(_PREFIX + "not-ready", "NoExecute")
UNREACHABLE = Taint(_PREFIX + "unreachable", "NoExecute")
NOT_READY_NO_SCHEDULE = Taint(NOT_READY.key, "NoSchedule")
UNSCHEDULABLE = Taint(_PREFIX + "unschedulable", "NoSchedule")

_OF_CONDITION = {
    ("Ready", "False"): NOT_READY_NO_SCHEDULE,
    ("Ready", "Unknown"): Taint(UNREACHABLE.key, "NoSchedule"),
    ("MemoryPressure", "True"): Taint(_PREFIX + "memory-pressure", "NoSchedule"),
    ("DiskPressure", "True"): Taint(_PREFIX + "disk-pressure", "NoSchedule"),
    ("PIDPressure", "True"): Taint(_PREFIX + "pid-pressure", "NoSchedule"),
    ("NetworkUnavailable", "True"): Taint(_PREFIX + "network-unavailable", "NoSchedule"),
}
_OWN_KEYS = frozenset({taint.key for taint in _OF_CONDITION.values()} | {UNSCHEDULABLE.key})


def has(taints: Iterable[Taint], taint: Taint) -> bool:
    """One of the taints has this key and effect."""
    return any(t.key == taint.key and t.effect == taint.effect for t in taints)


def with_taints(taints: Taints, more: Iterable[Taint], now: float) -> Taints:
    """`more` added, with timeAdded `now`; one that is there already is replaced in its place."""
    for taint in more:
        new = replace(taint, time_added=now)
        there = has(taints, taint)
        taints = tuple(new if has((t,), taint) else t for t in taints) if there else (*taints, new)
    return taints


def without_taints(taints: Taints, less: Iterable[Taint]) -> Taints:
    """`less` taken out, by key and effect."""
    less = tuple(less)
    return tuple(taint for taint in taints if not has(less, taint))


def no_schedule_taints(node: Node) -> Taints:
    """The NoSchedule taints that the node's conditions and its cordon call for."""
    wanted = [
        _OF_CONDITION[condition.type, condition.status]
        for condition in node.status.conditions
        if (condition.type, condition.status) in _OF_CONDITION
    ]
    if node.unschedulable:
        wanted.append(UNSCHEDULABLE)
    return tuple(wanted)


def no_schedule_diff(node: Node) -> tuple[Taints, Taints]:
    """(to add, to remove), so that the node has those taints and no others of these keys; users' taints stay."""
    wanted = no_schedule_taints(node)
    present = tuple(taint for taint in node.taints if taint.effect == "NoSchedule" and taint.key in _OWN_KEYS)
    return without_taints(wanted, present), without_taints(present, wanted)


def no_execute_taint(status: str | None) -> tuple[Taint, Taint] | None:
    """(the taint, its opposite) for a status of Ready; None: the node gets none."""
    if status == "False":
        return NOT_READY, UNREACHABLE
    if status == "Unknown":
        return UNREACHABLE, NOT_READY
    return None


def has_lifecycle_taint(node: Node) -> bool:
    """The node has a NoExecute taint of the two that the controller gives."""
    return has(node.taints, NOT_READY) or has(node.taints, UNREACHABLE)


def needs_look(old: Node | None, new: Node) -> bool:
    """A change of a node after which the next pass may have something to do for it."""
    if old is None or old.meta.labels != new.meta.labels:
        return True
    status = ready_status(new)
    if old.status is not new.status and ready_status(old) != status:
        return True
    return old.taints != new.taints and (status != "True" or has_lifecycle_taint(new))
