"""When a kubelet's loops come round, and by which rules it goes. They all count from the start of its process."""

from typing import TYPE_CHECKING

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.machines.alarms import Alarms
from simkube.machines.container import Container
from simkube.machines.grid import tick_after, tick_from
from simkube.machines.rules import Rules
from simkube.randoms import Randoms
from simkube.trace.record import Record

if TYPE_CHECKING:
    from simkube.machines.machine import Machine


class Clockwork:
    """The part of a kubelet that is its process: `running` since `started_at`, for the `starts`-th time."""

    __slots__ = (
        "alarms",
        "client",
        "clock",
        "machine",
        "randoms",
        "rules",
        "running",
        "started_at",
        "starts",
    )

    def __init__(self, machine: "Machine") -> None:
        fleet = machine.fleet
        self.machine = machine
        self.clock: Clock = fleet.clock
        self.randoms: Randoms = fleet.randoms
        self.client: Client = fleet.api.client(f"kubelet/{machine.name}")
        self.rules: Rules = fleet.rules.of(machine.version)
        self.alarms = Alarms(machine)
        self.running = False
        self.started_at = 0.0
        self.starts = 0

    def record(self, what: str, version: str | None = None, reason: str = "") -> None:
        """Tell what became of the process."""
        name = self.machine.name
        record = Record(self.clock.now, what, "Node", name=name, node=name, reason=reason, value=version)
        self.machine.fleet.sink(record)

    @property
    def tells_events(self) -> bool:
        """Somebody reads Events: only then are their texts made."""
        return self.client.api.event_sink is not None

    @property
    def latency(self) -> float:
        """Seconds from a change in the API to the kubelet's reaction."""
        return self.client.api.latency

    @property
    def network_ready(self) -> bool:
        """Pods can have an address."""
        return self.machine.network_configured

    def next_relist(self) -> float:
        """When it looks next at what the runtime runs: every second."""
        return tick_after(self.started_at, self.rules.timings.pleg_relist_period, self.clock.now)

    def next_housekeeping(self) -> float:
        """When it looks next for containers that belong to no pod: every 2 s."""
        return tick_after(self.started_at, self.rules.timings.housekeeping_period, self.clock.now)

    def next_status_round(self) -> float:
        """When its status manager compares all pods with the API next: every 10 s."""
        return tick_after(self.started_at, self.rules.timings.status_sync_period, self.clock.now)

    def loop_tick(self, time: float) -> float:
        """The first tick of the sync loop that is not before `time`."""
        return tick_from(self.started_at, self.rules.timings.kubelet_loop_tick, time)

    def trusts(self, container: Container) -> bool:
        """A container that ran before the kubelet did keeps its readiness until a probe says otherwise."""
        before = self.started_at - self.rules.timings.restart_keeps_probes_before
        return self.rules.keeps_ready and container.started_at is not None and container.started_at < before
