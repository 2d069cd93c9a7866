"""Graceful node shutdown (behaviour 8.6): off unless shutdownGracePeriod is set.

[pkg/kubelet/nodeshutdown/nodeshutdown_manager.go]
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simkube.kube.objects import Condition, PodStatus
from simkube.machines.admission import Refusal
from simkube.machines.node_status import SHUTTING_DOWN
from simkube.machines.pod_report import PodReport
from simkube.machines.pod_worker import PodWorker
from simkube.machines.stage import Stage

if TYPE_CHECKING:
    from simkube.machines.kubelet import Kubelet

SYSTEM_CRITICAL = 2_000_000_000
MESSAGE = "Pod was terminated in response to imminent node shutdown."
REFUSED = Refusal("NodeShutdown", "Pod was rejected as the node is shutting down.")


class Shutdown:
    """Ends a node's pods, ordinary ones before critical ones, each group within its time; then calls `done`."""

    __slots__ = ("_done", "_groups", "_kubelet", "_left")

    def __init__(self, kubelet: "Kubelet", done: Callable[[], None]) -> None:
        timings = kubelet.rules.timings
        critical = timings.shutdown_grace_period_critical_pods
        others = max(0.0, timings.shutdown_grace_period - critical)
        self._kubelet = kubelet
        self._done = done
        workers = [worker for worker in kubelet.workers.values() if worker.stage < Stage.STOPPED]
        ordinary = [w for w in workers if w.pod.template.priority < SYSTEM_CRITICAL]
        important = [w for w in workers if w.pod.template.priority >= SYSTEM_CRITICAL]
        self._groups: list[tuple[list[PodWorker], float]] = [(ordinary, others), (important, critical)]
        self._left: dict[str, None] = {}

    def begin(self) -> None:
        """The node is NotReady at once, and takes no more pods."""
        node = self._kubelet.node
        node.trouble = SHUTTING_DOWN
        node.post()
        self._next_group()

    def ended(self, worker: PodReport) -> None:
        """A pod has ended."""
        if worker.uid in self._left:
            del self._left[worker.uid]
            if not self._left:
                self._next_group()

    def _next_group(self) -> None:
        kubelet = self._kubelet
        kubelet.alarms.cancel("shutdown")
        if not self._groups:
            self._done()
            return
        workers, time = self._groups.pop(0)
        workers = [worker for worker in workers if worker.stage < Stage.STOPPED]
        if not workers:
            self._next_group()
            return
        self._left = dict.fromkeys(worker.uid for worker in workers)
        kubelet.alarms.at("shutdown", kubelet.clock.now + time, self._next_group)
        now = kubelet.clock.now
        disrupted = Condition("DisruptionTarget", "True", now, "TerminationByKubelet", MESSAGE)
        final = PodStatus(phase="Failed", disrupted=disrupted, reason="Terminated", message=MESSAGE)
        for worker in workers:
            worker.final = final
            worker.end_now(min(worker.recipe.grace, int(time)))
