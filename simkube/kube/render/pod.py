"""`spec` and `status` of a Pod [pkg/apis/core/v1/defaults.go `SetDefaults_Pod`; pkg/kubelet/kubelet_pods.go]."""

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

from simkube.kube.objects import ContainerStatus, Pod
from simkube.kube.pod import Container
from simkube.kube.qos import qos_class
from simkube.kube.render.fields import fields, plain
from simkube.kube.render.pod_conditions import pod_conditions
from simkube.kube.render.times import time_text
from simkube.kube.shared import own_hostname, pinned_to
from simkube.kube.template import Template

_shared: WeakKeyDictionary[Template, dict[str, Any]] = (
    WeakKeyDictionary()
)  # what all pods of a template print


def pod_content(pod: Pod, epoch: float) -> dict[str, Any]:
    return {"spec": pod_spec(pod), "status": pod_status(pod, epoch)}


def pod_spec(pod: Pod) -> dict[str, Any]:
    """The template's, with what is the pod's own."""
    shared = _shared.get(pod.template)
    if shared is None:
        shared = _shared[pod.template] = _of_template(pod.template)
    spec: dict[str, Any] = plain(shared)
    if hostname := own_hostname(pod.meta):
        spec.setdefault("hostname", hostname)
    if pod.node:
        spec["nodeName"] = pod.node
    if pod.pinned:
        spec["affinity"] = pinned_to(pod.pinned, spec.get("affinity", {}))
    return spec


def _of_template(template: Template) -> dict[str, Any]:
    """With what the API server writes into pods, but not into templates."""
    spec = fields(template.spec)
    spec.setdefault("enableServiceLinks", True)
    for container in (*spec.get("initContainers", ()), *spec["containers"]):
        resources = container["resources"]
        if resources.get("limits"):
            resources["requests"] = {**resources["limits"], **resources.get("requests", {})}
        for port in container.get("ports", ()) if spec.get("hostNetwork") else ():
            port.setdefault("hostPort", port["containerPort"])
    return spec


def pod_status(pod: Pod, epoch: float) -> dict[str, Any]:
    """Addresses of the node are known only to its kubelet: a pod that uses the host's network shows it."""
    status, spec = pod.status, pod.template.spec
    result: dict[str, Any] = {"phase": status.phase, "qosClass": qos_class(spec)}
    if conditions := pod_conditions(pod, epoch):
        result["conditions"] = conditions
    if status.ip:
        result["podIP"], result["podIPs"] = status.ip, [{"ip": status.ip}]
        if spec.host_network:
            result["hostIP"], result["hostIPs"] = status.ip, [{"ip": status.ip}]
    if status.start_time is not None:
        result["startTime"] = time_text(status.start_time, epoch)
    if status.init_containers:
        result["initContainerStatuses"] = _statuses(status.init_containers, spec.init_containers, epoch)
    if status.containers:
        result["containerStatuses"] = _statuses(status.containers, spec.containers, epoch)
    texts = {
        "reason": status.reason,
        "message": status.message,
        "nominatedNodeName": status.nominated_node,
    }
    return {**result, **{name: text for name, text in texts.items() if text}}


def _statuses(
    held: Iterable[ContainerStatus], containers: Iterable[Container], epoch: float
) -> list[dict[str, Any]]:
    by_name = {container.name: container for container in containers}
    return [_container_status(status, by_name[status.name], epoch) for status in held]


def _container_status(status: ContainerStatus, container: Container, epoch: float) -> dict[str, Any]:
    """`image` is as the spec writes it; the imageID is not known, and printed all the same. How the container ended
    before it was started again (`lastState`) is not held. While a startup probe goes on, or readiness fails after it,
    it is not known which of both: `started` is left out."""
    result: dict[str, Any] = {
        "name": status.name,
        "image": container.image,
        "imageID": "",
        "ready": status.ready,
        "restartCount": status.restart_count,
        "state": {status.state: _state(status, epoch)},
        "lastState": {},
    }
    running = status.state == "running"
    if not running or status.ready or container.startup_probe is None:
        result["started"] = running
    return result


def _state(status: ContainerStatus, epoch: float) -> dict[str, Any]:
    texts = {"reason": status.reason, "message": status.message}
    shown: dict[str, Any] = {name: text for name, text in texts.items() if text}
    if status.state == "waiting":
        return shown
    shown["startedAt"] = _time(status.started_at, epoch)
    if status.state == "terminated":
        shown["finishedAt"] = _time(status.finished_at, epoch)
        shown["exitCode"] = status.exit_code or 0
    return shown


def _time(seconds: float | None, epoch: float) -> str | None:
    """Go prints a time that is not set as null."""
    return None if seconds is None else time_text(seconds, epoch)
