"""Classes of storage and priority that manifests count on and do not bring."""

from typing import Any

import pytest

from simkube.scenario.load import Loaded
from tests.scenario.conftest import Load
from tests.scenario.test_dump import BARE, dump, find

CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "fast"},
    "provisioner": "ebs.csi.aws.com",
}
DEFAULT = {
    **CLASS,
    "metadata": {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
}


def claim(**spec: Any) -> dict[str, Any]:
    whole = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": whole}


def ephemeral() -> dict[str, Any]:
    template = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    volumes = [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": template}}]
    spec = {"containers": [{"name": "a", "image": "b"}], "volumes": volumes}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}


def classes(loaded: Loaded) -> list[tuple[str, bool]]:
    """Name, and whether it is the default."""
    return [
        (one.meta.name, one.meta.annotations.get("storageclass.kubernetes.io/is-default-class") == "true")
        for one in find(loaded.objects, "StorageClass")
    ]


@pytest.mark.parametrize(
    ("documents", "made"),
    [
        ([claim()], [("standard", True)]),
        ([claim(storageClassName="gp3")], [("gp3", False)]),
        ([claim(storageClassName="")], []),
        ([claim(storageClassName="fast"), CLASS], [("fast", False)]),
        ([claim(), DEFAULT], [("fast", True)]),
        ([claim(), CLASS], [("standard", True), ("fast", False)]),
        ([ephemeral()], [("standard", True)]),
        ([], []),
    ],
)
def test_what_claims_ask_for_is_there(load: Load, documents: list[Any], made: list[tuple[str, bool]]) -> None:
    pod = {
        **ephemeral(),
        "spec": {"containers": [{"name": "a", "image": "b"}]},
        "metadata": {"name": "other"},
    }
    loaded = load("cluster: {nodes: [{}]}\nmanifests: [web.yaml]\n", [pod, *documents])
    assert classes(loaded) == made
    assert any("StorageClass not among the manifests" in warning for warning in loaded.warnings) == any(
        name in ("standard", "gp3") for name, _ in made
    )


def test_a_dump_is_whole(load: Load) -> None:
    """A cluster without a default class leaves such a claim unbound, and so does the run."""
    assert classes(load(BARE, dump(claim()))) == []


def prior(name: str) -> dict[str, Any]:
    pod = ephemeral()
    pod["spec"] = {"priorityClassName": name, "containers": [{"name": "a", "image": "b"}]}
    return pod


def test_priorities_that_pods_ask_for_are_there(load: Load) -> None:
    scenario = "cluster: {nodes: [{}]}\nmanifests: [web.yaml]\n"
    loaded = load(scenario, [prior("high")])
    assert [one.meta.name for one in find(loaded.objects, "PriorityClass")] == ["high"]
    assert loaded.warnings == ("PriorityClass not among the manifests: high (value 0)",)
    given = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "high"},
        "value": 7,
    }
    assert load(scenario, [prior("high"), given]).warnings == ()
    assert load(scenario, [prior("system-node-critical")]).warnings == ()


def test_pods_of_a_dump_say_their_priority(load: Load) -> None:
    """The API server has written it into them, and would refuse another."""
    pod = prior("high")
    pod["spec"]["priority"] = 1000
    loaded = load("cluster: {nodes: [{}]}\nmanifests: [web.yaml]\n", [pod])
    assert [one.spec.value for one in find(loaded.objects, "PriorityClass")] == [1000]


def test_priorities_of_a_dump_are_whole(load: Load) -> None:
    loaded = load(BARE, dump(prior("high")))
    assert find(loaded.objects, "PriorityClass") == []
    assert "PriorityClass not among the manifests: high; their pods cannot be created" in loaded.warnings
