"""Truth about one pod on a machine: its containers, its address, whether it answers."""

from typing import TYPE_CHECKING, Any, Protocol

from simkube.machines.container import Container
from simkube.machines.recipe import Recipe
from simkube.trace.record import Record

if TYPE_CHECKING:
    from simkube.machines.machine import Machine


class Watcher(Protocol):
    """The kubelet's worker for a pod, told by the runtime what it would find there."""

    def exited(self, container: Container) -> None: ...
    def answering(self, container: Container) -> None: ...
    def silent(self, container: Container) -> None: ...


class Sandbox:
    """A pod as the container runtime knows it. `alive` False: its machine lost power since, and its containers with it.

    `serves`: it truly answers requests; that is told as "pod.serving" and "pod.silent".
    """

    __slots__ = (
        "alive",
        "containers",
        "ip",
        "machine",
        "name",
        "namespace",
        "ordinal",
        "recipe",
        "serves",
        "uid",
        "watcher",
    )

    def __init__(self, machine: "Machine", uid: str, namespace: str, name: str, recipe: Recipe) -> None:
        self.machine = machine
        self.uid, self.namespace, self.name = uid, namespace, name
        self.recipe = recipe
        self.containers = [Container(self, container) for container in recipe.containers]
        self.alive = True
        self.serves = False
        self.watcher: Watcher | None = None
        self.ordinal = recipe.tally.starts
        recipe.tally.starts += 1
        self.ip = machine.address if recipe.host_network else machine.fleet.new_address()

    def record(self, what: str, container: str = "", code: int | None = None) -> None:
        """Tell what happened to the pod (or its container `container`)."""
        fleet = self.machine.fleet
        value: Any = None
        if container:
            value = {"container": container} if code is None else {"container": container, "exitCode": code}
        fleet.sink(
            Record(
                fleet.clock.now,
                what,
                "Pod",
                self.namespace,
                self.name,
                self.uid,
                self.machine.name,
                value=value,
            )
        )

    @property
    def running(self) -> bool:
        """Some container runs."""
        for container in self.containers:  # noqa: SIM110  # any() takes longer
            if container.running:
                return True
        return False

    # -- told by its containers ----------------------------------------------------------------------------------

    def answering(self, container: Container) -> None:
        self.look()
        if self.watcher is not None:
            self.watcher.answering(container)

    def silent(self, container: Container) -> None:
        self.look()
        if self.watcher is not None:
            self.watcher.silent(container)

    def exited(self, container: Container) -> None:
        self.look()
        if self.watcher is not None:
            self.watcher.exited(container)

    def look(self) -> None:
        """Whether it serves now; told when that has changed."""
        serves = not self.machine.frozen
        if serves:
            for index in self.recipe.answering:
                if not self.containers[index].answers:
                    serves = False
                    break
        if serves != self.serves:
            self.serves = serves
            self.record("pod.serving" if serves else "pod.silent")

    # -- done to it ----------------------------------------------------------------------------------------------

    def kubelet_gone(self) -> None:
        """Nobody watches it any more; its containers go on."""
        self.watcher = None
        for container in self.containers:
            container.abandon_stop()

    def renew(self) -> None:
        """A new sandbox for the same pod after its machine has booted: another address, the same containers to come."""
        self.alive = True
        if not self.recipe.host_network:
            self.ip = self.machine.fleet.new_address()

    def power_lost(self) -> None:
        """Its machine is off: nothing of it runs."""
        self.watcher = None
        self.alive = False
        ran = self.running
        for container in self.containers:
            container.power_lost()
        self.look()
        if ran and self.recipe.memory_data:
            self.record("data.lost")
