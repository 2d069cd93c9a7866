"""A dump, as `kubectl get -o yaml` prints it: what is there stays where it is and belongs to whom it belonged."""

from collections.abc import Callable
from typing import Any

import pytest

from simkube.kube.errors import InputError
from simkube.kube.objects import Node, Object, Pod, Resource, Workload
from tests.scenario.conftest import Load

Refused = Callable[..., InputError]

BARE = "manifests: [web.yaml]\n"
LABELS = {"app": "web", "pod-template-hash": "5d8"}


def thing(
    kind: str, name: str, uid: str, api: str = "v1", owner: tuple[str, str, str] | None = None, **more: Any
) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "default",
        "uid": uid,
        "resourceVersion": "7",
        "creationTimestamp": "2026-01-02T03:04:05Z",
        **more.pop("metadata", {}),
    }
    if kind == "Node":
        del metadata["namespace"]
    if owner is not None:
        of_kind, of_name, of_uid = owner
        reference = {
            "kind": of_kind,
            "name": of_name,
            "uid": of_uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
        metadata["ownerReferences"] = [{"apiVersion": "v1" if of_kind == "Node" else "apps/v1", **reference}]
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}


def node(name: str, version: str = "v1.34.1") -> dict[str, Any]:
    status = {
        "capacity": {"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "50Gi"},
        "allocatable": {"cpu": "7500m", "memory": "30Gi", "pods": "110", "ephemeral-storage": "45Gi"},
        "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-02T03:04:05Z"}],
        "nodeInfo": {"kubeletVersion": version},
        "images": [{"names": ["web:1"], "sizeBytes": 123}],
    }
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": "a"}
    return thing(
        "Node",
        name,
        f"node-{name}",
        metadata={"labels": labels},
        spec={"podCIDR": "10.0.0.0/24"},
        status=status,
    )


def template(labels: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}


def deployment() -> dict[str, Any]:
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template({"app": "web"})}
    return thing("Deployment", "web", "d-1", "apps/v1", spec=spec, status={"replicas": 2, "readyReplicas": 2})


def replicaset() -> dict[str, Any]:
    spec = {"replicas": 2, "selector": {"matchLabels": LABELS}, "template": template(LABELS)}
    owner = ("Deployment", "web", "d-1")
    annotations = {"deployment.kubernetes.io/revision": "1"}
    metadata = {"labels": LABELS, "annotations": annotations}
    return thing("ReplicaSet", "web-5d8", "r-1", "apps/v1", owner, metadata=metadata, spec=spec)


def pod(
    name: str, on: str, owner: tuple[str, str, str] | None = ("ReplicaSet", "web-5d8", "r-1"), **more: Any
) -> dict[str, Any]:
    token = f"kube-api-access-{name[-5:]}"
    mounts = [{"name": token, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True}]
    spec = {
        "nodeName": on,
        "containers": [{"name": "web", "image": "web:1", "volumeMounts": mounts}],
        "volumes": [{"name": token, "projected": {"sources": []}}],
        **more.pop("spec", {}),
    }
    status = more.pop("status", {"phase": "Running", "podIP": "10.0.0.7"})
    metadata = {"labels": LABELS, "generateName": "web-5d8-", **more.pop("metadata", {})}
    return thing("Pod", name, f"uid-{name}", owner=owner, metadata=metadata, spec=spec, status=status)


def dump(*more: dict[str, Any]) -> list[dict[str, Any]]:
    """Two nodes, and the web on them; as one List, as kubectl prints it."""
    pods = [pod("web-5d8-aaaaa", "node-a"), pod("web-5d8-bbbbb", "node-b")]
    items = [node("node-a"), node("node-b"), deployment(), replicaset(), *pods, *more]
    return [{"apiVersion": "v1", "kind": "List", "items": items}]


def find(objects: tuple[Object, ...], kind: str) -> list[Any]:
    return [obj for obj in objects if obj.kind == kind]


def test_nodes_are_the_dump_s_own(load: Load) -> None:
    """No pool is added, nor a control plane that a managed cluster does not show."""
    loaded = load(BARE, dump())
    nodes: list[Node] = find(loaded.objects, "Node")
    assert [node.meta.name for node in nodes] == ["node-a", "node-b"]
    size = nodes[0].status.allocatable
    assert (size.cpu, size.memory, size.pods) == (7500, 30 * 2**30, 110)
    assert nodes[0].meta.labels["topology.kubernetes.io/zone"] == "a"
    assert nodes[0].is_ready


def test_pools_come_on_top(load: Load) -> None:
    loaded = load(f"{BARE}cluster: {{nodes: [{{count: 2}}]}}\n", dump())
    names = [node.meta.name for node in find(loaded.objects, "Node")]
    assert names == ["node-a", "node-b", "control-plane", "worker-1", "worker-2"]


def test_two_nodes_of_one_name(refused: Refused) -> None:
    found = refused(f"{BARE}cluster: {{nodes: [{{name: node}}]}}\n", [*dump(), node("node-1")])
    assert (found.key, found.fix) == ("cluster.nodes[0].name", "give the pool another name")
    assert "node-1: the other one is of the manifests" in found.message


def test_a_node_without_status_is_completed(load: Load) -> None:
    """What its kubelet would say: the size of a pool's node, hostname, version."""
    bare = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-c"}}
    made: Node = find(load(BARE, [*dump(), bare]).objects, "Node")[2]
    assert (made.status.allocatable.cpu, made.status.allocatable.pods) == (4000, 110)
    assert made.meta.labels["kubernetes.io/hostname"] == "node-c"


def test_the_version_is_that_of_the_kubelets(load: Load) -> None:
    """An API server is never older than a kubelet, so the newest counts; a version that is given counts more."""
    loaded = load(BARE, [*dump(), node("node-c", "v1.35.4-gke.100")])
    assert loaded.scenario.cluster.version == "v1.35.4-gke.100"
    assert any("v1.35.4-gke.100" in warning for warning in loaded.warnings)
    given = load(f"{BARE}cluster: {{version: v1.37.0}}\n", dump())
    assert given.scenario.cluster.version == "v1.37.0"


def test_pods_stay_bound_and_owned(load: Load) -> None:
    loaded = load(BARE, dump())
    pods: list[Pod] = find(loaded.objects, "Pod")
    assert [(pod.meta.name, pod.node) for pod in pods] == [
        ("web-5d8-aaaaa", "node-a"),
        ("web-5d8-bbbbb", "node-b"),
    ]
    assert {pod.meta.controller.uid for pod in pods if pod.meta.controller} == {"r-1"}
    assert pods[0].meta.uid == "uid-web-5d8-aaaaa"
    (replicaset,) = find(loaded.objects, "ReplicaSet")
    assert replicaset.meta.uid == "r-1"
    assert replicaset.meta.controller.uid == "d-1"


def test_pods_of_one_replicaset_share_their_template(load: Load) -> None:
    """Although each has a node, and a token volume with a random name, of its own."""
    first, second = find(load(BARE, dump()).objects, "Pod")
    assert first.template is second.template
    assert first.template.spec.node_name == ""
    assert first.template.spec.volumes == ()
    assert first.meta.labels is second.meta.labels


def test_pods_of_a_daemonset_are_pinned(load: Load) -> None:
    """The affinity that the DaemonSet controller writes into each is its node, not its template's."""
    labels = {"app": "agent"}
    spec = {"selector": {"matchLabels": labels}, "template": template(labels)}
    daemonset = thing("DaemonSet", "agent", "ds-1", "apps/v1", spec=spec)

    def agent(name: str, on: str) -> dict[str, Any]:
        term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [on]}]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        owner = ("DaemonSet", "agent", "ds-1")
        return pod(
            name, on, owner, metadata={"labels": labels}, spec={"affinity": {"nodeAffinity": required}}
        )

    objects = load(
        BARE, dump(daemonset, agent("agent-aaaaa", "node-a"), agent("agent-bbbbb", "node-b"))
    ).objects
    first, second = find(objects, "Pod")[2:]
    assert (first.pinned, second.pinned) == ("node-a", "node-b")
    assert first.template is second.template


def test_what_the_cluster_makes_itself_is_left_out(load: Load) -> None:
    more = [
        thing("EndpointSlice", "web-x", "e-1", "discovery.k8s.io/v1", endpoints=[]),
        thing("Endpoints", "web", "e-2"),
        thing("Lease", "node-a", "l-1", "coordination.k8s.io/v1", spec={}),
        thing("Event", "web.1", "v-1"),
    ]
    kinds = {obj.kind for obj in load(BARE, dump(*more)).objects}
    assert kinds == {"Node", "Deployment", "ReplicaSet", "Pod"}


def test_what_is_terminating_is_left_out(load: Load) -> None:
    going = pod("web-5d8-ccccc", "node-a", metadata={"deletionTimestamp": "2026-01-02T03:04:05Z"})
    assert len(find(load(BARE, dump(going)).objects, "Pod")) == 2


def test_finished_pods_and_jobs_stay_finished(load: Load) -> None:
    labels = {"job": "a"}
    job_template = {**template(labels), "spec": {**template(labels)["spec"], "restartPolicy": "Never"}}
    spec = {"selector": {"matchLabels": labels}, "template": job_template}
    status = {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}
    job = thing("Job", "once", "j-1", "batch/v1", spec=spec, status=status)
    done = pod(
        "once-x", "node-a", ("Job", "once", "j-1"), metadata={"labels": labels}, status={"phase": "Succeeded"}
    )
    objects = load(BARE, dump(job, done)).objects
    made: Workload = find(objects, "Job")[0]
    assert [condition.type for condition in made.status.conditions] == ["Complete"]
    assert find(objects, "Pod")[-1].is_finished


# -- owners -------------------------------------------------------------------------------------------------------


def without(kind: str) -> list[dict[str, Any]]:
    (whole,) = dump()
    return [{**whole, "items": [item for item in whole["items"] if item["kind"] != kind]}]


def test_pods_without_their_replicaset(refused: Refused) -> None:
    """A Deployment would make a second one, and each pod twice."""
    found = refused(BARE, without("ReplicaSet"))
    assert found.key == "items[3].metadata.ownerReferences"
    assert "its owner ReplicaSet web-5d8 is not among the manifests" in found.message
    assert "replicasets" in found.fix


def test_a_replicaset_without_its_deployment_is_on_its_own(load: Load) -> None:
    """Nobody would collect it as an orphan before the dump was taken, so nobody shall in the run."""
    (replicaset,) = find(load(BARE, without("Deployment")).objects, "ReplicaSet")
    assert replicaset.meta.owners == ()


def test_owners_from_git_take_the_uid_of_the_dump(load: Load) -> None:
    """The Deployment's manifest has none: it is the one that its ReplicaSet knows."""
    bare = deployment()
    del bare["metadata"]["uid"]
    (made,) = find(load(BARE, [*without("Deployment"), bare]).objects, "Deployment")
    assert made.meta.uid == "d-1"


def test_an_owner_that_was_made_anew(load: Load) -> None:
    """Another UID, the same kind and name: what it owns is its."""
    again = deployment()
    again["metadata"]["uid"] = "d-2"
    (replicaset,) = find(load(BARE, [*without("Deployment"), again]).objects, "ReplicaSet")
    assert replicaset.meta.controller.uid == "d-2"


def test_an_owner_without_uid(refused: Refused) -> None:
    stray = pod("stray", "node-a", ("ReplicaSet", "web-5d8", ""))
    assert "has no uid" in refused(BARE, dump(stray)).message


def test_owners_that_are_not_modelled_stay(load: Load) -> None:
    """A pod of an operator's resource counts as managed (drain evicts it); nobody makes it again."""
    managed = pod("db-1", "node-a", ("Cluster", "db", "c-1"))
    made: Pod = find(load(BARE, dump(managed)).objects, "Pod")[-1]
    assert made.meta.controller is not None
    assert made.meta.controller.kind == "Cluster"


# -- nodes and volumes that are not there -------------------------------------------------------------------------


def test_pods_on_nodes_that_are_not_there_are_scheduled_anew(load: Load) -> None:
    loaded = load(f"{BARE}cluster: {{nodes: [{{count: 2}}]}}\n", without("Node"))
    assert {pod.node for pod in find(loaded.objects, "Pod")} == {""}
    assert (
        "web-5d8-aaaaa and 1 more pods were on nodes that are not given (node-a): scheduled anew"
        in loaded.warnings
    )


def claim() -> dict[str, Any]:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "volumeName": "pv-1",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    annotations = {"pv.kubernetes.io/bind-completed": "yes", "team": "shop"}
    metadata = {"annotations": annotations}
    return thing(
        "PersistentVolumeClaim", "data", "c-1", metadata=metadata, spec=spec, status={"phase": "Bound"}
    )


def test_claims_stay_bound(load: Load) -> None:
    volume = thing(
        "PersistentVolume", "pv-1", "p-1", spec={"capacity": {"storage": "1Gi"}}, status={"phase": "Bound"}
    )
    (made,) = find(load(BARE, dump(claim(), volume)).objects, "PersistentVolumeClaim")
    assert (made.spec.volume_name, made.status["phase"]) == ("pv-1", "Bound")


def test_claims_whose_volume_is_not_there_get_a_new_one(load: Load) -> None:
    (made,) = find(load(BARE, dump(claim())).objects, "PersistentVolumeClaim")
    assert isinstance(made, Resource)
    assert made.spec.volume_name == ""
    assert dict(made.meta.annotations) == {"team": "shop"}
    assert made.status == {}


@pytest.mark.parametrize("number", [2, 3])
def test_generated_names_differ(load: Load, number: int) -> None:
    """kubectl create makes as many objects as it is given."""
    spec = {"containers": [{"name": "a", "image": "b"}]}
    pods = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "job-"}, "spec": spec}] * number
    names = [pod.meta.name for pod in find(load(BARE, [*dump(), *pods]).objects, "Pod")[2:]]
    assert len(set(names)) == number
    assert all(name.startswith("job-") and len(name) == len("job-") + 5 for name in names)
