"""ReplicaSets keep their number of pods (behaviour 4.1) [RS: pkg/controller/replicaset/replica_set.go].

Kubernetes' expectations (and, from 1.36 on, its check for a stale cache) keep a sync from acting on what it has not
yet seen of its own writes. Here a sync reads the store itself, so it always has seen them.
"""

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

from msgspec.structs import replace

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.errors import ApiError, NotFound
from simkube.cluster.store import Change, Did
from simkube.cluster.workloads.availability import available_from
from simkube.cluster.workloads.pods import generated_name, new_pod, owned_by
from simkube.cluster.workloads.replica_tally import ReplicaTally
from simkube.cluster.workloads.victims import victims
from simkube.kube.objects import Condition, Key, OwnerReference, Pod, Workload, WorkloadStatus
from simkube.kube.selector import Selector, compile_selector
from simkube.timings import Timings

KIND = "ReplicaSet"
FAILURE = "ReplicaFailure"
_META, _ADDED, _SPEC = int(Did.META), int(Did.ADDED), int(Did.SPEC)


class ReplicaSetController(Controller):
    """kube-controller-manager's replicaset-controller. Keys are those of ReplicaSets."""

    def __init__(self, clock: Clock, client: Client, timings: Timings) -> None:
        super().__init__(clock, client)
        self._burst = timings.replicaset_burst_replicas
        self._first_batch = timings.slow_start_initial_batch_size
        self._counts_terminating = timings.version.minor >= 35
        self._adopt: dict[Key, None] = {}  # those that may find pods without a controller
        self._tallies: dict[str, ReplicaTally] = {}  # by UID; without one, all pods are counted
        self._replicasets = client.table(KIND)
        self._selections = client.api.selections
        self._selections.track(KIND, replicaset_selector)
        client.watch(
            KIND, self._replicaset_changed, Did.ADDED | Did.REMOVED | Did.SPEC | Did.META | Did.TERMINATING
        )
        client.watch(
            "Pod",
            self._pod_changed,
            Did.ADDED | Did.REMOVED | Did.META | Did.READY | Did.PHASE | Did.TERMINATING,
            owner=KIND,
        )
        self._look_at_everything()

    def stop(self) -> None:
        super().stop()
        self._adopt.clear()

    def start(self) -> None:
        super().start()
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        self._tallies.clear()
        for key in self.client.table(KIND):
            self._adopt[key] = None
            self.enqueue(key)

    # -- what makes a ReplicaSet be looked at -----------------------------------------------------------------------

    def _replicaset_changed(self, change: Change) -> None:
        key = change.object.key
        if change.new is None:
            self._tallies.pop(change.old.meta.uid, None)
        elif change.did & (_ADDED | _SPEC):
            self._adopt[key] = None
        self.enqueue(key)

    def _pod_changed(self, change: Change) -> None:
        old, new = change.old, change.new
        if change.did & _META and (old.meta.owners != new.meta.owners or old.meta.labels != new.meta.labels):
            self._pod_moved(old)
            self._pod_moved(new)
            self._find_adopter(new)
            return
        meta = new.meta if new is not None else old.meta
        owner = meta.controller
        if owner is None:
            if old is None:
                self._find_adopter(new)
        elif owner.kind == KIND:
            tally = self._tallies.get(owner.uid)
            if tally is None or tally.follow(old, new):
                self.enqueue((meta.namespace, owner.name))

    def _pod_moved(self, pod: Pod) -> None:
        """Its owner or labels are, or were, these."""
        owner = pod.meta.controller
        if owner is not None and owner.kind == KIND:
            self._tallies.pop(owner.uid, None)
            self.enqueue((pod.meta.namespace, owner.name))

    def _find_adopter(self, pod: Pod) -> None:
        if pod.meta.controller is None:
            for key in self._selections.selecting(KIND, pod):
                self._adopt[key] = None
                self.enqueue(key)

    # -- one ReplicaSet ---------------------------------------------------------------------------------------------

    def reconcile(self, key: Any) -> None:
        replicaset: Workload | None = self._replicasets.get(key)
        if replicaset is None:
            self._adopt.pop(key, None)
            return
        tally = self._tallies.get(replicaset.meta.uid)
        if tally is None or key in self._adopt:
            tally = self._claim(replicaset)
        # as they are before this sync changes them:
        active, ready, terminating = tally.active, tally.ready, tally.terminating
        available, next_check = ready, inf
        if replicaset.spec.min_ready_seconds:
            available, next_check = self._available(replicaset)
        error = None
        if active != replicaset.spec.replicas and replicaset.meta.deletion_timestamp is None:
            error = self._manage(replicaset, active)
        self._write(replicaset, active, ready, available, terminating, error)
        if error is not None:
            raise error
        if next_check < inf:
            self.enqueue_at(key, next_check)

    def _claim(self, replicaset: Workload) -> ReplicaTally:
        """Release pods whose labels left, adopt those without a controller that fit [CU `ClaimPods`]; count what
        stays."""
        labels, selector = replicaset.template.labels, replicaset_selector(replicaset)

        def fits(pod: Pod) -> bool:
            return pod.meta.labels is labels or selector.matches(pod.meta.labels)

        if replicaset.meta.deletion_timestamp is None:
            for pod in [pod for pod in self._owned(replicaset) if pod.is_active and not fits(pod)]:
                self._release(replicaset, pod)
            if replicaset.key in self._adopt:
                self._adopt_orphans(replicaset)
        owned = list(self._owned(replicaset))
        fitting = [pod for pod in owned if fits(pod)]
        tally = ReplicaTally(fitting)
        if len(fitting) == len(owned):
            self._tallies[replicaset.meta.uid] = tally
        return tally

    def _owned(self, replicaset: Workload) -> Iterator[Pod]:
        """Its pods; in a dump it may own other things too."""
        return (obj for obj in self.client.owned_by(replicaset.meta.uid).values() if type(obj) is Pod)

    def _release(self, replicaset: Workload, pod: Pod) -> None:
        owners = tuple(owner for owner in pod.meta.owners if owner.uid != replicaset.meta.uid)
        self.client.update(replace(pod, meta=replace(pod.meta, owners=owners)))

    def _adopt_orphans(self, replicaset: Workload) -> None:
        orphans = [
            pod
            for pod in self._selections.pods(KIND, replicaset.key)
            if pod.is_active and pod.meta.controller is None
        ]
        if orphans:
            live = self.client.read(KIND, replicaset.meta.name, replicaset.meta.namespace)
            if live.meta.uid != replicaset.meta.uid or live.meta.deletion_timestamp is not None:
                return
        for pod in orphans:
            owners = (*pod.meta.owners, *owned_by(replicaset))
            self.client.update(replace(pod, meta=replace(pod.meta, owners=owners)))
        del self._adopt[replicaset.key]

    def _manage(self, replicaset: Workload, active: int) -> ApiError | None:
        """Create what is missing, or delete what is too much, at most a burst at a time."""
        surplus = active - replicaset.spec.replicas
        if surplus < 0:
            return self._create(replicaset, min(-surplus, self._burst))
        pods = [pod for pod in self._owned(replicaset) if pod.is_active]
        related = (
            pod for sibling in self._siblings(replicaset.meta.controller) for pod in self._owned(sibling)
        )
        return self._delete(replicaset, victims(pods, related, min(surplus, self._burst), self.clock.now))

    def _siblings(self, owner: OwnerReference | None) -> list[Workload]:
        """All ReplicaSets of the same owner; a ReplicaSet without one has none, not even itself."""
        if owner is None:
            return []
        return [obj for obj in self.client.owned_by(owner.uid).values() if obj.kind == KIND]

    def _create(self, replicaset: Workload, missing: int) -> ApiError | None:
        """In batches of 1, 2, 4 ... so that what always fails is not tried often; the first error ends it. Where the
        client's rate limit makes a call wait, the rest is left to the next sync, which comes when it has waited."""
        client, failure = self.client, None
        batch = min(missing, self._first_batch)
        while batch > 0:
            for _ in range(batch):
                if client.wait() > 0.0:
                    self.enqueue(replicaset.key)
                    return None
                name = generated_name(replicaset.meta.name, client.api.suffix())
                try:
                    client.create(new_pod(replicaset, replicaset.template, name))
                except ApiError as error:
                    client.event(replicaset, "Warning", "FailedCreate", f"Error creating: {error.message}")
                    failure = failure or error
                else:
                    client.event(replicaset, "Normal", "SuccessfulCreate", f"Created pod: {name}")
            if failure is not None:
                return failure
            missing -= batch
            batch = min(2 * batch, missing)
        return None

    def _delete(self, replicaset: Workload, pods: Sequence[Pod]) -> ApiError | None:
        client, failure = self.client, None
        for pod in pods:
            if client.wait() > 0.0:
                self.enqueue(replicaset.key)
                break
            try:
                client.delete("Pod", pod.meta.name, pod.meta.namespace)
            except NotFound:
                continue
            except ApiError as error:
                client.event(replicaset, "Warning", "FailedDelete", f"Error deleting: {error.message}")
                failure = failure or error
            else:
                client.event(replicaset, "Normal", "SuccessfulDelete", f"Deleted pod: {pod.meta.name}")
        return failure

    # -- its status -------------------------------------------------------------------------------------------------

    def _available(self, replicaset: Workload) -> tuple[int, float]:
        """(pods that have been Ready for minReadySeconds, when the next one will have been)."""
        delay, now = replicaset.spec.min_ready_seconds, self.clock.now
        times = [available_from(pod, delay) for pod in self._owned(replicaset) if pod.is_active]
        return sum(time <= now for time in times), min((time for time in times if time > now), default=inf)

    def _write(
        self,
        replicaset: Workload,
        active: int,
        ready: int,
        available: int,
        terminating: int,
        error: ApiError | None,
    ) -> None:
        """Its status, of the pods as they were before this sync created or deleted any [replica_set_utils.go]."""
        old: WorkloadStatus = replicaset.status
        conditions = old.conditions
        if conditions or error is not None:
            conditions = self._conditions(replicaset, active, error)
        status = WorkloadStatus(
            observed_generation=replicaset.meta.generation,
            replicas=active,
            ready=ready,
            available=available,
            terminating=terminating if self._counts_terminating else 0,
            conditions=conditions,
        )
        if status != old:
            self.client.update(replace(replicaset, status=status))

    def _conditions(self, replicaset: Workload, active: int, error: ApiError | None) -> tuple[Condition, ...]:
        """ReplicaFailure stands while creating or deleting fails, with the first failure's message."""
        conditions = replicaset.status.conditions
        has_failed = any(condition.type == FAILURE for condition in conditions)
        if (error is not None) == has_failed:
            return conditions
        if error is None:
            return tuple(condition for condition in conditions if condition.type != FAILURE)
        reason = "FailedCreate" if active < replicaset.spec.replicas else "FailedDelete"
        return (*conditions, Condition(FAILURE, "True", self.clock.now, reason, error.message))


def replicaset_selector(replicaset: Workload) -> Selector:
    """Which pods a ReplicaSet may own."""
    return compile_selector(replicaset.spec.selector)
