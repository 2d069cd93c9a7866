"""Is there a node that a pod fits on, if nothing else ran there? If not, why: what no node has, or has enough of.

The scheduler's own filters decide in a run; these are those of them that no wait and no preemption can satisfy
(NodeSelector and required node affinity, taints, NodeResourcesFit), for a message before anything runs.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from simkube.kube.errors import KeyPath, nearest
from simkube.kube.objects import Node, NodeResources, Taint
from simkube.kube.quantity import BINARY, parse_quantity
from simkube.kube.template import Requests, Template

REPELLING = ("NoSchedule", "NoExecute")
MANY = 4  # names of nodes or values shown at most

Obstacle = tuple[KeyPath, str, str]  # the key within the pod's spec, the message, the fix


def obstacle(template: Template, nodes: Sequence[Node]) -> Obstacle | None:
    """Why the pod fits on none of the nodes, even if they were empty; None if it fits on one."""
    need = template.requests
    if any(
        _selected(template, node) and not _repelled(template, node) and _fits(need, node.status.allocatable)
        for node in nodes
    ):
        return None
    selected = [node for node in nodes if _selected(template, node)]
    if not selected:
        return _not_selected(template, nodes)
    admitted = [node for node in selected if not _repelled(template, node)]
    return _too_large(template, admitted) if admitted else _tainted(template, selected)


# -- which nodes --------------------------------------------------------------------------------------------------


def _selected(template: Template, node: Node) -> bool:
    """By nodeSelector and required node affinity."""
    spec, labels = template.spec, node.meta.labels
    if any(labels.get(key) != value for key, value in spec.node_selector.items()):
        return False
    affinity = spec.affinity.node_affinity if spec.affinity else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity else None
    return required is None or required.matches(labels, node.meta.name)


def _not_selected(template: Template, nodes: Sequence[Node]) -> Obstacle:
    for key, value in template.spec.node_selector.items():
        values = dict.fromkeys(node.meta.labels[key] for node in nodes if key in node.meta.labels)
        if value in values:
            continue
        have = f"nodes have {_listed(values)}" if values else "no node has that label"
        fix = nearest(value, values) or f"give a node the label under cluster.nodes, or change it; {have}"
        return ("nodeSelector", key), f"no node has {key}={value}: the pod would stay Pending", fix
    if template.spec.affinity is None:
        message = (
            f"no node has all of {', '.join(f'{k}={v}' for k, v in template.spec.node_selector.items())}"
        )
        return ("nodeSelector",), message, "give one node all of these labels under cluster.nodes"
    at = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    return (
        at,
        "no node satisfies it: the pod would stay Pending",
        "give a node the labels under cluster.nodes",
    )


def _repelling(template: Template, node: Node) -> Iterator[Taint]:
    for taint in node.taints:
        if taint.effect in REPELLING and not any(
            toleration.tolerates(taint.key, taint.value, taint.effect)
            for toleration in template.spec.tolerations
        ):
            yield taint


def _repelled(template: Template, node: Node) -> bool:
    return any(True for _ in _repelling(template, node))


def _tainted(template: Template, nodes: Sequence[Node]) -> Obstacle:
    taints = dict.fromkeys(_taint(taint) for node in nodes for taint in _repelling(template, node))
    which = "every node" if len(nodes) > 1 else f"node {nodes[0].meta.name}, the only one that it may run on,"
    message = f"{which} has a taint that it does not tolerate ({_listed(taints)}): the pod would stay Pending"
    return ("tolerations",), message, "add a toleration, or a node without the taint under cluster.nodes"


def _taint(taint: Taint) -> str:
    return f"{taint.key}={taint.value}:{taint.effect}" if taint.value else f"{taint.key}:{taint.effect}"


# -- how much -----------------------------------------------------------------------------------------------------


def _amounts(need: Requests) -> list[tuple[str, int]]:
    """All that is requested, by resource."""
    named = [("cpu", need.cpu), ("memory", need.memory), ("ephemeral-storage", need.ephemeral_storage)]
    return [row for row in (*named, *need.extended.items()) if row[1]]


def _of(size: NodeResources, resource: str) -> int:
    known = {"cpu": size.cpu, "memory": size.memory, "ephemeral-storage": size.ephemeral_storage}
    return known[resource] if resource in known else size.extended.get(resource, 0)


def _fits(need: Requests, size: NodeResources) -> bool:
    return size.pods >= 1 and all(amount <= _of(size, resource) for resource, amount in _amounts(need))


def _too_large(template: Template, nodes: Sequence[Node]) -> Obstacle:
    fix = "ask for less, or add a larger node under cluster.nodes"
    asked = _amounts(template.requests)
    for resource, amount in asked:
        there, number = max((_of(node.status.allocatable, resource), -n) for n, node in enumerate(nodes))
        if amount > there:
            message = (
                f"the pod asks for {amount_text(resource, amount)} of {resource}, and the largest node that it may "
                f"run on ({nodes[-number].meta.name}) has {amount_text(resource, there)}"
            )
            return _asking(template, resource), message, fix
    if not asked or all(node.status.allocatable.pods < 1 for node in nodes):
        return (), "the nodes that it may run on take no pods at all", "raise their pods under cluster.nodes"
    listed = " and ".join(f"{amount_text(resource, amount)} of {resource}" for resource, amount in asked)
    return (), f"no single node has {listed}", fix


def _asking(template: Template, resource: str) -> KeyPath:
    """Where the container stands that requests most of a resource."""
    rows: list[tuple[int | Fraction, KeyPath]] = []
    spec = template.spec
    for field, containers in (("containers", spec.containers), ("initContainers", spec.init_containers)):
        for index, container in enumerate(containers):
            part = "requests" if resource in container.resources.requests else "limits"
            quantity = getattr(container.resources, part).get(resource)
            if quantity is not None:
                rows.append((parse_quantity(quantity), (field, index, "resources", part, resource)))
    return max(rows, key=lambda row: row[0])[1] if rows else ()


def amount_text(resource: str, amount: int) -> str:
    """As a manifest writes it: 500m of cpu, 64Gi of memory."""
    if resource == "cpu":
        return f"{amount // 1000}" if amount % 1000 == 0 else f"{amount}m"
    for suffix, exponent in reversed(BINARY.items()):
        if amount and amount % 2**exponent == 0 and resource in ("memory", "ephemeral-storage"):
            return f"{amount >> exponent}{suffix}"
    return str(amount)


def _listed(names: dict[str, None]) -> str:
    some = list(names)[:MANY]
    return ", ".join(some) + (f" and {len(names) - MANY} more" if len(names) > MANY else "")
