"""NamespaceLifecycle [apiserver pkg/admission/plugin/namespace/lifecycle/admission.go]."""

import pytest
from msgspec.structs import replace

from simkube.cluster.errors import Forbidden, NotFound
from simkube.kube.objects import Meta, Other
from tests.cluster.admission.bed import Bed


def namespace(world: Bed, name: str, **extra: object) -> Other:
    return world.hand.create(Other(api_version="v1", kind="Namespace", meta=Meta(name), extra=extra))


def test_nothing_is_created_in_a_namespace_that_is_not_there() -> None:
    world = Bed()
    with pytest.raises(NotFound) as refused:
        world.pod("p", namespace="shop")
    assert refused.value.message == 'namespaces "shop" not found'
    namespace(world, "shop")
    assert world.pod("p", namespace="shop")


def test_system_namespaces_are_always_there() -> None:
    world = Bed()
    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        assert world.pod("p", namespace=name)


def test_nothing_is_created_in_a_namespace_that_is_being_deleted() -> None:
    world = Bed()
    shop = namespace(world, "shop")
    marked = replace(shop.meta, deletion_timestamp=0.0, finalizers=("kubernetes",))
    world.store.put(replace(shop, meta=marked), "test")
    with pytest.raises(Forbidden) as refused:
        world.workload("ReplicaSet", "web", namespace="shop", replicas=1)
    assert refused.value.message == (
        'replicasets.apps "web" is forbidden: unable to create new content in namespace shop because it is being '
        "terminated"
    )
    assert refused.value.cause == "NamespaceTerminating"


def test_phase_terminating_is_enough() -> None:
    world = Bed()
    namespace(world, "shop", status={"phase": "Terminating"})
    with pytest.raises(Forbidden):
        world.other("ConfigMap", "settings", "shop")


def test_nodes_have_no_namespace() -> None:
    assert Bed().node("n1")
