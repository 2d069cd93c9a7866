"""ReplicaSets keep their number of pods (behaviour 4.1) [RS: pkg/controller/replicaset/replica_set.go].

Kubernetes' expectations (and, from 1.36 on, its check for a stale cache) keep a sync from acting on what it has not
yet seen of its own writes. Here a sync reads the store itself, so it always has seen them.
"""

from collections.abc import Sequence
from math import inf
from typing import Any

from msgspec.structs import replace

from simkube.clock import Clock, Timer
from simkube.cluster.api import Client
from simkube.cluster.availability import available_from
from simkube.cluster.controller import Controller
from simkube.cluster.errors import ApiError, NotFound
from simkube.cluster.pods import generated_name, new_pod, owned_by
from simkube.cluster.store import Change, Did
from simkube.cluster.victims import victims
from simkube.kube.objects import Condition, Key, OwnerReference, Pod, Workload, WorkloadStatus
from simkube.kube.selector import Selector, compile_selector
from simkube.timings import Timings

KIND = "ReplicaSet"
FAILURE = "ReplicaFailure"


class ReplicaSetController(Controller):
    """kube-controller-manager's replicaset-controller. Keys are those of ReplicaSets."""

    def __init__(self, clock: Clock, client: Client, timings: Timings) -> None:
        super().__init__(clock, client)
        self._burst = timings.replicaset_burst_replicas
        self._first_batch = timings.slow_start_initial_batch_size
        self._counts_terminating = timings.version.minor >= 35
        self._checks: dict[Key, Timer] = {}  # when the next pod becomes available
        self._adopt: dict[Key, None] = {}  # those that may find pods without a controller
        self._selections = client.api.selections
        self._selections.track(KIND, replicaset_selector)
        client.watch(
            KIND, self._replicaset_changed, Did.ADDED | Did.REMOVED | Did.SPEC | Did.META | Did.TERMINATING
        )
        client.watch(
            "Pod",
            self._pod_changed,
            Did.ADDED | Did.REMOVED | Did.META | Did.READY | Did.PHASE | Did.TERMINATING,
        )
        self._look_at_everything()

    def stop(self) -> None:
        super().stop()
        for timer in self._checks.values():
            timer.cancel()
        self._checks.clear()
        self._adopt.clear()

    def start(self) -> None:
        super().start()
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        for key in self.client.table(KIND):
            self._adopt[key] = None
            self.enqueue(key)

    # -- what makes a ReplicaSet be looked at -----------------------------------------------------------------------

    def _replicaset_changed(self, change: Change) -> None:
        key = change.object.key
        if change.did & (Did.ADDED | Did.SPEC):
            self._adopt[key] = None
        self.enqueue(key)

    def _pod_changed(self, change: Change) -> None:
        pod: Pod = change.object
        owner = pod.meta.controller
        if owner is not None:
            if owner.kind == KIND:
                self.enqueue((pod.meta.namespace, owner.name))
        elif change.new is not None and change.did & (Did.ADDED | Did.META):
            for key in self._selections.selecting(KIND, pod):
                self._adopt[key] = None
                self.enqueue(key)
        if change.did & Did.META and change.old.meta.owners != pod.meta.owners:
            before = change.old.meta.controller
            if before is not None and before.kind == KIND:
                self.enqueue((pod.meta.namespace, before.name))

    # -- one ReplicaSet ---------------------------------------------------------------------------------------------

    def reconcile(self, key: Any) -> None:
        namespace, name = key
        check = self._checks.pop(key, None)
        if check is not None:
            check.cancel()
        replicaset: Workload | None = self.client.get(KIND, name, namespace)
        if replicaset is None:
            self._adopt.pop(key, None)
            return
        active, terminating = self._claim(replicaset)
        error = None
        if len(active) != replicaset.spec.replicas and replicaset.meta.deletion_timestamp is None:
            error = self._manage(replicaset, active)
        status = self._status(replicaset, active, terminating, error)
        if status != replicaset.status:
            self.client.update(replace(replicaset, status=status))
        if error is not None:
            raise error
        if status.ready != status.available:
            self._check_again(replicaset, active)

    def _claim(self, replicaset: Workload) -> tuple[list[Pod], int]:
        """Active pods, and the number of terminating ones; pods whose labels left are released, those without a
        controller that fit are adopted [CU `ClaimPods`]."""
        active, strays, terminating = [], [], 0
        labels = replicaset.template.labels
        selector = compile_selector(replicaset.spec.selector)
        for pod in self.client.owned_by(replicaset.meta.uid).values():
            if pod.status.phase in ("Succeeded", "Failed"):
                continue
            fits = pod.meta.labels is labels or selector.matches(pod.meta.labels)
            if pod.meta.deletion_timestamp is not None:
                terminating += fits
            elif fits:
                active.append(pod)
            else:
                strays.append(pod)
        if replicaset.meta.deletion_timestamp is None:
            for pod in strays:
                self._release(replicaset, pod)
            if replicaset.key in self._adopt:
                active += self._adopted(replicaset)
        return active, terminating

    def _release(self, replicaset: Workload, pod: Pod) -> None:
        owners = tuple(owner for owner in pod.meta.owners if owner.uid != replicaset.meta.uid)
        self.client.update(replace(pod, meta=replace(pod.meta, owners=owners)))

    def _adopted(self, replicaset: Workload) -> list[Pod]:
        orphans = [
            pod
            for pod in self._selections.pods(KIND, replicaset.key)
            if pod.is_active and pod.meta.controller is None
        ]
        if orphans:
            live = self.client.read(KIND, replicaset.meta.name, replicaset.meta.namespace)
            if live.meta.uid != replicaset.meta.uid or live.meta.deletion_timestamp is not None:
                return []
        adopted = [
            self.client.update(
                replace(pod, meta=replace(pod.meta, owners=(*pod.meta.owners, *owned_by(replicaset))))
            )
            for pod in orphans
        ]
        del self._adopt[replicaset.key]
        return adopted

    def _manage(self, replicaset: Workload, active: Sequence[Pod]) -> ApiError | None:
        """Create what is missing, or delete what is too much, at most a burst at a time."""
        surplus = len(active) - replicaset.spec.replicas
        if surplus < 0:
            return self._create(replicaset, min(-surplus, self._burst))
        related = (
            pod
            for sibling in self._siblings(replicaset.meta.controller)
            for pod in self.client.owned_by(sibling.meta.uid).values()
        )
        return self._delete(replicaset, victims(active, related, min(surplus, self._burst), self.clock.now))

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

    def _status(
        self, replicaset: Workload, active: Sequence[Pod], terminating: int, error: ApiError | None
    ) -> WorkloadStatus:
        """Of the pods as they were before this sync created or deleted any [replica_set_utils.go `calculateStatus`]."""
        delay, now = replicaset.spec.min_ready_seconds, self.clock.now
        ready = available = 0
        for pod in active:
            condition = pod.status.ready
            if condition is not None and condition.status == "True":
                ready += 1
                available += not delay or available_from(pod, delay) <= now
        return replace(
            replicaset.status,
            observed_generation=replicaset.meta.generation,
            replicas=len(active),
            ready=ready,
            available=available,
            terminating=terminating if self._counts_terminating else 0,
            conditions=self._conditions(replicaset, len(active), error),
        )

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

    def _check_again(self, replicaset: Workload, active: Sequence[Pod]) -> None:
        """When the next Ready pod has been so for minReadySeconds."""
        now, delay = self.clock.now, replicaset.spec.min_ready_seconds
        due = min((at for pod in active if (at := available_from(pod, delay)) > now), default=inf)
        if due < inf:
            self._checks[replicaset.key] = self.enqueue_after(replicaset.key, due - now)


def replicaset_selector(replicaset: Workload) -> Selector:
    """Which pods a ReplicaSet may own."""
    return compile_selector(replicaset.spec.selector)
