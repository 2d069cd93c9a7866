"""What a Job reports, and how it ends (behaviour, 4.5) [pkg/controller/job/job_controller.go]."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from simkube.cluster.workloads.job_rules import format_indexes
from simkube.kube.objects import Condition, Pod, Workload, WorkloadStatus
from simkube.kube.workloads import JobSpec

# The minor from which FailureTarget and SuccessCriteriaMet come first, and the end waits for terminating pods.
INTERIM = 31


def is_finished(job: Workload) -> bool:
    """The Job is Complete or Failed."""
    return finished(job) is not None


def finished(job: Workload) -> Condition | None:
    """The condition with which the Job ended, if it has."""
    return next(
        (c for c in job.status.conditions if c.type in ("Complete", "Failed") and c.status == "True"), None
    )


def decided(job: Workload) -> Condition | None:
    """The condition by which it is decided how the Job will end, if it is."""
    ends = ("SuccessCriteriaMet", "FailureTarget")
    return next((c for c in job.status.conditions if c.type in ends and c.status == "True"), None)


def is_complete(spec: JobSpec, succeeded: int, active: int) -> bool:
    """Enough pods have succeeded and none is left; without completions one success is enough."""
    enough = succeeded > 0 if spec.completions is None else succeeded >= spec.completions
    return enough and active == 0


def is_leaving(pod: Pod) -> bool:
    """Terminating, and not yet in a terminal phase [`IsPodTerminating`]."""
    return pod.is_terminating and not pod.is_finished


def next_status(
    job: Workload,
    pods: Sequence[Pod],
    counts: tuple[int, int],
    done: Iterable[int],
    ending: Condition | None,
    now: float,
    minor: int,
) -> WorkloadStatus:
    """The status with these pods; `counts`: succeeded and failed so far, `done`: completed indexes, `ending`: how the
    Job ends (SuccessCriteriaMet or FailureTarget), None if it does not yet."""
    active = [pod for pod in pods if pod.is_active]
    terminating = sum(map(is_leaving, pods))
    started, conditions = job.status.start_time, job.status.conditions
    if started is None and not job.spec.suspend:
        started = now
    if ending is None:
        suspended = _suspension(job, now)
        if suspended is not conditions and not job.spec.suspend:
            started = now  # resumed: activeDeadlineSeconds begins anew
        conditions = suspended
    elif decided(job) is None and minor >= INTERIM:
        conditions = (*conditions, ending)
    completed = None
    if ending is not None and (minor < INTERIM or not terminating):
        type_ = "Complete" if ending.type == "SuccessCriteriaMet" else "Failed"
        conditions = (*conditions, Condition(type_, "True", now, ending.reason, ending.message))
        completed = now if type_ == "Complete" else None
    return replace(
        job.status,
        observed_generation=job.meta.generation,
        replicas=len(active),
        ready=sum(pod.is_ready for pod in active),
        terminating=terminating,
        succeeded=counts[0],
        failed=counts[1],
        completed_indexes=format_indexes(done),
        conditions=conditions,
        start_time=started,
        completion_time=completed,
    )


def _suspension(job: Workload, now: float) -> tuple[Condition, ...]:
    """The conditions with Suspended as `spec.suspend` has it; the same tuple if nothing changes."""
    conditions = job.status.conditions
    known = next((c for c in conditions if c.type == "Suspended"), None)
    if bool(job.spec.suspend) == (known is not None and known.status == "True"):
        return conditions
    if job.spec.suspend:
        new = Condition("Suspended", "True", now, "JobSuspended", "Job suspended")
    else:
        new = Condition("Suspended", "False", now, "JobResumed", "Job resumed")
    return (*(c for c in conditions if c.type != "Suspended"), new)
