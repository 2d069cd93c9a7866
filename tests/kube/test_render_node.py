"""Nodes as the API server prints them [pkg/kubelet/nodestatus/setters.go]."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from simkube.kube.manifests import read_manifests
from simkube.kube.objects import Condition, Image, Meta, Node, NodeResources, NodeStatus, Taint
from simkube.kube.quantity import bytes_of, milli_cpu
from simkube.kube.render import to_manifest
from tests.kube.rendering import EPOCH, assert_comes_out_again, read_object

NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "n1", "labels": {"zone": "a"}},
    "spec": {
        "podCIDR": "10.244.1.0/24",
        "podCIDRs": ["10.244.1.0/24"],
        "providerID": "kind://docker/kind/n1",
        "unschedulable": True,
        "taints": [{"key": "dedicated", "value": "db", "effect": "NoSchedule"}],
    },
    "status": {
        "capacity": {
            "cpu": "4",
            "memory": "16384256Ki",
            "pods": "110",
            "ephemeral-storage": "100Gi",
            "hugepages-2Mi": "4Mi",
            "nvidia.com/gpu": "2",
        },
        "allocatable": {"cpu": "3920m", "memory": "16Gi", "pods": "110"},
        "addresses": [{"type": "InternalIP", "address": "192.0.2.7"}],
        "nodeInfo": {"kubeletVersion": "v1.36.3", "osImage": "Debian", "architecture": "amd64"},
    },
}


def test_a_node_comes_out_again(tmp_path: Path) -> None:
    """With what only a cluster knows of it (podCIDR, providerID, addresses)."""
    path = tmp_path / "node.json"
    path.write_text(json.dumps(NODE))
    (manifest,) = read_manifests([path]).items
    assert_comes_out_again(manifest, tmp_path)


def test_what_a_nodes_kubelet_tells_replaces_what_a_dump_said(tmp_path: Path) -> None:
    """A node of a dump that is upgraded: its kubelet's version, and images, conditions, boot."""
    node = read_object(NODE, tmp_path)
    assert isinstance(node, Node)
    status = replace(
        node.status,
        kubelet_version="v1.37.2",
        boot_id="b2",
        images=(Image("nginx:1.27", 70_000_000),),
        conditions=(
            Condition("Ready", "Unknown", 40.0, "NodeStatusUnknown", "Kubelet stopped posting node status."),
        ),
    )
    changed = replace(
        node, status=status, unschedulable=False, taints=(Taint("a", "NoExecute", time_added=40.0),)
    )
    rendered = to_manifest(changed, EPOCH)
    assert rendered["status"]["nodeInfo"] == {
        "kubeletVersion": "v1.37.2",
        "bootID": "b2",
        "osImage": "Debian",
        "architecture": "amd64",
    }
    assert rendered["status"]["images"] == [{"names": ["nginx:1.27"], "sizeBytes": 70_000_000}]
    assert rendered["status"]["conditions"] == [
        {
            "type": "Ready",
            "status": "Unknown",
            "lastTransitionTime": "2026-01-01T00:00:40Z",
            "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.",
        }
    ]
    assert rendered["spec"]["taints"] == [
        {"key": "a", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:40Z"}
    ]
    assert "unschedulable" not in rendered["spec"]
    assert rendered["spec"]["providerID"] == "kind://docker/kind/n1"


RESOURCES = st.builds(
    NodeResources,
    cpu=st.integers(0, 10**6),
    memory=st.integers(0, 2**45),
    pods=st.integers(0, 2000),
    ephemeral_storage=st.integers(0, 2**45),
    extended=st.dictionaries(st.sampled_from(["nvidia.com/gpu", "hugepages-2Mi"]), st.integers(0, 2**33)),
)


@given(RESOURCES, RESOURCES)
def test_the_sizes_of_any_node_are_read_as_they_were_written(
    capacity: NodeResources, allocatable: NodeResources
) -> None:
    node = Node(meta=Meta("n"), status=NodeStatus(allocatable=allocatable, capacity=capacity))
    status = to_manifest(node, EPOCH)["status"]
    for shown, held in ((status["capacity"], capacity), (status["allocatable"], allocatable)):
        assert all(type(quantity) is str for quantity in shown.values())
        assert milli_cpu(shown.pop("cpu")) == held.cpu
        assert bytes_of(shown.pop("memory")) == held.memory
        assert bytes_of(shown.pop("pods")) == held.pods
        assert bytes_of(shown.pop("ephemeral-storage", 0)) == held.ephemeral_storage
        assert {name: bytes_of(quantity) for name, quantity in shown.items()} == held.extended
