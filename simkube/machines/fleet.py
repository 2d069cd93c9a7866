"""All machines of a run, and what somebody with access to their consoles can see and do."""

from typing import NamedTuple

from simkube.clock import Clock
from simkube.cluster.api import Api
from simkube.cluster.store import Change
from simkube.cluster.volumes.facts import AttachmentWatch
from simkube.kube.objects import Node
from simkube.machines.images import Catalogue
from simkube.machines.machine import Machine
from simkube.machines.proxy import Proxies
from simkube.machines.recipe import Recipes
from simkube.machines.rules import RuleBook
from simkube.randoms import Randoms
from simkube.scenario.behaviour import Behaviour
from simkube.timings import Timings
from simkube.trace.record import Sink

HOSTNAME = "kubernetes.io/hostname"


class Console(NamedTuple):
    """What somebody at the console sees of a machine; `booted_at` in virtual time."""

    exists: bool
    on: bool
    booted_at: float
    kubelet_running: bool
    kubelet_version: str


NOTHING_THERE = Console(exists=False, on=False, booted_at=0.0, kubelet_running=False, kubelet_version="")


class Fleet:
    """The machines, by name; and what they share: time, chance, behaviour, and where what happens is told."""

    def __init__(
        self,
        clock: Clock,
        api: Api,
        timings: Timings,
        randoms: Randoms,
        behaviour: Behaviour,
        sink: Sink,
    ) -> None:
        self.clock, self.api, self.timings, self.randoms = clock, api, timings, randoms
        self.behaviour, self.sink = behaviour, sink
        self.machines: dict[str, Machine] = {}
        self.rules = RuleBook(timings)
        self.recipes = Recipes(behaviour)
        self.catalogue = Catalogue(lambda image: behaviour.images.of("", "", image))
        self.pull_rate = behaviour.pull_rate
        self._addresses = 0
        self.proxies = Proxies(self)
        kubelets = api.client("kubelets")
        kubelets.watch("Node", self._node_changed)
        self.attachments = AttachmentWatch(kubelets)

    # -- the beginning of a run ---------------------------------------------------------------------------------

    def join(self, node: Node, watching: bool = True) -> Machine:
        """A machine that has been up for long as this node of the API. `watching` False: until `listen`, its kubelet
        does not see what is bound to it, and pods are started by `adopt_pods`. Raises `BadValue` for its kubelet's
        version."""
        status = node.status
        machine = Machine(
            self,
            node.meta.name,
            node.meta.labels,
            node.taints,
            status.allocatable,
            status.capacity,
            status.kubelet_version or str(self.timings.version),
        )
        self.machines[machine.name] = machine
        for image in status.images:
            machine.images.add(image)
        machine.run_already()
        machine.kubelet.run_already(watching)
        return machine

    def adopt_pods(self) -> None:
        """Every pod that is bound to a machine here, and has not ended, has been running and Ready for some time."""
        for machine in self.machines.values():
            kubelet = machine.kubelet
            for pod in list(self.api.store.pods_on(machine.name).values()):
                if pod.is_active:
                    kubelet.adopt(pod)
            kubelet.node.post()

    def listen(self) -> None:
        """Every kubelet sees from now on what is bound to it."""
        for machine in self.machines.values():
            machine.kubelet.listen()

    # -- machines -----------------------------------------------------------------------------------------------

    def add(self, name: str, like: str, version: str = "") -> Machine:
        """A new machine of the same kind as `like`, with power on; it joins by itself when it has booted. If there
        is one of this name, it stays. Raises KeyError if there is no machine `like`, `BadValue` for `version`."""
        if name in self.machines:
            return self.machines[name]
        model = self.machines[like]
        labels = {**model.labels, HOSTNAME: name}
        version = version or model.version
        self.rules.of(version)
        machine = Machine(self, name, labels, model.taints, model.allocatable, model.capacity, version)
        self.machines[name] = machine
        machine.record("machine.added")
        machine.power_on()
        return machine

    def remove(self, name: str) -> None:
        """Give a machine back: it is off, and its data are gone."""
        machine = self.machines.pop(name, None)
        if machine is None:
            return
        machine.crash()
        machine.record("machine.removed")
        for sandbox in machine.sandboxes.values():
            if sandbox.recipe.data:
                sandbox.record("data.lost")

    def console(self, name: str) -> Console:
        """What its console shows."""
        machine = self.machines.get(name)
        if machine is None:
            return NOTHING_THERE
        running = machine.kubelet.running and not machine.frozen
        return Console(True, machine.on, machine.booted_at, running, machine.version)

    # -- the API for all ----------------------------------------------------------------------------------------

    def api_went_away(self) -> None:
        """The API server stopped answering: every watch breaks."""
        for machine in self.machines.values():
            machine.kubelet.api_went_away()
        self.proxies.api_went_away()

    def api_came_back(self) -> None:
        """The API server answers again: every kubelet and proxy lists anew, each when it tries next."""
        for machine in self.machines.values():
            machine.kubelet.api_came_back()
        self.proxies.api_came_back()

    def _node_changed(self, change: Change) -> None:
        if change.new is None:
            return
        machine = self.machines.get(change.new.meta.name)
        if machine is not None and machine.kubelet.watching and change.by != machine.kubelet.client.name:
            machine.kubelet.node.changed(change)

    # -- addresses ----------------------------------------------------------------------------------------------

    def new_address(self) -> str:
        """An address for a pod, never used before in this run (in 10.0.0.0/8)."""
        self._addresses += 1
        n = self._addresses
        return f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"

    def new_machine_address(self) -> str:
        """An address for a machine (in 172.16.0.0/12)."""
        n = len(self.machines) + 1
        return f"172.{16 + (n >> 16 & 15)}.{n >> 8 & 255}.{n & 255}"
