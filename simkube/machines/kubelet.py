"""A machine's kubelet: its process, and the pods that it runs (behaviour 8.1, 8.2)."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from simkube.cluster.errors import ApiError, Unavailable
from simkube.cluster.store import Change, Did
from simkube.kube.objects import Pod, PodStatus
from simkube.machines.admission import Admitted, Refusal, refusal
from simkube.machines.alarms import Alarms
from simkube.machines.container import Container
from simkube.machines.grid import tick_after, tick_from
from simkube.machines.images import Puller
from simkube.machines.node_reporter import NodeReporter
from simkube.machines.orphans import Orphan
from simkube.machines.pod_report import PodReport
from simkube.machines.pod_worker import PodWorker
from simkube.machines.rules import Rules
from simkube.machines.shutdown import REFUSED, Shutdown
from simkube.machines.stage import Stage
from simkube.machines.static_pods import StaticPods, StaticWorker, is_mirror
from simkube.machines.status_manager import StatusManager
from simkube.trace.record import Record

if TYPE_CHECKING:
    from simkube.machines.machine import Machine

_TOLD = int(Did.STATUS | Did.READY | Did.PHASE)
_TERMINATING = int(Did.TERMINATING)


class Kubelet:
    """One kubelet, through all its restarts. `running`: its process is there; `watching`: it sees what the API says."""

    __slots__ = (
        "_waiting_for_network",
        "admitted",
        "alarms",
        "client",
        "clock",
        "machine",
        "node",
        "puller",
        "randoms",
        "rules",
        "running",
        "shutdown",
        "started_at",
        "starts",
        "statics",
        "statuses",
        "watching",
        "workers",
    )

    def __init__(self, machine: "Machine") -> None:
        fleet = machine.fleet
        self.machine = machine
        self.clock, self.randoms = fleet.clock, fleet.randoms
        self.client = fleet.api.client(f"kubelet/{machine.name}")
        self.rules: Rules = fleet.rules.of(machine.version)
        self.alarms = Alarms(machine)
        self.node = NodeReporter(self)
        self.running = self.watching = False
        self.started_at = 0.0
        self.starts = 0
        self._forget_all()

    def _forget_all(self) -> None:
        self.workers: dict[str, PodWorker] = {}
        self.admitted = Admitted()
        self.puller = Puller(self.machine, self.rules.timings.max_parallel_image_pulls)
        self.statuses = StatusManager(self)
        self._waiting_for_network: list[PodWorker] = []
        self.statics = StaticPods(self)
        self.shutdown: Shutdown | None = None

    # -- the process --------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Its process starts, with an empty memory."""
        if self.running:
            return
        fleet = self.machine.fleet
        self.running = True
        self.starts += 1
        self.started_at = self.clock.now
        self.rules = fleet.rules.of(self.machine.version)
        self._forget_all()
        self.node.reset()
        self._record("kubelet.started", self.machine.version)
        took = fleet.behaviour.kubelet_start.draw(
            self.randoms, "kubeletStart", self.machine.name, self.starts
        )
        self.alarms.at("start", self.clock.now + took, self._begin)

    def run_already(self, watching: bool = True) -> None:
        """It has been running for long: the state in which a run begins. `watching` False: until `listen`, it does not
        see what is bound to it."""
        self.running, self.watching = True, watching
        self.starts = 1
        self.started_at = self.clock.now - 7200.0 - 10.0 * self.randoms.unit("phase", self.machine.name)
        self._record("kubelet.started", self.machine.version)
        self.node.run_already()
        if watching:
            self.client.watch_pods_on(self.machine.name, self._changed)

    def adopt(self, pod: Pod) -> None:
        """A pod bound to this node has been running and Ready for some time: the state in which a run begins. Nothing
        happens to one that has begun to start here."""
        worker = self.workers.get(pod.meta.uid)
        if worker is None:
            worker = self.workers[pod.meta.uid] = PodWorker(self, pod, self.machine.fleet.recipes.of(pod))
            self.admitted.count(worker.recipe, 1)
        if worker.stage == Stage.WAITING:
            worker.rest()
            worker.run_already(self.clock.now)

    def stop(self, reason: str) -> None:
        """Its process is gone. Containers go on."""
        if not self.running:
            return
        self.running = False
        self._record("kubelet.stopped", reason=reason)
        self.node.stop()
        self.alarms.stop()
        self.puller.stop()
        if self.watching:
            self.watching = False
            self.client.watch_pods_on(self.machine.name, None)
        for worker in self.workers.values():
            worker.rest()
            for prober in (worker.probers or {}).values():
                prober.stop()
        for sandbox in self.machine.sandboxes.values():
            sandbox.kubelet_gone()
        self._forget_all()

    def _record(self, what: str, version: str | None = None, reason: str = "") -> None:
        name = self.machine.name
        record = Record(self.clock.now, what, "Node", name=name, node=name, reason=reason, value=version)
        self.machine.fleet.sink(record)

    def _begin(self) -> None:
        self.statics.start()
        self.node.register()

    def end_pods(self, done: Callable[[], None]) -> None:
        """The machine shuts down in an orderly way: end pods first, if the kubelet is set up for it; then `done`."""
        if self.running and self.rules.timings.shutdown_grace_period > 0.0:
            self.shutdown = Shutdown(self, done)
            self.shutdown.begin()
        else:
            done()

    # -- what the API says --------------------------------------------------------------------------------------

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
            period = self.rules.timings.housekeeping_period
            tick = tick_after(self.started_at, period, self.clock.now)
            self.alarms.at("housekeeping", tick, self._end_orphans)

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

    def _changed(self, change: Change) -> None:
        if change.by == self.client.name:
            return
        new: Pod | None = change.new
        if new is None:
            worker = self.workers.get(change.old.meta.uid)
            if worker is not None:
                worker.removed()
            elif is_mirror(change.old):
                self.statics.mirror_changed(change.old)
            return
        worker = self.workers.get(new.meta.uid)
        if worker is None or change.did & (_TERMINATING | _TOLD):
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
                self.clock.after(self.latency, partial(self._reject, pod, refused))
                return
        worker = PodWorker(self, pod, recipe)
        self.workers[pod.meta.uid] = worker
        self.admitted.count(recipe, 1)
        if pod.is_terminating:
            if sandbox is not None:
                worker.watch(sandbox)
            worker.asked_to_stop(pod.meta.deletion_grace_period_seconds)
        elif sandbox is not None:
            worker.take_over(sandbox, pod.is_ready)
        else:
            worker.begin(self.latency)

    def _reject(self, pod: Pod, refused: Refusal) -> None:
        """The pod ends here before it has begun [pkg/kubelet/kubelet.go `rejectPod`]."""
        current: Pod | None = self.client.get("Pod", pod.meta.name, pod.meta.namespace)
        if not self.running or current is None or current.meta.uid != pod.meta.uid:
            return
        self.client.event(current, "Warning", refused.reason, refused.message)
        status = PodStatus(
            phase="Failed",
            reason=refused.reason,
            message=f"Pod was rejected: {refused.message}",
            scheduled=current.status.scheduled,
            disrupted=current.status.disrupted,
        )
        try:
            self.client.update(replace(current, status=status))
        except Unavailable:
            self.clock.after(self.rules.timings.status_sync_period, partial(self._reject, pod, refused))
        except ApiError:
            return

    def _end_orphans(self) -> None:
        """Containers of pods that the API does not have (any more) are killed [kubelet_pods.go `HandlePodCleanups`]."""
        for uid in [uid for uid in self.machine.sandboxes if uid not in self.workers]:
            Orphan(self, self.machine.sandboxes[uid]).end()

    # -- pods that have ended ------------------------------------------------------------------------------------

    def release(self, worker: PodReport) -> None:
        """A pod's containers have ended: what it requested is free."""
        if worker.taken:
            worker.taken = False
            self.admitted.count(worker.recipe, -1)
        if self.shutdown is not None:
            self.shutdown.ended(worker)

    def forget(self, worker: PodReport) -> None:
        """Nothing is left of a pod."""
        self.workers.pop(worker.uid, None)
        self.statuses.forget(worker)

    @property
    def tells_events(self) -> bool:
        """Somebody reads Events: only then are their texts made."""
        return self.client.api.event_sink is not None

    @property
    def latency(self) -> float:
        """Seconds from a change in the API to the kubelet's reaction."""
        return self.client.api.latency

    # -- network and time ---------------------------------------------------------------------------------------

    @property
    def network_ready(self) -> bool:
        """Pods can have an address."""
        return self.machine.network_configured

    def wait_for_network(self, worker: PodWorker) -> None:
        """Start the pod once there is a network."""
        self._waiting_for_network.append(worker)

    def network_came_up(self) -> None:
        waiting, self._waiting_for_network = self._waiting_for_network, []
        timings = self.rules.timings
        for worker in waiting:
            if worker.stage == Stage.WAITING and worker.uid in self.workers:
                unit = self.randoms.unit("network", worker.pod.meta.namespace, worker.pod.meta.name)
                wait = timings.kubelet_transient_error_backoff * (1.0 + timings.sync_jitter * unit)
                worker.begin(wait)

    def next_relist(self) -> float:
        """When the kubelet looks next at what the runtime runs: every second."""
        period = self.rules.timings.pleg_relist_period
        return tick_after(self.started_at, period, self.clock.now)

    def loop_tick(self, time: float) -> float:
        """The first tick of the sync loop that is not before `time`."""
        period = self.rules.timings.kubelet_loop_tick
        return tick_from(self.started_at, period, time)

    def trusts(self, container: Container) -> bool:
        """A container that ran before the kubelet did keeps its readiness until a probe says otherwise."""
        before = self.started_at - self.rules.timings.restart_keeps_probes_before
        return self.rules.keeps_ready and container.started_at is not None and container.started_at < before
