"""Which services kept what the scenario asks of them."""

from collections.abc import Mapping

from msgspec import Struct

from simkube.measure import Interval, Result, ServiceResult
from simkube.scenario.scenario import Objective


class Breach(Struct, frozen=True):
    """An objective that a service missed: what was asked, what it had, and the failure that weighed most."""

    namespace: str
    service: str
    asked: str
    had: str
    worst: Interval | None

    @property
    def text(self) -> str:
        """One line: which service, what, when, how long, why."""
        line = f"{self.service}: {self.asked}, had {self.had}"
        if self.worst is not None:
            word = "out" if self.worst.state == "out" else "degraded"
            line += f"; {word} for {self.worst.duration:.1f} s: {self.worst.cause}"
        return line


def breaches(result: Result, slo: Mapping[str, Objective]) -> tuple[Breach, ...]:
    """All missed objectives, in order of service."""
    found = []
    for service in result.services:
        objective = _objective(service, slo)
        if objective is not None:
            found += _breaches(service, objective)
    return tuple(found)


def _objective(service: ServiceResult, slo: Mapping[str, Objective]) -> Objective | None:
    for name in (f"{service.namespace}/{service.name}", service.name, "*"):
        if name in slo:
            return slo[name]
    return None


def _breaches(service: ServiceResult, objective: Objective) -> list[Breach]:
    missed = []
    if objective.availability is not None and service.availability_requests < objective.availability:
        asked = f"availability of {_percent(objective.availability)} asked"
        missed.append((asked, _percent(service.availability_requests)))
    if objective.max_outage is not None and service.outage_longest > objective.max_outage:
        missed.append(
            (f"no outage over {objective.max_outage:g} s asked", f"one of {service.outage_longest:.1f} s")
        )
    if objective.max_lost is not None and service.lost > objective.max_lost:
        missed.append((f"at most {objective.max_lost:g} lost requests asked", f"{service.lost:.0f}"))
    worst = worst_interval(service)
    return [Breach(service.namespace, service.name, asked, had, worst) for asked, had in missed]


def worst_interval(service: ServiceResult) -> Interval | None:
    """The failure that cost most requests (by duration times depth)."""
    return max(service.intervals, key=lambda i: i.duration * (1.0 - i.worst), default=None)


def _percent(share: float) -> str:
    return f"{share * 100:.3f}".rstrip("0").rstrip(".") + " %"
