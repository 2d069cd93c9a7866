"""Waits that double: CrashLoopBackOff, image pulls, calls to an API that is away. Pure.

[client-go util/flowcontrol/backoff.go; pkg/kubelet/kuberuntime/kuberuntime_manager.go `doBackOff`]
"""

from collections.abc import Callable
from typing import NamedTuple


class Backoff(NamedTuple):
    """How long the next try must wait, and when the last try was."""

    wait: float
    tried: float


def remaining(backoff: Backoff | None, event: float, now: float, reset: float) -> float:
    """Seconds until something that failed at `event` may be tried again. `reset`: what held for longer than this since
    the last try starts over."""
    if backoff is None or event - backoff.tried > reset:
        return 0.0
    return max(0.0, event + backoff.wait - now)


def next_backoff(
    backoff: Backoff | None, event: float, now: float, first: float, longest: float, reset: float
) -> Backoff:
    """The backoff after a try at `now`: the first failure sets `first`, each further one doubles it."""
    if backoff is None or event - backoff.tried > reset:
        return Backoff(first, now)
    return Backoff(min(backoff.wait * 2.0, longest), now)


def next_attempt(
    since: float, now: float, first: float, longest: float, jitter: float, unit: Callable[[int], float]
) -> float:
    """When a caller that has failed since `since`, and tries again after `first`, twice that ... up to `longest`
    seconds (each stretched by up to `jitter`, drawn by `unit(n)` within 0 and 1), tries next: after `now`."""
    time, wait, tries = since, first, 0
    while time <= now:
        time += wait * (1.0 + jitter * unit(tries))
        wait = min(wait * 2.0, longest)
        tries += 1
    return time
