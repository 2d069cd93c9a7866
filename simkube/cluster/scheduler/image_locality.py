"""ImageLocality: rather to a node that has the pod's images, the larger they are and the more nodes have them."""

from collections import Counter

import numpy as np

from simkube.cluster.scheduler.nodes import MAX_SCORE, Bools, Floats, NodeInfo, Nodes
from simkube.cluster.scheduler.plugin import Ask, Feasible, Plugin, Score
from simkube.cluster.scheduler.state import State
from simkube.kube.objects import Node
from simkube.kube.pod import PodSpec
from simkube.timings import Timings

VOLUMES_SINCE = 36  # since this minor images that are mounted as volumes count
VOLUMES_LIMIT_SINCE = 37  # and since this one they raise the upper limit


def normalized(image: str) -> str:
    """The name with its tag [`normalizedImageName`]."""
    return image if image.rfind(":") > image.rfind("/") else f"{image}:latest"


class _Image:
    """An image that some nodes have; its size is the first one's that reported it."""

    def __init__(self, size: int, nodes: Nodes) -> None:
        self.size = size
        self._slots: dict[int, None] = {}
        self._nodes = nodes
        self._mask = np.zeros(0, np.bool_)
        self._order = -1

    @property
    def count(self) -> int:
        """How many nodes have it."""
        return len(self._slots)

    def put(self, slot: int, there: bool) -> None:
        if there:
            self._slots[slot] = None
        else:
            self._slots.pop(slot, None)
        if self._order == self._nodes.order:
            self._mask[self._nodes.at[slot]] = there

    @property
    def mask(self) -> Bools:
        """Which nodes, by position."""
        nodes = self._nodes
        if self._order != nodes.order:
            self._mask = np.zeros(nodes.count, np.bool_)
            self._mask[[nodes.at[slot] for slot in self._slots]] = True
            self._order = nodes.order
        return self._mask


class ImageLocality(Plugin):
    """[plugins/imagelocality/image_locality.go, backend/cache/cache.go `addNodeImageStates`]"""

    name = "ImageLocality"
    weight = 1

    def __init__(self, state: State, timings: Timings) -> None:
        super().__init__(state, timings)
        self.images: dict[str, _Image] = {}
        state.followers.append(self)

    def node_changed(self, info: NodeInfo, old: Node | None, new: Node | None) -> None:
        before = () if old is None else old.status.images
        after = () if new is None else new.status.images
        if before is after:
            return
        kept = set(map(id, before)) & set(map(id, after))  # most are: nodes share what they report
        gone: set[str] = set()
        if len(kept) < len(before):
            gone = {normalized(image.name) for image in before} - {normalized(image.name) for image in after}
        for image in after:
            if id(image) in kept:
                continue
            name = normalized(image.name)
            if name not in self.images:
                self.images[name] = _Image(image.size, self.state.nodes)
            self.images[name].put(info.slot, True)
        for name in sorted(gone):
            self.images[name].put(info.slot, False)
            if not self.images[name].count:
                del self.images[name]

    def score(self, ask: Ask) -> Score | None:
        spec = ask.spec
        wanted = [container.image for container in (*spec.init_containers, *spec.containers)]
        volumes = _volume_images(spec) if self.minor >= VOLUMES_SINCE else []
        limit = len(wanted) + (len(volumes) if self.minor >= VOLUMES_LIMIT_SINCE else 0)
        counts = Counter(normalized(image) for image in (*wanted, *volumes) if image)
        return _Locality(self, counts, limit)


def _volume_images(spec: PodSpec) -> list[str]:
    sources = ((volume.model_extra or {}).get("image") for volume in spec.volumes)
    return [str(source.get("reference", "")) for source in sources if isinstance(source, dict)]


class _Locality(Score):
    """Sum of size x (nodes that have it / all nodes) over the images that are there, from 23 MiB (0) to 1000 MiB for
    each container (100)."""

    plugin = ImageLocality.name

    def __init__(self, plugin: ImageLocality, wanted: Counter[str], limit: int) -> None:
        self._plugin = plugin
        self._wanted = tuple(wanted.items())
        self._least = plugin.timings.image_locality_min
        self._most = plugin.timings.image_locality_max_per_container * limit

    def points(self, feasible: Feasible) -> Floats | None:
        images, nodes = self._plugin.images, self._plugin.state.nodes
        everywhere, most = 0, 0
        somewhere: list[tuple[_Image, int]] = []
        for name, times in self._wanted:
            image = images.get(name)
            if image is not None:
                worth = times * int(image.size * (image.count / nodes.count))
                most += worth
                if image.count == nodes.count:
                    everywhere += worth
                else:
                    somewhere.append((image, worth))
        if not somewhere or most <= self._least:
            return None
        window = feasible.window
        if len(somewhere) == 1:
            table = np.array((self._scaled(everywhere), self._scaled(most)))
            points: Floats = table[somewhere[0][0].mask[window].astype(np.intp)]
            return points
        total = np.full(feasible.size, float(everywhere))
        for image, worth in somewhere:
            total += image.mask[window] * float(worth)
        np.maximum(total, self._least, out=total)
        np.minimum(total, self._most, out=total)
        total -= self._least
        total *= MAX_SCORE
        total /= self._most - self._least
        np.floor(total, out=total)
        return total

    def _scaled(self, total: int) -> float:
        bounded = min(max(total, self._least), self._most)
        return float(MAX_SCORE * (bounded - self._least) // (self._most - self._least))
