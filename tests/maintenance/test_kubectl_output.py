"""The lines of a drain are kubectl's (behaviour, section 6)."""

from typing import Any

from simkube.maintenance.drain import Drain
from simkube.maintenance.drain_filters import DrainOptions
from simkube.maintenance.kubectl_output import lines
from simkube.maintenance.node_steps import Cordon, RemoveNode, Uncordon
from simkube.maintenance.plan import Plan
from simkube.maintenance.step import Answer
from tests.maintenance.world import BUDGET, REFUSED, FakeWorld, one


def printed(world: FakeWorld, plan: Plan) -> list[str]:
    """stdout as it is, stderr after "! "."""
    found: list[str] = []

    def tell(path: str, leaf: Any, what: Any, answer: Any) -> None:
        found.extend(("! " if error else "") + text for text, error in lines(leaf.step, what, answer))

    world.run(plan, told=tell)
    return found


def world_of(*pods: str) -> FakeWorld:
    world = FakeWorld()
    world.node("w1")
    for name in pods:
        world.pod(name, "w1", 2)
    return world


def test_a_drain_with_a_refusal() -> None:
    world = world_of("a", "b")
    world.answers["evict", "default/b"] = [REFUSED]
    world.workload("DaemonSet", "agent")
    world.pod("agent-1", "w1", owner=("DaemonSet", "agent"))
    assert printed(world, one(Drain(node="w1"))) == [
        "node/w1 cordoned",
        "! Warning: ignoring DaemonSet-managed Pods: default/agent-1",
        "evicting pod default/a",
        "evicting pod default/b",
        f'! error when evicting pods/"b" -n "default" (will retry after 5s): {BUDGET}',
        "pod/a evicted",
        "evicting pod default/b",
        "pod/b evicted",
        "node/w1 drained",
    ]


def test_a_drain_that_cannot_begin() -> None:
    world = world_of("a")
    world.pod("solo", "w1", owner=None)
    world.set_node("w1", unschedulable=True)
    assert printed(world, one(Drain(node="w1"))) == [
        "node/w1 already cordoned",
        '! error: unable to drain node "w1" due to error: cannot delete Pods that declare no controller '
        "(use --force to override): default/solo, continuing command...",
        "! There are pending nodes to be drained:",
        "!  w1",
    ]


def test_a_drain_that_runs_out_of_time() -> None:
    world = world_of("a", "b")
    world.refused_until["default/b"] = 1e9
    error = 'error when evicting pods/"b" -n "default": global timeout reached: 4s'
    assert printed(world, one(Drain(node="w1", timeout=4)))[4:] == [
        "pod/a evicted",
        f'! There are pending pods in node "w1" when an error occurred: {error}',
        "! pod/b",
        f'! error: unable to drain node "w1" due to error: {error}, continuing command...',
        "! There are pending nodes to be drained:",
        "!  w1",
    ]


def test_an_unknown_node_and_a_refused_cordon() -> None:
    world = world_of("a")
    assert printed(world, one(Drain(node="w9"))) == ['! Error from server (NotFound): nodes "w9" not found']
    world.answers["cordon", "w1"] = [Answer(403, "nodes is forbidden")]
    found = printed(world, one(Drain(node="w1")))
    assert found[:2] == ['! error: unable to cordon node "w1": nodes is forbidden', "evicting pod default/a"]


def test_a_terminating_namespace() -> None:
    world = world_of("a")
    said = "pods is forbidden: the namespace is being terminated"
    world.answers["evict", "default/a"] = [Answer(403, said, cause="NamespaceTerminating")]
    assert printed(world, one(Drain(node="w1")))[2] == (
        f'! error when evicting pod "a" from terminating namespace "default" (will retry after 5s): {said}'
    )


def test_deletion_and_skipping() -> None:
    world = world_of("a")
    assert printed(world, one(Drain(node="w1", options=DrainOptions(disable_eviction=True)))) == [
        "node/w1 cordoned",
        "pod/a deleted",
        "node/w1 drained",
    ]
    world = FakeWorld()
    world.node("w1")
    world.pod("a", "w1", float("inf"))
    options = DrainOptions(skip_wait_for_delete_timeout=60)
    assert 'pod "a" has DeletionTimestamp older than 60 seconds, skipping' in printed(
        world, one(Drain(node="w1", options=options))
    )


def test_cordon_uncordon_and_delete() -> None:
    plan = one(
        Cordon(node="w1"), Cordon(node="w1"), Uncordon(node="w1"), Uncordon(node="w1"), RemoveNode(node="w1")
    )
    assert printed(world_of(), plan) == [
        "node/w1 cordoned",
        "node/w1 already cordoned",
        "node/w1 uncordoned",
        "node/w1 already uncordoned",
        'node "w1" deleted',
    ]
