"""Deployments: when which of them is looked at, and which ReplicaSets are theirs (behaviour 4.2)
[pkg/controller/deployment/deployment_controller.go]. What a look does is in `deployment_sync`."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.selection import Selectors
from simkube.cluster.store import Change, Did
from simkube.cluster.workloads.deployment_revisions import TemplateHashes
from simkube.cluster.workloads.deployment_sync import KIND, REPLICASET, DeploymentSync, pods_of
from simkube.cluster.workloads.pods import owned_by
from simkube.cluster.workloads.rollout import least_available
from simkube.cluster.workloads.rollout_status import (
    COMPLETE,
    NO_DEADLINE,
    PROGRESSING,
    TIMED_OUT,
    condition_of,
    is_over,
    rolled_out,
)
from simkube.kube.objects import Key, Pod, Workload
from simkube.kube.selector import compile_selector
from simkube.timings import Timings

_SELECTOR = int(Did.ADDED | Did.SPEC)  # a Deployment's may be another
_OWNER = int(Did.ADDED | Did.META | Did.REMOVED)  # a ReplicaSet's may be another
_STATUS = int(Did.STATUS)


class _Settled(NamedTuple):
    """A Deployment whose rollout asks for nothing more, as long as these and what its ReplicaSets are stay the same:
    only its status follows those of the ReplicaSets, `new` and `olds` by key. `least`: pods that it wants available."""

    spec: Any
    template: Any
    meta: Any
    new: Key
    olds: tuple[Key, ...]
    least: int


class DeploymentController(Controller):
    """kube-controller-manager's deployment-controller. Keys are those of Deployments."""

    def __init__(self, clock: Clock, client: Client, timings: Timings) -> None:
        super().__init__(clock, client)
        self._hashes = TemplateHashes()
        self._selectors = Selectors()
        self._orphans: dict[Key, None] = {}  # ReplicaSets without a controller
        self._settled: dict[Key, _Settled] = {}
        self._deployments, self._replicasets = client.table(KIND), client.table(REPLICASET)
        self._any_pod_that_goes = timings.version.minor >= 37  # 13.1
        client.watch(KIND, self._deployment_changed)
        client.watch(REPLICASET, self._replicaset_changed)
        client.watch("Pod", self._pod_removed, Did.REMOVED, owner=REPLICASET)
        for deployment in client.table(KIND).values():
            self._select(deployment)
        for replicaset in client.table(REPLICASET).values():
            self._note_orphan(replicaset)
        self._look_at_everything()

    def start(self) -> None:
        super().start()
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        self._settled.clear()
        for key in self.client.table(KIND):
            self.enqueue(key)

    # -- what makes a Deployment be looked at -----------------------------------------------------------------------

    def _deployment_changed(self, change: Change) -> None:
        if change.new is None:
            self._selectors.discard(change.old.key)
        elif change.did & _SELECTOR:
            self._select(change.new)
        if change.by != self.client.name:
            self.enqueue(change.object.key)

    def _select(self, deployment: Workload) -> None:
        selector = compile_selector(deployment.spec.selector)
        if self._selectors.get(deployment.key) != selector and not selector.is_everything:
            self._selectors.put(deployment.key, selector)

    def _replicaset_changed(self, change: Change) -> None:
        replicaset: Workload = change.new if change.new is not None else change.old
        owner = replicaset.meta.controller
        if owner is not None and owner.kind == KIND:
            key = (replicaset.meta.namespace, owner.name)
            if change.did != _STATUS:
                self._settled.pop(key, None)
            self.enqueue(key)
        if change.did & _OWNER:
            if change.new is None:
                self._orphans.pop(replicaset.key, None)
            else:
                self._note_orphan(change.new)
            before = change.old.meta.controller if change.old is not None else None
            if before is not None and before.kind == KIND and before != owner:
                key = (replicaset.meta.namespace, before.name)
                self._settled.pop(key, None)
                self.enqueue(key)

    def _note_orphan(self, replicaset: Workload) -> None:
        self._orphans.pop(replicaset.key, None)
        if replicaset.meta.controller is None:
            self._orphans[replicaset.key] = None
            for key in self._selectors.selecting(replicaset.meta.namespace, replicaset.meta.labels):
                self._settled.pop(key, None)
                self.enqueue(key)

    def _pod_removed(self, change: Change) -> None:
        """A Recreate Deployment may go on once its last pod is gone; from 1.37 on it looks at each that goes."""
        pod: Pod = change.old
        owner = pod.meta.controller
        if owner is None or owner.kind != REPLICASET:
            return
        namespace = pod.meta.namespace
        replicaset = self._replicasets.get((namespace, owner.name))
        above = replicaset.meta.controller if replicaset is not None else None
        if above is None or above.kind != KIND:
            return
        deployment = self._deployments.get((namespace, above.name))
        if deployment is None or deployment.spec.strategy.type != "Recreate":
            return
        if self._any_pod_that_goes or not any(pods_of(self.client, self._owned(deployment))):
            self.enqueue(deployment.key)

    # -- one Deployment ---------------------------------------------------------------------------------------------

    def reconcile(self, key: Any) -> None:
        deployment: Workload | None = self._deployments.get(key)
        settled = self._settled.pop(key, None)
        if deployment is None:
            return
        if (
            settled is not None
            and settled.spec is deployment.spec
            and settled.template is deployment.template
            and settled.meta is deployment.meta
        ):
            self._count(key, deployment, settled)
            return
        if compile_selector(deployment.spec.selector).is_everything:
            text = "This deployment is selecting all pods. A non-empty selector is required."
            self.client.event(deployment, "Warning", "SelectingAll", text)
            return
        owned = self._claim(deployment, self._owned(deployment))
        sync = DeploymentSync(self.client, self.clock.now, self._hashes, deployment, owned)
        sync.run()
        if sync.rolls_out:
            self._plan_check(sync.deployment)
        if sync.new is not None and sync.is_settled:
            self._settled[key] = _settled(sync.deployment, sync.new, self._owned(deployment))

    def _count(self, key: Key, deployment: Workload, settled: _Settled) -> None:
        """What a sync comes to for a Deployment that was settled, when only statuses have changed since."""
        replicasets = self._replicasets
        new, olds = replicasets[settled.new], [replicasets[old] for old in settled.olds]
        status = rolled_out(deployment, new, olds, settled.least, self.clock.now)
        if status != deployment.status:
            deployment = self.client.update(replace(deployment, status=status))
        if is_over(deployment):
            self._settled[key] = settled
        else:
            self._plan_check(deployment)

    def _plan_check(self, deployment: Workload) -> None:
        """Look again when the rollout has to have progressed [progress.go `requeueStuckDeployment`]."""
        current = condition_of(deployment.status, PROGRESSING)
        deadline = deployment.spec.progress_deadline_seconds
        if current is not None and current.reason not in (COMPLETE, TIMED_OUT) and deadline != NO_DEADLINE:
            self.enqueue_at(deployment.key, max(self.clock.now, current.updated + deadline) + 1.0)

    def _claim(self, deployment: Workload, owned: list[Workload]) -> list[Workload]:
        """Its ReplicaSets; those whose labels left are released, those without a controller that fit are adopted
        [CU `ClaimReplicaSets`]."""
        if deployment.meta.deletion_timestamp is not None:
            return owned
        selector = compile_selector(deployment.spec.selector)
        strays = [replicaset for replicaset in owned if not selector.matches(replicaset.meta.labels)]
        for replicaset in strays:
            owners = tuple(o for o in replicaset.meta.owners if o.uid != deployment.meta.uid)
            self.client.update(replace(replicaset, meta=replace(replicaset.meta, owners=owners)))
        for namespace, name in list(self._orphans):
            orphan = self.client.get(REPLICASET, name, namespace)
            fits = namespace == deployment.meta.namespace and selector.matches(orphan.meta.labels)
            if fits and orphan.meta.deletion_timestamp is None:
                owners = (*orphan.meta.owners, *owned_by(deployment))
                owned.append(self.client.update(replace(orphan, meta=replace(orphan.meta, owners=owners))))
        return [replicaset for replicaset in owned if replicaset not in strays] if strays else owned

    def _owned(self, deployment: Workload) -> list[Workload]:
        return [obj for obj in self.client.owned_by(deployment.meta.uid).values() if obj.kind == REPLICASET]


def _settled(deployment: Workload, new: Workload, replicasets: Sequence[Workload]) -> _Settled:
    olds = tuple(replicaset.key for replicaset in replicasets if replicaset.meta.uid != new.meta.uid)
    least = least_available(deployment.spec)
    return _Settled(deployment.spec, deployment.template, deployment.meta, new.key, olds, least)
