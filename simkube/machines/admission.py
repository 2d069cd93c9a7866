"""Whether a kubelet takes a pod (behaviour 8.2): the scheduler's rules once more, on what runs here. Pure.

[pkg/kubelet/lifecycle/predicate.go, pkg/scheduler/eventhandlers.go `AdmissionCheck`]
"""

from typing import NamedTuple

from simkube.cluster.nodes.tolerations import untolerated
from simkube.kube.objects import Node, NodeResources, Pod
from simkube.machines.recipe import Recipe


class Refusal(NamedTuple):
    """`status.reason` and the second half of `status.message`."""

    reason: str
    message: str


class Admitted:
    """What the pods that a kubelet has taken use: milli-cores, bytes, and so on."""

    __slots__ = ("cpu", "ephemeral_storage", "extended", "memory", "pods", "ports")

    def __init__(self) -> None:
        self.cpu = self.memory = self.ephemeral_storage = self.pods = 0
        self.extended: dict[str, int] = {}
        self.ports: dict[tuple[str, int], int] = {}

    def count(self, recipe: Recipe, sign: int) -> None:
        """Count a pod in (1) or out (-1)."""
        requests = recipe.requests
        self.pods += sign
        self.cpu += sign * requests.cpu
        self.memory += sign * requests.memory
        self.ephemeral_storage += sign * requests.ephemeral_storage
        for name, amount in requests.extended.items() if requests.extended else ():
            self.extended[name] = self.extended.get(name, 0) + sign * amount
        for port in recipe.host_ports:
            self.ports[port] = self.ports.get(port, 0) + sign


def refusal(
    pod: Pod, recipe: Recipe, node: Node | None, allocatable: NodeResources, admitted: Admitted
) -> Refusal | None:
    """Why the pod is not taken, None if it is. `admitted` without the pod; `node` None while the kubelet knows no Node
    object of its own."""
    requests = recipe.requests
    if (
        admitted.pods >= allocatable.pods
        or admitted.cpu + requests.cpu > allocatable.cpu
        or admitted.memory + requests.memory > allocatable.memory
        or requests.ephemeral_storage
        or requests.extended
    ):
        refused = _resources(recipe, allocatable, admitted)
        if refused is not None:
            return refused
    if node is not None and (recipe.selective or pod.pinned) and not _matches(pod, node):
        message = "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
        return Refusal("NodeAffinity", message)
    if recipe.host_ports and any(admitted.ports.get(port) for port in recipe.host_ports):
        message = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
        return Refusal("NodePorts", message)
    if (
        node is not None
        and node.taints
        and untolerated(node.taints, pod.template.spec.tolerations, ("NoExecute",)) is not None
    ):
        message = "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"
        return Refusal("TaintToleration", message)
    return None


def _resources(recipe: Recipe, allocatable: NodeResources, admitted: Admitted) -> Refusal | None:
    requests = recipe.requests
    wanted = [
        ("pods", 1, admitted.pods, allocatable.pods),
        ("cpu", requests.cpu, admitted.cpu, allocatable.cpu),
        ("memory", requests.memory, admitted.memory, allocatable.memory),
    ]
    storage = allocatable.ephemeral_storage
    if storage:
        wanted.append(("ephemeral-storage", requests.ephemeral_storage, admitted.ephemeral_storage, storage))
    wanted += [
        (name, amount, admitted.extended.get(name, 0), allocatable.extended[name])
        for name, amount in requests.extended.items()
        if name in allocatable.extended  # what a node does not know is not its kubelet's to refuse
    ]
    for name, amount, used, capacity in wanted:
        if amount and used + amount > capacity:
            text = f"requested: {amount}, used: {used}, capacity: {capacity}"
            return Refusal(f"OutOf{name}", f"Node didn't have enough resource: {name}, {text}")
    return None


def _matches(pod: Pod, node: Node) -> bool:
    spec, labels = pod.template.spec, node.meta.labels
    if pod.pinned and pod.pinned != node.meta.name:
        return False
    if any(labels.get(key) != value for key, value in spec.node_selector.items()):
        return False
    affinity = spec.affinity.node_affinity if spec.affinity is not None else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity is not None else None
    return required is None or required.matches(labels, node.meta.name)
