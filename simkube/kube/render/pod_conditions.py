"""`status.conditions` of a Pod, as its kubelet writes them.

[pkg/kubelet/status/generate.go, kubelet_pods.go `generateAPIPodStatus`]

Ready, PodScheduled and DisruptionTarget are held whole. Of Initialized and ContainersReady only the status is, and
PodReadyToStartContainers follows from the address: when these changed is taken from what is held of containers.
"""

from typing import Any

from simkube.kube.objects import Condition, Pod
from simkube.kube.render.metadata import condition


def pod_conditions(pod: Pod, epoch: float) -> list[dict[str, Any]]:
    """In the kubelet's order; before a kubelet has seen the pod only what others have written."""
    status = pod.status
    conditions = [status.disrupted, status.ready, status.scheduled]
    if status.start_time is not None:
        conditions = [
            status.disrupted,
            _ready_to_start(pod, status.start_time),
            _initialized(pod, status.start_time),
            status.ready,
            _containers_ready(pod, status.start_time),
            status.scheduled or Condition("PodScheduled", "True", status.start_time),
        ]
    return [condition(held, epoch, lastProbeTime=None) for held in conditions if held is not None]


def _ready_to_start(pod: Pod, start: float) -> Condition:
    """The pod has a sandbox with a network: from its address to its end."""
    if not pod.status.ip:
        return Condition("PodReadyToStartContainers", "False", start)
    if pod.is_finished:
        return Condition("PodReadyToStartContainers", "False", _latest(pod, "finished_at", start))
    started = [
        c.started_at
        for c in (*pod.status.init_containers, *pod.status.containers)
        if c.started_at is not None and not c.restart_count
    ]
    return Condition("PodReadyToStartContainers", "True", min(started, default=start))


def _initialized(pod: Pod, start: float) -> Condition:
    """When the last init container had ended, if there are any."""
    status, sidecars = pod.status, {container.name for container in pod.template.sidecars}
    if status.initialized or status.phase == "Succeeded":
        ended = [c.finished_at for c in status.init_containers if c.finished_at is not None]
        reason = "PodCompleted" if status.phase == "Succeeded" else ""
        return Condition("Initialized", "True", max(ended, default=start), reason)
    incomplete = [
        c.name
        for c in status.init_containers
        if not (c.state == "running" if c.name in sidecars else c.ready)
    ]
    message = f"containers with incomplete status: [{' '.join(incomplete)}]"
    return Condition("Initialized", "False", start, "ContainersNotInitialized", message)


def _containers_ready(pod: Pod, start: float) -> Condition:
    """Like Ready, which nothing but containers decides here; only when a node is lost do others set Ready to False."""
    ready = pod.status.ready
    if ready is not None and (ready.status == "True") == pod.status.containers_ready:
        return Condition("ContainersReady", ready.status, ready.since, ready.reason, ready.message)
    status = "True" if pod.status.containers_ready else "False"
    return Condition("ContainersReady", status, _latest(pod, "started_at", start))


def _latest(pod: Pod, moment: str, start: float) -> float:
    times = (getattr(container, moment) for container in pod.status.containers)
    return max((time for time in times if time is not None), default=start)
