"""Garbage collection of what is owned [pkg/controller/garbagecollector/garbagecollector.go `attemptToDeleteItem`]."""

from simkube.cluster.collection.garbage import GarbageCollector
from simkube.kube.objects import Meta, Other, OwnerReference
from tests.cluster.harness import World


def world() -> World:
    w = World()
    GarbageCollector(w.clock, w.client("generic-garbage-collector"))
    return w


def owned(w: World, name: str, *owners: OwnerReference) -> Other:
    return w.hand.create(Other(api_version="v1", kind="ConfigMap", meta=Meta(name, "default", owners=owners)))


def reference(obj: Other, controller: bool = True) -> OwnerReference:
    return OwnerReference(obj.kind, obj.meta.name, obj.meta.uid, obj.api_version, controller)


def test_pods_of_a_deleted_owner_are_deleted_with_their_own_grace() -> None:
    w = world()
    owner = w.workload("ReplicaSet", "web")
    pod = w.pod("web-a", node="n1", phase="Running", ready=True, owner=owner)
    w.hand.delete("ReplicaSet", "web", "default")
    w.run(1)
    meta = w.get("Pod", "web-a").meta
    assert meta.deletion_grace_period_seconds == pod.template.spec.termination_grace_period_seconds == 30


def test_the_chain_is_followed() -> None:
    w = world()
    top = owned(w, "top")
    middle = owned(w, "middle", reference(top))
    owned(w, "bottom", reference(middle))
    w.hand.delete("ConfigMap", "top", "default")
    w.run(1)
    assert len(w.store.table("ConfigMap")) == 0


def test_another_owner_keeps_it_and_the_dangling_reference_is_dropped() -> None:
    w = world()
    first, second = owned(w, "first"), owned(w, "second")
    owned(w, "both", reference(first), reference(second, controller=False))
    w.hand.delete("ConfigMap", "first", "default")
    w.run(1)
    assert [o.name for o in w.get("ConfigMap", "both").meta.owners] == ["second"]
    w.hand.delete("ConfigMap", "second", "default")
    w.run(1)
    assert w.get("ConfigMap", "both") is None


def test_an_owner_that_was_never_there_is_no_reason_to_delete() -> None:
    w = world()
    owned(w, "mirror", OwnerReference("Node", "n1", "not-in-the-dump", "v1"))
    w.run(3600)
    assert w.get("ConfigMap", "mirror") is not None


def test_what_happened_while_it_was_away_is_made_up_for() -> None:
    w = World()
    collector = GarbageCollector(w.clock, w.client("generic-garbage-collector"))
    owner = owned(w, "owner")
    owned(w, "child", reference(owner))
    collector.stop()
    w.hand.delete("ConfigMap", "owner", "default")
    w.run(60)
    assert w.get("ConfigMap", "child") is not None
    collector.start()
    w.run(1)
    assert w.get("ConfigMap", "child") is None


def test_without_an_api_it_tries_again() -> None:
    w = world()
    owner = owned(w, "owner")
    owned(w, "child", reference(owner))
    w.hand.delete("ConfigMap", "owner", "default")
    w.api.available = False
    w.run(30)
    w.api.available = True
    w.run(60)
    assert w.get("ConfigMap", "child") is None


def test_an_owner_that_is_back_from_a_backup_owns_again() -> None:
    w = World()
    collector = GarbageCollector(w.clock, w.client("generic-garbage-collector"))
    owner = owned(w, "owner")
    owned(w, "child", reference(owner))
    backup = w.store.snapshot()
    collector.stop()
    w.hand.delete("ConfigMap", "owner", "default")
    w.store.restore(backup)
    collector.start()
    w.run(60)
    assert w.get("ConfigMap", "child") is not None
