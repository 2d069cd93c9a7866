"""Quota and limits stop a replacement; its controller tries again, and tells why."""

from simkube.cluster.workloads.replicaset import ReplicaSetController
from tests.cluster.admission.bed import Bed, container


def test_replacement_waits_until_the_quota_has_room() -> None:
    """The terminating pod counts (5: replaced at once; quota: until it is gone)."""
    world = Bed()
    ReplicaSetController(world.clock, world.client("replicaset-controller"), world.timings)
    world.quota({"pods": 2})
    world.workload("ReplicaSet", "web", replicas=2)
    world.run(1)
    world.start_pods()
    first = world.pods()[0]
    world.hand.delete("Pod", first.meta.name, "default")
    world.run(5)
    assert len(world.pods()) == 2
    refusals = [message for _, reason, message in world.events if reason == "FailedCreate"]
    assert refusals
    assert refusals[-1].startswith('Error creating: pods "web-')
    assert refusals[-1].endswith(
        '" is forbidden: exceeded quota: quota, requested: pods=1, used: pods=2, limited: pods=2'
    )
    world.finish_deletions()
    world.run(1)
    assert [pod.is_terminating for pod in world.pods()] == [False, False]


def test_limit_range_that_came_later_stops_a_replacement() -> None:
    world = Bed()
    ReplicaSetController(world.clock, world.client("replicaset-controller"), world.timings)
    world.workload(
        "ReplicaSet", "web", world.template("web", containers=[container({"cpu": "1"})]), replicas=1
    )
    world.run(1)
    world.start_pods()
    limits = world.limit_range({"type": "Container", "min": {"cpu": "2"}})
    world.hand.delete("Pod", world.pods()[0].meta.name, "default", grace=0)
    world.run(5)
    assert world.pods() == []
    assert "minimum cpu usage per Container is 2, but request is 1" in world.events[-1][2]
    world.hand.delete("LimitRange", limits.meta.name, "default")
    world.run(10)
    assert len(world.pods()) == 1
