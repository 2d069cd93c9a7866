"""VolumeZone: a volume that carries zone or region labels is used only from nodes with the same."""

import numpy as np

from simkube.cluster.scheduler.claims import CLAIM, CLASS, VOLUME
from simkube.cluster.scheduler.nodes import Bools, Window
from simkube.cluster.scheduler.plugin import Ask, Event, Filter, Happening, Plugin, Rejected
from simkube.cluster.scheduler.state import State
from simkube.kube.objects import Pod, Resource
from simkube.kube.storage import claim_class

STABLE = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
}
LABELS = (*STABLE, *STABLE.values())

Topology = tuple[str, tuple[str, ...]]  # label of a volume, the values it allows


class VolumeZone(Plugin):
    """[plugins/volumezone/volume_zone.go]"""

    name = "VolumeZone"
    wakes_on = (
        Happening.NODE_ADDED | Happening.NODE_LABELS | Happening.CLAIM | Happening.VOLUME | Happening.CLASS
    )

    def filter_claims(self, ask: Ask, pod: Pod) -> Filter | None:
        topologies: list[Topology] = []
        for name in ask.template.claims:
            claim = self.state.client.get(CLAIM, name, pod.meta.namespace)
            volume = self._volume(claim, name)
            if volume is not None:
                topologies += _topologies(volume)
        return _SameZone(self.state, topologies) if topologies else None

    def _volume(self, claim: Resource | None, name: str) -> Resource | None:
        client = self.state.client
        if claim is None:
            raise Rejected(self.name, f'persistentvolumeclaim "{name}" not found')
        volume_name = claim.spec.volume_name
        if volume_name:
            found: Resource | None = client.get(VOLUME, volume_name)
            if found is None:
                raise Rejected(self.name, f'persistentvolume "{volume_name}" not found')
            return found
        class_name = claim_class(dict(claim.meta.annotations), claim.spec)
        if not class_name:
            raise Rejected(self.name, "PersistentVolumeClaim had no pv name and storageClass name")
        storage_class = client.get(CLASS, class_name)
        if storage_class is None:
            raise Rejected(self.name, f'storageclass.storage.k8s.io "{class_name}" not found')
        if storage_class.spec.volume_binding_mode == "WaitForFirstConsumer":
            return None
        raise Rejected(self.name, "PersistentVolume had no name")

    def wakes(self, event: Event, ask: Ask, pod: Pod) -> bool:
        if event.what is Happening.CLASS:
            return event.old is None and event.new.spec.volume_binding_mode == "WaitForFirstConsumer"
        if event.what is Happening.CLAIM:
            claim = event.new
            return claim.meta.namespace == pod.meta.namespace and claim.meta.name in ask.template.claims
        if event.what is Happening.VOLUME:
            return event.old is None or _topologies(event.old) != _topologies(event.new)
        return True


def _topologies(volume: Resource) -> list[Topology]:
    labels = volume.meta.labels
    return [(key, tuple(sorted(labels[key].split("__")))) for key in LABELS if key in labels]


class _SameZone(Filter):
    plugin = VolumeZone.name
    reason = "node(s) had no available volume zone"

    def __init__(self, state: State, topologies: list[Topology]) -> None:
        self._state = state
        self._topologies = topologies

    def passes(self, window: Window) -> Bools | None:
        """A node without any of the labels is in a cluster of one zone, and passes."""
        topologies = self._state.topologies
        labelled = np.logical_or.reduce([topologies.of(key).codes[window] >= 0 for key in LABELS])
        same = np.ones_like(labelled)
        for key, values in self._topologies:
            there = self._has(key, values, window)
            if key in STABLE:  # an old label of the volume may stand as the new one on the node
                there |= (topologies.of(key).codes[window] < 0) & self._has(STABLE[key], values, window)
            same &= there
        passed: Bools = same | ~labelled
        return passed

    def _has(self, key: str, values: tuple[str, ...], window: Window) -> Bools:
        topology = self._state.topologies.of(key)
        wanted = [topology.values[value] for value in values if value in topology.values]
        return np.isin(topology.codes[window], wanted)
