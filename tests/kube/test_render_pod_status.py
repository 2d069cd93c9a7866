"""Statuses of pods as their kubelets write them [pkg/kubelet/status/generate.go, kubelet_pods.go]."""

from typing import Any

from msgspec.structs import replace

from simkube.kube.objects import (
    Condition,
    ContainerStatus,
    Pod,
    PodStatus,
)
from simkube.kube.render import to_manifest
from tests.kube.rendering import EPOCH, WEB, a_pod


def status_of(pod: Pod) -> dict[str, Any]:
    status: dict[str, Any] = to_manifest(pod, EPOCH)["status"]
    return status


def conditions_of(pod: Pod) -> dict[str, tuple[str, str, str]]:
    """Type -> status, reason, seconds and minutes of the lastTransitionTime."""
    return {
        c["type"]: (c["status"], c.get("reason", ""), c["lastTransitionTime"][14:19])
        for c in status_of(pod).get("conditions", ())
    }


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
