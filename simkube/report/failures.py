"""Failures of services as lines of a story: what follows without a gap is one, what comes together is told together."""

from collections.abc import Sequence

from msgspec import Struct

from simkube.measure import Interval, Result, ServiceResult
from simkube.report.tables import seconds

MOST = 60  # lines; the failures that weigh least are left out
TOGETHER = 1.0  # seconds
CALLED = "it calls "  # how the cause begins that lies in another service


class Failure(Struct, frozen=True):
    """Services that failed alike from `start` on: how, and why. `weight`: time times depth."""

    start: float
    services: tuple[str, ...]
    how: str
    cause: str
    weight: float

    @property
    def text(self) -> str:
        return f"{', '.join(self.services)} {self.how}: {self.cause}"


def failures_of(result: Result) -> list[Failure]:
    """The failures of a run, in order of time; of many those that weigh most."""
    single = [_failure(service, run) for service in result.services for run in stretches_of(service)]
    single.sort(key=lambda failure: (failure.start, failure.services))
    together: dict[tuple[int, str, str], Failure] = {}
    for failure in single:
        key = (int(failure.start / TOGETHER), failure.how, _at_bottom(failure.cause))
        before = together.get(key)
        together[key] = failure if before is None else _joined(before, failure)
    heaviest = sorted(together.values(), key=lambda f: (-f.weight, f.start, f.services))[:MOST]
    return sorted(heaviest, key=lambda f: (f.start, f.services))


def _at_bottom(cause: str) -> str:
    """The cause without the calls that lead to it."""
    while cause.startswith(CALLED):
        cause = cause.partition(": ")[2]
    return cause


def _joined(one: Failure, two: Failure) -> Failure:
    weight = one.weight + two.weight
    return Failure(one.start, (*one.services, *two.services), one.how, _at_bottom(one.cause), weight)


def stretches_of(service: ServiceResult) -> list[list[Interval]]:
    """The intervals of each failure: those that follow each other without a gap."""
    stretches: list[list[Interval]] = []
    for interval in service.intervals:
        if stretches and interval.start <= stretches[-1][-1].end:
            stretches[-1].append(interval)
        else:
            stretches.append([interval])
    return stretches


def _failure(service: ServiceResult, stretch: Sequence[Interval]) -> Failure:
    out = [i for i in stretch if i.state == "out"]
    degraded = [i for i in stretch if i.state == "degraded"]
    parts = [f"out for {seconds(sum(i.duration for i in out))}"] if out else []
    if degraded:
        least = min(i.worst for i in degraded)
        lasted = seconds(sum(i.duration for i in degraded))
        parts.append(f"degraded for {lasted} ({least:.0%} of requests succeed at worst)")
    chosen = max(out or degraded, key=lambda i: i.duration)
    weight = sum(i.duration * (1.0 - i.worst) for i in stretch)
    return Failure(stretch[0].start, (service.name,), ", ".join(parts), chosen.cause, weight)
