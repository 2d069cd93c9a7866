"""LimitRanger [plugin/pkg/admission/limitranger/admission.go; cases of admission_test.go]."""

from typing import Any

import pytest

from simkube.cluster.errors import Forbidden
from simkube.kube.objects import Pod
from tests.cluster.admission.bed import Bed, container


@pytest.fixture
def world() -> Bed:
    return Bed()


def resources(pod: Pod, index: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    found = pod.template.spec.containers[index].resources
    return found.requests, found.limits


def refusal(world: Bed, *containers: dict[str, Any], **spec: Any) -> str:
    """Why a pod is refused, without its name; "" if it is not."""
    try:
        world.one("p", *containers, **spec)
    except Forbidden as refused:
        start = 'pods "p" is forbidden: '
        assert refused.message.startswith(start)
        return refused.message.removeprefix(start)
    world.hand.delete("Pod", "p", "default", grace=0)
    return ""


# -- defaults -----------------------------------------------------------------------------------------------------


def test_defaults_are_given_where_nothing_is_written(world: Bed) -> None:
    world.limit_range(
        {"type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "100m", "memory": "64Mi"}}
    )
    assert resources(world.one("p")) == ({"cpu": "100m", "memory": "64Mi"}, {"cpu": "500m"})
    asked = world.one("q", container({"cpu": "200m"}, {"cpu": "1"}))
    assert resources(asked) == ({"cpu": "200m", "memory": "64Mi"}, {"cpu": "1"})


def test_written_limit_is_the_request_before_a_default_request(world: Bed) -> None:
    """[`SetDefaults_Pod` comes before admission]"""
    world.limit_range({"type": "Container", "defaultRequest": {"cpu": "100m"}})
    pod = world.one("p", container(limits={"cpu": "1"}))
    assert pod.template.requests.cpu == 1000
    assert pod.meta.annotations == {}


def test_default_limit_does_not_change_a_written_request(world: Bed) -> None:
    world.limit_range({"type": "Container", "default": {"cpu": "2"}})
    pod = world.one("p", container({"cpu": "500m"}))
    assert resources(pod) == ({"cpu": "500m"}, {"cpu": "2"})
    assert pod.template.requests.cpu == 500


def test_max_is_the_default_limit_and_that_the_default_request(world: Bed) -> None:
    """[`SetDefaults_LimitRangeItem`]"""
    world.limit_range({"type": "Container", "max": {"cpu": "2"}, "min": {"memory": "32Mi"}})
    assert resources(world.one("p")) == ({"cpu": "2", "memory": "32Mi"}, {"cpu": "2"})


def test_annotation_tells_what_was_set(world: Bed) -> None:
    """[`mergePodResourceRequirements`]"""
    world.limit_range(
        {"type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"memory": "64Mi", "cpu": "100m"}}
    )
    pod = world.one(
        "p",
        container(name="a"),
        container({"cpu": "1", "memory": "1Gi"}, name="b"),
        initContainers=[container({"cpu": "1"}, {"cpu": "1"}, name="c")],
    )
    assert pod.meta.annotations["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu, memory request for container a; cpu limit for container a; "
        "cpu limit for container b; memory request for init container c"
    )
    full = container({"cpu": "1", "memory": "1Gi"}, {"cpu": "1"})
    assert "kubernetes.io/limit-ranger" not in world.one("q", full).meta.annotations


def test_pods_own_annotations_stay(world: Bed) -> None:
    world.limit_range({"type": "Container", "default": {"cpu": "1"}})
    pod = world.pod("p", annotations={"mine": "yes"})
    assert pod.meta.annotations["mine"] == "yes"
    assert "kubernetes.io/limit-ranger" in pod.meta.annotations


def test_first_range_that_gives_a_default_wins(world: Bed) -> None:
    world.limit_range({"type": "Container", "default": {"cpu": "1"}}, name="a")
    world.limit_range({"type": "Container", "default": {"cpu": "2", "memory": "1Gi"}}, name="b")
    assert resources(world.one("p"))[1] == {"cpu": "1", "memory": "1Gi"}


def test_ranges_are_of_their_namespace_and_their_time(world: Bed) -> None:
    world.other("Namespace", "shop", "")
    limits = world.limit_range({"type": "Container", "default": {"cpu": "1"}})
    template = world.template()
    assert resources(world.pod("a", template, namespace="shop")) == ({}, {})
    first, second = world.pod("a", template), world.pod("b", template)
    assert first.template is second.template
    assert resources(first)[1] == {"cpu": "1"}
    world.change_spec(limits, limits=[{"type": "Container", "default": {"cpu": "3"}}])
    assert resources(world.pod("c", template))[1] == {"cpu": "3"}
    world.hand.delete("LimitRange", limits.meta.name, "default")
    assert resources(world.pod("d", template)) == ({}, {})


# -- bounds -------------------------------------------------------------------------------------------------------


def test_container_below_the_minimum(world: Bed) -> None:
    world.limit_range({"type": "Container", "min": {"cpu": "50m"}, "defaultRequest": {"cpu": "10m"}})
    start = "minimum cpu usage per Container is 50m"
    assert refusal(world, container({"cpu": "40m"})) == f"{start}, but request is 40m"
    assert refusal(world, container({"cpu": "40m"}, {"cpu": "200m"})) == f"{start}, but request is 40m"
    assert refusal(world) == f"{start}, but request is 10m"
    assert refusal(world, container({"cpu": "50m"}, {"cpu": "40m"})) == f"{start}, but limit is 40m"
    assert refusal(world, container({"cpu": "50m"})) == ""


def test_container_above_the_maximum(world: Bed) -> None:
    world.limit_range({"type": "Container", "max": {"memory": "1Gi"}, "default": {"memory": "3072Mi"}})
    start = "maximum memory usage per Container is 1Gi"
    assert refusal(world, container(limits={"memory": "2Gi"})) == f"{start}, but limit is 2Gi"
    assert refusal(world) == f"{start}, but limit is 3Gi"
    assert refusal(world, container({"memory": "2Gi"}, {"memory": "1Gi"})) == f"{start}, but request is 2Gi"
    assert refusal(world, container({"memory": "250Mi"}, {"memory": "1Gi"})) == ""


def test_every_container_is_looked_at_init_containers_too(world: Bed) -> None:
    world.limit_range({"type": "Container", "max": {"cpu": "2"}})
    ok, big = container({"cpu": "1"}, name="ok"), container({"cpu": "3"}, {"cpu": "3"}, name="big")
    start = "maximum cpu usage per Container is 2, but limit is 3"
    assert refusal(world, ok, big) == start
    assert refusal(world, ok, initContainers=[big]) == start


def test_ratio_of_limit_to_request(world: Bed) -> None:
    """2500m / 1250m = 2 > 1 (case ctr-max-cpu-ratio); 200 / 150 = 4/3."""
    world.limit_range({"type": "Container", "maxLimitRequestRatio": {"cpu": "1.3"}})
    start = "cpu max limit to request ratio per Container is 1300m, but "
    assert (
        refusal(world, container({"cpu": "1250m"}, {"cpu": "2500m"})) == f"{start}provided ratio is 2.000000"
    )
    assert refusal(world, container({"cpu": "150m"}, {"cpu": "200m"})) == f"{start}provided ratio is 1.333333"
    assert refusal(world) == f"{start}no request is specified or request is 0"
    assert refusal(world, container({"cpu": "1"})) == f"{start}no limit is specified or limit is 0"
    assert refusal(world, container({"cpu": "100m"}, {"cpu": "130m"})) == ""


def test_pod_in_all_below_the_minimum(world: Bed) -> None:
    world.limit_range({"type": "Pod", "min": {"memory": "100Mi"}})
    start = "minimum memory usage per Pod is 100Mi"
    assert refusal(world, container({"memory": "60Mi"})) == f"{start}, but request is 60Mi"
    assert refusal(world) == f"{start}.  No request is specified"
    assert refusal(world, container({"memory": "60Mi"}), container({"memory": "60Mi"})) == ""


def test_pod_in_all_above_the_maximum(world: Bed) -> None:
    """Three containers of 1 each; one of 500Mi with an init container of 1.5Gi (case pod-init-max-mem-limit)."""
    world.limit_range({"type": "Pod", "max": {"cpu": "2"}}, name="cpu")
    start = "maximum cpu usage per Pod is 2"
    three = [container(limits={"cpu": "1"}, name=name) for name in "abc"]
    assert refusal(world, *three) == f"{start}, but limit is 3"
    assert refusal(world) == f"{start}.  No limit is specified"
    assert refusal(world, *three[:2]) == ""
    world.hand.delete("LimitRange", "cpu", "default")
    world.limit_range({"type": "Pod", "max": {"memory": "1Gi"}})
    init = container(limits={"memory": "1.5Gi"}, name="init")
    assert refusal(world, container(limits={"memory": "500Mi"}), initContainers=[init]) == (
        "maximum memory usage per Pod is 1Gi, but limit is 1536Mi"
    )


def test_sidecar_counts_for_the_pod(world: Bed) -> None:
    """Case ctr-max-cpu-limit-restartable-init-container: limit 1500m; requests 1000m + 1500m."""
    world.limit_range({"type": "Pod", "max": {"cpu": "2"}})
    sidecar = container({"cpu": "1500m"}, name="side", restartPolicy="Always")
    assert refusal(world, container({"cpu": "1000m"}, {"cpu": "1500m"}), initContainers=[sidecar]) == (
        "maximum cpu usage per Pod is 2, but request is 2500m"
    )


def test_several_complaints_are_told_together(world: Bed) -> None:
    """[`utilerrors.NewAggregate`], each once"""
    world.limit_range({"type": "Container", "min": {"cpu": "50m", "memory": "50Mi"}})
    small = [container({"cpu": "40m", "memory": "40Mi"}, name=name) for name in "ab"]
    assert refusal(world, *small) == (
        "[minimum cpu usage per Container is 50m, but request is 40m, "
        "minimum memory usage per Container is 50Mi, but request is 40Mi]"
    )


def test_bounds_hold_for_the_defaults_of_another_range(world: Bed) -> None:
    """All ranges give their defaults before one is checked."""
    world.limit_range({"type": "Container", "max": {"cpu": "1"}, "default": {"memory": "1Gi"}}, name="a")
    world.limit_range({"type": "Container", "max": {"memory": "512Mi"}}, name="b")
    assert refusal(world) == "maximum memory usage per Container is 512Mi, but limit is 1Gi"


def test_claims_are_bounded_by_what_they_request(world: Bed) -> None:
    world.limit_range(
        {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "10Gi"}},
        {"type": "Container", "max": {"storage": "1"}},
    )
    start = 'persistentvolumeclaims "c" is forbidden: '
    for size, why in (
        ("500Mi", "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi"),
        ("20Gi", "maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 20Gi"),
        (
            None,
            "[minimum storage usage per PersistentVolumeClaim is 1Gi.  No request is specified, "
            "maximum storage usage per PersistentVolumeClaim is 10Gi.  No request is specified]",
        ),
    ):
        with pytest.raises(Forbidden) as refused:
            world.claim("c", size)
        assert refused.value.message == start + why
    assert world.claim("c", "10Gi")
