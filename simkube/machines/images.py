"""Images: which a machine has, and the queue in which its kubelet pulls what it lacks (behaviour 8.4)."""

from bisect import insort
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from simkube.kube.objects import Image
from simkube.trace.record import Record

if TYPE_CHECKING:
    from simkube.machines.machine import Machine

ASKING = (
    0.5  # seconds for a registry's answer where no layer is pulled: image there already, or not to be had
)
REPORTED = 50  # images that a node's status names, the largest first [nodeStatusMaxImages, KCD]

Pulled = Callable[[str, bool, float, float], None]
"""Told of a pull's end: image, whether it is there now, seconds of the pull, seconds with the time in the queue."""


class Images:
    """The image cache of one machine, by the names that pod specs use; it survives everything but the machine."""

    __slots__ = ("_by_size", "_here")

    def __init__(self) -> None:
        self._here: dict[str, Image] = {}
        self._by_size: list[Image] = []

    def __contains__(self, image: str) -> bool:
        return image in self._here

    def add(self, image: Image) -> None:
        """The image is here from now on."""
        if image.name not in self._here:
            self._here[image.name] = image
            insort(self._by_size, image, key=_rank)

    def reported(self) -> tuple[Image, ...]:
        """As a node's status lists them."""
        return tuple(self._by_size[:REPORTED])


def _rank(image: Image) -> tuple[int, str]:
    """The largest first."""
    return (-image.size, image.name)


class Catalogue:
    """What the registry has: one `Image` a name for all machines."""

    def __init__(self, size_of: Callable[[str], int | None]) -> None:
        self._size_of = size_of
        self._images: dict[str, Image | None] = {}

    def get(self, name: str) -> Image | None:
        """None: it cannot be pulled."""
        if name not in self._images:
            size = self._size_of(name)
            self._images[name] = None if size is None else Image(name, size)
        return self._images[name]


class _Pull:
    """One pull under way."""

    __slots__ = ("asked", "begun", "image", "pulled", "puller", "timer", "took")

    def __init__(self, puller: "Puller", image: str, asked: float, pulled: Pulled) -> None:
        machine = puller.machine
        fleet = machine.fleet
        known = fleet.catalogue.get(image)
        self.puller, self.image, self.asked, self.pulled = puller, image, asked, pulled
        self.begun = fleet.clock.now
        self.took = ASKING if known is None or image in machine.images else known.size / fleet.pull_rate
        self.timer = fleet.clock.after(self.took, self.done)

    def done(self) -> None:
        machine = self.puller.machine
        if machine.frozen:
            machine.hold(self.done)
            return
        self.puller.under_way.remove(self)
        fleet = machine.fleet
        known = fleet.catalogue.get(self.image) if machine.reaches_registries else None
        if known is not None and self.image not in machine.images:
            machine.images.add(known)
            record = Record(
                fleet.clock.now, "image.pulled", name=self.image, node=machine.name, value=self.took
            )
            fleet.sink(record)
        self.puller.start_next()
        self.pulled(self.image, known is not None, self.took, fleet.clock.now - self.asked)


class Puller:
    """A kubelet's pulls: in turn, `parallel` at a time; it forgets them when the kubelet stops."""

    __slots__ = ("_parallel", "_queue", "machine", "under_way")

    def __init__(self, machine: "Machine", parallel: int) -> None:
        self.machine = machine
        self.under_way: list[_Pull] = []
        self._parallel = parallel
        self._queue: deque[tuple[str, float, Pulled]] = deque()

    def pull(self, image: str, pulled: Pulled) -> None:
        """Pull an image, or ask the registry whether it is still the same if it is here."""
        self._queue.append((image, self.machine.fleet.clock.now, pulled))
        self.start_next()

    def start_next(self) -> None:
        while self._queue and len(self.under_way) < self._parallel:
            self.under_way.append(_Pull(self, *self._queue.popleft()))

    def stop(self) -> None:
        """The kubelet is gone, and what it was about to pull is not pulled."""
        self._queue.clear()
        for pull in self.under_way:
            pull.timer.cancel()
        self.under_way.clear()
