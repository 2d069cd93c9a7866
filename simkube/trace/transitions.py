"""What a change of an object means, as records: the belief side of every trace, simulated or real.

A function a kind: the object before (None: it appeared) and after (None: it went) in, records out. Only what the
objects say is used, so a watcher of a real API yields the same records.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from simkube.kube.objects import Condition, EndpointSlice, Node, Object, Pod, PodDisruptionBudget, Workload
from simkube.trace.record import Record


def transitions(old: Any, new: Any, t: float, by: str) -> Iterable[Record]:
    """The records of one change, in a fixed order; none if nothing that the model knows has changed."""
    kind = (new if new is not None else old).kind
    rule = _RULES.get(kind)
    return () if rule is None else rule(old, new, t, by)


def _about(
    obj: Object,
    t: float,
    what: str,
    by: str,
    node: str = "",
    reason: str = "",
    message: str = "",
    value: Any = None,
) -> Record:
    meta = obj.meta
    return Record(t, what, obj.kind, meta.namespace, meta.name, meta.uid, node, by, reason, message, value)


def _node(old: Node | None, new: Node | None, t: float, by: str) -> Iterator[Record]:
    if new is None:
        if old is not None:
            yield _about(old, t, "node.removed", by)
        return
    if old is None:
        zone = new.meta.labels.get("topology.kubernetes.io/zone", "")
        role = "control-plane" if "node-role.kubernetes.io/control-plane" in new.meta.labels else "worker"
        allocatable = new.status.allocatable
        yield _about(
            new,
            t,
            "node.added",
            by,
            value={"zone": zone, "role": role, "cpu": allocatable.cpu, "memory": allocatable.memory},
        )
    was, now = (old.condition("Ready") if old else None), new.condition("Ready")
    if now is not None and (was is None or was.status != now.status):
        what = {"True": "node.ready", "False": "node.not-ready"}.get(now.status, "node.unknown")
        yield _about(new, t, what, by, reason=now.reason, message=now.message)
    if new.unschedulable != (old.unschedulable if old else False):
        yield _about(new, t, "node.cordoned" if new.unschedulable else "node.uncordoned", by)
    before, after = (old.taints if old else ()), new.taints
    if before is not after and before != after:
        had, has = {(x.key, x.effect) for x in before}, {(x.key, x.effect) for x in after}
        for taint in after:
            if (taint.key, taint.effect) not in had:
                yield _about(new, t, "node.tainted", by, reason=taint.key, value=taint.effect)
        for taint in before:
            if (taint.key, taint.effect) not in has:
                yield _about(new, t, "node.untainted", by, reason=taint.key, value=taint.effect)
    if old is not None and old.status.kubelet_version != new.status.kubelet_version:
        yield _about(new, t, "node.version", by, value=new.status.kubelet_version)


def _changed(was: Condition | None, now: Condition | None) -> bool:
    return (
        now is not None
        and now is not was
        and (was is None or was.status != now.status or was.reason != now.reason)
    )


def _pod(old: Pod | None, new: Pod | None, t: float, by: str) -> Iterator[Record]:
    if new is None:
        if old is not None:
            yield _about(old, t, "pod.removed", by, node=old.node, reason=old.status.phase)
        return
    node = new.node
    if old is None:
        owner = new.meta.controller
        value = {"owner": f"{owner.kind}/{owner.name}"} if owner else {}
        yield _about(new, t, "pod.created", by, node=node, value=value)
        if node:
            yield _about(new, t, "pod.bound", by, node=node)
    elif node and not old.node:
        yield _about(new, t, "pod.bound", by, node=node)
    before, after = (old.status if old else None), new.status
    if before is not after:
        scheduled, was = after.scheduled, before.scheduled if before else None
        told = was is not None and scheduled is not None and was.message == scheduled.message
        if scheduled is not None and scheduled.status == "False" and (_changed(was, scheduled) or not told):
            yield _about(new, t, "pod.unschedulable", by, reason=scheduled.reason, message=scheduled.message)
        disrupted = after.disrupted
        marked = disrupted is not None and disrupted.status == "True"
        if disrupted is not None and marked and _changed(before.disrupted if before else None, disrupted):
            yield _about(new, t, "pod.disrupted", by, node=node, reason=disrupted.reason)
        if (before.phase if before else "Pending") != after.phase:
            yield _about(new, t, "pod.phase", by, node=node, reason=after.phase, message=after.reason)
        ready = old.is_ready if old else False
        if ready != new.is_ready:
            yield _about(new, t, "pod.not-ready" if ready else "pod.ready", by, node=node)
    if new.is_terminating and (old is None or not old.is_terminating):
        grace = new.meta.deletion_grace_period_seconds
        disrupted = after.disrupted
        yield _about(
            new,
            t,
            "pod.terminating",
            by,
            node=node,
            reason=disrupted.reason if disrupted else "",
            value=grace,
        )


def _slice(old: EndpointSlice | None, new: EndpointSlice | None, t: float, by: str) -> Iterator[Record]:
    at = new if new is not None else old
    if at is None:
        return
    endpoints = new.endpoints if new is not None else ()
    rows = [[e.uid, e.pod, e.node, e.ready, e.serving, e.terminating] for e in endpoints]
    yield Record(t, "slice.changed", "EndpointSlice", at.meta.namespace, at.service, by=by, value=rows)


def _workload(old: Workload | None, new: Workload | None, t: float, by: str) -> Iterator[Record]:
    if new is None:
        if old is not None:
            yield _about(old, t, "workload.removed", by)
        return
    desired = getattr(new.spec, "replicas", None)
    if old is None:
        owner = new.meta.controller
        value: dict[str, Any] = {"desired": desired}
        if owner:
            value["owner"] = f"{owner.kind}/{owner.name}"
        yield _about(new, t, "workload.created", by, value=value)
    elif getattr(old.spec, "replicas", None) != desired:
        yield _about(new, t, "workload.scaled", by, value={"desired": desired})
    status = new.status
    if old is None or old.status is not status:
        counts = {"replicas": status.replicas, "ready": status.ready, "available": status.available}
        if old is None or counts != {
            "replicas": old.status.replicas,
            "ready": old.status.ready,
            "available": old.status.available,
        }:
            yield _about(new, t, "workload.status", by, value=counts)


def _budget(
    old: PodDisruptionBudget | None, new: PodDisruptionBudget | None, t: float, by: str
) -> Iterator[Record]:
    if new is None:
        if old is not None:
            yield _about(old, t, "budget.removed", by)
        return
    status = new.status
    if old is not None and old.status is status:
        return
    value = {
        "allowed": status.disruptions_allowed,
        "healthy": status.current_healthy,
        "desired": status.desired_healthy,
        "expected": status.expected_pods,
    }
    yield _about(new, t, "budget.status", by, value=value)


_RULES: dict[str, Callable[[Any, Any, float, str], Iterator[Record]]] = {
    "Node": _node,
    "Pod": _pod,
    "EndpointSlice": _slice,
    "PodDisruptionBudget": _budget,
    **dict.fromkeys(("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"), _workload),
}

KINDS = tuple(_RULES)
