"""Puts the NoExecute taints on nodes, zone by zone, as fast as each zone may (behaviour 1.4).

The queues are looked at every 100 ms; only the looks that will let a node through are run.
"""

from math import ceil
from random import Random

from simkube.clock import Clock, Timer
from simkube.cluster.api import Client
from simkube.cluster.errors import ApiError
from simkube.cluster.nodes.monitor_grid import ROUNDING
from simkube.cluster.nodes.node_calls import remove_taints, swap_taints
from simkube.cluster.nodes.node_conditions import ready_status
from simkube.cluster.nodes.node_taints import NOT_READY, UNREACHABLE, has, no_execute_taint
from simkube.cluster.nodes.taint_queue import NEVER, TaintQueue
from simkube.cluster.nodes.workers import Calls, Workers
from simkube.cluster.nodes.zones import zone_of
from simkube.kube.objects import Node
from simkube.timings import Timings


class ZoneTainter:
    """The taint queues of all zones."""

    def __init__(self, clock: Clock, client: Client, timings: Timings, random: Random) -> None:
        self._clock = clock
        self._client = client
        self._timings = timings
        self._random = random
        self._queues: dict[str, TaintQueue] = {}
        self._worker = Workers(clock, client, 1)
        self._look: Timer | None = None
        self._look_at = NEVER
        self._base = clock.now

    def start(self) -> None:
        """The process is there: it looks every poll period from some moment on."""
        self._base = self._clock.now + self._random.random() * self._timings.node_eviction_poll

    def stop(self) -> None:
        """The process is gone, and the queues with it."""
        self._queues.clear()
        self._worker.stop()
        self._cancel()

    def new_zone(self, zone: str) -> None:
        """A zone without a state gets a new queue, with the full rate."""
        rate, burst = self._timings.node_eviction_rate, self._timings.node_eviction_burst
        self._queues[zone] = TaintQueue(rate, burst, self._clock.now)

    def set_rate(self, zone: str, rate: float) -> None:
        """Nodes a second that the zone lets through."""
        self._queue(zone).set_rate(rate, self._clock.now)
        self._arm()

    def add(self, node: Node) -> None:
        """Queue a node that is not Ready. One that has its taint already counts as let through, if it was."""
        taint = no_execute_taint(ready_status(node))
        queue = self._queue(zone_of(node.meta.labels))
        if taint is not None and not has(node.taints, taint[0]):
            queue.remove(node.meta.name)
        queue.add(node.meta.name)
        self._arm()

    def release(self, node: Node) -> Calls:
        """Take both NoExecute taints off a node, and the node out of the queue. Raises `ApiError`."""
        yield from remove_taints(self._client, node.meta.name, (UNREACHABLE,))
        yield from remove_taints(self._client, node.meta.name, (NOT_READY,))
        self._queue(zone_of(node.meta.labels)).remove(node.meta.name)

    def _queue(self, zone: str) -> TaintQueue:
        if zone not in self._queues:
            self.new_zone(zone)
        return self._queues[zone]

    # -- looking -----------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """Look when the first queue can let a node through, on the grid of polls."""
        if self._worker.busy:
            return  # it arms when it is done
        now = self._clock.now
        ready = min((queue.ready_at(now) for queue in self._queues.values()), default=NEVER)
        if ready == NEVER:
            self._cancel()
            return
        poll = self._timings.node_eviction_poll
        due = self._base + ceil((max(ready, now) - self._base - ROUNDING) / poll) * poll
        if due < now + ROUNDING:
            due = now
        if due != self._look_at:
            self._cancel()
            self._look = self._clock.at(due, self._run)
            self._look_at = due

    def _cancel(self) -> None:
        if self._look is not None:
            self._look.cancel()
        self._look = None
        self._look_at = NEVER

    def _run(self) -> None:
        self._look = None
        self._look_at = NEVER
        self._worker.run([self._taint_some()], self._arm)

    def _taint_some(self) -> Calls:
        """[`doNoExecuteTaintingPass`]: a node that is Ready again, or gone, costs a token all the same."""
        for queue in list(self._queues.values()):
            while queue and queue.bucket.take(self._clock.now):
                name = queue.draw(self._random)
                node = self._client.get("Node", name)
                taints = None if node is None else no_execute_taint(ready_status(node))
                if taints is not None:
                    add, remove = taints
                    try:
                        yield from swap_taints(self._client, name, (add,), (remove,))
                    except ApiError:
                        continue  # it stays in the queue
                queue.let_through(name)
