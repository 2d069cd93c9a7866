"""A DaemonSet's pods by node, its status and its rolling update, kept up to date node by node (behaviour, 4.4).

[pkg/controller/daemon/daemon_controller.go `updateDaemonSetStatus`, update.go `rollingUpdate`]
"""

from math import inf
from typing import NamedTuple

from simkube.cluster.workloads.availability import available_from
from simkube.cluster.workloads.daemon_nodes import (
    NO_FIT,
    Fit,
    Rollout,
    Stage,
    Todo,
    daemons_of,
    fit,
    is_updated,
    rollout,
    todo,
)
from simkube.kube.objects import Node, Pod, WorkloadStatus
from simkube.kube.selector import resolve_int_or_percent
from simkube.kube.template import Template
from simkube.kube.workloads import DaemonSetSpec


class _Tally(NamedTuple):
    """What one node adds to the status."""

    desired: int = 0
    current: int = 0
    misscheduled: int = 0
    ready: int = 0
    available: int = 0
    updated: int = 0


class _Site(NamedTuple):
    """A node that has, or should have, a pod."""

    tally: _Tally
    rollout: Rollout
    fits: Fit


class Step(NamedTuple):
    """What a rolling update does now: pods to delete, and nodes that get a second pod."""

    delete: tuple[Pod, ...] = ()
    create: tuple[str, ...] = ()


class Fleet:
    """The pods of a DaemonSet with this spec and template; `revision` is the hash that new pods carry."""

    def __init__(self, spec: DaemonSetSpec, template: Template, revision: str) -> None:
        self.spec = spec
        self.template = template
        self.revision = revision
        self.surge = max_surge(spec, 1) > 0
        self.pods: dict[str, dict[str, Pod]] = {}  # by node (bound or pinned to), by name
        self.due: dict[str, float] = {}  # node -> when a Ready pod there becomes available
        self._sites: dict[str, _Site] = {}
        self._totals = dict.fromkeys(_Tally._fields, 0)
        self._old: dict[bool, dict[str, Pod]] = {
            True: {},
            False: {},
        }  # only an old pod; by whether it is available
        self._surged: dict[str, Pod] = {}  # the old pod beside an available new one
        self._unavailable = 0
        self._surging = 0
        self._available = 0

    def put(self, name: str, target: str, pod: Pod | None) -> None:
        """The pod of this name, made for the node `target`, is now `pod`; None: it is gone or no longer the set's."""
        pods = self.pods.setdefault(target, {})
        if pod is None:
            pods.pop(name, None)
        else:
            pods[name] = pod
        if not pods:
            del self.pods[target]

    def look(self, name: str, node: Node | None, now: float) -> Todo:
        """See the node of this name anew; None: it does not exist. Returns what is to be done there."""
        if (before := self._sites.pop(name, None)) is not None:
            self._count(name, before, -1)
        self.due.pop(name, None)
        pods = daemons_of(self.pods.get(name, {}).values())
        fits = fit(node, self.template.spec) if node is not None else NO_FIT
        if not pods and not fits.should_run:
            return Todo()
        delay = self.spec.min_ready_seconds
        tally = self._tally(fits, pods, now) if node is not None else _Tally()
        site = _Site(tally, rollout(pods, self.revision, delay, now), fits)
        self._sites[name] = site
        self._count(name, site, 1)
        due = min((at for pod in pods if now < (at := available_from(pod, delay)) < inf), default=inf)
        if due < inf:
            self.due[name] = due
        if node is None:  # pods that nobody will ever bind [`getUnscheduledPodsWithoutNode`]
            return Todo(delete=tuple(pod for pod in pods if not pod.node))
        return todo(fits, pods, self.revision, self.surge, delay, now)

    def _tally(self, fits: Fit, pods: list[Pod], now: float) -> _Tally:
        if not fits.should_run:
            return _Tally(misscheduled=int(bool(pods)))
        if not pods:
            return _Tally(desired=1)
        pod = pods[0]
        available = pod.is_ready and available_from(pod, self.spec.min_ready_seconds) <= now
        return _Tally(1, 1, 0, int(pod.is_ready), int(available), int(is_updated(pod, self.revision)))

    def _count(self, name: str, site: _Site, sign: int) -> None:
        for field, value in zip(_Tally._fields, site.tally, strict=True):
            self._totals[field] += sign * value
        stage, old, old_available, new_available = site.rollout
        settled = (stage is Stage.NEW and new_available) or (stage is Stage.OLD and old_available)
        self._unavailable += sign * (not settled)
        self._available += sign * (old_available if old is not None else new_available)
        self._surging += sign * (stage is Stage.EXCESS or (stage is Stage.BOTH and not new_available))
        if stage is Stage.OLD:
            _set(self._old[old_available], name, old, sign)
        elif stage is Stage.BOTH and new_available:
            _set(self._surged, name, old, sign)

    def status(self, generation: int) -> WorkloadStatus:
        """What the set reports."""
        total = self._totals
        return WorkloadStatus(
            observed_generation=generation,
            replicas=total["desired"],
            current=total["current"],
            misscheduled=total["misscheduled"],
            ready=total["ready"],
            available=total["available"],
            updated=total["updated"],
        )

    # -- rolling update -----------------------------------------------------------------------------------------

    @property
    def is_rolling(self) -> bool:
        """Some old pod is left."""
        return bool(self._old[True] or self._old[False] or self._surged)

    def step(self) -> Step:
        """What the rolling update does next. Old pods that are unavailable go first, whatever the budget."""
        desired = self._totals["desired"]
        surge, unavailable = max_surge(self.spec, desired), max_unavailable(self.spec, desired)
        if surge == 0:
            left = max(0, (unavailable or 1) - self._unavailable)
            return Step(delete=(*self._old[False].values(), *list(self._old[True].values())[:left]))
        leaving = [name for name in self._old[True] if not self._sites[name].fits.should_run]
        going = [name for name in self._old[False] if not self._sites[name].fits.should_run]
        delete = [*self._surged.values(), *(self._old[False][name] for name in going)]
        delete += (self._old[True][name] for name in leaving[: max(0, self._available - desired)])
        candidates = [name for name in self._old[True] if name not in leaving]
        left = max(0, surge - self._surging)
        return Step(
            delete=tuple(delete),
            create=(*(name for name in self._old[False] if name not in going), *candidates[:left]),
        )


def max_surge(spec: DaemonSetSpec, desired: int) -> int:
    """How many extra pods an update may run; percentages of the desired number round up [`SurgeCount`]."""
    if spec.update_strategy.type != "RollingUpdate":
        return 0
    return resolve_int_or_percent(spec.update_strategy.rolling_update.max_surge, desired, round_up=True)


def max_unavailable(spec: DaemonSetSpec, desired: int) -> int:
    """How many pods an update may keep away; percentages round up too [`UnavailableCount`]."""
    return resolve_int_or_percent(spec.update_strategy.rolling_update.max_unavailable, desired, round_up=True)


def _set(pods: dict[str, Pod], name: str, pod: Pod | None, sign: int) -> None:
    if sign < 0:
        pods.pop(name, None)
    elif pod is not None:
        pods[name] = pod
