"""`metadata` and times as the API server prints them [apimachinery pkg/apis/meta/v1]."""

from types import MappingProxyType

import pytest
from msgspec.structs import replace

from simkube.kube.objects import (
    Meta,
    Object,
    Other,
    OwnerReference,
)
from simkube.kube.render import to_manifest
from simkube.kube.render.times import micro_time_text, time_text
from tests.kube.rendering import EPOCH


def test_times_are_rfc_3339_in_utc_and_cut_off() -> None:
    """[apimachinery pkg/apis/meta/v1 time.go, micro_time.go]."""
    assert time_text(0.0, EPOCH) == "2026-01-01T00:00:00Z"
    assert time_text(59.999, EPOCH) == "2026-01-01T00:00:59Z"
    assert time_text(-0.5, EPOCH) == "2025-12-31T23:59:59Z"
    assert time_text(58 * 86400.0 + 3600.0, EPOCH) == "2026-02-28T01:00:00Z"
    assert micro_time_text(90.25, EPOCH) == "2026-01-01T00:01:30.250000Z"
    assert micro_time_text(0.0, EPOCH) == "2026-01-01T00:00:00.000000Z"


def config_map(meta: Meta, version: int = 0, kind: str = "ConfigMap") -> Object:
    extra = MappingProxyType({"data": MappingProxyType({"a": "b"})})
    return Other(api_version="v1", kind=kind, meta=meta, version=version, extra=extra)


def test_metadata_of_a_stored_object() -> None:
    owners = (
        OwnerReference("ReplicaSet", "web", "u1"),
        OwnerReference("Node", "n1", "u2", "v1", controller=None, block_owner_deletion=None),
    )
    meta = Meta(
        "web-x",
        "shop",
        "u0",
        created=5.5,
        labels=MappingProxyType({"a": "b"}),
        owners=owners,
        finalizers=("example.com/keep",),
        generation=7,
        deletion_timestamp=60.0,
        deletion_grace_period_seconds=30,
        extra=MappingProxyType({"generateName": "web-"}),
    )
    rendered = to_manifest(replace(config_map(meta, version=42), kind="Pod2"), EPOCH)
    assert rendered["metadata"] == {
        "name": "web-x",
        "generateName": "web-",
        "namespace": "shop",
        "uid": "u0",
        "resourceVersion": "42",
        "generation": 7,
        "creationTimestamp": "2026-01-01T00:00:05Z",
        "deletionTimestamp": "2026-01-01T00:01:00Z",
        "deletionGracePeriodSeconds": 30,
        "labels": {"a": "b"},
        "ownerReferences": [
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "name": "web",
                "uid": "u1",
                "controller": True,
                "blockOwnerDeletion": True,
            },
            {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "u2"},
        ],
        "finalizers": ["example.com/keep"],
    }
    assert rendered["data"] == {"a": "b"}


def test_what_is_not_stored_yet_has_no_version_and_no_time() -> None:
    assert to_manifest(config_map(Meta("a", "b")), EPOCH)["metadata"] == {"name": "a", "namespace": "b"}


def test_a_held_object_shows_a_grace_of_zero() -> None:
    """A ConfigMap with finalizers that is being deleted [apiserver pkg/registry/rest/delete.go]."""
    meta = Meta("a", finalizers=("x",), deletion_timestamp=0.0, deletion_grace_period_seconds=0)
    assert to_manifest(config_map(meta), EPOCH)["metadata"]["deletionGracePeriodSeconds"] == 0


@pytest.mark.parametrize(("kind", "shown"), [("ConfigMap", False), ("Ingress", True), ("Widget", True)])
def test_generation_is_shown_where_the_api_server_counts_it(kind: str, shown: bool) -> None:
    """[pkg/registry/*/*/strategy.go `Generation = 1`]; custom resources have one too."""
    rendered = to_manifest(config_map(Meta("a"), kind=kind), EPOCH)
    assert ("generation" in rendered["metadata"]) == shown


def test_nothing_is_shared_with_the_store() -> None:
    """Whoever changes what is rendered changes nothing else."""
    obj = config_map(Meta("a", labels={"x": "y"}))
    rendered = to_manifest(obj, EPOCH)
    rendered["data"]["a"] = rendered["metadata"]["labels"]["x"] = "other"
    assert to_manifest(obj, EPOCH)["data"] == {"a": "b"}
    assert obj.meta.labels == {"x": "y"}
