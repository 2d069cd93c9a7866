"""VolumeBinding: a pod goes where its volumes can be reached, or be found or made for claims that waited for it."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from simkube.cluster.scheduler.claims import (
    CLAIM,
    NO_PROVISIONER,
    SELECTED_NODE,
    VOLUME,
    claims_of,
    class_of,
    could_bind,
    is_bound,
    nowhere,
    provisionable,
    reachable,
    refers_to,
    waits_for_consumer,
)
from simkube.cluster.scheduler.nodes import Bools, Ints, Window
from simkube.cluster.scheduler.plugin import Ask, Event, Filter, Happening, Plugin, Rejected
from simkube.cluster.scheduler.state import State
from simkube.kube.objects import Pod, Resource
from simkube.kube.quantity import bytes_of

NO_PV = "node(s) didn't find available persistent volumes to bind"
UNREACHABLE = "node(s) didn't match PersistentVolume's node affinity"
UNREACHABLE_BEFORE_33 = "node(s) had volume node affinity conflict"
MISSING_PV = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
RENAMED_SINCE = 33

_STORAGE = Happening.CLAIM | Happening.VOLUME | Happening.CLASS


class Plan(NamedTuple):
    """What is still to be bound once a node is chosen: volumes to claims, and claims to be provisioned."""

    static: list[tuple[Resource, Resource]]
    provision: list[Resource]


class VolumeBinding(Plugin):
    """[plugins/volumebinding/{volume_binding,binder}.go]. Storage capacity is not tracked."""

    name = "VolumeBinding"
    wakes_on = Happening.NODE_ADDED | Happening.NODE_LABELS | _STORAGE

    def filter_claims(self, ask: Ask, pod: Pod) -> "VolumesFit":
        client = self.state.client
        bound: list[Resource] = []
        waiting: list[Resource] = []
        for name, ephemeral in claims_of(pod):
            claim = client.get(CLAIM, name, pod.meta.namespace)
            problem = _problem(claim, name, ephemeral)
            if problem:
                raise Rejected(self.name, problem)
            if is_bound(claim):
                bound.append(claim)
            elif waits_for_consumer(client, claim) and not claim.spec.volume_name:
                waiting.append(claim)
            else:
                raise Rejected(self.name, "pod has unbound immediate PersistentVolumeClaims")
        unreachable = UNREACHABLE if self.minor >= RENAMED_SINCE else UNREACHABLE_BEFORE_33
        return VolumesFit(self.state, bound, waiting, unreachable)

    def wakes(self, event: Event, ask: Ask, pod: Pod) -> bool:
        if event.what is Happening.CLAIM:
            claim = event.new
            names = {name for name, _ in claims_of(pod)}
            return claim.meta.namespace == pod.meta.namespace and claim.meta.name in names
        if event.what is Happening.CLASS and event.old is not None:
            return bool(event.old.spec.allowed_topologies != event.new.spec.allowed_topologies)
        return True


def _problem(claim: Resource | None, name: str, ephemeral: bool) -> str:
    """[`podHasPVCs`]"""
    if claim is None and ephemeral:
        return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
    if claim is None:
        return f'persistentvolumeclaim "{name}" not found'
    if claim.status.get("phase") == "Lost":
        volume = claim.spec.volume_name
        return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume}"'
    if claim.meta.deletion_timestamp is not None:
        return f'persistentvolumeclaim "{name}" is being deleted'
    return ""


class VolumesFit(Filter):
    """[`FindPodVolumes`]"""

    plugin = VolumeBinding.name

    def __init__(
        self, state: State, bound: list[Resource], waiting: list[Resource], unreachable: str
    ) -> None:
        self._state = state
        self._unreachable = unreachable
        self._volumes = [state.client.get(VOLUME, claim.spec.volume_name) for claim in bound]
        self._selected = [claim for claim in waiting if SELECTED_NODE in claim.meta.annotations]
        to_match = [claim for claim in waiting if SELECTED_NODE not in claim.meta.annotations]
        to_match.sort(key=lambda claim: bytes_of(claim.spec.resources.requests.get("storage", 0)))
        self._to_match = [(claim, self._candidates(claim)) for claim in to_match]

    def _candidates(self, claim: Resource) -> list[Resource]:
        """Volumes that the claim could have, the one reserved for it first, then the smallest first."""
        volumes = [v for v in self._state.client.table(VOLUME).values() if could_bind(v, claim)]
        volumes.sort(key=lambda v: (not refers_to(v, claim), bytes_of(v.spec.capacity.get("storage", 0))))
        return volumes

    def passes(self, window: Window) -> Bools | None:
        passed: Bools | None = None
        for judged in (self._reach(window), self._find(window), self._exist(window)):
            if judged is not None:
                passed = judged if passed is None else passed & judged
        return passed

    def reasons(self, rejected: Ints) -> tuple[Counter[str], Bools]:
        parts = {
            self._unreachable: self._reach(rejected),
            NO_PV: self._find(rejected),
            MISSING_PV: self._exist(rejected),
        }
        counts = Counter({reason: int((~part).sum()) for reason, part in parts.items() if part is not None})
        return +counts, np.zeros(len(rejected), np.bool_)

    def plan(self, position: int) -> Plan:
        """What to bind if the pod goes to this node."""
        static, provision = self._match(position)
        return Plan(static, [*self._selected, *provision])

    def _exist(self, window: Window) -> Bools | None:
        missing = any(volume is None for volume in self._volumes)
        return nowhere(self._state.nodes, window) if missing else None

    def _reach(self, window: Window) -> Bools | None:
        """Bound volumes: their node affinity."""
        passed: Bools | None = None
        for volume in self._volumes:
            judged = None if volume is None else reachable(self._state, volume, window)
            if judged is not None:
                passed = judged if passed is None else passed & judged
        return passed

    def _find(self, window: Window) -> Bools | None:
        """Claims that wait for the pod: a free volume, or a provisioner."""
        nodes = self._state.nodes
        passed: Bools | None = None
        for claim in self._selected:
            info = nodes.by_name.get(claim.meta.annotations[SELECTED_NODE])
            judged = nowhere(nodes, window)
            if info is not None:
                there = nowhere(nodes, slice(None))
                there[nodes.at[info.slot]] = True
                judged = there[window]
            passed = judged if passed is None else passed & judged
        for claim in (*self._selected, *(claim for claim, volumes in self._to_match if not volumes)):
            made = self._provision(claim, window)
            if made is not None:
                passed = made if passed is None else passed & made
        if any(volumes for _, volumes in self._to_match):
            every = np.arange(nodes.count)[window]
            matched = np.array([self._can_match(position) for position in every.tolist()], np.bool_)
            passed = matched if passed is None else passed & matched
        return passed

    def _provision(self, claim: Resource, window: Window) -> Bools | None:
        storage_class = class_of(self._state.client, claim)
        if storage_class is None or storage_class.provisioner in ("", NO_PROVISIONER):
            return nowhere(self._state.nodes, window)
        return provisionable(self._state, storage_class.allowed_topologies, window)

    def _can_match(self, position: int) -> bool:
        """Each claim has a volume of its own there, or can be provisioned."""
        here = np.array([position])
        for claim in self._match(position)[1]:
            made = self._provision(claim, here)
            if made is not None and not made[0]:
                return False
        return True

    def _match(self, position: int) -> tuple[list[tuple[Resource, Resource]], list[Resource]]:
        """(volume, claim) pairs on the node, and the claims left over [`findMatchingVolumes`]."""
        here = np.array([position])
        found: list[tuple[Resource, Resource]] = []
        unmatched: list[Resource] = []
        taken: set[str] = set()
        for claim, volumes in self._to_match:
            for volume in volumes:
                there = reachable(self._state, volume, here)
                if volume.meta.name not in taken and (there is None or there[0]):
                    taken.add(volume.meta.name)
                    found.append((volume, claim))
                    break
            else:
                unmatched.append(claim)
        return found, unmatched
