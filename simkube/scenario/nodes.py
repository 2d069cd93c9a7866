"""The nodes of a scenario: those of its pools, and those among the manifests."""

from collections.abc import Iterator, Mapping
from contextlib import suppress

from msgspec.structs import replace

from simkube.kube.build import node_resources
from simkube.kube.errors import BadValue
from simkube.kube.objects import Condition, Meta, Node, NodeResources, NodeStatus, Taint
from simkube.kube.version import Version
from simkube.scenario.pieces import Pieces
from simkube.scenario.scenario import DEFAULT_CAPACITY, Cluster, NodePool
from simkube.scenario.source import Source

ZONE = "topology.kubernetes.io/zone"
HOSTNAME = "kubernetes.io/hostname"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"

_HEALTHY = (
    Condition("MemoryPressure", "False", 0.0, "KubeletHasSufficientMemory"),
    Condition("DiskPressure", "False", 0.0, "KubeletHasNoDiskPressure"),
    Condition("PIDPressure", "False", 0.0, "KubeletHasSufficientPID"),
    Condition("Ready", "True", 0.0, "KubeletReady", "kubelet is posting ready status"),
)
_USUAL = node_resources(DEFAULT_CAPACITY)


def all_nodes(
    cluster: Cluster, pieces: Pieces, source: Source, workers: NodePool | None = None
) -> list[Node]:
    """The cluster's nodes: those of the manifests, then those of the pools (of `workers` if there is none of either).
    Raises `InputError` where two have the same name, or none is a worker."""
    own = [completed(obj, cluster.version) for _, obj in pieces if isinstance(obj, Node)]
    if workers is not None and not own and not cluster.nodes:
        cluster = cluster.model_copy(update={"nodes": (workers,)})
    if own and not cluster.nodes and "control_planes" not in cluster.model_fields_set:
        cluster = cluster.model_copy(update={"control_planes": 0})
    places = {node.meta.name: "the manifests" for node in own}
    made = []
    for number, node in _made(cluster):
        name = node.meta.name
        if name in places:
            at = ("cluster", "controlPlanes") if number < 0 else ("cluster", "nodes", number, "name")
            fix = (
                "leave them to the manifests: controlPlanes: 0"
                if number < 0
                else "give the pool another name"
            )
            raise source.error(at, f"there are two nodes {name}: the other one is of {places[name]}", fix)
        places[name] = "the control plane" if number < 0 else f"pool {number + 1}"
        made.append(node)
    nodes = [*own, *made]
    if all(CONTROL_PLANE in node.meta.labels for node in nodes):
        fix = "add a pool, such as {name: worker, count: 6}"
        raise source.error(("cluster", "nodes"), "the cluster has no worker nodes", fix)
    return nodes


def make_nodes(cluster: Cluster) -> list[Node]:
    """Control-plane nodes (tainted NoSchedule, as kubeadm does) first, then the pools in order."""
    return [node for _, node in _made(cluster)]


def completed(node: Node, version: str) -> Node:
    """A node of a manifest with what its kubelet would say where the manifest is silent: labels, size, version."""
    status = node.status
    size = _completed(status.capacity)
    status = replace(
        status,
        capacity=size,
        allocatable=_completed(status.allocatable, size),
        conditions=_HEALTHY,
        kubelet_version=_version(status.kubelet_version) or version,
    )
    labels = {**_labels(node.meta.name), **node.meta.labels}
    return replace(node, meta=replace(node.meta, labels=labels), status=status)


def _version(said: str) -> str:
    """As a node reports it, "" for what is no version."""
    with suppress(BadValue):
        return str(Version.parse(said))
    return ""


def _completed(size: NodeResources, usual: NodeResources = _USUAL) -> NodeResources:
    return replace(
        size,
        cpu=size.cpu or usual.cpu,
        memory=size.memory or usual.memory,
        ephemeral_storage=size.ephemeral_storage or usual.ephemeral_storage,
    )


def _made(cluster: Cluster) -> Iterator[tuple[int, Node]]:
    """The nodes to make, each with the number of its pool, -1 for the control plane. Zones are dealt out in turn."""
    zones = tuple(dict.fromkeys(zone for pool in cluster.nodes for zone in pool.zones))
    count = cluster.control_planes
    control = NodePool(name="control-plane", count=count, zones=zones, labels={CONTROL_PLANE: ""})
    for index in range(count):
        name = control.name if count == 1 else f"{control.name}-{index + 1}"
        yield -1, _node(name, control, index, cluster.version, (Taint(CONTROL_PLANE, "NoSchedule"),))
    for number, pool in enumerate(cluster.nodes):
        taints = tuple(Taint(taint.key, taint.effect, taint.value) for taint in pool.taints)
        for index in range(pool.count):
            name = f"{pool.name}-{index + 1}"
            yield number, _node(name, pool, index, pool.version or cluster.version, taints)


def _node(name: str, pool: NodePool, index: int, version: str, taints: tuple[Taint, ...]) -> Node:
    labels = {**_labels(name), **pool.labels}
    if pool.zones:
        labels[ZONE] = pool.zones[index % len(pool.zones)]
    capacity = node_resources({**DEFAULT_CAPACITY, **pool.capacity})
    return Node(
        meta=Meta(name=name, labels=labels),
        taints=taints,
        status=NodeStatus(
            allocatable=capacity, capacity=capacity, conditions=_HEALTHY, kubelet_version=version
        ),
    )


def _labels(name: str) -> Mapping[str, str]:
    return {HOSTNAME: name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
