"""A machine's kubelet: its process, and the pods that it sees, takes and ends (behaviour 8.1, 8.2)."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from simkube.cluster.store import Change, Did
from simkube.kube.objects import Pod
from simkube.machines.admission import Admitted, refusal
from simkube.machines.images import Puller
from simkube.machines.kubelet_clockwork import Clockwork
from simkube.machines.node_reporter import NodeReporter
from simkube.machines.orphans import Orphan
from simkube.machines.pod_report import PodReport
from simkube.machines.pod_worker import PodWorker
from simkube.machines.rejection import reject
from simkube.machines.shutdown import REFUSED, Shutdown
from simkube.machines.stage import Stage
from simkube.machines.static_pods import StaticPods, StaticWorker, is_mirror
from simkube.machines.status_manager import StatusManager
from simkube.machines.waits import Waits

if TYPE_CHECKING:
    from simkube.machines.machine import Machine

_TOLD = int(Did.STATUS | Did.READY | Did.PHASE)
_TERMINATING = int(Did.TERMINATING)


class Kubelet(Clockwork):
    """One kubelet, through all its restarts. `watching`: it sees what the API says; `workers` by UID of the pod;
    `admitted`: what the pods that it has taken use."""

    __slots__ = (
        "admitted",
        "node",
        "puller",
        "shutdown",
        "statics",
        "statuses",
        "waits",
        "watching",
        "workers",
    )

    def __init__(self, machine: "Machine") -> None:
        super().__init__(machine)
        self.watching = False
        self.node = NodeReporter(self)
        self._forget_all()

    def _forget_all(self) -> None:
        """A process begins with an empty memory."""
        self.workers: dict[str, PodWorker] = {}
        self.admitted = Admitted()
        self.puller = Puller(self.machine, self.rules.timings.max_parallel_image_pulls)
        self.statuses = StatusManager(self)
        self.waits = Waits(self)
        self.statics = StaticPods(self)
        self.shutdown: Shutdown | None = None

    # -- the process --------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Its process starts."""
        if self.running:
            return
        fleet, name = self.machine.fleet, self.machine.name
        self.running = True
        self.starts += 1
        self.started_at = self.clock.now
        self.rules = fleet.rules.of(self.machine.version)
        self._forget_all()
        self.node.reset()
        self.record("kubelet.started", self.machine.version)
        took = fleet.behaviour.kubelet_start.draw(self.randoms, "kubeletStart", name, self.starts)
        self.alarms.at("start", self.clock.now + took, self._begin)

    def _begin(self) -> None:
        self.statics.start()
        self.node.register()

    def stop(self, reason: str) -> None:
        """Its process is gone. Containers go on."""
        if not self.running:
            return
        self.running = False
        self.record("kubelet.stopped", reason=reason)
        self.node.stop()
        self.alarms.stop()
        self.puller.stop()
        self.waits.stop()
        self._stop_watching()
        for worker in self.workers.values():
            worker.rest()
            for prober in (worker.probers or {}).values():
                prober.stop()
        for sandbox in self.machine.sandboxes.values():
            sandbox.kubelet_gone()
        self._forget_all()

    def end_pods(self, done: Callable[[], None]) -> None:
        """The machine shuts down in an orderly way: end pods first, if the kubelet is set up for it; then `done`."""
        if self.running and self.rules.timings.shutdown_grace_period > 0.0:
            self.shutdown = Shutdown(self, done)
            self.shutdown.begin()
        else:
            done()

    # -- the beginning of a run ---------------------------------------------------------------------------------

    def run_already(self, watching: bool = True) -> None:
        """It has been running for long. `watching` False: until `listen`, it does not see what is bound to it."""
        self.running = True
        self.starts = 1
        self.started_at = self.clock.now - 7200.0 - 10.0 * self.randoms.unit("phase", self.machine.name)
        self.record("kubelet.started", self.machine.version)
        self.node.run_already()
        if watching:
            self.watching = True
            self.client.watch_pods_on(self.machine.name, self._changed)

    def adopt(self, pod: Pod) -> None:
        """A pod bound to this node has been running and Ready for some time. Nothing happens to one that has begun to
        start here."""
        worker = self.workers.get(pod.meta.uid)
        if worker is None:
            worker = self.workers[pod.meta.uid] = PodWorker(self, pod, self.machine.fleet.recipes.of(pod))
            self.admitted.count(worker.recipe, 1)
        if worker.stage == Stage.WAITING:
            worker.rest()
            worker.run_already(self.clock.now)

    # -- the API lost and found ---------------------------------------------------------------------------------

    def lose_api(self) -> None:
        """This machine no longer reaches the API."""
        if self.running:
            self._stop_watching()
            self.node.lose_api()

    def find_api(self, at_once: bool = False) -> None:
        """This machine reaches the API again. `at_once`: its connections have outlasted the interruption."""
        if self.running and self.client.connected and not self.machine.frozen:
            self.node.find_api(at_once=at_once)

    def api_went_away(self) -> None:
        """The API server is gone for everybody: watches break."""
        if self.running:
            self._stop_watching()
            self.node.watch_lost()

    def api_came_back(self) -> None:
        """The API server answers again."""
        if self.running and self.client.connected and not self.machine.frozen:
            self.node.find_api(lease_lost=False)

    def _stop_watching(self) -> None:
        if self.watching:
            self.watching = False
            self.client.watch_pods_on(self.machine.name, None)
        self.alarms.cancel("watch")

    def listen(self) -> None:
        """See all pods of the node, and be told of every change from now on."""
        if not self.client.reachable:
            self.node.find_api(lease_lost=False)
            return
        self.watching = True
        self.client.watch_pods_on(self.machine.name, self._changed)
        pods = sorted(self.client.pods_on(self.machine.name).values(), key=lambda pod: pod.meta.created)
        for pod in pods:
            self._see(pod)
        here = {pod.meta.uid for pod in pods}
        for worker in [worker for uid, worker in self.workers.items() if uid not in here]:
            if not isinstance(worker, StaticWorker):
                worker.removed()
        self.statics.show()
        if any(uid not in self.workers for uid in self.machine.sandboxes):
            self.alarms.at("housekeeping", self.next_housekeeping(), self._end_orphans)

    # -- pods ---------------------------------------------------------------------------------------------------

    def _changed(self, change: Change) -> None:
        old, new, did, _, by = change
        if by == self.client.name:
            return
        if new is None:
            worker = self.workers.get(old.meta.uid)
            if worker is not None:
                worker.removed()
            elif is_mirror(old):
                self.statics.mirror_changed(old)
            return
        worker = self.workers.get(new.meta.uid)
        if worker is None or did & (_TERMINATING | _TOLD):
            self._see(new)
        else:
            worker.pod = new

    def _see(self, pod: Pod) -> None:
        """A pod as the API has it now."""
        worker = self.workers.get(pod.meta.uid)
        if worker is None:
            self._take(pod)
            return
        old, worker.pod = worker.pod, pod
        if pod.is_terminating:
            worker.asked_to_stop(pod.meta.deletion_grace_period_seconds)
        elif pod.is_finished and worker.stage < Stage.ASKED:
            worker.asked_to_stop()  # somebody else says that it has ended
        elif pod.status.ready is not old.status.ready or pod.status.phase != old.status.phase:
            self.statuses.post_later(worker)

    def _take(self, pod: Pod) -> None:
        """A pod that this kubelet does not know yet."""
        machine = self.machine
        if is_mirror(pod):
            if pod.is_terminating:
                self.statics.mirror_changed(pod)
            return
        recipe = machine.fleet.recipes.of(pod)
        sandbox = machine.sandboxes.get(pod.meta.uid)
        if pod.is_finished:
            if pod.is_terminating:
                worker = self.workers[pod.meta.uid] = PodWorker(self, pod, recipe)
                worker.has_ended(sandbox)
            return
        if not pod.is_terminating:
            node = self.client.get("Node", machine.name)
            refused = refusal(pod, recipe, node, machine.allocatable, self.admitted)
            if self.shutdown is not None:
                refused = REFUSED
            if refused is not None:
                self.clock.after(self.latency, partial(reject, self, pod, refused))
                return
        worker = self.workers[pod.meta.uid] = PodWorker(self, pod, recipe)
        self.admitted.count(recipe, 1)
        if pod.is_terminating:
            if sandbox is not None:
                worker.watch(sandbox, self.clock.now)
            worker.asked_to_stop(pod.meta.deletion_grace_period_seconds)
        elif sandbox is not None:
            worker.take_over(sandbox, pod.is_ready)
        else:
            worker.begin(self.latency)

    def release(self, worker: PodReport) -> None:
        """A pod's containers have ended: what it requested is free."""
        if worker.taken:
            worker.taken = False
            self.admitted.count(worker.recipe, -1)
        if self.shutdown is not None:
            self.shutdown.ended(worker)

    def forget(self, worker: PodReport) -> None:
        """Nothing is left of a pod."""
        uid = worker.pod.meta.uid
        self.workers.pop(uid, None)
        self.statuses.forget(uid)

    def _end_orphans(self) -> None:
        """Containers of pods that the API does not have (any more) are killed [kubelet_pods.go `HandlePodCleanups`]."""
        for uid in [uid for uid in self.machine.sandboxes if uid not in self.workers]:
            Orphan(self, self.machine.sandboxes[uid]).end()
