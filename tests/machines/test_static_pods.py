"""Static pods: run without an API, shown to it, and swapped only when the old one has gone."""

from typing import Any

import pytest

from simkube.kube.objects import Pod
from simkube.machines.static_pods import HASH, MIRROR, Manifest
from tests.machines.world import LATENCY, POD_START, POD_STOP, Machines


def manifest(world: Machines, image: str = "app:1", **spec: Any) -> Manifest:
    for machine in world.fleet.machines.values():
        known = world.fleet.catalogue.get(image)
        assert known is not None
        machine.images.add(known)
    containers = [{"name": "etcd", "image": image}]
    return Manifest("etcd", world.template("etcd", containers=containers, host_network=True, **spec))


def mirror(world: Machines) -> Pod | None:
    found: Pod | None = world.get("Pod", "etcd-n1", "kube-system")
    return found


def test_8_7_a_manifest_is_run_and_mirrored() -> None:
    world = Machines()
    machine = world.machine()
    machine.kubelet.statics.put(manifest(world))
    world.run(POD_START)
    pod = mirror(world)
    assert pod is not None
    assert pod.status.phase == "Running" and pod.is_ready
    assert pod.meta.annotations[MIRROR] == pod.meta.annotations[HASH]
    owner = pod.meta.controller
    assert owner is not None and (owner.kind, owner.name) == ("Node", "n1")
    assert world.times("container.started") == [POD_START]


def test_8_7_deleting_the_mirror_does_not_stop_containers_and_it_is_made_anew() -> None:
    world = Machines()
    machine = world.machine()
    machine.kubelet.statics.put(manifest(world))
    world.run(10)
    before = mirror(world)
    assert before is not None
    world.delete(before)
    world.run(1)
    after = mirror(world)
    assert after is not None and after.meta.uid != before.meta.uid and after.is_ready
    assert world.told("container.exited") == []


def test_8_7_without_an_api_static_pods_run_all_the_same() -> None:
    world = Machines()
    machine = world.machine()
    machine.kubelet.statics.put(manifest(world))
    world.run(10)
    world.api.available = False
    world.fleet.api_went_away()
    machine.crash()
    machine.power_on()
    world.run(60)
    assert world.times("container.restarting") == [pytest.approx(10 + 30 + 1.5 + POD_START)]
    world.api.available = True
    world.fleet.api_came_back()
    world.run(30)
    pod = mirror(world)
    assert pod is not None and pod.status.containers[0].restart_count == 1


def test_8_7_a_changed_manifest_waits_for_the_old_pods_end_and_10_to_15_s() -> None:
    world = Machines(exit="3s")
    machine = world.machine()
    machine.kubelet.statics.put(manifest(world))
    world.run(20)
    old = mirror(world)
    t = world.clock.now
    machine.kubelet.statics.put(manifest(world, "app:2"))
    world.run(60)
    assert world.times("container.exited") == [pytest.approx(t + LATENCY + 3)]
    start = world.times("container.started")[1]
    assert t + 10 + POD_START <= start < t + 15 + POD_START
    new = mirror(world)
    assert old is not None and new is not None
    assert new.meta.annotations[HASH] != old.meta.annotations[HASH]
    assert new.template.spec.containers[0].image == "app:2" and new.is_ready


def test_8_7_the_old_ones_grace_may_take_longer() -> None:
    world = Machines(exit="60s")
    machine = world.machine()
    machine.kubelet.statics.put(manifest(world))
    world.run(20)
    t = world.clock.now
    machine.kubelet.statics.put(manifest(world, "app:2"))
    world.run(100)
    assert world.times("container.exited") == [pytest.approx(t + LATENCY + 30)]
    start = world.times("container.started")[1]
    assert t + 30 + POD_STOP + POD_START <= start < t + 30 + POD_STOP + 15 + 15 + POD_START


def test_8_7_a_manifest_taken_out_ends_pod_and_mirror() -> None:
    world = Machines()
    machine = world.machine()
    machine.kubelet.statics.put(manifest(world))
    world.run(20)
    machine.kubelet.statics.remove("kube-system/etcd")
    world.run(10)
    assert mirror(world) is None
    assert machine.sandboxes == {} and machine.kubelet.workers == {}
    assert machine.kubelet.admitted.pods == 0


def test_8_2_static_pods_outlive_a_restart_of_the_kubelet_of_the_same_minor() -> None:
    world = Machines()
    machine = world.machine(version="v1.36.3")
    machine.kubelet.statics.put(manifest(world))
    world.run(20)
    machine.install_kubelet("v1.36.9")
    world.run(20)
    assert world.told("container.exited") == []
    assert world.told("container.restarting") == []


def test_11_a_kubelet_of_another_minor_restarts_all_static_pods() -> None:
    world = Machines("v1.37.2", exit="1s")
    machine = world.machine(version="v1.36.3")
    machine.kubelet.statics.put(manifest(world))
    world.run(20)
    old = mirror(world)
    t = world.clock.now
    machine.install_kubelet("v1.37.2")
    world.run(20)
    # known at t + 1.5; the old container is an orphan: ended at the first housekeeping at t + 2
    assert world.times("container.exited") == [pytest.approx(t + 2 + 1)]
    new = mirror(world)
    assert old is not None and new is not None
    assert new.meta.annotations[HASH] != old.meta.annotations[HASH] and new.is_ready
    assert len(machine.sandboxes) == 1
