"""The node lifecycle controller: who is silent for too long is Unknown, who is not Ready gets tainted (behaviour 1).

[pkg/controller/nodelifecycle/node_lifecycle_controller.go]. Two things go on:
- every change of a node is answered at once with the NoSchedule taints that its conditions and its cordon call for;
- every 5 s a pass looks at the nodes: heartbeats, NoExecute taints, pods of silent nodes, states of zones.

A pass here visits only the nodes for which it could find something to do, and is run only if there are any. When a
Lease ceases to be renewed, the pass on which its grace will be over is known, and that one is run.
"""

from collections.abc import Hashable
from contextlib import suppress
from heapq import heappop, heappush
from random import Random

from msgspec.structs import replace

from simkube.clock import Clock, Timer
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.errors import ApiError, NotFound
from simkube.cluster.nodes.leases import NAMESPACE
from simkube.cluster.nodes.monitor_grid import ROUNDING, MonitorGrid
from simkube.cluster.nodes.node_calls import mark_pod_not_ready, mark_pods_not_ready, swap_taints
from simkube.cluster.nodes.node_conditions import ready_status, unknown
from simkube.cluster.nodes.node_health import NEVER, NodeHealth, NodeHealthMap
from simkube.cluster.nodes.node_taints import has, needs_look, no_execute_taint, no_schedule_diff
from simkube.cluster.nodes.workers import CALL, Calls, Workers
from simkube.cluster.nodes.zone_tainter import ZoneTainter
from simkube.cluster.nodes.zone_watch import ZoneWatch
from simkube.cluster.nodes.zones import Shift
from simkube.cluster.store import Change, Did
from simkube.kube.objects import Node
from simkube.timings import Timings


class NodeLifecycle(Controller):
    """`random` decides when in the 5 s the first pass falls, in which order parallel workers come to nodes, and who is
    next in a taint queue: all that is arbitrary in reality."""

    def __init__(self, clock: Clock, client: Client, timings: Timings, random: Random) -> None:
        super().__init__(clock, client)
        self._timings = timings
        self._random = random
        minor = timings.version.minor_version
        self._asks_live_lease = minor >= (1, 37)  # NodeControllerLeaseCircuitBreaker
        self._taints_on_same_pass = minor >= (
            1,
            34,
        )  # before, a pass tainted by the condition that it had found
        self._workers = Workers(clock, client, timings.node_update_workers)
        self._tainter = ZoneTainter(clock, client, timings, random)
        self._begin(random.random() * timings.node_monitor_period)
        client.watch("Node", self._node_changed)
        client.watch("Lease", self._lease_changed)
        client.watch("Pod", self._pod_bound, Did.BOUND)

    # -- the process -------------------------------------------------------------------------------------------

    def stop(self) -> None:
        super().stop()
        self._workers.stop()
        self._tainter.stop()
        if self._timer is not None:
            self._timer.cancel()

    def start(self) -> None:
        """Every node is new to it: a fresh grace period, NoExecute taints removed and queued again (1.6)."""
        super().start()
        self._begin(0.0)

    def _begin(self, first_pass: float) -> None:
        now = self.clock.now
        self._grid = MonitorGrid(self._timings.node_monitor_period, now + first_pass)
        self._health = NodeHealthMap(self.client, self._timings, self._grid)
        self._known: dict[str, Node] = {}
        self._unmarked: set[str] = set()  # nodes some of whose pods could not be marked
        self._tainter.start()
        self._zones = ZoneWatch(self._timings, self._tainter)
        self._last_pass = float("-inf")
        self._timer: Timer | None = None
        self._due = NEVER
        nodes = self.client.table("Node")
        self._agenda = sorted(
            (now, name) for _, name in nodes
        )  # heap: visit this node on the first pass from then on
        for (_, name), node in nodes.items():
            if any(no_schedule_diff(node)):
                self.enqueue(name)
        self._arm()

    # -- what it hears -----------------------------------------------------------------------------------------

    def _node_changed(self, change: Change) -> None:
        if not self._running:
            return
        old, new = change.old, change.new
        name = change.object.meta.name
        if new is None:
            self._unmarked.discard(name)
            self._look_at(name)
            return
        if change.did & Did.STATUS and change.by != self.client.name:
            self._health.heard(new, self.clock.now)
        if needs_look(old, new):
            self._look_at(name)
        if any(no_schedule_diff(new)):
            self.enqueue(name)

    def _lease_changed(self, change: Change) -> None:
        lease = change.object
        if not self._running or lease.meta.namespace != NAMESPACE:
            return
        if change.new is None:
            self._health.lease_gone(lease, self.clock.now)
        if change.new is None or not lease.live:
            self._expect(lease.meta.name)

    def _pod_bound(self, change: Change) -> None:
        """1.3: a pod newly bound to a node whose recorded Ready is not True is marked too."""
        if self._running and self._health.is_down(change.new.node):
            self.enqueue(change.new.key)

    def reconcile(self, key: Hashable) -> None:
        """A node's name: its NoSchedule taints. A pod's key: it was bound to a node that is not Ready."""
        if isinstance(key, tuple):
            namespace, name = key
            pod = self.client.get("Pod", name, namespace)
            if pod is not None and self._health.is_down(pod.node):
                mark_pod_not_ready(self.client, key, pod.node)
            return
        node = self.client.get("Node", str(key))
        if node is not None:
            for _ in swap_taints(self.client, str(key), *no_schedule_diff(node)):
                pass

    # -- when a pass is due ------------------------------------------------------------------------------------

    def _look_at(self, name: str) -> None:
        """Visit the node on the next pass."""
        heappush(self._agenda, (self.clock.now, name))
        self._arm()

    def _expect(self, name: str) -> None:
        """Visit the node on the pass on which its grace will be over, unless something is heard of it."""
        over = self._health.grace_over(name)
        if over < NEVER:
            heappush(self._agenda, (over, name))
            self._arm()

    def _arm(self) -> None:
        """Have the next pass run that has a node to visit."""
        if not self._agenda or self._workers.busy:
            return  # a pass that is under way arms when it ends
        due = self._grid.first_from(self._agenda[0][0])
        if due <= self._last_pass:
            due = self._grid.after(self._last_pass)
        if self._timer is None or due < self._due:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.clock.at(due, self._pass)
            self._due = due

    # -- a pass ------------------------------------------------------------------------------------------------

    def _pass(self) -> None:
        """[`monitorNodeHealth`]: new and removed nodes, then all others in parallel, then the zones."""
        self._timer = None
        now = self._last_pass = self.clock.now
        names: dict[str, None] = {}
        while self._agenda and self._agenda[0][0] <= now + ROUNDING:
            names[heappop(self._agenda)[1]] = None
        order = sorted(names)
        self._random.shuffle(order)

        def visit() -> None:
            self._workers.run(map(self._visit, order), weigh)

        def weigh() -> None:
            self._workers.run([self._weigh()], self._pass_over)

        self._workers.run([self._register(order)], visit)

    def _pass_over(self) -> None:
        if self.clock.now > self._last_pass:
            self._grid.held_up(self._last_pass, self.clock.now)
        self._arm()

    def _register(self, names: list[str]) -> Calls:
        """Nodes that it did not know, and those that are gone."""
        for name in names:
            node = self.client.get("Node", name)
            if node is None:
                self._zones.forget(name)
                if name in self._known:
                    self._tell(self._known.pop(name), "RemovingNode", f"Removing Node {name} from Controller")
                continue
            self._zones.register(node)
            if name not in self._known:
                self._known[name] = node
                self._tell(node, "RegisteredNode", f"Registered Node {name} in Controller")
                with suppress(ApiError):  # the node's visit tries again
                    yield from self._tainter.release(node)

    def _tell(self, node: Node, reason: str, what: str) -> None:
        self.client.event(node, "Normal", reason, f"Node {node.meta.name} event: {what}")

    def _visit(self, name: str) -> Calls:
        """One node's part of a pass."""
        node = self.client.get("Node", name)
        if node is None:
            return
        health = self._health.seen(node, self.clock.now)
        observed = health.ready
        try:
            yield from self._judge(name, health)
        except ApiError:
            self._zones.forget(name)  # this pass does not count it; the next one tries again
            self._look_at(name)
            return
        node = self.client.get("Node", name)
        if node is None:
            return
        self._zones.count(node, health.ready == "True")
        if health.ready is None:
            self._unmarked.discard(name)
            return
        try:
            yield from self._taint(node, health.ready if self._taints_on_same_pass else observed)
        except ApiError:
            self._look_at(name)
        if health.ready != "True" and observed == "True":
            self.client.event(node, "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")
            yield from self._mark_pods(name)
        elif name in self._unmarked and observed != "True":
            yield from self._mark_pods(name)
        else:
            self._unmarked.discard(name)

    def _judge(self, name: str, health: NodeHealth) -> Calls:
        """1.2: when the grace is over, the conditions become Unknown. Raises `ApiError` if that cannot be written
        [`tryUpdateNodeHealth` and its retries]."""
        tries = self._timings.node_health_update_retries
        while health.ready != "Unknown":
            if self.clock.now < self._health.grace_over(name) - ROUNDING:
                self._expect(name)
                return
            if self._asks_live_lease:
                self._ask_lease(name)
                yield CALL
            try:
                self._write_unknown(name)
                health.ready = "Unknown"
                yield CALL
            except ApiError:
                tries -= 1
                if not tries:
                    raise
                yield CALL
                health.ready = ready_status(self.client.read("Node", name))
                yield self._timings.node_health_retry_sleep

    def _write_unknown(self, name: str) -> None:
        node = self.client.get("Node", name)
        if node is None:
            raise NotFound(f'nodes "{name}" not found')
        conditions = unknown(node.status.conditions, self.clock.now)
        self.client.update(replace(node, status=replace(node.status, conditions=conditions)))

    def _ask_lease(self, name: str) -> None:
        """1.37: a live GET of the Lease first. No such Lease: as before. No answer: not this time, raises `ApiError`.
        A Lease newer than the cached one cannot be: caches do not lag behind while the API answers."""
        with suppress(NotFound):
            self.client.read("Lease", name, NAMESPACE)

    def _taint(self, node: Node, status: str | None) -> Calls:
        """[`processTaintBaseEviction`]: queue the node, or swap the opposite taint at once; or it is well again."""
        taints = no_execute_taint(status)
        if taints is None:
            yield from self._tainter.release(node)
        elif has(node.taints, taints[1]):
            yield from swap_taints(self.client, node.meta.name, taints[:1], taints[1:])
        else:
            self._tainter.add(node)

    def _mark_pods(self, name: str) -> Calls:
        """1.3: the pods of a node that fell silent are not Ready. Those that fail are tried again on the next pass."""
        failed: list[tuple[str, str]] = []
        yield from mark_pods_not_ready(self.client, name, failed)
        if failed:
            self._unmarked.add(name)
            self._look_at(name)
        else:
            self._unmarked.discard(name)

    def _weigh(self) -> Calls:
        """1.5. In master disruption mode no node is Ready, so the fault is likely ours: NoExecute taints go from all
        nodes. When it ends, every node counts as heard just now."""
        change = self._zones.weigh()
        if change is Shift.LEAVE:
            self._health.pardon(self.clock.now)
        if change is Shift.ENTER:
            for (_, name), node in list(self.client.table("Node").items()):
                with suppress(ApiError):
                    yield from self._tainter.release(node)
                self._look_at(name)
