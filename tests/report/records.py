"""Records of a small run, written by hand."""

from typing import Any

from simkube.trace.record import Record

NS = "shop"
CONTROLLER = "node-lifecycle-controller"
VIOLATION = "Cannot evict pod as it would violate the pod's disruption budget."


def pod(t: float, what: str, name: str, node: str = "", by: str = "", uid: str = "", **more: Any) -> Record:
    """A record about a pod, whose UID is its name if none is given."""
    return Record(t, f"pod.{what}", "Pod", NS, name, uid or name, node, by, **more)


def created(t: float, name: str, owner: str = "ReplicaSet/web-1", uid: str = "", **more: Any) -> Record:
    value = {"owner": owner} if owner else {}
    return pod(t, "created", name, by="replicaset-controller", uid=uid, value=value, **more)


def node(t: float, what: str, name: str, by: str = "kubectl", **more: Any) -> Record:
    return Record(t, f"node.{what}", "Node", name=name, by=by, **more)


def machine(t: float, what: str, name: str, reason: str = "") -> Record:
    return Record(t, f"machine.{what}", "Node", name=name, node=name, reason=reason)


def kubelet(t: float, what: str, name: str, reason: str = "") -> Record:
    return Record(t, f"kubelet.{what}", "Node", name=name, node=name, reason=reason)


def step(t: float, what: str, title: str, on: str = "", message: str = "", path: str = "0") -> Record:
    return Record(t, f"step.{what}", name=title, uid=path, node=on, message=message)


def refused(t: float, name: str, on: str, path: str = "0", by: str = "") -> Record:
    return Record(
        t,
        "step.refused",
        name=f"drain {on}",
        uid=path,
        node=on,
        by=by,
        reason="evict",
        message=VIOLATION,
        value=f"{NS}/{name}",
    )


def routes(t: float, service: str, *pods: tuple[str, str], namespace: str = NS) -> Record:
    return Record(t, "proxy.routes", "Service", namespace, service, value=[list(row) for row in pods])


def slices(t: float, service: str, *pods: tuple[str, str], namespace: str = NS) -> Record:
    rows = [[uid, uid, on, True, True, False] for uid, on in pods]
    return Record(t, "slice.changed", "EndpointSlice", namespace, service, value=rows)


def evicted(t: float, name: str, on: str) -> list[Record]:
    """By a drain: terminating, silent a second later, removed after two."""
    return [
        pod(t, "terminating", name, on, "kubectl", reason="EvictionByEvictionAPI", value=30),
        pod(t + 1, "silent", name, on),
        pod(t + 2, "removed", name, on, f"kubelet/{on}", reason="Running"),
    ]


def taken_in(t: float, name: str, on: str) -> list[Record]:
    """Bound, serving after ten seconds, Ready after twelve."""
    return [
        pod(t, "bound", name, on, "kube-scheduler"),
        pod(t + 10, "serving", name, on),
        pod(t + 12, "ready", name, on, f"kubelet/{on}"),
    ]


def in_order(*groups: list[Record] | Record) -> list[Record]:
    records = [record for group in groups for record in (group if isinstance(group, list) else [group])]
    return sorted(records, key=lambda record: record.t)


ADDED = {"zone": "a", "role": "worker", "cpu": 4000, "memory": 16 * 2**30}
START = [
    *(node(-9, "added", name, value=ADDED) for name in ("n1", "n2")),
    *(node(-9, "ready", name, CONTROLLER) for name in ("n1", "n2")),
    *(machine(-9, "on", name) for name in ("n1", "n2")),
    created(-8, "web-1-a"),
    *taken_in(-8, "web-1-a", "n1")[:1],
    pod(-7, "serving", "web-1-a", "n1"),
    pod(-7, "ready", "web-1-a", "n1"),
    slices(-6, "web", ("web-1-a", "n1")),
    routes(-6, "web", ("web-1-a", "n1")),
]
"""Two nodes, a service with one pod on the first."""

DRAIN = in_order(
    START,
    Record(0, "plan.begun", name="rolling"),
    step(0, "begun", "drain n1", "n1"),
    node(0, "cordoned", "n1"),
    evicted(0, "web-1-a", "n1"),
    created(0.5, "web-1-b"),
    taken_in(1, "web-1-b", "n2"),
    slices(2, "web", ("web-1-b", "n2")),
    routes(2, "web"),
    step(3, "done", "drain n1", "n1", "node/n1 drained"),
    routes(14, "web", ("web-1-b", "n2")),
    step(20, "begun", "uncordon n1", "n1", path="1"),
    node(20, "uncordoned", "n1"),
    step(20, "done", "uncordon n1", "n1", "node/n1 uncordoned", path="1"),
    Record(20, "plan.ended", name="rolling", reason="done"),
)
"""The first node is drained; the service is out from 1 to 14."""
