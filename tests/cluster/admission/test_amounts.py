"""Quantities as Kubernetes writes them, and sums of them. Cases: apimachinery quantity_test.go `TestQuantityString`."""

import pytest

from simkube.cluster.admission.amounts import (
    Amount,
    amount,
    in_all,
    limits_of,
    plus,
    pod_limits,
    pod_requests,
    requests_of,
)
from simkube.kube.pod import PodSpec
from tests.cluster.admission.bed import container


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("1024Mi", "1Gi"),
        ("307200Ki", "300Mi"),
        ("1025024Mi", "1001Gi"),
        ("1.5Gi", "1536Mi"),
        ("1000M", "1G"),
        ("0.001T", "1G"),
        ("1000u", "1m"),
        ("1.08", "1080m"),
        ("1080000000n", "1080m"),
        ("300M", "300M"),
        ("1234567M", "1234567M"),
        ("3000", "3k"),
        ("1025", "1025"),
        ("0.5Ki", "512"),
        ("0.5", "500m"),
        (2, "2"),
        (0.25, "250m"),
        ("0", "0"),
        ("0Mi", "0"),
        ("1080n", "1080n"),
    ],
)
def test_quantities_are_shown_in_canonical_form(written: str | float, shown: str) -> None:
    assert str(amount(written)) == shown


@pytest.mark.parametrize(
    ("binary", "nanos", "shown"),
    [
        (True, 1025 * 10**9, "1025"),
        (True, 1234567 * 10**6, "1234567m"),
        (True, 500 * 10**6, "500m"),
        (True, 6 * 1024 * 10**9, "6Ki"),
    ],
)
def test_binary_quantities_without_a_binary_form(binary: bool, nanos: int, shown: str) -> None:
    assert str(Amount(nanos, binary)) == shown


def test_sum_takes_the_form_of_the_first_that_is_not_zero() -> None:
    """[`Quantity.Add`]"""
    assert str(plus(amount("1Gi"), amount("1k"))) == str(2**30 + 1000)
    assert str(plus(amount("0"), amount("2Gi"))) == "2Gi"
    assert str(plus(amount("1024"), amount("1Ki"))) == "2048"
    assert str(plus(amount("200m"), amount("1.8"))) == "2"


def spec(**fields: object) -> PodSpec:
    return PodSpec.model_validate(fields)


def shown(amounts: dict[str, Amount]) -> dict[str, str]:
    return {name: str(value) for name, value in amounts.items()}


def test_pod_needs_its_containers_or_its_largest_init_container() -> None:
    """[component-helpers `PodRequests`]"""
    pod = spec(
        containers=[container({"cpu": "1", "memory": "1Gi"}), container({"cpu": "500m"})],
        initContainers=[container({"cpu": "2"}), container({"memory": "512Mi"})],
    )
    assert shown(pod_requests(pod)) == {"cpu": "2", "memory": "1Gi"}


def test_sidecars_count_beside_containers_and_later_init_containers() -> None:
    """Containers 1 + sidecars 0.5 and 0.25 = 1750m; the second init container beside the first sidecar: 1.5 + 0.5."""
    pod = spec(
        containers=[container({"cpu": "1"})],
        initContainers=[
            container({"cpu": "500m"}, restartPolicy="Always"),
            container({"cpu": "1.5"}),
            container({"cpu": "250m"}, restartPolicy="Always"),
        ],
    )
    assert shown(pod_requests(pod)) == {"cpu": "2"}


def test_limit_is_the_request_of_a_container_without_one() -> None:
    """[`SetDefaults_Pod`]"""
    pod = spec(containers=[container({"cpu": "1"}, {"cpu": "2", "memory": "1Gi"})])
    assert shown(in_all(pod, requests_of)) == {"cpu": "1", "memory": "1Gi"}
    assert shown(in_all(pod, limits_of)) == {"cpu": "2", "memory": "1Gi"}


def test_overhead_counts_for_limits_only_where_there_is_one() -> None:
    """[`PodRequests`, `PodLimits`]"""
    pod = spec(
        containers=[container({"cpu": "1"}, {"memory": "1Gi"})], overhead={"cpu": "1", "memory": "1Gi"}
    )
    assert shown(pod_requests(pod)) == {"cpu": "2", "memory": "2Gi"}
    assert shown(pod_limits(pod)) == {"memory": "2Gi"}
