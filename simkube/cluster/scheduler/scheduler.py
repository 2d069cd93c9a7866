"""The scheduler: follows nodes and pods, takes pods from its queue one by one, binds each to a node or says why not.

[pkg/scheduler/{scheduler,schedule_one,eventhandlers}.go]; the default profile only.
"""

from contextlib import suppress
from math import inf
from random import Random

from msgspec.structs import replace

from simkube.clock import Clock, Timer
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.errors import ApiError
from simkube.cluster.scheduler.balanced_allocation import BalancedAllocation
from simkube.cluster.scheduler.binding import Binder
from simkube.cluster.scheduler.claims import CLAIM, CLASS, VOLUME
from simkube.cluster.scheduler.cycle import Choice, Cycle
from simkube.cluster.scheduler.diagnosis import Diagnosis
from simkube.cluster.scheduler.evicting import Evictor
from simkube.cluster.scheduler.image_locality import ImageLocality
from simkube.cluster.scheduler.inter_pod_affinity import InterPodAffinity
from simkube.cluster.scheduler.node_affinity import NodeAffinity
from simkube.cluster.scheduler.node_ports import NodePorts
from simkube.cluster.scheduler.node_resources_fit import NodeResourcesFit
from simkube.cluster.scheduler.node_unschedulable import NodeUnschedulable
from simkube.cluster.scheduler.plugin import Ask, Event, Happening
from simkube.cluster.scheduler.pod_topology_spread import PodTopologySpread
from simkube.cluster.scheduler.preemption import Candidate, Outcome, Preemption
from simkube.cluster.scheduler.queue import Queue, Queued
from simkube.cluster.scheduler.state import State
from simkube.cluster.scheduler.taint_toleration import TaintToleration
from simkube.cluster.scheduler.volume_binding import VolumeBinding
from simkube.cluster.scheduler.volume_restrictions import VolumeRestrictions
from simkube.cluster.scheduler.volume_zone import VolumeZone
from simkube.cluster.scheduler.waking import Waking, node_events
from simkube.cluster.store import Change, Did
from simkube.kube.objects import Condition, Key, Pod, PodStatus
from simkube.timings import Timings

NAME = "default-scheduler"
PLUGINS = (
    NodeUnschedulable,
    TaintToleration,
    NodeAffinity,
    NodePorts,
    NodeResourcesFit,
    VolumeRestrictions,
    VolumeBinding,
    VolumeZone,
    PodTopologySpread,
    InterPodAffinity,
    BalancedAllocation,
    ImageLocality,
)
"""In the order in which they filter [apis/config/v1/default_plugins.go]."""

_POD = Did.ADDED | Did.REMOVED | Did.META | Did.SPEC | Did.BOUND | Did.PHASE | Did.TERMINATING
_STORAGE = {CLAIM: Happening.CLAIM, VOLUME: Happening.VOLUME, CLASS: Happening.CLASS}


class Scheduler(Controller):
    """kube-scheduler. `random` breaks ties."""

    def __init__(self, clock: Clock, client: Client, timings: Timings, random: Random) -> None:
        super().__init__(clock, client)
        self._timings = timings
        self.state = State(client)
        plugins = [plugin(self.state, timings) for plugin in PLUGINS]
        self.cycle = Cycle(self.state, plugins, timings, random)
        self._preemption = Preemption(self.cycle, timings, random)
        self._waking = Waking(self.cycle, plugins, timings.version.minor)
        self._evictor = Evictor(clock, client, timings, self.state, NAME, self._again)
        self._binder = Binder(clock, client, timings, self.state, self._bound, self._could_not_bind)
        self.queue = Queue(timings, clock.now)
        self._alarm: Timer | None = None
        self._alarm_at = inf
        for node in client.table("Node").values():
            self.state.add_node(node)
        client.watch("Node", self._node_changed)
        client.watch("Pod", self._pod_changed, _POD)
        client.watch("Namespace", self._namespace_changed, Did.ADDED | Did.META)
        for kind in _STORAGE:
            client.watch(kind, self._storage_changed)
        self._queue_all()

    def stop(self) -> None:
        super().stop()
        self._binder.stop()
        self.state.nominated.clear()
        self.queue = Queue(self._timings, self.clock.now)
        self._set_alarm(inf)

    def start(self) -> None:
        super().start()
        self.queue = Queue(self._timings, self.clock.now)
        self._queue_all()

    def _queue_all(self) -> None:
        for pod in self.client.table("Pod").values():
            self._see_pending(pod)

    # -- what happens -------------------------------------------------------------------------------------------

    def _node_changed(self, change: Change) -> None:
        old, new = change.old, change.new
        if old is None:
            self.state.add_node(new)
            self._happened(Happening.NODE_ADDED, None, new)
        elif new is None:
            self.state.remove_node(old)
            self._happened(Happening.NODE_REMOVED, old, None)
        else:
            what = node_events(old, new)
            if what or old.status.images is not new.status.images:
                self.state.change_node(old, new)
            for happening in what:
                self._happened(happening, old, new)

    def _pod_changed(self, change: Change) -> None:
        old, new = change.old, change.new
        was = old is not None and old.node and not old.is_finished
        is_now = new is not None and new.node and not new.is_finished
        if was and is_now:
            self._assigned_changed(old, new)
        elif is_now:
            self.queue.remove(new.key)
            self._assigned(new)
        elif was:
            self.state.release(old, old.node)
            self._happened(Happening.POD_REMOVED, old, None)
        elif new is None:
            self._pending_gone(old)
        elif not new.node:
            self._see_pending(new)

    def _assigned(self, pod: Pod) -> None:
        assumed = self.state.assumed.get(pod.key)
        if assumed is not None and assumed[1] == pod.node:
            del self.state.assumed[pod.key]
        else:
            self._binder.cancel(pod.key)
            self.state.assign(pod, pod.node)
        if self.state.nominated:
            self.state.nominate(pod, "")
        self._happened(Happening.POD_ADDED, None, pod)

    def _assigned_changed(self, old: Pod, new: Pod) -> None:
        state = self.state
        relabelled = old.meta is not new.meta and old.meta.labels != new.meta.labels
        if relabelled or old.template is not new.template:
            state.release(old, old.node)
            state.assign(new, new.node)
        elif new.is_terminating and not old.is_terminating:
            state.leave(new, new.node)
        if relabelled:
            self._happened(Happening.POD_LABELS, old, new)

    def _see_pending(self, pod: Pod) -> None:
        if pod.node or pod.is_finished or pod.template.spec.scheduler_name != NAME or not self._running:
            return
        self.queue.update(pod, self.clock.now)
        if pod.status.nominated_node:
            self.state.nominate(pod, pod.status.nominated_node)
        self._kick()

    def _pending_gone(self, pod: Pod) -> None:
        self.queue.remove(pod.key)
        nominated = any(pod.key in waiting for waiting in self.state.nominated.values())
        self.state.nominate(pod, "")
        if self._binder.cancel(pod.key) or nominated:
            self._happened(Happening.POD_REMOVED, pod, None)

    def _namespace_changed(self, change: Change) -> None:
        if change.new.meta.labels:
            self.state.tallies.reset()

    def _storage_changed(self, change: Change) -> None:
        if change.new is not None:
            self._happened(_STORAGE[change.new.kind], change.old, change.new)

    def _happened(self, what: Happening, old: object, new: object) -> None:
        """Wake the pods that might fit now."""
        if self.queue.unschedulable:
            for queued in list(self._waking.woken(Event(what, old, new), self.queue)):
                self.queue.wake(queued, self.clock.now)
                self._kick()

    # -- scheduling ---------------------------------------------------------------------------------------------

    def _kick(self) -> None:
        """Look into the queue once what is happening now has been seen."""
        if self._wake is None and self._running:
            self._wake = self.clock.after(self.client.api.latency, self._work)

    def _work(self) -> None:
        self._wake = None
        now = self.clock.now
        self.queue.flush(now)
        while (queued := self.queue.pop(now)) is not None:
            self._schedule(queued)
            failed = bool(queued.place)  # to say so takes its time
            if failed and (delay := self.client.wait()) > 0.0:
                self._wake = self.clock.after(delay, self._work)
                break
        self._set_alarm(self.queue.next_flush(now))

    def _set_alarm(self, at: float) -> None:
        if at == self._alarm_at:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = None if at == inf else self.clock.at(at, self._ring)

    def _ring(self) -> None:
        self._alarm, self._alarm_at = None, inf
        if self._wake is None:
            self._work()

    def _schedule(self, queued: Queued) -> None:
        pod = self.client.get("Pod", queued.key[1], queued.key[0])
        if pod is None or pod.node or pod.meta.uid != queued.pod.meta.uid:
            self.queue.remove(queued.key)
        elif pod.is_terminating:
            self.queue.remove(queued.key)
            self._tell(pod, f"skip schedule deleting pod: {'/'.join(pod.key)}")
        else:
            queued.pod = pod
            ask = self.cycle.ask(pod)
            result = self.cycle.choose(pod, ask)
            if isinstance(result, Choice):
                self._binder.bind(queued, pod, result)
            else:
                self._does_not_fit(queued, pod, ask, result)

    def _bound(self, pod: Pod, node: str) -> None:
        name = f"{pod.meta.namespace}/{pod.meta.name}"
        self.client.event(pod, "Normal", "Scheduled", f"Successfully assigned {name} to {node}")

    def _could_not_bind(self, queued: Queued, pod: Pod, message: str) -> None:
        """An error, not a rejection: it backs off."""
        self._happened(Happening.POD_REMOVED, pod, None)
        self.queue.fail(queued, (), self.clock.now)
        self._report(pod.key, "SchedulerError", message, pod.status.nominated_node)
        self._kick()

    # -- failing ------------------------------------------------------------------------------------------------

    def _does_not_fit(self, queued: Queued, pod: Pod, ask: Ask, diagnosis: Diagnosis) -> None:
        now, message, outcome = self.clock.now, str(diagnosis), Outcome("")
        if diagnosis.nodes:
            filters = () if diagnosis.whole else self.cycle.filters(ask, pod)
            outcome = self._preemption.preempt(pod, filters, diagnosis, now)
        if outcome.message:
            message = f"{message} preemption: {outcome.message}"
        self.queue.fail(queued, diagnosis.rejectors, now)
        node = "" if outcome.clear else pod.status.nominated_node
        if outcome.candidate is not None:
            node = outcome.candidate.node
        if node or self.state.nominated:
            self.state.nominate(pod, node)
        self._report(pod.key, "Unschedulable", message, node)
        candidate = outcome.candidate
        if candidate is not None:
            self.clock.after(self.client.api.latency, lambda: self._evict(pod, candidate))

    def _evict(self, preemptor: Pod, candidate: Candidate) -> None:
        if self._running:
            self._evictor.evict(preemptor, candidate)

    def _again(self, key: Key) -> None:
        queued = self.queue.get(key)
        if queued is not None and queued.place:
            self.queue.wake(queued, self.clock.now)
            self._kick()

    def _report(self, key: Key, reason: str, message: str, nominated: str) -> None:
        """The pod's condition PodScheduled, and an event; what was said before only counts up a series of events."""
        pod = self.client.get("Pod", key[1], key[0])
        if pod is None or pod.node:
            return
        status: PodStatus = pod.status
        before = status.scheduled
        said = before is not None and (before.status, before.reason, before.message) == (
            "False",
            reason,
            message,
        )
        if not said:
            self._tell(pod, message)
        if said and status.nominated_node == nominated:
            return
        since = before.since if before is not None and before.status == "False" else self.clock.now
        condition = Condition("PodScheduled", "False", since, reason, message)
        status = replace(status, scheduled=condition, nominated_node=nominated)
        with suppress(ApiError):  # the next failure says it again
            self.client.update(replace(pod, status=status))

    def _tell(self, pod: Pod, message: str) -> None:
        self.client.event(pod, "Warning", "FailedScheduling", message)
