"""What a Deployment's status says of its rollout (behaviour 4.2) [pkg/controller/deployment/sync.go
`calculateStatus`, progress.go, util/deployment_util.go]."""

from collections.abc import Sequence

from msgspec.structs import replace

from simkube.kube.objects import Condition, Workload, WorkloadStatus
from simkube.kube.workloads import DeploymentSpec

AVAILABLE, PROGRESSING, REPLICA_FAILURE = "Available", "Progressing", "ReplicaFailure"
COMPLETE, TIMED_OUT, UPDATED = "NewReplicaSetAvailable", "ProgressDeadlineExceeded", "ReplicaSetUpdated"
PAUSED, RESUMED = "DeploymentPaused", "DeploymentResumed"
NO_DEADLINE = 2**31 - 1

Conditions = tuple[Condition, ...]


def counted(
    deployment: Workload, new: Workload | None, olds: Sequence[Workload], least: int, now: float
) -> WorkloadStatus:
    """Sums over what the ReplicaSets report, and the condition Available: at least `least` pods are."""
    replicas = ready = available = terminating = 0
    for replicaset in olds if new is None else (*olds, new):
        status = replicaset.status
        replicas += status.replicas
        ready += status.ready
        available += status.available
        terminating += status.terminating
    return WorkloadStatus(
        observed_generation=deployment.meta.generation,
        replicas=replicas,
        ready=ready,
        available=available,
        updated=new.status.replicas if new is not None else 0,
        terminating=terminating,
        conditions=_availability(deployment, available >= least, now),
    )


def _availability(deployment: Workload, enough: bool, now: float) -> Conditions:
    conditions, current = deployment.status.conditions, condition_of(deployment.status, AVAILABLE)
    if current is not None and (current.status == "True") == enough:
        return conditions
    if enough:
        text = "Deployment has minimum availability."
        condition = Condition(AVAILABLE, "True", now, "MinimumReplicasAvailable", text, now)
    else:
        text = "Deployment does not have minimum availability."
        condition = Condition(AVAILABLE, "False", now, "MinimumReplicasUnavailable", text, now)
    return with_condition(conditions, condition)


def rolled_out(
    deployment: Workload, new: Workload | None, olds: Sequence[Workload], least: int, now: float
) -> WorkloadStatus:
    """The same with the progress of the rollout, and the ReplicaSets' failures [`syncRolloutStatus`]."""
    status = counted(deployment, new, olds, least, now)
    conditions = _progress(deployment, new, status, now)
    failure = _failure(new, olds)
    if failure is not None:
        conditions = with_condition(conditions, failure)
    elif condition_of(status, REPLICA_FAILURE) is not None:
        conditions = without(conditions, REPLICA_FAILURE)
    return status if conditions is status.conditions else replace(status, conditions=conditions)


def _progress(deployment: Workload, new: Workload | None, status: WorkloadStatus, now: float) -> Conditions:
    spec: DeploymentSpec = deployment.spec
    if spec.progress_deadline_seconds == NO_DEADLINE:
        return without(status.conditions, PROGRESSING)
    current = condition_of(deployment.status, PROGRESSING)
    if current is not None and current.reason == COMPLETE and status.replicas == status.updated:
        return status.conditions  # a rollout that is complete never times out, whatever its pods do later
    who = f'Deployment "{deployment.meta.name}"' if new is None else f'ReplicaSet "{new.meta.name}"'
    if is_complete(deployment, status):
        text = f"{who} has successfully progressed."
        return with_condition(status.conditions, Condition(PROGRESSING, "True", now, COMPLETE, text, now))
    if has_progressed(deployment.status, status):
        since = current.since if current is not None and current.status == "True" else now
        condition = Condition(PROGRESSING, "True", since, UPDATED, f"{who} is progressing.", now)
        return (*without(status.conditions, PROGRESSING), condition)
    if current is not None and has_timed_out(current, spec.progress_deadline_seconds, now):
        text = f"{who} has timed out progressing."
        return with_condition(status.conditions, Condition(PROGRESSING, "False", now, TIMED_OUT, text, now))
    return status.conditions


def is_complete(deployment: Workload, status: WorkloadStatus) -> bool:
    """All pods wanted are there, of the new template, and available; no other is [`DeploymentComplete`]."""
    return (
        status.updated == status.replicas == status.available == deployment.spec.replicas
        and status.observed_generation >= deployment.meta.generation
    )


def is_over(deployment: Workload) -> bool:
    """It was complete once, or has no deadline: the rollout does not time out any more."""
    if deployment.spec.progress_deadline_seconds == NO_DEADLINE:
        return True
    current = condition_of(deployment.status, PROGRESSING)
    return current is not None and current.reason == COMPLETE


def has_progressed(before: WorkloadStatus, after: WorkloadStatus) -> bool:
    """[`DeploymentProgressing`]"""
    return (
        after.updated > before.updated
        or after.replicas - after.updated < before.replicas - before.updated
        or after.ready > before.ready
        or after.available > before.available
    )


def has_timed_out(progressing: Condition, deadline: float, now: float) -> bool:
    """The last progress is longer ago than the deadline, in seconds [`DeploymentTimedOut`]."""
    if progressing.reason in (COMPLETE, TIMED_OUT):
        return progressing.reason == TIMED_OUT
    return progressing.updated + deadline < now


def pause_condition(deployment: Workload, now: float) -> Condition | None:
    """The condition that pausing or resuming sets, so that the time paused does not count; None if there is nothing
    to say [`checkPausedConditions`]."""
    if deployment.spec.progress_deadline_seconds == NO_DEADLINE:
        return None
    current = condition_of(deployment.status, PROGRESSING)
    reason = current.reason if current is not None else ""
    if reason == TIMED_OUT or deployment.spec.paused == (reason == PAUSED):
        return None
    if deployment.spec.paused:
        return Condition(PROGRESSING, "Unknown", now, PAUSED, "Deployment is paused", now)
    return Condition(PROGRESSING, "Unknown", now, RESUMED, "Deployment is resumed", now)


def _failure(new: Workload | None, olds: Sequence[Workload]) -> Condition | None:
    """A ReplicaSet's failure to create or delete pods, the new one's first [`getReplicaFailures`]."""
    for replicaset in (*([new] if new is not None else []), *olds):
        for condition in replicaset.status.conditions:
            if condition.type == REPLICA_FAILURE:
                return replace(condition, updated=condition.since)
    return None


# -- conditions ---------------------------------------------------------------------------------------------------


def condition_of(status: WorkloadStatus, type_: str) -> Condition | None:
    for condition in status.conditions:
        if condition.type == type_:
            return condition
    return None


def without(conditions: Conditions, type_: str) -> Conditions:
    return tuple(condition for condition in conditions if condition.type != type_)


def with_condition(conditions: Conditions, condition: Condition) -> Conditions:
    """Put a condition in the place of the one of its type, which stays if status and reason are the same
    [`SetDeploymentCondition`]."""
    current = next((c for c in conditions if c.type == condition.type), None)
    if current is not None and current.status == condition.status:
        if current.reason == condition.reason:
            return conditions
        condition = replace(condition, since=current.since)
    return (*without(conditions, condition.type), condition)
