"""Deployments: when which of them is looked at, and which ReplicaSets are theirs (behaviour 4.2)
[pkg/controller/deployment/deployment_controller.go]. What a look does is in `deployment_sync`."""

from operator import is_
from typing import Any

from msgspec.structs import replace

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.deployment_revisions import TemplateHashes
from simkube.cluster.deployment_sync import KIND, REPLICASET, DeploymentSync, pods_of
from simkube.cluster.pods import owned_by
from simkube.cluster.rollout_status import COMPLETE, NO_DEADLINE, PROGRESSING, TIMED_OUT, condition_of
from simkube.cluster.selection import Selectors
from simkube.cluster.store import Change, Did
from simkube.kube.objects import Key, Pod, Workload
from simkube.kube.selector import compile_selector
from simkube.timings import Timings

_SELECTOR = int(Did.ADDED | Did.SPEC)  # a Deployment's may be another
_OWNER = int(Did.ADDED | Did.META | Did.REMOVED)  # a ReplicaSet's may be another


class DeploymentController(Controller):
    """kube-controller-manager's deployment-controller. Keys are those of Deployments."""

    def __init__(self, clock: Clock, client: Client, timings: Timings) -> None:
        super().__init__(clock, client)
        self._hashes = TemplateHashes()
        self._selectors = Selectors()
        self._orphans: dict[Key, None] = {}  # ReplicaSets without a controller
        self._settled: dict[
            Key, tuple[Any, ...]
        ] = {}  # what Deployments looked like that need nothing but counting
        self._any_pod_that_goes = timings.version.minor >= 37  # 13.1
        client.watch(KIND, self._deployment_changed)
        client.watch(REPLICASET, self._replicaset_changed)
        client.watch("Pod", self._pod_removed, Did.REMOVED)
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
        replicaset: Workload = change.object
        owner = replicaset.meta.controller
        if owner is not None and owner.kind == KIND:
            self.enqueue((replicaset.meta.namespace, owner.name))
        if change.did & _OWNER:
            if change.new is None:
                self._orphans.pop(replicaset.key, None)
            else:
                self._note_orphan(change.new)
            before = change.old.meta.controller if change.old is not None else None
            if before is not None and before.kind == KIND and before != owner:
                self.enqueue((replicaset.meta.namespace, before.name))

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
        replicaset = self.client.get(REPLICASET, owner.name, pod.meta.namespace)
        above = replicaset.meta.controller if replicaset is not None else None
        if above is None or above.kind != KIND:
            return
        deployment = self.client.get(KIND, above.name, pod.meta.namespace)
        if deployment is None or deployment.spec.strategy.type != "Recreate":
            return
        if self._any_pod_that_goes or not any(pods_of(self.client, self._owned(deployment))):
            self.enqueue(deployment.key)

    # -- one Deployment ---------------------------------------------------------------------------------------------

    def reconcile(self, key: Any) -> None:
        namespace, name = key
        deployment: Workload | None = self.client.get(KIND, name, namespace)
        if deployment is None:
            self._settled.pop(key, None)
            return
        replicasets = self._owned(deployment)
        settled = self._settled.pop(key, None)
        if settled is not None and _is_same(settled, _shape(deployment, replicasets)):
            sync = self._sync(deployment, replicasets)
            sync.count()
        elif compile_selector(deployment.spec.selector).is_everything:
            text = "This deployment is selecting all pods. A non-empty selector is required."
            self.client.event(deployment, "Warning", "SelectingAll", text)
            return
        else:
            sync = self._sync(deployment, self._claim(deployment, replicasets))
            sync.run()
            replicasets = self._owned(deployment)
        if sync.rolls_out:
            self._plan_check(sync.deployment)
        if sync.is_settled:
            self._settled[key] = _shape(sync.deployment, replicasets)

    def _sync(self, deployment: Workload, replicasets: list[Workload]) -> DeploymentSync:
        return DeploymentSync(self.client, self.clock.now, self._hashes, deployment, replicasets)

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


def _is_same(before: tuple[Any, ...], now: tuple[Any, ...]) -> bool:
    return len(before) == len(now) and all(map(is_, before, now))


def _shape(deployment: Workload, replicasets: list[Workload]) -> tuple[Any, ...]:
    """All that decides what a sync does to a settled Deployment; statuses only change its counts."""
    parts = [deployment.spec, deployment.template, deployment.meta]
    for replicaset in replicasets:
        parts += (replicaset.spec, replicaset.meta)
    return tuple(parts)
