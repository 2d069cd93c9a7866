"""Parallel workers of one client: each makes its calls one after the other, all share the client's rate limit.

A job is a generator that yields after each call to the API (`CALL`) and wherever it sleeps (seconds). So work reads
top to bottom as in Kubernetes, takes the time that its calls take, and ends in between when the process does.
"""

from collections.abc import Callable, Generator, Iterable, Iterator

from simkube.clock import Clock, Timer
from simkube.cluster.api import Client

Calls = Generator[float, None, None]
CALL = 0.0  # yield CALL: "I have made a call"


class Workers:
    """At most `size` jobs at a time. After a call a worker goes on when the API's latency is over and the rate limit
    lets the next call through."""

    def __init__(self, clock: Clock, client: Client, size: int) -> None:
        self._clock = clock
        self._client = client
        self._size = size
        self._jobs: Iterator[Calls] = iter(())
        self._then: Callable[[], None] | None = None
        self._sleeping: dict[int, Timer] = {}

    @property
    def busy(self) -> bool:
        """Some job is not done."""
        return self._then is not None

    def run(self, jobs: Iterable[Calls], then: Callable[[], None]) -> None:
        """Do the jobs, in order as workers become free; then call `then`."""
        self._jobs = iter(jobs)
        self._then = then
        for worker in range(self._size):
            self._next_job(worker)
        self._finish()

    def stop(self) -> None:
        """The process is gone: what was begun stays half done."""
        for timer in self._sleeping.values():
            timer.cancel()
        self._sleeping.clear()
        self._jobs = iter(())
        self._then = None

    def _next_job(self, worker: int) -> None:
        for job in self._jobs:
            if self._advance(worker, job):
                return

    def _advance(self, worker: int, job: Calls) -> bool:
        """Go on with a job; True if it has to wait."""
        for pause in job:
            delay = max(pause, self._client.api.latency, self._client.wait())
            if delay > 0.0:
                self._sleeping[worker] = self._clock.after(delay, lambda: self._wake(worker, job))
                return True
        return False

    def _wake(self, worker: int, job: Calls) -> None:
        del self._sleeping[worker]
        if not self._advance(worker, job):
            self._next_job(worker)
            self._finish()

    def _finish(self) -> None:
        if not self._sleeping and self._then is not None:
            then, self._then = self._then, None
            then()
