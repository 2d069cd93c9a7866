"""Pods and nodes as the API server prints them [pkg/kubelet/status/generate.go; pkg/apis/core/v1/defaults.go]."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from simkube.kube.manifests import read_manifests
from simkube.kube.objects import (
    Condition,
    ContainerStatus,
    Meta,
    OwnerReference,
    Pod,
    PodStatus,
)
from simkube.kube.pod import PodSpec
from simkube.kube.render import to_manifest
from simkube.kube.template import Template
from tests.kube.rendering import EPOCH, assert_comes_out_again

WEB = {"name": "web", "image": "nginx:1.27"}


def a_pod(spec: dict[str, Any] | None = None, **fields: Any) -> Pod:
    template = Template(PodSpec.model_validate(spec or {"containers": [WEB]}))
    return Pod(**{"meta": Meta("web-1", "shop"), "template": template, **fields})


def status_of(pod: Pod) -> dict[str, Any]:
    status: dict[str, Any] = to_manifest(pod, EPOCH)["status"]
    return status


def conditions_of(pod: Pod) -> dict[str, tuple[str, str, str]]:
    """Type -> status, reason, seconds and minutes of the lastTransitionTime."""
    return {
        c["type"]: (c["status"], c.get("reason", ""), c["lastTransitionTime"][14:19])
        for c in status_of(pod).get("conditions", ())
    }


# -- spec ---------------------------------------------------------------------------------------------------------


def test_a_pod_shows_what_a_template_does_not() -> None:
    """[`SetDefaults_Pod`]: requests from limits, host ports with the host's network, service links."""
    container = {
        **WEB,
        "resources": {"limits": {"cpu": "1000m", "memory": "1Gi"}, "requests": {"cpu": "0.5"}},
        "ports": [{"containerPort": 80}],
    }
    init = {"name": "init", "image": "i", "resources": {"limits": {"cpu": "1"}}}
    whole = {"initContainers": [init], "containers": [container], "hostNetwork": True}
    spec = to_manifest(a_pod(whole, node="n1"), EPOCH)["spec"]
    (shown,) = spec["containers"]
    assert spec["initContainers"][0]["resources"]["requests"] == {"cpu": "1"}
    assert shown["resources"]["requests"] == {"cpu": "0.5", "memory": "1Gi"}
    assert shown["ports"] == [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]
    assert (spec["enableServiceLinks"], spec["nodeName"]) == (True, "n1")


def test_pods_of_one_template_share_nothing_that_is_rendered() -> None:
    """The template is worked out once, and copied."""
    one = a_pod(node="n1")
    rendered = to_manifest(one, EPOCH)["spec"]
    rendered["containers"][0]["image"] = "other"
    rendered["tolerations"] = []
    other = to_manifest(replace(one, node="n2"), EPOCH)["spec"]
    assert (other["nodeName"], other["containers"][0]["image"]) == ("n2", "nginx:1.27")
    assert "tolerations" not in other


def test_the_pod_of_a_daemonset_is_bound_to_its_node_by_affinity() -> None:
    """[pkg/controller/daemon/util `ReplaceDaemonSetPodNodeNameNodeAffinity`]: required is replaced, preferred stays."""
    preferred = [{"weight": 1, "preference": {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}}]
    required = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "os", "operator": "Exists"}]}]}
    affinity = {
        "nodeAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": preferred,
            "requiredDuringSchedulingIgnoredDuringExecution": required,
        }
    }
    pod = a_pod({"containers": [WEB], "affinity": affinity}, pinned="n1")
    shown = to_manifest(pod, EPOCH)["spec"]["affinity"]["nodeAffinity"]
    fields = [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]
    assert shown == {
        "preferredDuringSchedulingIgnoredDuringExecution": preferred,
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": fields}]},
    }


@pytest.mark.parametrize(
    ("kind", "annotations", "hostname"),
    [
        ("StatefulSet", {}, "web-1"),
        ("Job", {"batch.kubernetes.io/job-completion-index": "4"}, "web-4"),
        ("Job", {}, None),
        ("ReplicaSet", {}, None),
    ],
)
def test_hostnames_that_controllers_give(
    kind: str, annotations: dict[str, str], hostname: str | None
) -> None:
    """[stateful_set_utils.go `initIdentity`, job_controller.go `manageJob`]."""
    meta = Meta("web-1", "shop", owners=(OwnerReference(kind, "web", "u"),), annotations=annotations)
    assert to_manifest(a_pod(meta=meta), EPOCH)["spec"].get("hostname") == hostname


def dumped(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    """A pod as `kubectl get -o yaml` prints it."""
    owner = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "name": "web",
        "uid": "u1",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata = {
        "name": name,
        "namespace": "shop",
        "uid": "u2",
        "generateName": "web-",
        "ownerReferences": [owner],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [WEB], "nodeName": "n1", **spec},
    }


PINNED = {
    "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []},
    "nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 5, "preference": {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}}
        ],
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}
            ]
        },
    },
}


@pytest.mark.parametrize(
    "body",
    [
        dumped("StatefulSet", "web-0", hostname="web-0", subdomain="web"),
        dumped("StatefulSet", "web-0", hostname="other"),
        dumped("DaemonSet", "web-abcde", affinity=PINNED),
        dumped("ReplicaSet", "web-abcde", hostname="mine", priority=0, serviceAccountName="default"),
        {**dumped("Job", "web-abcde"), "spare": {"a": [1]}},
    ],
    ids=lambda body: body["metadata"]["ownerReferences"][0]["kind"],
)
def test_pods_of_a_dump_come_out_again(body: dict[str, Any], tmp_path: Path) -> None:
    """With what is each pod's own, which its template does not hold."""
    path = tmp_path / "pod.json"
    path.write_text(json.dumps(body))
    (manifest,) = read_manifests([path]).items
    assert_comes_out_again(manifest, tmp_path)


# -- status -------------------------------------------------------------------------------------------------------


def running(started: float = 20.0, restarts: int = 0) -> ContainerStatus:
    return ContainerStatus("web", "running", True, started, restart_count=restarts)


def test_a_pod_that_nobody_has_looked_at() -> None:
    assert status_of(a_pod()) == {"phase": "Pending", "qosClass": "BestEffort"}


def test_a_pod_that_waits_for_a_node() -> None:
    """Only the scheduler has written."""
    waits = Condition("PodScheduled", "False", 5.0, "Unschedulable", "0/3 nodes are available")
    pod = a_pod(status=PodStatus(scheduled=waits, nominated_node="n2"))
    status = status_of(pod)
    assert status["conditions"] == [
        {
            "type": "PodScheduled",
            "status": "False",
            "lastProbeTime": None,
            "lastTransitionTime": "2026-01-01T00:00:05Z",
            "reason": "Unschedulable",
            "message": "0/3 nodes are available",
        }
    ]
    assert status["nominatedNodeName"] == "n2"
    assert "startTime" not in status


def test_a_pod_that_runs() -> None:
    """Started at 10 s, its container at 20 s, Ready since 30 s; in the kubelet's order."""
    status = PodStatus(
        "Running",
        ready=Condition("Ready", "True", 30.0),
        scheduled=Condition("PodScheduled", "True", 9.0),
        containers_ready=True,
        initialized=True,
        ip="10.0.0.1",
        start_time=10.0,
        containers=(running(),),
    )
    pod = a_pod(node="n1", status=status)
    assert conditions_of(pod) == {
        "PodReadyToStartContainers": ("True", "", "00:20"),
        "Initialized": ("True", "", "00:10"),
        "Ready": ("True", "", "00:30"),
        "ContainersReady": ("True", "", "00:30"),
        "PodScheduled": ("True", "", "00:09"),
    }
    shown = status_of(pod)
    assert [c["type"] for c in shown["conditions"]] == [*conditions_of(pod)]
    assert (shown["podIP"], shown["podIPs"], shown["startTime"]) == (
        "10.0.0.1",
        [{"ip": "10.0.0.1"}],
        "2026-01-01T00:00:10Z",
    )
    assert "hostIP" not in shown  # only its kubelet knows it
    assert shown["containerStatuses"] == [
        {
            "name": "web",
            "image": "nginx:1.27",
            "imageID": "",
            "ready": True,
            "started": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": "2026-01-01T00:00:20Z"}},
            "lastState": {},
        }
    ]


def test_a_pod_on_a_lost_node() -> None:
    """1.2: others set Ready to False; what its kubelet said of the containers stays."""
    status = PodStatus(
        "Running",
        ready=Condition("Ready", "False", 50.0),
        disrupted=Condition("DisruptionTarget", "True", 55.0, "DeletionByTaintManager"),
        containers_ready=True,
        initialized=True,
        ip="10.0.0.1",
        start_time=10.0,
        containers=(running(),),
    )
    found = conditions_of(a_pod(status=status))
    assert next(iter(found)) == "DisruptionTarget"
    assert found["Ready"] == ("False", "", "00:50")
    assert found["ContainersReady"] == ("True", "", "00:20")
    assert found["PodScheduled"][0] == "True"


def test_a_pod_whose_init_containers_go_on() -> None:
    """[`GeneratePodInitializedCondition`]: incomplete are those that have not succeeded, sidecars that do not run."""
    spec = {
        "initContainers": [
            {"name": "first", "image": "i"},
            {"name": "side", "image": "i", "restartPolicy": "Always"},
            {"name": "second", "image": "i"},
        ],
        "containers": [WEB],
    }
    status = PodStatus(
        ready=Condition(
            "Ready", "False", 11.0, "ContainersNotReady", "containers with unready status: [web]"
        ),
        ip="10.0.0.1",
        start_time=10.0,
        init_containers=(
            ContainerStatus("first", "terminated", True, 12.0, 15.0, exit_code=0, reason="Completed"),
            ContainerStatus("side", "running", True, 16.0),
            ContainerStatus("second", "waiting", reason="PodInitializing"),
        ),
        containers=(ContainerStatus("web", "waiting", reason="PodInitializing"),),
    )
    shown = status_of(a_pod(spec, status=status))
    initialized = next(c for c in shown["conditions"] if c["type"] == "Initialized")
    assert initialized["message"] == "containers with incomplete status: [second]"
    found = conditions_of(a_pod(spec, status=status))
    assert found["PodReadyToStartContainers"] == ("True", "", "00:12")
    assert found["Initialized"] == ("False", "ContainersNotInitialized", "00:10")
    assert found["ContainersReady"] == ("False", "ContainersNotReady", "00:11")
    first, side, second = shown["initContainerStatuses"]
    ended = {
        "startedAt": "2026-01-01T00:00:12Z",
        "finishedAt": "2026-01-01T00:00:15Z",
        "exitCode": 0,
        "reason": "Completed",
    }
    assert (first["state"], first["started"]) == ({"terminated": ended}, False)
    assert side["started"] is True
    assert second["state"] == {"waiting": {"reason": "PodInitializing"}}
    done = replace(status, initialized=True)
    assert conditions_of(a_pod(spec, status=done))["Initialized"] == ("True", "", "00:15")


def test_a_pod_that_has_succeeded() -> None:
    """Initialized stays True [`generateContainersReadyConditionForTerminalPhase`]; its sandbox is gone."""
    status = PodStatus(
        "Succeeded",
        ready=Condition("Ready", "False", 40.0, "PodCompleted"),
        initialized=True,
        ip="10.0.0.1",
        start_time=10.0,
        containers=(ContainerStatus("web", "terminated", False, 20.0, 39.0, 0, 0, "Completed"),),
    )
    assert conditions_of(a_pod(status=status)) == {
        "PodReadyToStartContainers": ("False", "", "00:39"),
        "Initialized": ("True", "PodCompleted", "00:10"),
        "Ready": ("False", "PodCompleted", "00:40"),
        "ContainersReady": ("False", "PodCompleted", "00:40"),
        "PodScheduled": ("True", "", "00:10"),
    }


def test_a_container_that_crashed() -> None:
    """A code that is not 0, and how often it has been started again."""
    ended = ContainerStatus("web", "terminated", False, 20.0, 30.0, 3, 137, "Error")
    (shown,) = status_of(a_pod(status=PodStatus("Running", start_time=1.0, containers=(ended,))))[
        "containerStatuses"
    ]
    assert (shown["restartCount"], shown["state"]["terminated"]["exitCode"], shown["started"]) == (
        3,
        137,
        False,
    )


def test_whether_a_container_has_started_is_not_always_known() -> None:
    """`started` waits for the startup probe [prober_manager.go `isContainerStarted`]."""
    spec = {"containers": [{**WEB, "startupProbe": {"tcpSocket": {"port": 80}}}]}
    unready = replace(running(), ready=False)

    def started(container: ContainerStatus) -> Any:
        pod = a_pod(spec, status=PodStatus("Running", start_time=1.0, containers=(container,)))
        return status_of(pod)["containerStatuses"][0].get("started")

    assert started(running()) is True
    assert started(unready) is None
    assert started(ContainerStatus("web")) is False


def test_a_pod_on_the_hosts_network_shows_the_hosts_address() -> None:
    spec = {"containers": [WEB], "hostNetwork": True}
    shown = status_of(a_pod(spec, status=PodStatus("Running", ip="192.0.2.7", start_time=1.0)))
    assert (shown["hostIP"], shown["hostIPs"]) == ("192.0.2.7", [{"ip": "192.0.2.7"}])


def test_a_pod_that_was_rejected() -> None:
    """[pkg/kubelet/kubelet.go `rejectPod`]: phase, reason and message, and no condition."""
    status = PodStatus(
        "Failed", reason="OutOfcpu", message="Pod was rejected: Node didn't have enough resource"
    )
    assert status_of(a_pod(status=status)) == {
        "phase": "Failed",
        "qosClass": "BestEffort",
        "reason": "OutOfcpu",
        "message": "Pod was rejected: Node didn't have enough resource",
    }
