"""When a pod counts as available: Ready for minReadySeconds [pkg/api/v1/pod/util.go `IsPodAvailable`]."""

from math import inf

from simkube.kube.objects import Pod


def available_from(pod: Pod, min_ready_seconds: int) -> float:
    """The time from which the pod is available if it stays Ready; infinity while it is not."""
    ready = pod.status.ready
    if ready is None or ready.status != "True":
        return inf
    return ready.since + min_ready_seconds if min_ready_seconds else -inf


def is_available(pod: Pod, min_ready_seconds: int, now: float) -> bool:
    """The pod is available at this time."""
    return available_from(pod, min_ready_seconds) <= now
