"""How a kubelet refuses a pod [pkg/kubelet/kubelet.go `rejectPod`]."""

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from simkube.cluster.errors import ApiError, Unavailable
from simkube.kube.objects import Pod, PodStatus
from simkube.machines.admission import Refusal

if TYPE_CHECKING:
    from simkube.machines.kubelet import Kubelet


def reject(kubelet: "Kubelet", pod: Pod, refused: Refusal) -> None:
    """The pod ends here before it has begun: phase Failed, with the reason; its object stays."""
    current: Pod | None = kubelet.client.get("Pod", pod.meta.name, pod.meta.namespace)
    if not kubelet.running or current is None or current.meta.uid != pod.meta.uid or current.is_finished:
        return
    kubelet.client.event(current, "Warning", refused.reason, refused.message)
    status = PodStatus(
        phase="Failed",
        reason=refused.reason,
        message=f"Pod was rejected: {refused.message}",
        scheduled=current.status.scheduled,
        disrupted=current.status.disrupted,
    )
    try:
        kubelet.client.update(replace(current, status=status))
    except Unavailable:
        kubelet.clock.at(kubelet.next_status_round(), partial(reject, kubelet, pod, refused))
    except ApiError:
        return
