"""When probes are made, and when so many in a row have gone one way (behaviour 8.4). Pure arithmetic: no probe is
simulated by itself. [pkg/kubelet/prober/worker.go]"""

from math import ceil
from typing import NamedTuple

from simkube.kube.container import Container, Probe

_ROUNDING = 1e-9


class Ticks(NamedTuple):
    """Times at which a probe is made: `first`, then all of base + k x period after it."""

    first: float
    base: float
    period: float

    def at_or_after(self, time: float) -> float:
        """The first tick that is not before `time`."""
        if time <= self.first:
            return self.first
        return self.base + ceil((time - self.base) / self.period - _ROUNDING) * self.period

    def after(self, time: float) -> float:
        """The first tick later than `time`."""
        if time < self.first:
            return self.first
        return self.base + (ceil((time - self.base) / self.period + _ROUNDING)) * self.period

    def nth(self, time: float, count: int) -> float:
        """The `count`-th tick from `time` on: when that many probes in a row have been made."""
        tick = self.at_or_after(time)
        for _ in range(count - 1):
            tick = self.after(tick)
        return tick


class ProbePlan(NamedTuple):
    """A probe of a container; times in seconds."""

    delay: float
    period: float
    timeout: float
    successes: int
    failures: int
    grace: int | None  # of the kill, where the probe has its own
    is_exec: bool
    failure: str  # what a refused probe says, with {ip} for the pod's address


def probe_plan(probe: Probe | None, container: Container) -> ProbePlan | None:
    """The plan of a probe as the manifest states it."""
    if probe is None:
        return None
    return ProbePlan(
        delay=float(probe.initial_delay_seconds),
        period=float(probe.period_seconds),
        timeout=float(probe.timeout_seconds),
        successes=probe.success_threshold,
        failures=probe.failure_threshold,
        grace=probe.termination_grace_period_seconds,
        is_exec=probe.exec is not None,
        failure=_refused(probe, container),
    )


def _refused(probe: Probe, container: Container) -> str:
    if probe.http_get is not None:
        get = probe.http_get
        address = f"{get.host or '{ip}'}:{_port(get.port, container)}"
        return f'Get "{get.scheme.lower()}://{address}{get.path}": dial tcp {address}: connect: connection refused'
    if probe.tcp_socket is not None:
        address = f"{probe.tcp_socket.host or '{ip}'}:{_port(probe.tcp_socket.port, container)}"
        return f"dial tcp {address}: connect: connection refused"
    if probe.grpc is not None:
        return f'timeout: failed to connect service "{{ip}}:{probe.grpc.port}" within 1s: context deadline exceeded'
    return "command failed"


def _port(port: int | str, container: Container) -> int | str:
    for known in container.ports:
        if known.name == port:
            return known.container_port
    return port
