"""Pods that a kubelet has taken and cannot begin: for want of the network, or of their volumes (behaviour 3, 8.1).

[pkg/kubelet/volumemanager/volume_manager.go `WaitForAttachAndMount`]
"""

from typing import TYPE_CHECKING

from simkube.cluster.volumes.facts import attached
from simkube.machines.stage import Stage

if TYPE_CHECKING:
    from simkube.machines.kubelet import Kubelet
    from simkube.machines.pod_worker import PodWorker

PATIENCE = 123.0  # seconds: podAttachAndMountTimeout


class Waits:
    """The pods of one kubelet that wait. It is told of attachments while some pod waits for one, and looks again by
    itself each time its patience is over."""

    __slots__ = ("_for_network", "_for_volumes", "_kubelet")

    def __init__(self, kubelet: "Kubelet") -> None:
        self._kubelet = kubelet
        self._for_network: list[PodWorker] = []
        self._for_volumes: dict[str, PodWorker] = {}

    def must_wait(self, worker: "PodWorker") -> bool:
        """The pod cannot start yet; it is begun anew when it can."""
        kubelet = self._kubelet
        if not kubelet.network_ready and not worker.recipe.host_network:
            self._for_network.append(worker)
            return True
        if not worker.pod.template.has_claims or attached(kubelet.client, worker.pod):
            return False
        machine = kubelet.machine
        self._for_volumes[worker.uid] = worker
        machine.fleet.attachments.tell(machine.name, self._attachments_changed)
        kubelet.alarms.at(
            f"volumes {worker.uid}", kubelet.clock.now + PATIENCE, lambda: self._give_up(worker)
        )
        return True

    def network_came_up(self) -> None:
        """Syncs that failed for want of the network are tried again after 1 to 1.5 s."""
        waiting, self._for_network = self._for_network, []
        for worker in waiting:
            self._again(worker, self._kubelet.rules.timings.kubelet_transient_error_backoff)

    def stop(self) -> None:
        """The kubelet is gone."""
        self._for_network.clear()
        self._for_volumes.clear()
        machine = self._kubelet.machine
        machine.fleet.attachments.tell(machine.name, None)

    def _attachments_changed(self) -> None:
        kubelet = self._kubelet
        if not kubelet.watching:
            return
        for worker in list(self._for_volumes.values()):
            if worker.stage != Stage.WAITING:
                self._drop(worker)
            elif attached(kubelet.client, worker.pod):
                self._drop(worker)
                worker.begin(kubelet.latency)

    def _give_up(self, worker: "PodWorker") -> None:
        """The sync ends with an error, and is tried again."""
        self._drop(worker)
        if worker.stage == Stage.WAITING:
            volumes = worker.pod.template.spec.volumes
            names = " ".join(v.name for v in volumes if v.persistent_volume_claim or v.ephemeral is not None)
            message = (
                f"Unable to attach or mount volumes: unmounted volumes=[{names}], unattached volumes=[], "
                "failed to process volumes=[]: context deadline exceeded"
            )
            worker.event("Warning", "FailedMount", message)
            self._again(worker, self._kubelet.rules.timings.kubelet_error_backoff)

    def _again(self, worker: "PodWorker", wait: float) -> None:
        """Sync the pod again after `wait`, stretched by chance."""
        kubelet = self._kubelet
        if worker.stage == Stage.WAITING and kubelet.workers.get(worker.uid) is worker:
            worker.begin(worker.stretched(wait))

    def _drop(self, worker: "PodWorker") -> None:
        self._for_volumes.pop(worker.uid, None)
        self._kubelet.alarms.cancel(f"volumes {worker.uid}")
        if not self._for_volumes:
            machine = self._kubelet.machine
            machine.fleet.attachments.tell(machine.name, None)
