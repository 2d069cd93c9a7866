"""Pods that wait for their volumes."""

from typing import Any

import pytest
from msgspec.structs import replace

from simkube.cluster.volumes.facts import ATTACHMENT, attachment_name
from simkube.kube.objects import Meta, Pod, Resource
from simkube.kube.storage import (
    PersistentVolumeClaimSpec,
    PersistentVolumeSpec,
    VolumeAttachmentSource,
    VolumeAttachmentSpec,
)
from tests.machines.world import LATENCY, POD_START, Machines

PATIENCE = 123.0  # podAttachAndMountTimeout


def disk(world: Machines, driver: str = "disk.example.com") -> None:
    """A claim "data", bound to a volume of the driver."""
    claim = PersistentVolumeClaimSpec.model_validate({"volumeName": "pv", "accessModes": ["ReadWriteOnce"]})
    source: dict[str, Any] = {
        "csi": {"driver": driver, "volumeHandle": "pv"},
        "accessModes": ["ReadWriteOnce"],
    }
    bound = Meta("data", "default", annotations={"pv.kubernetes.io/bind-completed": "yes"})
    volume = PersistentVolumeSpec.model_validate(source)
    world.hand.create(Resource(api_version="v1", kind="PersistentVolume", meta=Meta("pv"), spec=volume))
    world.hand.create(Resource(api_version="v1", kind="PersistentVolumeClaim", meta=bound, spec=claim))


def attach(world: Machines, node: str = "n1") -> None:
    """The volume is attached to the node now."""
    source = VolumeAttachmentSource(persistent_volume_name="pv")
    spec = VolumeAttachmentSpec(attacher="disk.example.com", node_name=node, source=source)
    made = world.hand.create(
        Resource(
            api_version="storage.k8s.io/v1",
            kind=ATTACHMENT,
            meta=Meta(attachment_name("pv", node)),
            spec=spec,
        )
    )
    world.hand.update(replace(made, status={"attached": True}))


def pod_with_disk(world: Machines) -> Pod:
    return world.bound("a", volumes=[{"name": "data", "persistent_volume_claim": {"claim_name": "data"}}])


def test_3_a_pod_starts_when_its_volume_is_attached() -> None:
    world = Machines()
    world.machine()
    disk(world)
    pod = pod_with_disk(world)
    world.run(20)
    assert world.told("container.started") == []
    assert world.now(pod).status.phase == "Pending"
    attach(world)
    world.run(10)
    assert world.times("container.started") == [pytest.approx(20 + LATENCY + POD_START)]


def test_3_an_attached_volume_is_not_waited_for() -> None:
    world = Machines()
    world.machine()
    disk(world)
    attach(world)
    pod_with_disk(world)
    world.run(10)
    assert world.times("container.started") == [LATENCY + POD_START]


def test_3_a_volume_that_needs_no_attaching_is_not_waited_for() -> None:
    world = Machines()
    world.machine()
    disk(world, "nfs.csi.k8s.io")
    pod_with_disk(world)
    world.run(10)
    assert world.times("container.started") == [LATENCY + POD_START]


def test_3_the_wait_ends_with_an_event_every_2_minutes() -> None:
    world = Machines()
    world.machine()
    disk(world)
    pod_with_disk(world)
    world.run(PATIENCE + 1)
    text = (
        "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], "
        "failed to process volumes=[]: context deadline exceeded"
    )
    assert world.events.count(("a", "FailedMount", text)) == 1
    world.run(PATIENCE + 16)
    assert world.events.count(("a", "FailedMount", text)) == 2
    attach(world)
    world.run(20)
    assert len(world.told("container.started")) == 1


def test_a_pod_deleted_while_it_waits_goes_and_is_never_started() -> None:
    world = Machines()
    machine = world.machine()
    disk(world)
    pod = pod_with_disk(world)
    world.run(20)
    world.delete(pod)
    world.run(1)
    assert world.get("Pod", "a") is None
    attach(world)
    world.run(300)
    assert world.told("container.started") == []
    assert machine.kubelet.workers == {}


def test_a_kubelet_that_restarts_while_a_pod_waits_waits_on() -> None:
    world = Machines()
    machine = world.machine()
    disk(world)
    pod_with_disk(world)
    world.run(20)
    machine.kubelet.stop("restart")
    machine.kubelet.start()
    world.run(20)
    attach(world)
    world.run(5)
    assert len(world.told("container.started")) == 1
