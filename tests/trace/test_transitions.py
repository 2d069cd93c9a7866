"""What a change of an object means as records: the literal records of literal changes."""

from typing import Any

from msgspec.structs import replace

from simkube.kube.objects import (
    BudgetStatus,
    Condition,
    Endpoint,
    EndpointSlice,
    Meta,
    Node,
    NodeResources,
    NodeStatus,
    OwnerReference,
    Pod,
    PodDisruptionBudget,
    Taint,
    Workload,
    WorkloadStatus,
)
from simkube.kube.pod import PodSpec
from simkube.kube.template import Template
from simkube.kube.workloads import DeploymentSpec
from simkube.trace.record import Record
from simkube.trace.transitions import transitions

TEMPLATE = Template(PodSpec.model_validate({"containers": [{"name": "main", "image": "x"}]}))
OWNER = OwnerReference("ReplicaSet", "web-1", "r1")
NEW = Pod(meta=Meta("web-1-x", "shop", "u1", owners=(OWNER,)), template=TEMPLATE)
RESOURCES = NodeResources(4000, 16 * 2**30)
READY = Condition("Ready", "True", 0.0, "KubeletReady")
NODE = Node(
    meta=Meta("n1", labels={"topology.kubernetes.io/zone": "a"}),
    status=NodeStatus(RESOURCES, RESOURCES, (READY,), kubelet_version="v1.36.3"),
)


def told(old: Any, new: Any) -> list[Record]:
    return list(transitions(old, new, 5.0, "someone"))


def pod(what: str, node: str = "", **more: Any) -> Record:
    return Record(5.0, f"pod.{what}", "Pod", "shop", "web-1-x", "u1", node, "someone", **more)


def node(what: str, **more: Any) -> Record:
    return Record(5.0, f"node.{what}", "Node", name="n1", by="someone", **more)


def with_status(before: Pod, **more: Any) -> Pod:
    return replace(before, status=replace(before.status, **more))


def test_a_pod_appears_and_is_bound() -> None:
    bound = replace(NEW, node="n1")
    assert told(None, NEW) == [pod("created", value={"owner": "ReplicaSet/web-1"})]
    assert told(NEW, bound) == [pod("bound", "n1")]
    assert told(None, bound) == [
        pod("created", "n1", value={"owner": "ReplicaSet/web-1"}),
        pod("bound", "n1"),
    ]


def test_a_bare_pod_has_no_owner() -> None:
    bare = replace(NEW, meta=replace(NEW.meta, owners=()))
    assert told(None, bare) == [pod("created", value={})]


def test_a_pod_that_fits_nowhere_is_told_of_whenever_the_reason_changes() -> None:
    def waiting(message: str) -> Pod:
        return with_status(NEW, scheduled=Condition("PodScheduled", "False", 1.0, "Unschedulable", message))

    first, second = (
        "0/3 nodes are available: 3 Insufficient cpu.",
        "0/3 nodes are available: 3 Too many pods.",
    )
    assert told(NEW, waiting(first)) == [pod("unschedulable", reason="Unschedulable", message=first)]
    assert told(waiting(first), waiting(second)) == [
        pod("unschedulable", reason="Unschedulable", message=second)
    ]
    assert told(waiting(first), waiting(first)) == []


def test_a_pod_runs_is_ready_and_is_not() -> None:
    bound = replace(NEW, node="n1")
    running = with_status(bound, phase="Running", ready=Condition("Ready", "True", 4.0))
    assert told(bound, running) == [pod("phase", "n1", reason="Running"), pod("ready", "n1")]
    unready = with_status(running, ready=Condition("Ready", "False", 5.0))
    assert told(running, unready) == [pod("not-ready", "n1")]


def test_a_pod_is_evicted() -> None:
    running = with_status(replace(NEW, node="n1"), phase="Running", ready=Condition("Ready", "True", 4.0))
    mark = Condition("DisruptionTarget", "True", 5.0, "EvictionByEvictionAPI")
    meta = replace(running.meta, deletion_timestamp=35.0, deletion_grace_period_seconds=30)
    gone = with_status(replace(running, meta=meta), disrupted=mark)
    assert told(running, gone) == [
        pod("disrupted", "n1", reason="EvictionByEvictionAPI"),
        pod("terminating", "n1", reason="EvictionByEvictionAPI", value=30),
    ]
    assert told(gone, replace(gone, version=9)) == []
    assert told(gone, None) == [pod("removed", "n1", reason="Running")]


def test_a_node_joins() -> None:
    assert told(None, NODE) == [
        node("added", value={"zone": "a", "role": "worker", "cpu": 4000, "memory": 16 * 2**30}),
        node("ready", reason="KubeletReady"),
    ]
    labels = {"node-role.kubernetes.io/control-plane": ""}
    first = told(None, replace(NODE, meta=replace(NODE.meta, labels=labels)))[0]
    assert first.value["role"] == "control-plane"


def test_a_node_is_cordoned_with_its_taint_and_back() -> None:
    taint = Taint("node.kubernetes.io/unschedulable", "NoSchedule")
    cordoned = replace(NODE, unschedulable=True, taints=(taint,))
    assert told(NODE, cordoned) == [
        node("cordoned"),
        node("tainted", reason="node.kubernetes.io/unschedulable", value="NoSchedule"),
    ]
    assert told(cordoned, NODE) == [
        node("uncordoned"),
        node("untainted", reason="node.kubernetes.io/unschedulable", value="NoSchedule"),
    ]


def test_a_node_is_lost_comes_back_with_another_kubelet_and_goes() -> None:
    unknown = Condition("Ready", "Unknown", 5.0, "NodeStatusUnknown", "Kubelet stopped posting node status.")
    lost = replace(NODE, status=replace(NODE.status, conditions=(unknown,)))
    not_ready = replace(NODE, status=replace(NODE.status, conditions=(replace(READY, status="False"),)))
    newer = replace(NODE, status=replace(NODE.status, kubelet_version="v1.37.2"))
    assert told(NODE, lost) == [
        node("unknown", reason="NodeStatusUnknown", message="Kubelet stopped posting node status.")
    ]
    assert told(NODE, not_ready) == [node("not-ready", reason="KubeletReady")]
    assert told(lost, newer) == [node("ready", reason="KubeletReady"), node("version", value="v1.37.2")]
    assert told(NODE, None) == [node("removed")]


def test_endpoints_change() -> None:
    def record(rows: list[list[Any]]) -> Record:
        return Record(5.0, "slice.changed", "EndpointSlice", "shop", "web", by="someone", value=rows)

    endpoint = Endpoint("web-1-x", "u1", "n1", "10.0.0.1", ready=False, serving=True, terminating=True)
    found = EndpointSlice(meta=Meta("web-abc", "shop"), service="web", endpoints=(endpoint,))
    assert told(None, found) == [record([["u1", "web-1-x", "n1", False, True, True]])]
    assert told(found, None) == [record([])]


def test_a_workload_is_made_scaled_and_counted() -> None:
    def record(what: str, **more: Any) -> Record:
        return Record(5.0, f"workload.{what}", "Deployment", "shop", "web", by="someone", **more)

    spec = DeploymentSpec.model_validate(
        {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": {"spec": {"containers": []}}}
    )
    web = Workload(kind="Deployment", meta=Meta("web", "shop"), spec=spec, template=TEMPLATE)
    counts = {"replicas": 0, "ready": 0, "available": 0}
    assert told(None, web) == [record("created", value={"desired": 3}), record("status", value=counts)]
    scaled = replace(web, spec=spec.model_copy(update={"replicas": 5}))
    assert told(web, scaled) == [record("scaled", value={"desired": 5})]
    ready = replace(scaled, status=WorkloadStatus(replicas=5, ready=4, available=4))
    assert told(scaled, ready) == [record("status", value={"replicas": 5, "ready": 4, "available": 4})]
    assert told(ready, replace(ready, status=replace(ready.status, observed_generation=2))) == []
    assert told(ready, None) == [record("removed")]


def test_a_budget_is_counted_and_goes() -> None:
    def record(what: str, value: Any = None) -> Record:
        return Record(5.0, f"budget.{what}", "PodDisruptionBudget", "shop", "web", by="someone", value=value)

    budget = PodDisruptionBudget(meta=Meta("web", "shop"), spec=None)
    counted = replace(budget, status=BudgetStatus(1, 3, 2, 3))
    value = {"allowed": 1, "healthy": 3, "desired": 2, "expected": 3}
    assert told(budget, counted) == [record("status", value)]
    assert told(counted, replace(counted, version=3)) == []
    assert told(counted, None) == [record("removed")]


def test_kinds_that_nobody_measures_say_nothing() -> None:
    from simkube.kube.objects import Other

    secret = Other(api_version="v1", kind="Secret", meta=Meta("s", "shop"))
    assert told(None, secret) == []
