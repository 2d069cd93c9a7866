"""Lease, EndpointSlice, budgets, CronJobs, and quantities as the API server prints them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from simkube.kube.objects import (
    BudgetStatus,
    Condition,
    Endpoint,
    EndpointSlice,
    Lease,
    Meta,
    PodDisruptionBudget,
    Resource,
)
from simkube.kube.policy import PodDisruptionBudgetSpec
from simkube.kube.quantity import NANO, parse_quantity, quantity_text
from simkube.kube.render import to_manifest
from simkube.kube.workloads import CronJobSpec
from tests.kube.rendering import EPOCH


def test_a_lease() -> None:
    """[component-helpers apimachinery/lease/controller.go `newLease`]; times of leases have microseconds."""
    lease = Lease(meta=Meta("n1", "kube-node-lease"), renew_time=10.5, period=10.0, live=True, version=1)
    rendered = to_manifest(lease, EPOCH)
    assert (rendered["apiVersion"], rendered["kind"]) == ("coordination.k8s.io/v1", "Lease")
    assert rendered["spec"] == {"holderIdentity": "n1", "renewTime": "2026-01-01T00:00:10.500000Z"}


def test_an_endpoint_slice() -> None:
    """[k8s.io/api discovery/v1]."""
    endpoint = Endpoint("web-1", "u1", "n1", "10.0.0.1", ready=False, serving=True, terminating=True)
    rendered = to_manifest(
        EndpointSlice(meta=Meta("web-x", "shop"), service="web", endpoints=(endpoint,)), EPOCH
    )
    assert rendered["addressType"] == "IPv4"
    assert rendered["endpoints"] == [
        {
            "addresses": ["10.0.0.1"],
            "conditions": {"ready": False, "serving": True, "terminating": True},
            "nodeName": "n1",
            "targetRef": {"kind": "Pod", "namespace": "shop", "name": "web-1", "uid": "u1"},
        }
    ]
    longer = replace(endpoint, address="fd00::1")
    rendered = to_manifest(EndpointSlice(meta=Meta("w"), service="web", endpoints=(longer,)), EPOCH)
    assert rendered["addressType"] == "IPv6"
    assert to_manifest(EndpointSlice(meta=Meta("w"), service="web"), EPOCH)["endpoints"] == []


def test_a_budget() -> None:
    """[k8s.io/api policy/v1]: the counts are printed also when they are 0, and reason and message of the condition."""
    spec = PodDisruptionBudgetSpec.model_validate({"minAvailable": "50%", "selector": {}})
    status = BudgetStatus(
        disruptions_allowed=0,
        current_healthy=1,
        desired_healthy=1,
        expected_pods=2,
        observed_generation=3,
        disrupted_pods={"web-1": 61.0},
        condition=Condition("DisruptionAllowed", "False", 5.0, "InsufficientPods"),
    )
    budget = PodDisruptionBudget(meta=Meta("web", "shop", generation=3), spec=spec, status=status)
    rendered = to_manifest(budget, EPOCH)
    assert rendered["spec"] == {"minAvailable": "50%", "selector": {}}
    assert rendered["status"] == {
        "disruptionsAllowed": 0,
        "currentHealthy": 1,
        "desiredHealthy": 1,
        "expectedPods": 2,
        "observedGeneration": 3,
        "disruptedPods": {"web-1": "2026-01-01T00:01:01Z"},
        "conditions": [
            {
                "type": "DisruptionAllowed",
                "status": "False",
                "observedGeneration": 3,
                "lastTransitionTime": "2026-01-01T00:00:05Z",
                "reason": "InsufficientPods",
                "message": "",
            }
        ],
    }


def test_a_cronjobs_status_has_times_and_jobs() -> None:
    """[k8s.io/api batch/v1 `CronJobStatus`]; held as seconds and as what identifies a Job."""
    job = {"name": "tick-1", "namespace": "shop", "uid": "u1"}
    status = {"active": (job,), "lastScheduleTime": 60.0}
    cronjob = Resource(
        api_version="batch/v1",
        kind="CronJob",
        meta=Meta("tick", "shop"),
        spec=CronJobSpec(schedule="* * * * *"),
        status=status,
    )
    rendered = to_manifest(cronjob, EPOCH)
    assert rendered["status"] == {
        "active": [{"apiVersion": "batch/v1", "kind": "Job", **job}],
        "lastScheduleTime": "2026-01-01T00:01:00Z",
    }
    assert rendered["spec"]["concurrencyPolicy"] == "Allow"
    assert rendered["spec"]["suspend"] is False


@pytest.mark.parametrize(
    ("nanos", "binary", "text"),
    [
        (0, True, "0"),
        (500 * 10**6, False, "500m"),
        (4 * NANO, False, "4"),
        (1000 * NANO, False, "1k"),
        (1500 * NANO, False, "1500"),
        (2**34 * NANO, True, "16Gi"),
        (1536 * 2**20 * NANO, True, "1536Mi"),
        (1023 * NANO, True, "1023"),
        (10**9 * NANO, True, "1000000000"),
        (1, False, "1n"),
    ],
)
def test_canonical_quantities(nanos: int, binary: bool, text: str) -> None:
    """[apimachinery pkg/api/resource/quantity.go `CanonicalizeBytes`]."""
    assert quantity_text(nanos, binary) == text


@given(st.integers(0, 2**63 - 1), st.booleans())
def test_a_quantity_is_read_as_it_was_written(value: int, binary: bool) -> None:
    assert parse_quantity(quantity_text(value * NANO, binary)) == value
    assert parse_quantity(quantity_text(value, False)) * NANO == value
