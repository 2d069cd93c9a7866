"""Behaviour 3: what a DELETE does, by the pod's state and by what was asked before."""

import pytest

from simkube.cluster.errors import Conflict, NotFound
from simkube.kube.objects import Pod
from tests.cluster.harness import World


@pytest.fixture
def world() -> World:
    world = World()
    world.run(100)
    return world


def running(world: World, name: str = "p", grace: int = 30) -> Pod:
    return world.pod(name, world.template(terminationGracePeriodSeconds=grace), "n1", "Running", ready=True)


def deletion(world: World, name: str = "p") -> tuple[float | None, int | None]:
    meta = world.get("Pod", name).meta
    return meta.deletion_timestamp, meta.deletion_grace_period_seconds


def test_graceful_the_object_stays_with_a_time_in_the_future(world: World) -> None:
    pod = running(world)
    world.hand.delete("Pod", "p", "default")
    assert deletion(world) == (130.0, 30)
    assert world.get("Pod", "p").meta.generation == pod.meta.generation + 1


@pytest.mark.parametrize(("asked", "period"), [(5, 5), (60, 60), (-1, 1), (None, 30)])
def test_the_requests_period_wins_and_negative_is_one(world: World, asked: int | None, period: int) -> None:
    running(world)
    world.hand.delete("Pod", "p", "default", grace=asked)
    assert deletion(world) == (100.0 + period, period)


def test_period_zero_removes_at_once(world: World) -> None:
    running(world, "forced")
    world.hand.delete("Pod", "forced", "default", grace=0)
    running(world, "own", grace=0)
    world.hand.delete("Pod", "own", "default")
    assert world.pods() == []


def test_without_a_node_or_finished_it_goes_at_once(world: World) -> None:
    world.pod("unbound")
    world.pod("succeeded", node="n1", phase="Succeeded")
    world.pod("failed", node="n1", phase="Failed")
    for name in ("unbound", "succeeded", "failed"):
        world.hand.delete("Pod", name, "default", grace=30)
    assert world.pods() == []


@pytest.mark.parametrize(
    ("asked", "at", "expected"),
    [
        (None, 10, (130.0, 30)),  # no period: nothing changes
        (30, 10, (130.0, 30)),  # not shorter
        (60, 10, (130.0, 30)),
        (20, 10, (120.0, 20)),  # counted from the first DELETE
        (5, 10, (110.0, 1)),  # 105 would be in the past: now, with 1 s
    ],
)
def test_a_second_delete_may_only_shorten(
    world: World, asked: int | None, at: float, expected: tuple[float, int]
) -> None:
    running(world)
    world.hand.delete("Pod", "p", "default")
    world.run(at)
    world.hand.delete("Pod", "p", "default", grace=asked)
    assert deletion(world) == expected


def test_a_second_delete_with_zero_removes(world: World) -> None:
    running(world)
    world.hand.delete("Pod", "p", "default")
    world.hand.delete("Pod", "p", "default", grace=0)
    assert world.get("Pod", "p") is None


def test_a_second_delete_of_a_pod_that_has_finished_meanwhile_changes_nothing(world: World) -> None:
    """Only the kubelet's, with grace 0, ends it [rest/delete.go: graceful deletion is pending, do nothing]."""
    pod = running(world)
    world.hand.delete("Pod", "p", "default")
    world.set_pod(pod, phase="Failed", ready=False)
    world.hand.delete("Pod", "p", "default")
    assert deletion(world) == (130.0, 30)


def test_finalizers_keep_a_pod_that_is_confirmed(world: World) -> None:
    pod = running(world)
    world.change_meta(pod, finalizers=("batch.kubernetes.io/job-tracking",))
    world.hand.delete("Pod", "p", "default")
    world.hand.delete("Pod", "p", "default", grace=0)
    assert deletion(world) == (100.0, 0)
    world.change_meta(pod, finalizers=())
    assert world.get("Pod", "p") is None


def test_the_last_finalizer_does_not_cut_the_grace_short(world: World) -> None:
    pod = running(world)
    world.change_meta(pod, finalizers=("a/b",))
    world.hand.delete("Pod", "p", "default")
    world.change_meta(pod, finalizers=())
    assert deletion(world) == (130.0, 30)


def test_other_kinds_go_at_once_or_wait_for_finalizers(world: World) -> None:
    world.service("gone")
    kept = world.change_meta(world.service("kept"), finalizers=("a/b",))
    world.hand.delete("Service", "gone", "default")
    world.hand.delete("Service", "kept", "default")
    world.hand.delete("Service", "kept", "default")
    assert world.get("Service", "gone") is None
    assert world.get("Service", "kept").meta.deletion_timestamp == 100.0
    world.change_meta(kept, finalizers=())
    assert world.get("Service", "kept") is None


def test_the_uid_precondition(world: World) -> None:
    pod = running(world)
    with pytest.raises(Conflict, match="UID in precondition"):
        world.hand.delete("Pod", "p", "default", uid="another")
    world.hand.delete("Pod", "p", "default", grace=0, uid=pod.meta.uid)
    with pytest.raises(NotFound):
        world.hand.delete("Pod", "p", "default")
