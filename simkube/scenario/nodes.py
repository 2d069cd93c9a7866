"""The nodes that a scenario's pools describe."""

from simkube.kube.build import node_resources
from simkube.kube.objects import Condition, Meta, Node, NodeStatus, Taint
from simkube.scenario.scenario import DEFAULT_CAPACITY, Cluster, NodePool

ZONE = "topology.kubernetes.io/zone"
REGION = "topology.kubernetes.io/region"
HOSTNAME = "kubernetes.io/hostname"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"

_HEALTHY = (
    Condition("MemoryPressure", "False", 0.0, "KubeletHasSufficientMemory"),
    Condition("DiskPressure", "False", 0.0, "KubeletHasNoDiskPressure"),
    Condition("PIDPressure", "False", 0.0, "KubeletHasSufficientPID"),
    Condition("Ready", "True", 0.0, "KubeletReady", "kubelet is posting ready status"),
)


def make_nodes(cluster: Cluster) -> list[Node]:
    """Control-plane nodes (tainted NoSchedule, as kubeadm does) first, then the pools in order. Zones in turn."""
    zones = tuple(dict.fromkeys(zone for pool in cluster.nodes for zone in pool.zones))
    control = NodePool(
        name="control-plane", count=cluster.control_planes, zones=zones, labels={CONTROL_PLANE: ""}
    )
    nodes = []
    for index in range(control.count):
        name = control.name if control.count == 1 else f"{control.name}-{index + 1}"
        nodes.append(_node(name, control, index, cluster.version, (Taint(CONTROL_PLANE, "NoSchedule"),)))
    for pool in cluster.nodes:
        taints = tuple(Taint(t.key, t.effect, t.value) for t in pool.taints)
        for index in range(pool.count):
            nodes.append(
                _node(f"{pool.name}-{index + 1}", pool, index, pool.version or cluster.version, taints)
            )
    return nodes


def _node(name: str, pool: NodePool, index: int, version: str, taints: tuple[Taint, ...]) -> Node:
    labels = {HOSTNAME: name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", **pool.labels}
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
