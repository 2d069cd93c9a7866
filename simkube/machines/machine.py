"""Truth about one machine: power, boot, network; and what stays on it when its kubelet does not."""

from collections.abc import Callable, Mapping
from enum import IntEnum
from hashlib import blake2b
from typing import TYPE_CHECKING

from simkube.clock import Timer
from simkube.kube.objects import NodeResources, Taint
from simkube.machines.images import Images
from simkube.machines.kubelet import Kubelet
from simkube.machines.sandbox import Sandbox
from simkube.machines.static_pods import Manifest
from simkube.trace.record import Record

if TYPE_CHECKING:
    from simkube.machines.fleet import Fleet


class Reach(IntEnum):
    """Whom the machine's network reaches."""

    ALL = 0
    NO_CONTROL_PLANE = 1  # the other machines only
    NOBODY = 2


class Machine:
    """A machine. `on`: it has power; `frozen`: it stands still, though its kernel answers; `version`: of the kubelet
    that is installed; `booted_at`: when it was last up, in virtual time."""

    __slots__ = (
        "_held",
        "_shutting_down",
        "_timer",
        "address",
        "allocatable",
        "booted_at",
        "boots",
        "capacity",
        "fleet",
        "frozen",
        "images",
        "kubelet",
        "labels",
        "manifests",
        "name",
        "network_configured",
        "on",
        "reach",
        "sandboxes",
        "taints",
        "version",
    )

    def __init__(
        self,
        fleet: "Fleet",
        name: str,
        labels: Mapping[str, str],
        taints: tuple[Taint, ...],
        allocatable: NodeResources,
        capacity: NodeResources,
        version: str,
    ) -> None:
        self.fleet = fleet
        self.name, self.labels, self.taints, self.version = name, labels, taints, version
        self.allocatable, self.capacity = allocatable, capacity
        self.address = fleet.new_machine_address()
        self.on = self.frozen = self.network_configured = False
        self.reach = Reach.ALL
        self.boots = 0
        self.booted_at = 0.0
        self.images = Images()
        self.sandboxes: dict[str, Sandbox] = {}
        self.manifests: dict[str, Manifest] = {}
        self.kubelet = Kubelet(self)
        self._held: list[Callable[[], None]] = []
        self._timer: Timer | None = None
        self._shutting_down = False

    @property
    def boot_id(self) -> str:
        """As /proc/sys/kernel/random/boot_id: another after every boot."""
        text = blake2b(f"{self.name}\x1f{self.boots}".encode(), digest_size=16).hexdigest()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    @property
    def is_up(self) -> bool:
        """It has booted, and is not on its way down."""
        return self.on and not self._shutting_down and self._timer is None

    @property
    def reaches_registries(self) -> bool:
        """Images can be pulled."""
        return self.reach != Reach.NOBODY

    def record(self, what: str, reason: str = "") -> None:
        fleet = self.fleet
        fleet.sink(Record(fleet.clock.now, what, "Node", name=self.name, node=self.name, reason=reason))

    # -- power --------------------------------------------------------------------------------------------------

    def run_already(self) -> None:
        """It has been up for long: the state in which a run begins."""
        self.on = self.network_configured = True
        self.boots = 1
        self.booted_at = self.fleet.clock.now
        self.record("machine.on")

    def power_on(self) -> None:
        """Somebody presses the button; the machine boots, and starts its kubelet."""
        if self.on:
            return
        self.on = True
        self.boots += 1
        self.record("machine.on")
        self.fleet.proxies.powered_on(self)
        fleet = self.fleet
        self._timer = fleet.clock.after(
            fleet.behaviour.boot.draw(fleet.randoms, "boot", self.name, self.boots), self._booted
        )

    def crash(self) -> None:
        """Power is lost."""
        self._off("crash")

    def shut_down(self, reboot: bool = False) -> None:
        """In an orderly way: the kubelet may end its pods first, if it is set up for that; then systemd stops it and
        sends SIGTERM to what still runs. `reboot`: and come up again."""
        if not self.on or self._shutting_down or self.frozen:
            return
        self._shutting_down = True
        if self._timer is not None:  # it was still booting
            self._timer.cancel()
        fleet = self.fleet
        time = fleet.behaviour.shutdown.draw(fleet.randoms, "shutdown", self.name, self.boots)

        def stop_services() -> None:
            if not self._shutting_down:
                return
            self.kubelet.stop("shutdown")
            for sandbox in self.sandboxes.values():
                for container in sandbox.containers:
                    container.terminate(time)
            self._timer = fleet.clock.after(time, lambda: self._shut_down(reboot))

        self.kubelet.end_pods(stop_services)

    def _shut_down(self, reboot: bool) -> None:
        if self.frozen:
            self.hold(lambda: self._shut_down(reboot))
            return
        self._off("reboot" if reboot else "shutdown")
        if reboot:
            self.power_on()

    def _off(self, reason: str) -> None:
        if not self.on:
            return
        self.on = self.frozen = self._shutting_down = False
        self._held.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.record("machine.off", reason)
        self.kubelet.stop(reason)
        for sandbox in self.sandboxes.values():
            sandbox.power_lost()

    def _booted(self) -> None:
        if self.frozen:
            self.hold(self._booted)
            return
        self._timer = None
        self.booted_at = self.fleet.clock.now
        self.kubelet.start()

    # -- standing still -----------------------------------------------------------------------------------------

    def freeze(self) -> None:
        """Nothing runs any more, though the machine is on and its kernel answers (a paused container or VM)."""
        if not self.on or self.frozen:
            return
        self.frozen = True
        self.record("machine.frozen")
        self.kubelet.lose_api()
        for sandbox in self.sandboxes.values():
            sandbox.look()

    def thaw(self) -> None:
        """It goes on; what was due meanwhile is done at once."""
        if not self.frozen:
            return
        self.frozen = False
        self.record("machine.thawed")
        held, self._held = self._held, []
        for sandbox in self.sandboxes.values():
            sandbox.look()
        for call in held:
            call()
        self.kubelet.find_api(at_once=True)

    def hold(self, call: Callable[[], None]) -> None:
        """Do this when the machine thaws."""
        self._held.append(call)

    # -- network ------------------------------------------------------------------------------------------------

    def cut(self, control_plane_only: bool = False) -> None:
        """The network is lost: to everybody, or to the control plane alone."""
        if self.reach != Reach.ALL:
            return
        self.reach = Reach.NO_CONTROL_PLANE if control_plane_only else Reach.NOBODY
        self.record("machine.cut", "control-plane" if control_plane_only else "")
        self.kubelet.client.connected = False
        self.kubelet.lose_api()
        self.fleet.proxies.cut(self)

    def rejoin(self) -> None:
        """The network is back."""
        if self.reach == Reach.ALL:
            return
        self.reach = Reach.ALL
        self.record("machine.rejoined")
        self.kubelet.client.connected = True
        self.kubelet.find_api()
        self.fleet.proxies.rejoined(self)

    # -- software -----------------------------------------------------------------------------------------------

    def install_kubelet(self, version: str) -> None:
        """Put another kubelet on the machine and restart it."""
        self.version = version
        if self.kubelet.running:
            self.kubelet.stop("restart")
            self.kubelet.start()

    def remove_sandbox(self, sandbox: Sandbox) -> None:
        """Nothing is left of a pod."""
        sandbox.watcher = None
        sandbox.containers.clear()  # they point back at it: no ring is left for the garbage collector
        self.sandboxes.pop(sandbox.uid, None)
