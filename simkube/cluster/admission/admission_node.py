"""Admission `TaintNodesByCondition`: nothing is scheduled to a new node before it is Ready (behaviour 1.4)
[plugin/pkg/admission/nodetaint/admission.go]."""

from msgspec.structs import replace

from simkube.cluster.nodes.node_taints import NOT_READY_NO_SCHEDULE, has
from simkube.cluster.store import Store
from simkube.kube.objects import Node


def taint_new_node(node: Node, _: Store) -> Node:
    """The node with the NoSchedule taint; the node lifecycle controller takes it off once the node is Ready."""
    if has(node.taints, NOT_READY_NO_SCHEDULE):
        return node
    return replace(node, taints=(*node.taints, NOT_READY_NO_SCHEDULE))
