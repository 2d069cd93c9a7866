"""PodGC: deletes the pods that nobody else will (behaviour, section 3).

Kubernetes makes four passes over all pods every 20 s. Here the passes fall on the same grid, but only while there is
something that they might collect, and they look only at that [pkg/controller/podgc/gc_controller.go].
"""

from collections.abc import Hashable, Iterable
from math import ceil
from typing import cast

from msgspec.structs import replace

from simkube.clock import Clock, Timer
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.errors import ApiError, NotFound
from simkube.cluster.store import Change, Did
from simkube.kube.objects import Condition, Key, Node, Pod, PodStatus
from simkube.timings import Timings

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


class PodGarbageCollector(Controller):
    """`pod-garbage-collector`. Keys are (UID, namespace, name, whether its node is gone) of pods to delete."""

    def __init__(self, clock: Clock, client: Client, timings: Timings) -> None:
        super().__init__(clock, client)
        self._period = timings.gc_check_period
        self._quarantine = timings.gc_quarantine_time
        self._threshold = timings.terminated_pod_gc_threshold
        self._began = clock.now
        self._tick: Timer | None = None
        self._missing: dict[
            str, float | None
        ] = {}  # node that does not exist -> end of its quarantine, once it began
        self._finished: dict[Key, None] = {}
        self._unscheduled: dict[Key, None] = {}  # terminating pods that have no node
        self._out_of_service: dict[str, None] = {}  # nodes with the taint
        self._nodes = client.table("Node")
        client.watch(
            "Pod", self._pod_changed, Did.ADDED | Did.REMOVED | Did.BOUND | Did.TERMINATING | Did.PHASE
        )
        client.watch("Node", self._node_changed, Did.ADDED | Did.REMOVED | Did.SPEC | Did.READY)
        self._look_at_everything()

    def stop(self) -> None:
        super().stop()
        self._missing.clear()
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None

    def start(self) -> None:
        super().start()
        self._began = self.clock.now
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        self._finished.clear()
        self._unscheduled.clear()
        self._out_of_service.clear()
        for node in self._nodes.values():
            self._note_node(node)
        for pod in self.client.table("Pod").values():
            self._note_pod(pod)

    # -- what might have to be collected ------------------------------------------------------------------------

    def _pod_changed(self, change: Change) -> None:
        if change.new is not None:
            self._note_pod(change.new)
        elif self._finished or self._unscheduled:
            key = change.old.key
            self._finished.pop(key, None)
            self._unscheduled.pop(key, None)

    def _note_pod(self, pod: Pod) -> None:
        if pod.status.phase in ("Succeeded", "Failed"):
            self._finished[pod.key] = None
            if 0 < self._threshold < len(self._finished):
                self._arm()
        if not pod.node:
            if pod.meta.deletion_timestamp is not None:
                self._unscheduled[pod.key] = None
                self._arm()
        elif ("", pod.node) not in self._nodes:
            self._miss(pod.node)
        elif pod.meta.deletion_timestamp is not None and pod.node in self._out_of_service:
            self._arm()

    def _node_changed(self, change: Change) -> None:
        if change.new is not None:
            self._note_node(change.new)
        else:
            self._out_of_service.pop(change.old.meta.name, None)
            if self.client.pods_on(change.old.meta.name):
                self._miss(change.old.meta.name)

    def _miss(self, node: str) -> None:
        self._missing.setdefault(node, None)
        self._arm()

    def _note_node(self, node: Node) -> None:
        self._out_of_service.pop(node.meta.name, None)
        if not node.is_ready and any(taint.key == OUT_OF_SERVICE for taint in node.taints):
            self._out_of_service[node.meta.name] = None
            self._arm()

    def _arm(self) -> None:
        """Have a pass at the next point of the grid."""
        if self._tick is None and self._running:
            passed = self.clock.now - self._began
            due = self._began + self._period * ceil(passed / self._period)
            self._tick = self.clock.at(due, self._pass)

    # -- a pass -------------------------------------------------------------------------------------------------

    def _pass(self) -> None:
        self._tick = None
        now = self.clock.now
        for pod in self._surplus():
            self._collect(pod)
        for node in list(self._out_of_service):
            for pod in _oldest_first(self.client.pods_on(node).values()):
                if pod.is_terminating:
                    self._collect(pod)
        for node in self._gone(now):
            for pod in list(self.client.pods_on(node).values()):
                self._collect(pod, node_gone=True)
        table = self.client.table("Pod")
        for key in self._unscheduled:
            if key in table and table[key].is_terminating and not table[key].node:
                self._collect(table[key])
        if self._missing:
            self._tick = self.clock.after(self._period, self._pass)

    def _surplus(self) -> list[Pod]:
        """Finished pods above the threshold: evicted ones first, then the oldest."""
        surplus = len(self._finished) - self._threshold
        if self._threshold <= 0 or surplus <= 0:
            return []
        table = self.client.table("Pod")
        return _oldest_first(table[key] for key in self._finished)[:surplus]

    def _gone(self, now: float) -> list[str]:
        """Nodes with pods that were missing for the whole of their quarantine, and that a live GET does not find. One
        that cannot be asked for begins it again at the next pass."""
        gone = []
        for name, until in list(self._missing.items()):
            if self.client.get("Node", name) is not None or not self.client.pods_on(name):
                del self._missing[name]
            elif until is None:
                self._missing[name] = now + self._quarantine
            elif until <= now:
                self._missing[name] = None
                if self._is_confirmed(name):
                    gone.append(name)
        return gone

    def _is_confirmed(self, node: str) -> bool:
        try:
            self.client.read("Node", node)
        except NotFound:
            return True
        except ApiError:
            return False
        return False

    def _collect(self, pod: Pod, node_gone: bool = False) -> None:
        self.enqueue((pod.meta.uid, *pod.key, node_gone))

    def reconcile(self, key: Hashable) -> None:
        """Mark the pod failed, then delete it at once. What fails is left to the next pass."""
        uid, namespace, name, node_gone = cast(tuple[str, str, str, bool], key)
        pod: Pod | None = self.client.get("Pod", name, namespace)
        if pod is None or pod.meta.uid != uid:
            return
        try:
            if not pod.is_finished:
                self.client.update(replace(pod, status=self._failed(pod, node_gone)))
            self.client.delete("Pod", name, namespace, grace=0)
        except NotFound:
            pass
        except ApiError:
            self._arm()

    def _failed(self, pod: Pod, node_gone: bool) -> PodStatus:
        status = replace(pod.status, phase="Failed")
        if not node_gone:
            return status
        disrupted = Condition(
            "DisruptionTarget", "True", self.clock.now, "DeletionByPodGC", "PodGC: node no longer exists"
        )
        return replace(status, disrupted=disrupted)


def _oldest_first(pods: Iterable[Pod]) -> list[Pod]:
    """Those that a kubelet evicted first, then by age, then by name [`byEvictionAndCreationTimestamp`]."""
    return sorted(pods, key=lambda pod: (pod.status.reason != "Evicted", pod.meta.created, pod.meta.name))
