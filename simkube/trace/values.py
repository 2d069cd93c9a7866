"""The form of a record's `value`, by what happened. What is not listed has none, or any."""

from typing import Any, NotRequired, TypedDict

import msgspec

from simkube.trace.record import Record


class Node(TypedDict):
    """A node's zone and role ("worker", "control-plane"), its milli-cores and bytes for pods."""

    zone: str
    role: str
    cpu: int
    memory: int


class Owned(TypedDict):
    """Whose pod it is: `ReplicaSet/web-5d8`; without the key, nobody's."""

    owner: NotRequired[str]


class Workload(TypedDict):
    """The replicas that it should have (None: its kind has no such number), and its owner."""

    desired: int | None
    owner: NotRequired[str]


class Scale(TypedDict):
    """The replicas that it should have."""

    desired: int | None


class Counts(TypedDict):
    """A workload's pods by its own status."""

    replicas: int
    ready: int
    available: int


class Budget(TypedDict):
    """A budget's status: disruptions allowed, pods healthy, desired to be healthy, expected."""

    allowed: int
    healthy: int
    desired: int
    expected: int


class ContainerName(TypedDict):
    """A container of the pod."""

    container: str


class Exit(TypedDict):
    """A container of the pod, and what it exited with."""

    container: str
    exitCode: int


class Traffic(TypedDict):
    """Requests a second, whether connections last, and the services that it calls (namespace/name)."""

    rps: float
    persistent: bool
    calls: list[str]


Endpoint = tuple[str, str, str, bool, bool, bool]
"""UID, pod, node, ready, serving, terminating."""

Route = tuple[str, str]
"""UID of the pod, node."""

FORMS: dict[str, Any] = {
    "budget.status": Budget,
    "container.exited": Exit,
    "container.restarting": ContainerName,
    "container.started": ContainerName,
    "event": str,
    "image.pulled": float,
    "kubelet.started": str | None,
    "node.added": Node,
    "node.tainted": str,
    "node.untainted": str,
    "node.version": str,
    "pod.created": Owned,
    "pod.terminating": int | None,
    "proxy.routes": list[Route],
    "service.traffic": Traffic,
    "slice.changed": list[Endpoint],
    "step.refused": str,
    "workload.created": Workload,
    "workload.scaled": Scale,
    "workload.status": Counts,
}


def check_value(record: Record) -> None:
    """Raises `msgspec.ValidationError` if the record's value has not the form that its `what` asks for."""
    form = FORMS.get(record.what)
    if form is not None:
        msgspec.convert(record.value, form)
