"""`status` of the kinds that make pods, each under the names of its own fields."""

from typing import Any

from simkube.kube.objects import Workload, WorkloadStatus
from simkube.kube.render.metadata import condition
from simkube.kube.render.times import time_text


def workload_status(workload: Workload, epoch: float) -> dict[str, Any]:
    """Counts of 0 stand where Go prints them: in fields without omitempty [k8s.io/api apps/v1, batch/v1 types.go]."""
    status = workload.status
    seen = _some(observedGeneration=status.observed_generation)
    match workload.kind:
        case "Deployment":
            return {**seen, **_deployment(workload), **_conditions(status, epoch, updated=True)}
        case "ReplicaSet":
            return {**seen, **_replicaset(status), **_conditions(status, epoch)}
        case "StatefulSet":
            return {**seen, **_statefulset(status), **_conditions(status, epoch)}
        case "DaemonSet":
            return {**seen, **_daemonset(status), **_conditions(status, epoch)}
    return {**_job(status, epoch), **_conditions(status, epoch, probed=True)}


def _deployment(deployment: Workload) -> dict[str, Any]:
    """`unavailableReplicas` is what the ReplicaSets are to have, less what is available; their sum is not held: it is
    at least what the Deployment is to have, and what is there."""
    status = deployment.status
    wanted = max(deployment.spec.replicas, status.replicas) if status.observed_generation else 0
    return _some(
        replicas=status.replicas,
        updatedReplicas=status.updated,
        readyReplicas=status.ready,
        availableReplicas=status.available,
        unavailableReplicas=max(0, wanted - status.available),
        terminatingReplicas=status.terminating,
    )


def _replicaset(status: WorkloadStatus) -> dict[str, Any]:
    more = _some(
        fullyLabeledReplicas=status.replicas,  # nobody takes a template's labels away from its pods here
        readyReplicas=status.ready,
        availableReplicas=status.available,
        terminatingReplicas=status.terminating,
    )
    return {"replicas": status.replicas, **more}


def _statefulset(status: WorkloadStatus) -> dict[str, Any]:
    more = _some(
        readyReplicas=status.ready,
        currentReplicas=status.current,
        updatedReplicas=status.updated,
        currentRevision=status.current_revision,
        updateRevision=status.update_revision,
    )
    collisions = {"collisionCount": 0} if status.observed_generation else {}
    return {"replicas": status.replicas, "availableReplicas": status.available, **more, **collisions}


def _daemonset(status: WorkloadStatus) -> dict[str, Any]:
    more = _some(
        updatedNumberScheduled=status.updated,
        numberAvailable=status.available,
        numberUnavailable=max(0, status.replicas - status.available),
    )
    return {
        "desiredNumberScheduled": status.replicas,
        "currentNumberScheduled": status.current,
        "numberMisscheduled": status.misscheduled,
        "numberReady": status.ready,
        **more,
    }


def _job(status: WorkloadStatus, epoch: float) -> dict[str, Any]:
    times = {"startTime": status.start_time, "completionTime": status.completion_time}
    counts = _some(
        active=status.replicas,
        succeeded=status.succeeded,
        failed=status.failed,
        completedIndexes=status.completed_indexes,
    )
    synced: dict[str, Any] = {}
    if status.observed_generation:
        synced = {"ready": status.ready, "terminating": status.terminating, "uncountedTerminatedPods": {}}
    return {
        **{name: time_text(time, epoch) for name, time in times.items() if time is not None},
        **counts,
        **synced,
    }


def _conditions(
    status: WorkloadStatus, epoch: float, updated: bool = False, probed: bool = False
) -> dict[str, Any]:
    """`updated`, `probed`: they have a lastUpdateTime; a lastProbeTime, which a Job sets with the other."""
    shown = []
    for held in status.conditions:
        more = {"lastUpdateTime": time_text(held.updated, epoch)} if updated else {}
        if probed:
            more["lastProbeTime"] = time_text(held.since, epoch)
        shown.append(condition(held, epoch, **more))
    return {"conditions": shown} if shown else {}


def _some(**values: int | str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}
