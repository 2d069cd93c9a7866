"""The part of a kubelet that speaks for its node: registration, lease, status (behaviour 1.1, 8.1)."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from simkube.cluster.errors import ApiError, NotFound
from simkube.cluster.nodes.leases import renew_period, start_renewing, stop_renewing
from simkube.cluster.store import Change
from simkube.kube.objects import Node
from simkube.machines.backoff import next_attempt
from simkube.machines.grid import tick_after
from simkube.machines.node_status import NO_NETWORK, Report, new_node, reported

if TYPE_CHECKING:
    from simkube.machines.kubelet import Kubelet

REFLECTOR_FIRST, REFLECTOR_LONGEST, REFLECTOR_JITTER = 0.8, 30.0, 1.0  # [client-go tools/cache/reflector.go]


class NodeReporter:
    """Registers the node, keeps its lease, and posts its status when that changes. `trouble`: why the node is not
    Ready, besides its network."""

    __slots__ = ("_kubelet", "_lost_at", "_rebooted", "_registered", "_tries", "trouble")

    def __init__(self, kubelet: "Kubelet") -> None:
        self._kubelet = kubelet
        self._lost_at = 0.0
        self._tries = 0
        self._registered = False
        self._rebooted = False
        self.trouble = ""

    def reset(self) -> None:
        """The process has just begun."""
        self._registered = self._rebooted = False
        self._tries = 0
        self.trouble = ""

    # -- registering --------------------------------------------------------------------------------------------

    def register(self) -> None:
        """Make the node known, or find it known; try again while the API cannot be reached. Then pods are handled."""
        kubelet = self._kubelet
        try:
            self._make_known()
        except ApiError:
            timings = kubelet.rules.timings
            first, longest = timings.node_registration_backoff_initial, timings.node_registration_backoff_max
            wait = min(first * 2.0**self._tries, longest)
            self._tries += 1
            kubelet.alarms.at("register", kubelet.clock.now + wait, self.register)
            return
        self._registered = True
        kubelet.client.event(self._node_reference(), "Normal", "Starting", "Starting kubelet.")
        if kubelet.machine.network_configured:
            self.post()
        self.renew_lease()
        kubelet.listen()

    def _make_known(self) -> None:
        """See that there is a Node object. Raises `ApiError`."""
        kubelet, machine = self._kubelet, self._kubelet.machine
        try:
            kubelet.client.read("Node", machine.name)
        except NotFound:
            now = kubelet.clock.now
            kubelet.client.create(new_node(machine.name, machine.labels, machine.taints, self._report(), now))
            if not machine.network_configured:
                fleet = machine.fleet
                took = fleet.behaviour.network_setup.draw(fleet.randoms, "networkSetup", machine.name)
                kubelet.alarms.at("network", now + took, self._network_ready)
        else:
            machine.network_configured = True

    def run_already(self) -> None:
        """The node is known and well: the state in which a run begins."""
        self._registered = True
        kubelet = self._kubelet
        unit = kubelet.randoms.unit("last-renewal", kubelet.machine.name)
        period = self._lease_period()
        start_renewing(kubelet.client, kubelet.machine.name, period, kubelet.clock.now - unit * period)

    def renew_lease(self) -> None:
        """Renew the lease from now on."""
        kubelet = self._kubelet
        try:
            start_renewing(kubelet.client, kubelet.machine.name, self._lease_period())
        except ApiError:
            longest = kubelet.rules.timings.node_lease_backoff_max
            kubelet.alarms.at("lease", kubelet.clock.now + longest, self.renew_lease)

    def _lease_period(self) -> float:
        kubelet = self._kubelet
        return renew_period(kubelet.rules.timings, kubelet.randoms.unit("lease", kubelet.machine.name))

    def _network_ready(self) -> None:
        self._kubelet.machine.network_configured = True
        self.post()
        self._kubelet.waits.network_came_up()

    # -- reporting ----------------------------------------------------------------------------------------------

    def _report(self) -> Report:
        machine = self._kubelet.machine
        trouble = self.trouble or ("" if machine.network_configured else NO_NETWORK)
        return Report(
            trouble,
            machine.allocatable,
            machine.capacity,
            machine.images.reported(),
            machine.version,
            machine.boot_id,
        )

    def post(self) -> None:
        """Post the node's status if it has changed; if that fails, again when the status is computed next."""
        kubelet = self._kubelet
        node: Node | None = kubelet.client.get("Node", kubelet.machine.name)
        if node is None or not self._registered:
            return
        status = reported(node.status, self._report(), kubelet.clock.now)
        if status is node.status:
            return
        try:
            new = kubelet.client.update(replace(node, status=status))
        except ApiError:
            self.post_later()
            return
        if node.status.boot_id and node.status.boot_id != status.boot_id and not self._rebooted:
            self._rebooted = True
            name, boot = kubelet.machine.name, status.boot_id
            kubelet.client.event(
                new, "Warning", "Rebooted", f"Node {name} has been rebooted, boot id: {boot}"
            )
        if new.is_ready != node.is_ready:
            self._status_is_now(new, "NodeReady" if new.is_ready else "NodeNotReady")

    def post_later(self) -> None:
        """At the next computation of the status: every 10 s."""
        kubelet = self._kubelet
        if "status" not in kubelet.alarms:
            timings = kubelet.rules.timings
            unit = kubelet.randoms.unit("node-status", kubelet.machine.name)
            period = timings.node_status_update_frequency * (1.0 + timings.node_status_update_jitter * unit)
            kubelet.alarms.at("status", tick_after(kubelet.started_at, period, kubelet.clock.now), self.post)

    def changed(self, change: Change) -> None:
        """Somebody else has written the node's object."""
        new, old = change.new, change.old
        if new is None or old is None:
            return
        if not new.is_ready:
            self.post_later()
        if new.unschedulable != old.unschedulable:
            self._status_is_now(new, "NodeNotSchedulable" if new.unschedulable else "NodeSchedulable")

    def _status_is_now(self, node: Node, event: str) -> None:
        name = self._kubelet.machine.name
        self._kubelet.client.event(node, "Normal", event, f"Node {name} status is now: {event}")

    def _node_reference(self) -> Node:
        machine = self._kubelet.machine
        known: Node | None = self._kubelet.client.get("Node", machine.name)
        if known is not None:
            return known
        return new_node(machine.name, machine.labels, machine.taints, self._report(), self._kubelet.clock.now)

    # -- the API lost and found ---------------------------------------------------------------------------------

    def lose_api(self) -> None:
        """No renewal comes through any more."""
        kubelet = self._kubelet
        self._lost_at = kubelet.clock.now
        kubelet.alarms.cancel("lease")
        stop_renewing(kubelet.client, kubelet.machine.name)

    def find_api(self, lease_lost: bool = True, at_once: bool = False) -> None:
        """The API can be reached again: lease, watch and status come back, each when it is tried next."""
        kubelet = self._kubelet
        if not self._registered:
            return  # it is being tried anyway
        if at_once:
            self.renew_lease()
            kubelet.listen()
            self.post()
            return
        now, timings = kubelet.clock.now, kubelet.rules.timings

        def unit(n: int) -> float:
            return kubelet.randoms.unit("reflector", kubelet.machine.name, n)

        if lease_lost:
            first, longest = timings.node_lease_backoff_initial, timings.node_lease_backoff_max
            attempt = next_attempt(self._lost_at, now, first, longest, 0.0, unit)
            kubelet.alarms.at("lease", attempt, self.renew_lease)
        attempt = next_attempt(self._lost_at, now, REFLECTOR_FIRST, REFLECTOR_LONGEST, REFLECTOR_JITTER, unit)
        kubelet.alarms.at("watch", attempt, kubelet.listen)
        self.post_later()

    def watch_lost(self) -> None:
        """The API server is gone for everybody."""
        self._lost_at = self._kubelet.clock.now

    def stop(self) -> None:
        """The process is gone, and its lease is renewed no more."""
        if self._registered:
            stop_renewing(self._kubelet.client, self._kubelet.machine.name)
        self._registered = False
