"""What every controller is: a queue of keys on the shared clock, and a `reconcile` that makes one key right.

As in client-go: a key stands in the queue once, a reconcile that fails is tried again after a backoff that doubles from
5 ms to 1000 s [workqueue `DefaultTypedControllerRateLimiter`], and the client's rate limit slows the whole controller.
"""

from collections import deque
from collections.abc import Hashable

from simkube.clock import Clock, Timer
from simkube.cluster.api import Client
from simkube.cluster.errors import ApiError


class Controller:
    """Base of the controllers. Subclasses subscribe in `__init__` and implement `reconcile`."""

    backoff_initial = 0.005  # s
    backoff_max = 1000.0  # s

    def __init__(self, clock: Clock, client: Client) -> None:
        self.clock = clock
        self.client = client
        self._queue: dict[Hashable, None] = {}
        self._batch: deque[Hashable] = deque()  # of the queue, what the wake under way is to do
        self._failures: dict[Hashable, int] = {}
        self._delayed: dict[Hashable, tuple[float, Timer]] = {}
        self._wake: Timer | None = None
        self._running = True

    def reconcile(self, key: Hashable) -> None:
        """Make one key right, from what the API says now. May raise `ApiError`: the key is tried again."""
        raise NotImplementedError

    def enqueue(self, key: Hashable) -> None:
        """Have `key` reconciled once what is happening now has been seen (the API's latency from now)."""
        self._queue[key] = None
        if self._wake is None and self._running:
            self._wake = self.clock.after(self.client.api.latency, self._work)

    def enqueue_after(self, key: Hashable, delay: float) -> Timer:
        """Have `key` reconciled `delay` seconds from now."""
        return self.clock.after(delay, lambda: self.enqueue(key))

    def enqueue_at(self, key: Hashable, time: float) -> None:
        """Have `key` reconciled at `time`, unless it is due before that; one such timer stands for a key, as in
        client-go's delaying queue."""
        due = self._delayed.get(key)
        if due is not None:
            if due[0] <= time:
                return
            due[1].cancel()
        self._delayed[key] = (time, self.clock.at(time, lambda: self._fall_due(key)))

    def _fall_due(self, key: Hashable) -> None:
        del self._delayed[key]
        self.enqueue(key)

    def stop(self) -> None:
        """The process is gone: nothing is reconciled until `start`; what was queued is forgotten."""
        self._running = False
        self._queue.clear()
        self._batch.clear()
        self._failures.clear()
        for _, timer in self._delayed.values():
            timer.cancel()
        self._delayed.clear()
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None

    def start(self) -> None:
        """The process is back, with empty memory: subclasses extend this to look at everything anew."""
        self._running = True

    def _work(self) -> None:
        """Reconcile what is queued now, as fast as the rate limit lets it; what that queues comes with another wake."""
        self._wake = None
        queue, batch = self._queue, self._batch
        if not batch:
            batch.extend(queue)
        while batch:
            delay = self.client.wait()
            if delay > 0.0:
                if self._wake is not None:
                    self._wake.cancel()
                self._wake = self.clock.after(delay, self._work)
                return
            key = batch.popleft()
            del queue[key]
            try:
                self.reconcile(key)
            except ApiError:
                self._retry(key)
            else:
                if self._failures:
                    self._failures.pop(key, None)
        if queue and self._wake is None and self._running:
            self._wake = self.clock.after(0.0, self._work)

    def _retry(self, key: Hashable) -> None:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.enqueue_after(key, min(self.backoff_max, self.backoff_initial * 2.0**failures))
