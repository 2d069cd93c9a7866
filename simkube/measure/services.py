"""Outage, degradation and lost requests of every service: integrals over its success fraction."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from simkube.measure.causes import Causes
from simkube.measure.result import Interval, ServiceResult
from simkube.measure.success import Service, Success
from simkube.trace.record import Record

WHOLE = 1.0 - 1e-9  # s at or above this counts as 1


@dataclass(frozen=True)
class Traffic:
    """Requests a second to a service, and whether its clients keep their connections."""

    rps: float = 1.0
    persistent: bool = False


class _Service:
    """One service's running integrals."""

    __slots__ = (
        "cause",
        "cut",
        "intervals",
        "last",
        "lost",
        "points",
        "s",
        "since",
        "state",
        "times",
        "worst",
    )

    def __init__(self, t: float) -> None:
        self.last = self.since = t
        self.s = self.worst = 1.0
        self.lost = self.cut = 0.0
        self.state = ""  # "", "out", "degraded"
        self.cause = ""
        self.times = {"": 0.0, "out": 0.0, "degraded": 0.0}
        self.intervals: list[Interval] = []
        self.points: list[tuple[float, float]] = []


class Services:
    """Folds records into `ServiceResult`s over the window from `start` to the `close`.

    With `calls` a service succeeds only if all that it calls, directly or through others, do: its success is the
    product of its own fraction and theirs, each taken once."""

    def __init__(
        self,
        traffic: Mapping[Service, Traffic],
        calls: Mapping[Service, Iterable[Service]],
        default: Traffic = Traffic(),
        start: float = 0.0,
    ) -> None:
        self._traffic, self._default, self._start = traffic, default, start
        self.success = Success()
        self.causes = Causes()
        self._own: dict[Service, float] = {}
        self._needs = {service: _closure(service, calls) for service in calls}
        self._needed_by: dict[Service, list[Service]] = {}
        for service, needs in self._needs.items():
            for need in needs:
                self._needed_by.setdefault(need, []).append(service)
        self._services: dict[Service, _Service] = {}
        self._rules: dict[str, Callable[[Record], Iterable[Service]]] = {
            "proxy.routes": self._routes,
            "pod.serving": lambda r: self.success.serve(r.uid, r.node),
            "pod.silent": self._silent,
            "machine.on": lambda r: self.success.client_on(r.node),
            "machine.added": lambda r: self.success.client_on(r.node),
            "machine.thawed": lambda r: self.success.client_on(r.node),
            "machine.off": lambda r: self.success.client_off(r.node),
            "machine.removed": lambda r: self.success.client_off(r.node),
            "machine.frozen": lambda r: self.success.client_off(r.node),
            "proxy.frozen": lambda r: self.success.freeze(r.node),
            "proxy.following": lambda r: self.success.follow(r.node),
            "machine.cut": lambda r: self.success.cut(r.node) if r.reason != "control-plane" else (),
            "machine.rejoined": lambda r: self.success.join(r.node),
        }

    def __call__(self, record: Record) -> None:
        self.causes(record)
        rule = self._rules.get(record.what)
        if rule is None:
            return
        for service in rule(record):
            self._update(service, record)

    def _routes(self, record: Record) -> Iterable[Service]:
        return self.success.route((record.namespace, record.name), (row[0] for row in record.value))

    def _silent(self, record: Record) -> Iterable[Service]:
        touched = self.success.silence(record.uid)
        for service in touched:
            if self._traffic.get(service, self._default).persistent and record.t >= self._start:
                routed = self.success.routes[service]
                if record.uid in routed and service in self._services:
                    self._services[service].cut += 1.0 / len(routed)
        return touched

    def _update(self, service: Service, record: Record) -> None:
        own = self.success.fraction(service)
        if self._own.get(service) == own:
            return
        self._own[service] = own
        self._advance(service, record)
        for caller in self._needed_by.get(service, ()):
            if caller in self._own:
                self._advance(caller, record)

    def _advance(self, service: Service, record: Record) -> None:
        s = self._own[service]
        for need in self._needs.get(service, ()):
            s *= self._own.get(need, 1.0)
        at = self._services.get(service)
        t = max(record.t, self._start)
        if at is None:
            at = self._services[service] = _Service(t)
            at.s = -1.0
        if at.s == s:
            return
        if at.s >= 0.0:
            self._integrate(at, t)
        at.s = s
        if at.points and at.points[-1][0] == t:
            at.points[-1] = (t, s)
        else:
            at.points.append((t, s))
        state = "out" if s <= 0.0 else "degraded" if s < WHOLE else ""
        if state == at.state:
            at.worst = min(at.worst, s)
            return
        self._finish(service, at, t)
        at.state, at.since, at.worst = state, t, s
        if state:
            at.cause = self._begin_cause(service, record)

    def _begin_cause(self, service: Service, record: Record) -> str:
        for need in self._needs.get(service, ()):
            if self._own.get(need, 1.0) < WHOLE and self._own[service] >= WHOLE:
                at = self._services.get(need)
                return f"it calls {need[1]}" + (f" ({at.cause})" if at is not None and at.cause else "")
        return self.causes.begin(record, len(self.success.routes.get(service, ())))

    def _integrate(self, at: _Service, t: float) -> None:
        span = t - at.last
        if span > 0.0:
            at.lost += span * (1.0 - at.s)
            at.times[at.state] += span
        at.last = t

    def _finish(self, service: Service, at: _Service, t: float) -> None:
        if at.state and t > at.since:
            state = "out" if at.state == "out" else "degraded"
            cause = at.cause + self.causes.end(self.success.routes.get(service, {}), at.since, t)
            at.intervals.append(Interval(at.since, t, state, at.worst, cause))  # type: ignore[arg-type]

    def availability(self, since: float, now: float) -> dict[Service, float]:
        """Share of the time from `since` to `now`, weighted by success, of each service: 1 - mean of (1 - s). Read from
        the points where s changed, so it may be asked at any time of a run."""
        found = {}
        for service, at in sorted(self._services.items()):
            total, t, s = 0.0, since, 1.0
            for when, then in at.points:
                if when > since:
                    total += (min(when, now) - t) * s
                    t = when
                s = then
            total += max(0.0, now - t) * s
            found[service] = min(1.0, max(0.0, total / (now - since))) if now > since else max(0.0, at.s)
        return found

    def close(self, end: float) -> tuple[ServiceResult, ...]:
        """End the window at `end` and give the results, in order of namespace and name."""
        window = max(end - self._start, 0.0)
        results = []
        for service, at in sorted(self._services.items()):
            self._integrate(at, end)
            self._finish(service, at, end)
            traffic = self._traffic.get(service, self._default)
            sent, lost = traffic.rps * window, traffic.rps * at.lost
            outages = [i.duration for i in at.intervals if i.state == "out"]
            results.append(
                ServiceResult(
                    namespace=service[0],
                    name=service[1],
                    rps=traffic.rps,
                    outage_total=at.times["out"],
                    outage_longest=max(outages, default=0.0),
                    degraded=at.times["degraded"],
                    sent=sent,
                    lost=lost,
                    availability_time=_share(window - at.times["out"], window),
                    availability_requests=_share(window - at.lost, window),
                    connections_cut=at.cut,
                    intervals=tuple(at.intervals),
                    points=tuple(at.points),
                )
            )
        return tuple(results)


def _share(part: float, whole: float) -> float:
    return min(1.0, max(0.0, part / whole)) if whole > 0.0 else 1.0


def _closure(service: Service, calls: Mapping[Service, Iterable[Service]]) -> tuple[Service, ...]:
    """Everything a service calls, directly or through others, without itself."""
    seen: dict[Service, None] = {}
    todo = list(calls.get(service, ()))
    while todo:
        need = todo.pop()
        if need not in seen and need != service:
            seen[need] = None
            todo.extend(calls.get(need, ()))
    return tuple(seen)
