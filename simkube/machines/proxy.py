"""kube-proxy (behaviour 9): the tables by which requests find their endpoints.

All proxies that see the API write the same table at nearly the same time, so it stands once. A node whose proxy does
not see the API keeps the table it had; that is told as "proxy.frozen", and its end as "proxy.following".
"""

from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING

from simkube.clock import Timer
from simkube.cluster.store import Change
from simkube.kube.objects import Endpoint, EndpointSlice
from simkube.machines.backoff import next_attempt
from simkube.machines.node_reporter import REFLECTOR_FIRST, REFLECTOR_JITTER, REFLECTOR_LONGEST
from simkube.trace.record import Record

if TYPE_CHECKING:
    from simkube.machines.fleet import Fleet
    from simkube.machines.machine import Machine

Service = tuple[str, str]  # (namespace, name)
Routes = list[Endpoint]  # those that get requests

UNBURST_SINCE = 34  # the runner's burst of 2 is gone [pkg/proxy/runner/bounded_frequency_runner.go]


def routes(slices: Collection[EndpointSlice], headless: Callable[[], bool]) -> Routes:
    """Endpoints that get requests: the ready ones; if there is none, those that still serve while they terminate
    [pkg/proxy/topology.go `CategorizeEndpoints`, policy Cluster]. A headless service is resolved by DNS, which knows
    only ready ones; whether it is one is asked only then."""
    chosen = [endpoint for part in slices for endpoint in part.endpoints if endpoint.ready]
    if not chosen and not headless():
        chosen = [e for part in slices for e in part.endpoints if e.serving and e.terminating]
    return chosen


class Proxies:
    """The shared table, and who follows it. Written at most once in minSyncPeriod (up to 1.33 twice, after a pause)."""

    def __init__(self, fleet: "Fleet") -> None:
        self._fleet = fleet
        self._client = fleet.api.client("kube-proxy")
        self._slices: dict[Service, dict[str, EndpointSlice]] = {}
        self.table: dict[Service, tuple[tuple[str, str], ...]] = {}  # (pod UID, node) of each endpoint
        self._routes: dict[Service, Routes] = {}
        self._changed: dict[Service, None] = {}
        self._timer: Timer | None = None
        self._interval = fleet.timings.proxy_min_sync_period
        self._burst = 1.0 if fleet.timings.version.minor >= UNBURST_SINCE else 2.0
        self._tokens = self._burst
        self._written = fleet.clock.now
        self._blind: dict[str, float] = {}  # node -> since when its proxy sees nothing
        self._returning: dict[str, Timer] = {}
        self._lost_at: float | None = None  # since when the API is away for all
        for slice_ in self._client.table("EndpointSlice").values():
            self._put(slice_)
        if self._changed:
            self._write_soon()
        self._client.watch("EndpointSlice", self._see)

    # -- the shared table ---------------------------------------------------------------------------------------

    def _see(self, change: Change) -> None:
        old, new, _, _, _ = change
        if new is not None:
            self._put(new)
        else:
            key = (old.meta.namespace, old.service)
            self._slices.get(key, {}).pop(old.meta.name, None)
            self._changed[key] = None
        if self._timer is None and self._lost_at is None:
            self._write_soon()

    def _put(self, slice_: EndpointSlice) -> None:
        meta = slice_.meta
        key = (meta.namespace, slice_.service)
        parts = self._slices.get(key)
        if parts is None:
            parts = self._slices[key] = {}
        parts[meta.name] = slice_
        self._changed[key] = None

    def _write_soon(self) -> None:
        """Write what has changed as soon as the rules may be written again."""
        fleet = self._fleet
        seen = fleet.clock.now + self._client.api.latency
        start = max(seen, self._next_run(seen))
        self._timer = fleet.clock.at(start + fleet.behaviour.proxy_delay, self.write)

    def _next_run(self, now: float) -> float:
        """When the rules may be written again."""
        if self._interval <= 0.0:
            return now
        tokens = min(self._burst, self._tokens + max(0.0, now - self._written) / self._interval)
        return now if tokens >= 1.0 else now + (1.0 - tokens) * self._interval

    def write(self) -> None:
        """Write what has changed."""
        fleet = self._fleet
        now = fleet.clock.now
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._interval > 0.0:
            grown = (now - self._written) / self._interval
            self._tokens = min(self._burst, self._tokens + grown) - 1.0
            self._written = now
        changed, self._changed = list(self._changed), {}
        for service in changed:
            chosen = routes(self._slices.get(service, {}).values(), partial(self._headless, service))
            if self._routes.get(service) == chosen:
                continue
            self._routes[service] = chosen
            rows = tuple([(endpoint.uid, endpoint.node) for endpoint in chosen])
            if self.table.get(service) != rows:
                self.table[service] = rows
                fleet.sink(Record(now, "proxy.routes", "Service", service[0], service[1], value=rows))

    def _headless(self, service: Service) -> bool:
        found = self._client.get("Service", service[1], service[0])
        return found is not None and found.spec.cluster_ip == "None"

    # -- who follows it -----------------------------------------------------------------------------------------

    def cut(self, machine: "Machine") -> None:
        """The proxy of this machine no longer sees the API."""
        returning = self._returning.pop(machine.name, None)
        if returning is not None:
            returning.cancel()
        if machine.name not in self._blind:
            self._blind[machine.name] = self._fleet.clock.now
            self._tell("proxy.frozen", machine)

    def rejoined(self, machine: "Machine") -> None:
        """It sees the API again, as soon as its watch is tried next."""
        since = self._blind.get(machine.name)
        if since is None:
            return
        fleet = self._fleet

        def unit(n: int) -> float:
            return fleet.randoms.unit("proxy-reflector", machine.name, n)

        attempt = next_attempt(
            since, fleet.clock.now, REFLECTOR_FIRST, REFLECTOR_LONGEST, REFLECTOR_JITTER, unit
        )
        delay = fleet.behaviour.proxy_delay
        self._returning[machine.name] = fleet.clock.at(attempt + delay, lambda: self._follow(machine))

    def powered_on(self, machine: "Machine") -> None:
        """Its proxy starts with the machine, and reads the table if it can."""
        if machine.name in self._blind and machine.reach == 0:
            self._follow(machine)

    def _follow(self, machine: "Machine") -> None:
        self._returning.pop(machine.name, None)
        if self._blind.pop(machine.name, None) is not None:
            self._tell("proxy.following", machine)

    def _tell(self, what: str, machine: "Machine") -> None:
        self._fleet.sink(Record(self._fleet.clock.now, what, "Node", name=machine.name, node=machine.name))

    def api_went_away(self) -> None:
        """No proxy sees the API; all keep what they have."""
        if self._lost_at is None:
            self._lost_at = self._fleet.clock.now

    def api_came_back(self) -> None:
        """Watches come back; one time stands for all proxies."""
        if self._lost_at is None:
            return
        fleet = self._fleet
        attempt = next_attempt(
            self._lost_at,
            fleet.clock.now,
            REFLECTOR_FIRST,
            REFLECTOR_LONGEST,
            REFLECTOR_JITTER,
            lambda n: fleet.randoms.unit("proxies-reflector", n),
        )
        self._lost_at = None
        if self._timer is None and self._changed:
            self._timer = fleet.clock.at(attempt + fleet.behaviour.proxy_delay, self.write)
