"""What a kubelet could not (or need not) tell the API about pods at once: its status manager looks every 10 s.

[pkg/kubelet/status/status_manager.go `syncBatch`]
"""

from typing import TYPE_CHECKING

from simkube.kube.objects import Pod
from simkube.machines.pod_report import PodReport

if TYPE_CHECKING:
    from simkube.machines.kubelet import Kubelet


class StatusManager:
    """Pods whose status may differ from what the API has."""

    __slots__ = ("_kubelet", "_unposted")

    def __init__(self, kubelet: "Kubelet") -> None:
        self._kubelet = kubelet
        self._unposted: dict[str, PodReport] = {}

    def post_later(self, worker: PodReport) -> None:
        """Have a pod looked at in the next round."""
        kubelet = self._kubelet
        self._unposted[worker.uid] = worker
        if "pods" not in kubelet.alarms:
            kubelet.alarms.at("pods", kubelet.next_status_round(), self._round)

    def _round(self) -> None:
        workers, self._unposted = list(self._unposted.values()), {}
        for worker in workers:
            if self._kubelet.client.reachable:
                worker.catch_up()
            else:
                self.post_later(worker)

    def refresh(self, worker: PodReport) -> None:
        """The API did not take a pod's status, as the pod has changed meanwhile: see how, and post anew."""
        meta = worker.pod.meta
        current: Pod | None = self._kubelet.client.get("Pod", meta.name, meta.namespace)
        if current is not None and current.meta.uid == meta.uid and current is not worker.pod:
            worker.pod = current
            worker.post()

    def forget(self, uid: str) -> None:
        """Nothing is left of a pod."""
        self._unposted.pop(uid, None)
