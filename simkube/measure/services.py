"""Outage, degradation and lost requests of every service: integrals over its success fraction."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from simkube.measure.causes import Causes
from simkube.measure.connections import Connections
from simkube.measure.failure import Blame, Failure
from simkube.measure.result import Interval, ServiceResult
from simkube.measure.success import Service, Success
from simkube.trace.record import Record

WHOLE = 1.0 - 1e-9  # s at or above this counts as 1
UNKNOWN = 2.0  # s of a service before it is first heard of


@dataclass(frozen=True)
class Traffic:
    """Requests a second to a service, and whether its clients keep their connections."""

    rps: float = 1.0
    persistent: bool = False


class _Service:
    """One service's running integrals."""

    __slots__ = (
        "account",
        "intervals",
        "last",
        "lost",
        "points",
        "s",
        "since",
        "standing",
        "state",
        "times",
        "worst",
    )

    def __init__(self, t: float) -> None:
        self.last = self.since = t
        self.s = UNKNOWN
        self.worst = 1.0
        self.lost = 0.0
        self.state = ""  # "", "out", "degraded"
        self.standing = Failure(0)  # what is wrong now
        self.account = self.standing  # what is or was wrong in this interval
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
        self._connections = {s: Connections() for s, traffic in self._traffic.items() if traffic.persistent}
        self._before = 0  # endpoints in the table before the newest change of routes
        self._touched: dict[str, Callable[[Record], Iterable[Service]]] = {
            "proxy.routes": self._routes,
            "pod.serving": lambda r: self.success.serve(r.uid, r.node),
            "pod.silent": lambda r: self.success.silence(r.uid),
            "machine.on": lambda r: self.success.client_on(r.node),
            "machine.added": lambda r: self.success.client_on(r.node),
            "machine.thawed": lambda r: self.success.client_on(r.node),
            "machine.off": lambda r: self.success.power_off(r.node),
            "machine.removed": lambda r: self.success.removed(r.node),
            "machine.frozen": lambda r: self.success.client_off(r.node),
            "proxy.frozen": lambda r: self.success.freeze(r.node),
            "proxy.following": lambda r: self.success.follow(r.node),
            "machine.cut": lambda r: self.success.cut(r.node) if r.reason != "control-plane" else (),
            "machine.rejoined": lambda r: self.success.join(r.node),
        }
        self.rules: dict[str, Callable[[Record], object]] = {
            **self.causes.rules,
            **dict.fromkeys(self._touched, self),
        }

    def __call__(self, record: Record) -> None:
        self.causes(record)
        rule = self._touched.get(record.what)
        if rule is None:
            return
        if self._connections and record.t >= self._start:
            self._connect(record)
        for service in rule(record):
            self._update(service, record)

    def _connect(self, record: Record) -> None:
        """Bring the long-lived connections up to the moment of a record: those that wait are made to what was there
        before it (not to what falls at the same moment), and those of a pod that falls silent end."""
        serving, routes = self.success.serving, self.success.routes
        for service, connections in self._connections.items():
            if connections.waits_since < record.t:
                connections.connect([uid for uid in routes.get(service, ()) if uid in serving])
            if record.what == "pod.silent":
                connections.end(record.uid, record.t)

    def _routes(self, record: Record) -> Iterable[Service]:
        service = (record.namespace, record.name)
        self._before = len(self.success.routes.get(service, ()))
        return self.success.route(service, [row[0] for row in record.value])

    def _update(self, service: Service, record: Record) -> None:
        own = self.success.fraction(service)
        if self._own.get(service) == own:
            return
        self._own[service] = own
        self._advance(service, record)
        for caller in self._needed_by.get(service, ()):
            if caller in self._own:
                self._advance(caller, record, called=service)

    def _advance(self, service: Service, record: Record, called: Service | None = None) -> None:
        """Bring a service up to the record, which changed its own success, or that of one which it calls."""
        s = self._own[service]
        for need in self._needs.get(service, ()):
            s *= self._own.get(need, 1.0)
        t = max(record.t, self._start)
        at = self._services.get(service)
        if at is None:
            at = self._services[service] = _Service(t)
        if at.state:
            self._forgive(service, at, record, called)
        before = at.s
        if before == s:
            return
        self._integrate(at, t)
        at.s = s
        if at.points and at.points[-1][0] == t:
            at.points[-1] = (t, s)
        else:
            at.points.append((t, s))
        state = "out" if s <= 0.0 else "degraded" if s < WHOLE else ""
        if state != at.state:
            routes = self.success.routes
            if at.state and t > at.since:
                better = s > before
                over = self.causes.over(record, self.success.came, at.since) if better else "then out"
                self._finish(at, t, over)
            if not at.state:
                before_it = self._before if record.what == "proxy.routes" else 0
                at.standing = Failure(max(before_it, len(routes.get(service, ()))))
            at.state, at.since, at.worst, at.account = state, t, s, at.standing.copy()
        at.worst = min(at.worst, s)
        if s < before:
            self._blame(service, at, record, called)

    def _forgive(self, service: Service, at: _Service, record: Record, called: Service | None) -> None:
        """Take back what is no longer wrong."""
        if called is not None:
            if not self._services[called].state:
                at.standing.answers(called[1])
        elif record.what == "pod.serving":
            at.standing.forgive((record.uid,))
        elif record.what == "proxy.routes":
            at.standing.forgive(self.success.left)

    def _blame(self, service: Service, at: _Service, record: Record, called: Service | None) -> None:
        """Note what made a service's success fall."""
        if called is not None:
            account = self._services[called].account
            at.standing.call(called[1], account)
            at.account.call(called[1], account)
        else:
            for key, blame in self._blames(service, record):
                at.standing.blame(key, blame)
                at.account.blame(key, blame)

    def _blames(self, service: Service, record: Record) -> Iterator[tuple[str, Blame]]:
        if record.what == "pod.silent":
            yield record.uid, self.causes.fell_silent(record)
        elif record.what != "proxy.routes":
            yield record.what + record.node, self.causes.happened(record)
        else:
            success = self.success
            for uid in success.left:
                yield uid, self.causes.left(uid, record.t)
            if not success.routes[service] and not success.left:
                yield "none", Blame("no endpoint is ready")
            dead = [uid for uid in success.came if uid not in success.serving]
            for uid, node in record.value if dead else ():
                if uid in dead:
                    yield uid, self.causes.silent_yet(node, record.t)

    def _integrate(self, at: _Service, t: float) -> None:
        span = t - at.last
        if span > 0.0:
            at.lost += span * (1.0 - at.s)
            at.times[at.state] += span
        at.last = t

    @staticmethod
    def _finish(at: _Service, t: float, how: str) -> None:
        if at.state and t > at.since:
            state: Literal["out", "degraded"] = "out" if at.state == "out" else "degraded"
            at.intervals.append(Interval(at.since, t, state, at.worst, f"{at.account.text}, {how}"))

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
            self._finish(at, end, "not over by the end")
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
                    connections_cut=self._connections[service].cut if service in self._connections else 0.0,
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
