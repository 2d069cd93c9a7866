"""Statuses of the kinds that make pods, under the names of each [k8s.io/api apps/v1, batch/v1 types.go]."""

from typing import Any

import pytest

from simkube.kube.objects import Condition, Meta, Workload, WorkloadStatus
from simkube.kube.pod import PodSpec
from simkube.kube.render import to_manifest
from simkube.kube.template import Template
from simkube.kube.workloads import DaemonSetSpec, DeploymentSpec, JobSpec, ReplicaSetSpec, StatefulSetSpec
from tests.kube.rendering import EPOCH

SPECS: dict[str, Any] = {
    "DaemonSet": DaemonSetSpec(),
    "Deployment": DeploymentSpec(replicas=4),
    "Job": JobSpec(),
    "ReplicaSet": ReplicaSetSpec(replicas=4),
    "StatefulSet": StatefulSetSpec(replicas=4),
}


def status_of(kind: str, **fields: Any) -> dict[str, Any]:
    """As rendered, for a workload with this status."""
    workload = Workload(
        kind=kind,
        meta=Meta("web", "shop"),
        spec=SPECS[kind],
        template=Template(PodSpec()),
        status=WorkloadStatus(**fields),
    )
    status: dict[str, Any] = to_manifest(workload, EPOCH)["status"]
    return status


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("Deployment", {}),
        ("ReplicaSet", {"replicas": 0}),
        ("StatefulSet", {"replicas": 0, "availableReplicas": 0}),
        (
            "DaemonSet",
            {
                "currentNumberScheduled": 0,
                "desiredNumberScheduled": 0,
                "numberMisscheduled": 0,
                "numberReady": 0,
            },
        ),
        ("Job", {}),
    ],
)
def test_before_its_controller_has_seen_it(kind: str, shown: dict[str, Any]) -> None:
    """Counts without omitempty are printed, no others."""
    assert status_of(kind) == shown


def test_a_deployment() -> None:
    """Of four replicas that are to be there, three are available; lastUpdateTime is its own."""
    available = Condition("Available", "True", 5.0, "MinimumReplicasAvailable", "text", 65.0)
    status = status_of(
        "Deployment",
        observed_generation=2,
        replicas=4,
        updated=4,
        ready=3,
        available=3,
        terminating=1,
        conditions=(available,),
    )
    assert status == {
        "observedGeneration": 2,
        "replicas": 4,
        "updatedReplicas": 4,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "unavailableReplicas": 1,
        "terminatingReplicas": 1,
        "conditions": [
            {
                "type": "Available",
                "status": "True",
                "lastUpdateTime": "2026-01-01T00:01:05Z",
                "lastTransitionTime": "2026-01-01T00:00:05Z",
                "reason": "MinimumReplicasAvailable",
                "message": "text",
            }
        ],
    }


def test_a_deployment_with_nothing_unavailable() -> None:
    """More available than wanted is not less than nothing [`calculateStatus`]."""
    status = status_of("Deployment", observed_generation=1, replicas=4, ready=5, available=5)
    assert "unavailableReplicas" not in status


def test_a_replicaset() -> None:
    failure = Condition("ReplicaFailure", "True", 5.0, "FailedCreate", "no")
    status = status_of("ReplicaSet", observed_generation=1, replicas=3, ready=2, conditions=(failure,))
    assert {name: status[name] for name in ("replicas", "fullyLabeledReplicas", "readyReplicas")} == {
        "replicas": 3,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 2,
    }
    assert status["conditions"][0].keys() == {"type", "status", "lastTransitionTime", "reason", "message"}


def test_a_statefulset() -> None:
    status = status_of(
        "StatefulSet",
        observed_generation=1,
        replicas=3,
        ready=3,
        available=2,
        current=1,
        updated=2,
        current_revision="web-a",
        update_revision="web-b",
    )
    assert status == {
        "observedGeneration": 1,
        "replicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 2,
        "currentReplicas": 1,
        "updatedReplicas": 2,
        "currentRevision": "web-a",
        "updateRevision": "web-b",
        "collisionCount": 0,
    }


def test_a_daemonset() -> None:
    """Five nodes are to have a pod, four have, three of them are available [`updateDaemonSetStatus`]."""
    status = status_of(
        "DaemonSet",
        observed_generation=1,
        replicas=5,
        current=4,
        ready=4,
        available=3,
        updated=2,
        misscheduled=1,
    )
    assert status == {
        "observedGeneration": 1,
        "desiredNumberScheduled": 5,
        "currentNumberScheduled": 4,
        "numberReady": 4,
        "numberAvailable": 3,
        "numberUnavailable": 2,
        "updatedNumberScheduled": 2,
        "numberMisscheduled": 1,
    }


def test_a_job() -> None:
    """It has no observedGeneration; its controller writes both times of a condition at once [`newCondition`]."""
    complete = Condition("Complete", "True", 70.0, "CompletionsReached", "Reached expected number")
    status = status_of(
        "Job",
        observed_generation=1,
        replicas=2,
        ready=1,
        succeeded=3,
        failed=1,
        start_time=10.0,
        completion_time=70.0,
        completed_indexes="0-2",
        conditions=(complete,),
    )
    assert status == {
        "active": 2,
        "ready": 1,
        "terminating": 0,
        "succeeded": 3,
        "failed": 1,
        "completedIndexes": "0-2",
        "uncountedTerminatedPods": {},
        "startTime": "2026-01-01T00:00:10Z",
        "completionTime": "2026-01-01T00:01:10Z",
        "conditions": [
            {
                "type": "Complete",
                "status": "True",
                "lastProbeTime": "2026-01-01T00:01:10Z",
                "lastTransitionTime": "2026-01-01T00:01:10Z",
                "reason": "CompletionsReached",
                "message": "Reached expected number",
            }
        ],
    }
