"""A pod's QoS class: cases of pkg/apis/core/v1/helper/qos/qos_test.go."""

from typing import Any

import pytest

from simkube.kube.pod import PodSpec
from simkube.kube.qos import qos_class

SMALL, LARGE = {"cpu": "100m", "memory": "100Mi"}, {"cpu": "200m", "memory": "200Mi"}
ZERO = {"cpu": "0", "memory": "0"}
DISK = {"ephemeral-storage": "10Gi"}
GUARANTEED = {"requests": {**SMALL, **DISK}, "limits": SMALL}
CASES: list[tuple[list[dict[str, Any]], str]] = [
    ([GUARANTEED], "Guaranteed"),
    ([{"limits": SMALL}], "Guaranteed"),  # the requests follow
    ([{"requests": {"cpu": "0.1", "memory": "100Mi"}, "limits": SMALL}], "Guaranteed"),
    ([{}], "BestEffort"),
    ([{"requests": ZERO}], "BestEffort"),
    ([{"requests": ZERO, "limits": ZERO}], "BestEffort"),
    ([{"requests": DISK}], "BestEffort"),
    ([{"requests": DISK, "limits": DISK}], "BestEffort"),
    ([{"requests": SMALL, "limits": LARGE}], "Burstable"),
    ([{"requests": SMALL, "limits": {"cpu": "100m", "memory": "200Mi"}}], "Burstable"),
    ([{"requests": SMALL, "limits": {"cpu": "200m", "memory": "100Mi"}}], "Burstable"),
    ([{"requests": SMALL}], "Burstable"),
    ([{"requests": SMALL, "limits": {"cpu": "100m"}}], "Burstable"),
    ([{"limits": {"cpu": "100m"}}], "Burstable"),
    ([GUARANTEED, GUARANTEED], "Guaranteed"),
    ([{}, {"requests": ZERO}], "BestEffort"),
    ([GUARANTEED, {}], "Burstable"),
    ([GUARANTEED, {"requests": SMALL}], "Burstable"),
    ([{}, {"requests": SMALL}], "Burstable"),
    ([], "BestEffort"),
]


@pytest.mark.parametrize(("resources", "expected"), CASES)
@pytest.mark.parametrize("init", [False, True])
def test_qos_class(resources: list[dict[str, Any]], expected: str, init: bool) -> None:
    """The first container may be an init container as well."""
    containers = [{"name": f"c{i}", "resources": r} for i, r in enumerate(resources)]
    first = 1 if init and len(containers) > 1 else 0
    spec = {"initContainers": containers[:first], "containers": containers[first:]}
    assert qos_class(PodSpec.model_validate(spec)) == expected


@pytest.mark.parametrize(
    ("whole", "container", "expected"),
    [
        ({}, GUARANTEED, "Guaranteed"),
        ({"requests": {}, "limits": {}}, GUARANTEED, "Guaranteed"),
        ({"requests": ZERO, "limits": ZERO}, GUARANTEED, "BestEffort"),
        ({"requests": SMALL, "limits": SMALL}, {}, "Guaranteed"),
        (
            {"requests": {"cpu": "10m", "hugepages-2Mi": "4Mi"}, "limits": {"hugepages-2Mi": "4Mi"}},
            {},
            "Burstable",
        ),
        ({"limits": SMALL}, {}, "Guaranteed"),  # `defaultPodRequests`: the limits are the requests ...
        ({"limits": LARGE}, {"requests": SMALL}, "Burstable"),  # ... unless containers request
    ],
)
def test_qos_class_by_the_resources_of_the_pod(
    whole: dict[str, Any], container: dict[str, Any], expected: str
) -> None:
    """The same, gates as in 1.37."""
    spec = {"containers": [{"name": "c", "resources": container}], "resources": whole}
    assert qos_class(PodSpec.model_validate(spec)) == expected
