"""Job controller: pods until enough have succeeded, or too many failed (behaviour, 4.5).

A pod is counted once, when it has ended, and its finalizer is taken away with that. Kubernetes writes the UIDs of such
pods into the status in between, for the case that it dies between the two writes; here a sync is one moment.
Not modelled: backoffLimitPerIndex, maxFailedIndexes, successPolicy.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple, cast

from msgspec.structs import replace

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.errors import ApiError
from simkube.cluster.store import Change, Did
from simkube.cluster.workloads.job_rules import (
    FINALIZER,
    INDEX_ANNOTATION,
    Backoff,
    has_failed,
    index_of,
    is_tracked,
    next_indexes,
    parse_indexes,
    replaces_only_failed,
    restarts_exceed,
    verdict,
    wanted,
)
from simkube.cluster.workloads.job_status import (
    decided,
    finished,
    is_complete,
    is_finished,
    is_leaving,
    next_status,
)
from simkube.cluster.workloads.pod_control import create_pod, delete_pod
from simkube.cluster.workloads.pods import generated_name, new_pod
from simkube.cluster.workloads.victims import victims
from simkube.kube.objects import Condition, Key, Pod, Workload
from simkube.kube.shared import generated_from
from simkube.timings import Timings

KIND = "Job"


class Orphan(NamedTuple):
    """A pod whose finalizer stands in the way although its Job has finished or is gone."""

    namespace: str
    name: str
    uid: str


class _Count(NamedTuple):
    """A Job's pods at the start of a sync; numbers include what was counted before."""

    active: Sequence[Pod]
    leaving: Sequence[Pod]
    ended: Mapping[Key, Pod]  # tracked pods that have newly succeeded or failed
    succeeded: int
    failed: int
    done: frozenset[int]  # completed indexes of an Indexed Job
    backoff: Backoff


class JobController(Controller):
    """`job-controller`. Keys are those of Jobs, and orphans."""

    def __init__(self, clock: Clock, client: Client, timings: Timings) -> None:
        super().__init__(clock, client)
        self._timings = timings
        self._minor = timings.version.minor
        self._backoffs: dict[str, Backoff] = {}  # by UID
        client.watch(KIND, self._job_changed, Did.ADDED | Did.REMOVED | Did.SPEC | Did.META | Did.TERMINATING)
        client.watch("Pod", self._pod_changed, owner=KIND)
        self._look_at_everything()

    def stop(self) -> None:
        super().stop()
        self._backoffs.clear()

    def start(self) -> None:
        super().start()
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        for key in self.client.table(KIND):
            self.enqueue(key)

    # -- what happened ------------------------------------------------------------------------------------------

    def _job_changed(self, change: Change) -> None:
        self.enqueue(change.object.key)

    def _pod_changed(self, change: Change) -> None:
        pod: Pod = change.object
        owner = pod.meta.controller
        if owner is None or owner.kind != KIND:
            return
        job: Workload | None = self.client.get(KIND, owner.name, pod.meta.namespace)
        if job is not None and job.meta.uid == owner.uid and not is_finished(job):
            self._soon(job.key, self._timings.job_sync_batch_period)
        elif change.new is not None and is_tracked(pod):
            self.enqueue(Orphan(pod.meta.namespace, pod.meta.name, pod.meta.uid))

    def _soon(self, key: Key, delay: float) -> None:
        """Sync the Job after the delay, or earlier if that is planned already."""
        if self._running:
            self.enqueue_at(key, self.clock.now + delay)

    # -- a sync -------------------------------------------------------------------------------------------------

    def reconcile(self, key: Hashable) -> None:
        if isinstance(key, Orphan):
            pod: Pod | None = self.client.get("Pod", key.name, key.namespace)
            if pod is not None and pod.meta.uid == key.uid:
                self._untrack(pod)
            return
        namespace, name = cast(Key, key)
        job: Workload | None = self.client.get(KIND, name, namespace)
        if job is None:
            return
        if is_finished(job):
            self._backoffs.pop(job.meta.uid, None)
            for pod in self._pods(job):
                self._untrack(pod)
            return
        self._sync(job)

    def _sync(self, job: Workload) -> None:
        count = self._count(job)
        ending = self._failure(job, count)
        error: ApiError | None = None
        if ending is not None:
            for pod in count.active:
                delete_pod(self.client, job, pod)
        elif job.meta.deletion_timestamp is None:
            try:
                self._manage(job, count)
            except ApiError as refused:
                error = refused
            if is_complete(job.spec, count.succeeded, sum(pod.is_active for pod in self._pods(job))):
                message = "Reached expected number of succeeded pods"
                ending = Condition(
                    "SuccessCriteriaMet", "True", self.clock.now, "CompletionsReached", message
                )
        self._track(job, count, ending)
        if error is not None:
            raise error

    def _pods(self, job: Workload) -> list[Pod]:
        return [obj for obj in self.client.owned_by(job.meta.uid).values() if isinstance(obj, Pod)]

    def _count(self, job: Workload) -> _Count:
        pods = self._pods(job)
        only_ended = replaces_only_failed(job.spec, self._minor)
        tracked = [pod for pod in pods if is_tracked(pod)]
        succeeded = [pod for pod in tracked if pod.status.phase == "Succeeded"]
        failed = [pod for pod in tracked if has_failed(pod, only_ended)]
        done = frozenset(parse_indexes(job.status.completed_indexes))
        if is_indexed(job):
            new = (index for pod in succeeded if (index := index_of(pod)) is not None)
            done |= {index for index in new if index < job.spec.completions}
        return _Count(
            active=[pod for pod in pods if pod.is_active],
            leaving=[pod for pod in pods if is_leaving(pod)],
            ended={pod.key: pod for pod in (*succeeded, *failed)},
            succeeded=len(done) if is_indexed(job) else job.status.succeeded + len(succeeded),
            failed=job.status.failed + sum(verdict(job.spec, pod).counts for pod in failed),
            done=done,
            backoff=self._backoffs.get(job.meta.uid, Backoff()).after(succeeded, failed),
        )

    def _failure(self, job: Workload, count: _Count) -> Condition | None:
        """How the Job ends, by an earlier decision or because it fails now; None if it goes on."""
        if (known := decided(job)) is not None:
            return known
        only_ended = replaces_only_failed(job.spec, self._minor)
        for pod in self._pods(job):
            if has_failed(pod, only_ended) and (message := verdict(job.spec, pod).fails_job):
                return self._failing("PodFailurePolicy", message)
        if count.failed > job.spec.backoff_limit or restarts_exceed(job, count.active):
            return self._failing("BackoffLimitExceeded", "Job has reached the specified backoff limit")
        deadline = job.spec.active_deadline_seconds
        if deadline is not None and not job.spec.suspend:
            began = job.status.start_time if job.status.start_time is not None else self.clock.now
            left = began + deadline - self.clock.now
            if left <= 0.0:
                return self._failing("DeadlineExceeded", "Job was active longer than specified deadline")
            self._soon(job.key, left)
        return None

    def _failing(self, reason: str, message: str) -> Condition:
        return Condition("FailureTarget", "True", self.clock.now, reason, message)

    # -- pods -----------------------------------------------------------------------------------------------------

    def _manage(self, job: Workload, count: _Count) -> None:
        """Bring the number of active pods to what is wanted [`manageJob`]."""
        spec, active, timings = job.spec, len(count.active), self._timings
        want = 0 if spec.suspend else wanted(spec, active, count.succeeded)
        surplus = self._surplus(job, count, active - want)
        for pod in surplus:
            delete_pod(self.client, job, self._untrack(pod))  # it shall not count as failed
        held = len(count.leaving) if replaces_only_failed(spec, self._minor) else 0
        missing = want - held - active
        if surplus or missing <= 0:
            return
        wait = count.backoff.remaining(self.clock.now, timings.job_backoff_initial, timings.job_backoff_max)
        if wait > 0.0:
            self._soon(job.key, max(wait, timings.job_sync_batch_period))
        else:
            self._create(job, count, min(missing, timings.job_max_pod_changes))

    def _surplus(self, job: Workload, count: _Count, number: int) -> Sequence[Pod]:
        """Active pods to remove: of an Indexed Job those without an index of their own, then by readiness and age."""
        rest = list(count.active)
        surplus: list[Pod] = []
        if is_indexed(job):
            seen: set[int] = set()
            for pod in count.active:
                index = index_of(pod)
                if index is None or index >= job.spec.completions or index in seen:
                    surplus.append(pod)
                    rest.remove(pod)
                else:
                    seen.add(index)
        if number > len(surplus):
            surplus += victims(rest, (), number - len(surplus), self.clock.now)
        return surplus[: self._timings.job_max_pod_changes]

    def _create(self, job: Workload, count: _Count, number: int) -> None:
        """Where the client's rate limit makes a call wait, the rest is left to the next sync."""
        indexes: Sequence[int | None] = [None] * number
        if is_indexed(job):
            held = (*count.active, *(count.leaving if replaces_only_failed(job.spec, self._minor) else ()))
            busy = {index for pod in held if (index := index_of(pod)) is not None}
            indexes = next_indexes(count.done | busy, number, job.spec.completions)
        labels = job_labels(job)
        for index in indexes:
            if self.client.wait() > 0.0:
                self.enqueue(job.key)
                return
            create_pod(self.client, job, self._new_pod(job, labels, index))

    def _new_pod(self, job: Workload, labels: Mapping[str, str], index: int | None) -> Pod:
        base, annotations = job.meta.name, job.template.annotations
        if index is not None:
            base = f"{base}-{index}"
            annotations = {**annotations, INDEX_ANNOTATION: str(index)}
            labels = {**labels, INDEX_ANNOTATION: str(index)}
        pod = new_pod(job, job.template, generated_name(base, self.client.api.suffix()), labels)
        extra = generated_from(f"{base}-")
        meta = replace(pod.meta, annotations=annotations, finalizers=(FINALIZER,), extra=extra)
        return replace(pod, meta=meta)

    def _untrack(self, pod: Pod) -> Pod:
        """Take the finalizer away; a pod that is being deleted may be gone with it."""
        current: Pod | None = self.client.get("Pod", pod.meta.name, pod.meta.namespace)
        if current is None or not is_tracked(current):
            return pod
        finalizers = tuple(name for name in current.meta.finalizers if name != FINALIZER)
        return self.client.update(replace(current, meta=replace(current.meta, finalizers=finalizers)))

    # -- keeping count --------------------------------------------------------------------------------------------

    def _track(self, job: Workload, count: _Count, ending: Condition | None) -> None:
        """Write the status, then let go of the pods that are counted in it [`trackJobStatusAndRemoveFinalizers`]."""
        pods = self._pods(job)
        cut_short = [pod for pod in pods if is_tracked(pod) and pod.key not in count.ended]
        failed = count.failed
        if ending is not None and ending.type == "FailureTarget":
            failed += sum(verdict(job.spec, pod).counts for pod in cut_short)
        counts = (count.succeeded, failed)
        status = next_status(job, pods, counts, count.done, ending, self.clock.now, self._minor)
        self._backoffs[job.meta.uid] = count.backoff
        if status != job.status:
            self._tell(self.client.update(replace(job, status=status)), job)
        is_over = ending is not None or job.meta.deletion_timestamp is not None
        for pod in (*count.ended.values(), *(cut_short if is_over else ())):
            self._untrack(pod)

    def _tell(self, job: Workload, before: Workload) -> None:
        """Events about how the Job ended, or that it was suspended or resumed."""
        end = finished(job)
        if end is not None and end.type == "Complete":
            self.client.event(job, "Normal", "Completed", "Job completed")
        elif end is not None:
            self.client.event(job, "Warning", end.reason, end.message)
        for condition in job.status.conditions:
            if condition.type == "Suspended" and condition not in before.status.conditions:
                reason = "Suspended" if condition.status == "True" else "Resumed"
                self.client.event(job, "Normal", reason, condition.message)


def is_indexed(job: Workload) -> bool:
    """Each pod works on an index of its own."""
    return job.spec.completion_mode == "Indexed" and job.spec.completions is not None


def job_labels(job: Workload) -> Mapping[str, str]:
    """The labels of a Job's pods: those of its template, and what the API adds [pkg/registry/batch/job/strategy.go]."""
    added = {
        "batch.kubernetes.io/controller-uid": job.meta.uid,
        "batch.kubernetes.io/job-name": job.meta.name,
        "controller-uid": job.meta.uid,
        "job-name": job.meta.name,
    }
    return {**added, **job.template.labels}
