"""The taint eviction controller: pods leave nodes with NoExecute taints when their tolerations run out (behaviour 2).

[pkg/controller/tainteviction]. It deletes, it does not evict: budgets are not asked. There is no rate limit here but
the client's own; what slows evictions of dead nodes is the queue that gives them their taint.
"""

from collections.abc import Hashable

from msgspec.structs import replace

from simkube.clock import Clock, Timer
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.errors import ApiError
from simkube.cluster.nodes.tolerations import eviction_delay, no_execute
from simkube.cluster.store import Change, Did
from simkube.kube.objects import Condition, Key, Pod, Taint
from simkube.timings import Timings


class Deletion:
    """A pod that is to be deleted. `timer` until then, None when it is under way; `tries` made so far."""

    __slots__ = ("pod", "timer", "tries")

    def __init__(self, pod: Pod) -> None:
        self.pod = pod
        self.timer: Timer | None = None
        self.tries = 0


class TaintEviction(Controller):
    """Keys: a node's name, a pod's key, a `Deletion` that is due."""

    def __init__(self, clock: Clock, client: Client, timings: Timings) -> None:
        super().__init__(clock, client)
        self._tries = timings.taint_eviction_delete_retries
        self._retry_sleep = timings.taint_eviction_retry_sleep
        self._tainted: dict[str, tuple[Taint, ...]] = {}  # NoExecute taints by node, where there are any
        self._deletions: dict[Key, Deletion] = {}
        client.watch("Node", self._node_changed, Did.ADDED | Did.REMOVED | Did.SPEC)
        client.watch("Pod", self._pod_changed, Did.BOUND | Did.REMOVED | Did.SPEC)
        self._look_at_all()

    def stop(self) -> None:
        super().stop()
        for deletion in self._deletions.values():
            if deletion.timer is not None:
                deletion.timer.cancel()
        self._deletions.clear()
        self._tainted.clear()

    def start(self) -> None:
        """Tolerations begin anew, in full, from now."""
        super().start()
        self._look_at_all()

    def _look_at_all(self) -> None:
        for (_, name), node in self.client.table("Node").items():
            if any(taint.effect == "NoExecute" for taint in node.taints):
                self.enqueue(name)

    # -- what it hears -----------------------------------------------------------------------------------------

    def _node_changed(self, change: Change) -> None:
        old = () if change.old is None else change.old.taints
        new = () if change.new is None else change.new.taints
        if self._running and old != new and no_execute(old) != no_execute(new):
            self.enqueue(change.object.meta.name)

    def _pod_changed(self, change: Change) -> None:
        if not self._running:
            return
        pod = change.new
        if pod is not None:
            if pod.node in self._tainted:
                self.enqueue(pod.key)
        elif self._deletions and change.old.key in self._deletions:
            self.enqueue(change.old.key)

    def reconcile(self, key: Hashable) -> None:
        if isinstance(key, Deletion):
            self._delete(key)
        elif isinstance(key, tuple):
            self._sync_pod(key)
        else:
            self._sync_node(str(key))

    # -- deciding ----------------------------------------------------------------------------------------------

    def _sync_node(self, name: str) -> None:
        """A node that is gone is forgotten, but the timers of its pods go on."""
        node = self.client.get("Node", name)
        taints = () if node is None else no_execute(node.taints)
        if taints:
            self._tainted[name] = taints
        else:
            self._tainted.pop(name, None)
        if node is not None:
            for pod in list(self.client.pods_on(name).values()):
                self._decide(pod, taints)

    def _sync_pod(self, key: Key) -> None:
        pod = self.client.get("Pod", key[1], key[0])
        if pod is None:
            self._cancel(key)
        elif pod.node in self._tainted:
            self._decide(pod, self._tainted[pod.node])

    def _decide(self, pod: Pod, taints: tuple[Taint, ...]) -> None:
        """A time that is set stands: only "now", "forever" or no taints at all replace it [`processPodOnNode`]. The
        pod's phase does not matter."""
        key = pod.key
        delay = eviction_delay(taints, pod.template.spec.tolerations)
        planned = self._deletions.get(key)
        if delay is None:
            self._cancel(key)
        elif delay > 0.0:
            if planned is None:
                deletion = self._deletions[key] = Deletion(pod)
                deletion.timer = self.clock.after(delay, lambda: self._fire(deletion))
        elif planned is None or planned.timer is not None:
            self._cancel(key)
            deletion = self._deletions[key] = Deletion(pod)
            self.enqueue(deletion)

    def _cancel(self, key: Key) -> None:
        """Not delete the pod after all; a deletion that is under way goes on."""
        deletion = self._deletions.get(key)
        if deletion is not None and deletion.timer is not None:
            deletion.timer.cancel()
            del self._deletions[key]
            self._tell(deletion.pod, "Cancelling deletion of")

    # -- deleting ----------------------------------------------------------------------------------------------

    def _fire(self, deletion: Deletion) -> None:
        deletion.timer = None
        self.enqueue(deletion)

    def _delete(self, deletion: Deletion) -> None:
        """Say why, in the pod's status, then a plain DELETE with the pod's own grace. After five tries it is given up
        [`deletePodHandler`]."""
        namespace, name = deletion.pod.key
        if not deletion.tries:
            self._tell(deletion.pod, "Marking for deletion")
        deletion.tries += 1
        try:
            pod = self.client.read("Pod", name, namespace)
            if pod.status.disrupted is None or pod.status.disrupted.reason != "DeletionByTaintManager":
                condition = Condition(
                    "DisruptionTarget",
                    "True",
                    self.clock.now,
                    "DeletionByTaintManager",
                    "Taint manager: deleting due to NoExecute taint",
                )
                self.client.update(replace(pod, status=replace(pod.status, disrupted=condition)))
            self.client.delete("Pod", name, namespace)
        except ApiError:
            if deletion.tries < self._tries:
                self.enqueue_after(deletion, self._retry_sleep)
                return
        if self._deletions.get(deletion.pod.key) is deletion:
            del self._deletions[deletion.pod.key]

    def _tell(self, pod: Pod, what: str) -> None:
        namespace, name = pod.key
        self.client.event(pod, "Normal", "TaintManagerEviction", f"{what} Pod {namespace}/{name}")
