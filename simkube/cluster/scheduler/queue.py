"""Pods that wait to be scheduled: active, backing off, or unschedulable until something happens.

[pkg/scheduler/backend/queue/{scheduling_queue,active_queue,backoff_queue}.go]
"""

from collections.abc import Iterable
from heapq import heappop, heappush
from math import ceil, floor, inf
from typing import Any

from simkube.kube.objects import Key, Pod
from simkube.timings import Timings

ACTIVE, BACKOFF, POOL, GATED, OUT = "active", "backoff", "unschedulable", "gated", ""
EARLY_SINCE = 33  # since this minor backoffs end on whole windows, and early if nothing else is to be done


class Queued:
    """A pod in the queue. `rejectors`: the plugins that rejected it last; none after an error."""

    __slots__ = (
        "errors",
        "expires",
        "key",
        "place",
        "pod",
        "priority",
        "rejectors",
        "since",
        "ticket",
        "tries",
        "unschedulable",
    )

    def __init__(self, pod: Pod, now: float) -> None:
        self.key = pod.key
        self.pod = pod
        self.priority = pod.template.priority
        self.since = now  # when it was queued, or last failed
        self.place = OUT
        self.ticket = 0  # of its entry in a heap; older entries are void
        self.rejectors: tuple[str, ...] = ()
        self.tries = 0
        self.unschedulable = 0  # times that plugins rejected it
        self.errors = 0  # errors in a row
        self.expires = 0.0  # when its backoff ends


BackingOff = tuple[float, int, float, int, Queued]


class Queue:
    """Times are virtual seconds; the owner calls `flush` when `next_flush` says."""

    def __init__(self, timings: Timings, started: float) -> None:
        self._timings = timings
        self._early = timings.version.minor >= EARLY_SINCE
        self._started = started  # the grids of flushes begin here
        self._by_key: dict[Key, Queued] = {}
        self._active: list[tuple[int, float, int, Queued]] = []
        self._backoff: list[BackingOff] = []
        self._errors: list[BackingOff] = []  # those of _backoff that failed for an error: never tried early
        self._pool: dict[Key, Queued] = {}  # unschedulable pods, by when they failed
        self._ticket = 0
        self._rejected: dict[str, dict[Key, Queued]] = {}  # plugin -> unschedulable pods that it rejected

    def __len__(self) -> int:
        return len(self._by_key)

    @property
    def unschedulable(self) -> int:
        """How many pods wait for something to happen."""
        return len(self._pool)

    def get(self, key: Key) -> Queued | None:
        return self._by_key.get(key)

    def waiting(self, plugin: str) -> Iterable[Queued]:
        """Unschedulable pods that the plugin rejected."""
        return list(self._rejected.get(plugin, {}).values())

    # -- in and out ---------------------------------------------------------------------------------------------

    def add(self, pod: Pod, now: float) -> None:
        """A new pod; one with scheduling gates waits until these are gone."""
        queued = self._by_key[pod.key] = Queued(pod, now)
        if pod.template.spec.scheduling_gates:
            queued.place = GATED
        else:
            self._activate(queued)

    def update(self, pod: Pod, now: float) -> None:
        """The pod has changed."""
        queued = self._by_key.get(pod.key)
        if queued is None or queued.pod.meta.uid != pod.meta.uid:
            self.add(pod, now)
            return
        changed = pod.template is not queued.pod.template or pod.meta.labels != queued.pod.meta.labels
        queued.pod = pod
        if queued.place == GATED and not pod.template.spec.scheduling_gates:
            self._activate(queued)
        elif queued.place == POOL and changed:
            self.wake(queued, now)

    def remove(self, key: Key) -> None:
        """Harmless for a pod that is not there."""
        queued = self._by_key.pop(key, None)
        if queued is not None:
            self._leave(queued)

    def pop(self, now: float) -> Queued | None:
        """The next pod to schedule: highest priority first, then the one that has waited longest."""
        heaps: list[list[Any]] = [self._active, self._backoff] if self._early else [self._active]
        for heap in heaps:
            while heap:
                queued: Queued
                *_, ticket, queued = heappop(heap)
                if queued.ticket == ticket:
                    queued.place = OUT
                    queued.tries += 1
                    return queued
        return None

    def fail(self, queued: Queued, rejectors: tuple[str, ...], now: float) -> None:
        """A popped pod comes back: rejected, it waits until something wakes it; after an error it backs off."""
        queued.rejectors = rejectors
        queued.since = now
        if rejectors:
            queued.unschedulable += 1
            queued.errors = 0
        else:
            queued.errors += 1
        count = queued.errors or queued.unschedulable
        queued.expires = self._align(now + self._duration(count if self._early else queued.tries))
        self._by_key[queued.key] = queued
        if not rejectors:
            self.wake(queued, now)
            return
        queued.place = POOL
        self._pool[queued.key] = queued
        for plugin in rejectors:
            self._rejected.setdefault(plugin, {})[queued.key] = queued

    # -- waking -------------------------------------------------------------------------------------------------

    def wake(self, queued: Queued, now: float) -> None:
        """Something has happened that may let the pod fit: it is tried again once its backoff is over."""
        self._leave(queued)
        if self._backs_off(queued, now):
            queued.place = BACKOFF
            heap = self._backoff if queued.rejectors else self._errors
            heappush(heap, (queued.expires, -queued.priority, queued.since, self._next(queued), queued))
        else:
            self._activate(queued)

    def flush(self, now: float) -> None:
        """Activate pods whose backoff is over, and wake those that have been unschedulable for too long."""
        for heap in (self._backoff, self._errors):
            while (first := self._first(heap)) is not None and not self._backs_off(first, now):
                heappop(heap)
                self._activate(first)
        limit = self._timings.max_in_unschedulable_pods
        for queued in list(self._pool.values()):
            if now - queued.since <= limit:
                break
            self.wake(queued, now)

    def next_flush(self, now: float) -> float:
        """When `flush` will find something to do; infinity if nothing waits."""
        t = self._timings
        when = inf
        for heap in (self._backoff, self._errors):
            first = self._first(heap)
            if first is not None:
                over, window = first.expires, t.backoff_window
                when = min(
                    when, (floor(over / window) + 1) * window if self._early else self._tick(over, window)
                )
        oldest = next(iter(self._pool.values()), None)
        if oldest is not None:
            due = self._tick(oldest.since + t.max_in_unschedulable_pods, t.flush_unschedulable_period)
            if due - oldest.since <= t.max_in_unschedulable_pods:
                due += t.flush_unschedulable_period
            when = min(when, due)
        return max(when, now)

    @staticmethod
    def _first(heap: list[BackingOff]) -> Queued | None:
        """The first valid entry; void ones before it are dropped."""
        while heap:
            *_, ticket, queued = heap[0]
            if queued.ticket == ticket:
                return queued
            heappop(heap)
        return None

    def _tick(self, time: float, period: float) -> float:
        """The first multiple of the period after the start that is not before `time`."""
        return self._started + ceil((time - self._started) / period) * period

    def _duration(self, count: int) -> float:
        """[`calculateBackoffDuration`]"""
        t = self._timings
        return 0.0 if not count else min(t.pod_max_backoff, t.pod_initial_backoff * 2.0 ** min(count - 1, 60))

    def _align(self, time: float) -> float:
        window = self._timings.backoff_window
        return floor(time / window) * window if self._early else time

    def _backs_off(self, queued: Queued, now: float) -> bool:
        """[`isPodBackingoff`]"""
        if not (queued.errors or queued.unschedulable):
            return False
        return queued.expires >= self._align(now) if self._early else queued.expires > now

    # -- places -------------------------------------------------------------------------------------------------

    def _activate(self, queued: Queued) -> None:
        queued.place = ACTIVE
        heappush(self._active, (-queued.priority, queued.since, self._next(queued), queued))

    def _next(self, queued: Queued) -> int:
        self._ticket += 1
        queued.ticket = self._ticket
        return self._ticket

    def _leave(self, queued: Queued) -> None:
        if queued.place == POOL:
            del self._pool[queued.key]
            for plugin in queued.rejectors:
                del self._rejected[plugin][queued.key]
        queued.place = OUT
        queued.ticket = 0
