"""What a StatefulSet's controller decides: which pods to create and which to delete (behaviour, 4.3).

The `Roster` holds a set's pods by ordinal and is told of each pod that changed, so that a decision costs what stands in
the way and not what is in order [pkg/controller/statefulset/stateful_set_control.go].
"""

from math import inf
from typing import NamedTuple

from simkube.cluster.workloads.availability import available_from
from simkube.cluster.workloads.revisions import REVISION_LABEL
from simkube.kube.objects import Pod, WorkloadStatus
from simkube.kube.selector import resolve_int_or_percent
from simkube.kube.workloads import StatefulSetSpec

# The minor that has gate MaxUnavailableStatefulSet on (1.35.0 had it too; 1.35.4 took it back).
MAX_UNAVAILABLE = 37
UPDATE_WAITS_MIN_READY = 34  # the minor whose rolling update waits for minReadySeconds and not only for Ready


class Decision(NamedTuple):
    """What to do now: ordinals to create, each with its revision; pods to delete, in that order; ordinals of Pending
    pods whose missing claims are to be made."""

    create: tuple[tuple[int, str], ...] = ()
    delete: tuple[Pod, ...] = ()
    claims: tuple[int, ...] = ()


class _Tally(NamedTuple):
    """What one pod adds to the status."""

    ready: bool
    available: bool
    revision: str  # "" if it is leaving


class Roster:
    """The pods of a StatefulSet with this spec; `current` and `update` are the names of its revisions."""

    def __init__(self, spec: StatefulSetSpec, current: str, update: str, minor: int) -> None:
        self.spec = spec
        self.current = current
        self.update = update
        self.minor = minor
        self.ordinals = range(spec.ordinals.start, spec.ordinals.start + spec.replicas)
        self.pods: dict[int, Pod] = {}
        # Not there to stay, Running and available.
        self.troubled: dict[int, None] = dict.fromkeys(self.ordinals)
        self.outdated: dict[int, None] = {}  # of another revision than `update`
        self.condemned: dict[int, None] = {}  # beyond the replicas
        self.due: dict[int, float] = {}  # Ready, and available at this time
        self._tallies: dict[int, _Tally] = {}
        self._ready = 0
        self._available = 0
        self._members: dict[str, int] = {}

    def note(self, ordinal: int, pod: Pod | None, now: float) -> None:
        """The pod of this ordinal is now `pod` (None: there is none). Also to be called when an ordinal is due."""
        for ordinals in (self.pods, self.troubled, self.outdated, self.condemned, self.due):
            ordinals.pop(ordinal, None)
        available = False
        if pod is not None:
            self.pods[ordinal] = pod
            since = available_from(pod, self.spec.min_ready_seconds)
            available = since <= now
            if now < since < inf:
                self.due[ordinal] = since
        self._count(ordinal, pod, available)
        if ordinal in self.ordinals:
            if pod is None or pod.is_terminating or pod.status.phase != "Running" or not available:
                self.troubled[ordinal] = None
            if pod is not None and revision_of(pod) != self.update:
                self.outdated[ordinal] = None
        elif pod is not None:
            self.condemned[ordinal] = None

    def _count(self, ordinal: int, pod: Pod | None, available: bool) -> None:
        if (old := self._tallies.pop(ordinal, None)) is not None:
            self._add(old, -1)
        if pod is not None:
            ready = pod.is_ready and pod.status.phase == "Running"
            new = _Tally(ready, ready and available, "" if pod.is_terminating else revision_of(pod))
            self._tallies[ordinal] = new
            self._add(new, 1)

    def _add(self, tally: _Tally, sign: int) -> None:
        self._ready += sign * tally.ready
        self._available += sign * tally.available
        if tally.revision:
            self._members[tally.revision] = self._members.get(tally.revision, 0) + sign

    def status(self, generation: int) -> WorkloadStatus:
        """What the set reports. Once all pods are of the update revision, that is the current one [`completeUpdate`];
        with OnDelete only from 1.37 on."""
        updated = self._members.get(self.update, 0)
        rolling = self.spec.update_strategy.type == "RollingUpdate" or self.minor >= MAX_UNAVAILABLE
        complete = rolling and updated == self._ready == len(self.pods) == self.spec.replicas
        current = self.update if complete else self.current
        return WorkloadStatus(
            observed_generation=generation,
            replicas=len(self.pods),
            ready=self._ready,
            available=self._available,
            updated=updated,
            current=self._members.get(current, 0),
            current_revision=current,
            update_revision=self.update,
        )

    def decide(self) -> Decision:
        """One pass of the controller."""
        if self.spec.pod_management_policy == "Parallel":
            return self._in_parallel()
        if self.troubled:
            return self._first(min(self.troubled))
        if self.condemned:
            return Decision(delete=self._next_condemned())
        return Decision(delete=self._to_update())

    def _first(self, ordinal: int) -> Decision:
        """OrderedReady: the lowest ordinal that is not in order blocks all else."""
        pod = self.pods.get(ordinal)
        if pod is None:
            return Decision(create=((ordinal, self._revision_for(ordinal)),))
        if pod.is_finished:
            return Decision(delete=() if pod.is_terminating else (pod,))
        return Decision(claims=(ordinal,) if pod.status.phase == "Pending" else ())

    def _next_condemned(self) -> tuple[Pod, ...]:
        """OrderedReady: the highest ordinal goes first, and waits while another condemned pod is unhealthy."""
        highest = max(self.condemned)
        pod = self.pods[highest]
        unhealthy = [ordinal for ordinal in self.condemned if self._unavailable(ordinal)]
        if pod.is_terminating or (highest in unhealthy and highest != min(unhealthy)):
            return ()
        return (pod,)

    def _in_parallel(self) -> Decision:
        create: list[tuple[int, str]] = []
        delete: list[Pod] = []
        claims: list[int] = []
        for ordinal in sorted(self.troubled):
            pod = self.pods.get(ordinal)
            if pod is None:
                create.append((ordinal, self._revision_for(ordinal)))
            elif pod.is_finished:
                delete += () if pod.is_terminating else (pod,)
            elif pod.status.phase == "Pending":
                claims.append(ordinal)
        condemned = (self.pods[ordinal] for ordinal in sorted(self.condemned, reverse=True))
        delete += (pod for pod in condemned if not pod.is_terminating)
        delete += (pod for pod in self._to_update() if pod not in delete)
        return Decision(tuple(create), tuple(delete), tuple(claims))

    # -- rolling update -----------------------------------------------------------------------------------------

    def _to_update(self) -> tuple[Pod, ...]:
        """Pods to delete so that they come back in the update revision, from the highest ordinal down."""
        if self.spec.update_strategy.type != "RollingUpdate" or not self.outdated:
            return ()
        least = self.spec.ordinals.start + self.spec.update_strategy.rolling_update.partition
        staying = [o for o in self.outdated if o >= least and not self.pods[o].is_terminating]
        staying.sort(reverse=True)
        if self.minor < MAX_UNAVAILABLE:
            return self._one_by_one(staying)
        budget = max_unavailable(self.spec) - len(self.troubled)
        if self.spec.pod_management_policy != "Parallel":
            return tuple(self.pods[o] for o in staying[: max(0, budget)])
        broken = [o for o in staying if self._unavailable(o)]
        sound = [o for o in staying if not self._unavailable(o)]
        return tuple(self.pods[o] for o in (*broken, *sound[: max(0, budget)]))

    def _one_by_one(self, staying: list[int]) -> tuple[Pod, ...]:
        """Before 1.37: the highest outdated pod, unless one above it is still unavailable."""
        blockers = set(self.troubled)
        if self.minor < UPDATE_WAITS_MIN_READY:
            blockers -= {o for o in self.due if not self.pods[o].is_terminating}
        if not staying or staying[0] < max(blockers, default=-1):
            return ()
        return (self.pods[staying[0]],)

    def _unavailable(self, ordinal: int) -> bool:
        return self.pods[ordinal].is_terminating or not self._tallies[ordinal].available

    def _revision_for(self, ordinal: int) -> str:
        """Below the partition pods come back in the current revision [`newVersionedStatefulSetPod`]."""
        partition = self.spec.update_strategy.rolling_update.partition
        return self.current if ordinal < self.spec.ordinals.start + partition else self.update


def max_unavailable(spec: StatefulSetSpec) -> int:
    """From 1.37 on: how many pods a rolling update may keep away, at least 1 [`getStatefulSetMaxUnavailable`]."""
    value = spec.update_strategy.rolling_update.max_unavailable
    return max(1, resolve_int_or_percent(1 if value is None else value, spec.replicas, round_up=False))


def revision_of(pod: Pod) -> str:
    """The revision that the pod was made from, "" if it does not say."""
    return pod.meta.labels.get(REVISION_LABEL, "")
