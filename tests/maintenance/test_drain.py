"""kubectl drain as a step (behaviour, section 6, 13.2), against a world with scripted answers. Times are seconds."""

from math import inf
from typing import Any

import pytest

from simkube.kube.objects import Pod
from simkube.maintenance.acts import DeletePod, Evict
from simkube.maintenance.drain import Drain
from simkube.maintenance.drain_filters import DrainOptions
from simkube.maintenance.step import Answer
from tests.maintenance.world import BUDGET, REFUSED, DiskLog, FakeWorld, Killed, one

TERMINATING = Answer(403, "pods is forbidden: namespace is being terminated", cause="NamespaceTerminating")
TWO_BUDGETS = (
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
)


def world_of(*pods: tuple[str, float]) -> FakeWorld:
    """Node w1 with these pods, each gone so many seconds after its eviction."""
    world = FakeWorld()
    world.node("w1")
    for name, exits in pods:
        world.pod(name, "w1", exits)
    return world


def refuse(world: FakeWorld, pod: str, times: int, answer: Answer = REFUSED, verb: str = "evict") -> None:
    world.answers[verb, f"default/{pod}"] = [answer] * times


def drain(world: FakeWorld, until: float = 1e7, **options: Any) -> Any:
    return world.run(one(Drain(node="w1", **options)), until=until)


def outcome(driver: Any) -> tuple[str, str]:
    result = driver.log.outcomes["0"]
    return result.result, result.message


def failure(text: str) -> tuple[str, str]:
    return "failed", f'unable to drain node "w1" due to error: {text}'


def test_cordons_then_evicts_all_pods_at_once_and_waits_until_they_are_gone() -> None:
    world = world_of(("a", 3), ("b", 7))
    driver = drain(world)
    assert [(t, act.verb, act.target) for t, act in world.acts] == [
        (0, "cordon", "w1"),
        (0, "evict", "default/a"),
        (0, "evict", "default/b"),
    ]
    assert outcome(driver) == ("done", "node/w1 drained")
    assert world.time == 7
    assert world.tables["Node"]["", "w1"].unschedulable


def test_gone_pods_are_seen_at_the_next_look_every_second() -> None:
    world = world_of(("a", 2.3))
    drain(world)
    assert world.time == 3
    world = world_of(("a", 0.0))  # a pending pod goes at once: the first look is immediate
    drain(world)
    assert world.time == 0


def test_an_empty_node_is_drained_at_once() -> None:
    world = world_of()
    assert outcome(drain(world)) == ("done", "node/w1 drained")
    assert world.time == 0


def test_an_unknown_node_fails_before_any_cordon() -> None:
    world = FakeWorld()
    world.node("other")
    assert outcome(drain(world)) == ("failed", 'Error from server (NotFound): nodes "w1" not found')
    assert world.acts == []


def test_a_node_that_is_cordoned_already_is_not_patched() -> None:
    world = world_of(("a", 1))
    world.set_node("w1", unschedulable=True)
    drain(world)
    assert world.times("cordon") == [] and world.times("evict") == [0]


def test_a_refused_cordon_does_not_stop_the_eviction() -> None:
    world = world_of(("a", 1))
    world.answers["cordon", "w1"] = [Answer(403, "nodes is forbidden")]
    assert outcome(drain(world))[0] == "done"
    assert not world.tables["Node"]["", "w1"].unschedulable


def test_a_pod_it_may_not_touch_stops_the_whole_node_which_stays_cordoned() -> None:
    world = world_of(("a", 1))
    world.pod("solo", "w1", owner=None)
    text = "cannot delete Pods that declare no controller (use --force to override): default/solo"
    assert outcome(drain(world)) == failure(text)
    assert world.times("evict") == []
    assert world.tables["Node"]["", "w1"].unschedulable


def test_daemonset_pods_stay_and_mirror_pods_too() -> None:
    world = world_of(("a", 1))
    world.workload("DaemonSet", "agent")
    world.pod("agent-1", "w1", owner=("DaemonSet", "agent"))
    world.pod("etcd-w1", "w1", owner=("Node", "w1"), annotations={"kubernetes.io/config.mirror": "x"})
    assert outcome(drain(world))[0] == "done"
    assert world.pods == ["default/agent-1", "default/etcd-w1"]


# -- what a budget refuses -----------------------------------------------------------------------------------


def test_what_a_budget_refuses_is_tried_again_every_5_seconds_each_pod_by_itself() -> None:
    world = world_of(("a", 2), ("b", 2), ("c", 2))
    refuse(world, "b", 1)
    refuse(world, "c", 3)
    drain(world)
    assert world.times("evict", "default/a") == [0]
    assert world.times("evict", "default/b") == [0, 5]
    assert world.times("evict", "default/c") == [0, 5, 10, 15]
    assert world.time == 17


def test_without_a_timeout_it_tries_for_ever() -> None:
    world = world_of(("a", 0))
    refuse(world, "a", 10_000)
    driver = drain(world, until=36_000)
    assert not driver.finished
    assert len(world.times("evict")) == 7201  # 0, 5, ... 36000


def test_a_refused_pod_that_goes_by_itself_is_noticed_at_its_next_try() -> None:
    world = world_of(("a", 0))
    refuse(world, "a", 99)
    pod = world.pod_named("default", "a")
    world.at(6.5, lambda: world.remove_pod(pod))  # type: ignore[arg-type]
    drain(world)
    assert world.time == 10


def test_404_is_done_silently() -> None:
    world = world_of(("a", 5))
    world.answers["evict", "default/a"] = [Answer(404, 'pods "a" not found')]
    assert outcome(drain(world))[0] == "done"
    assert world.time == 0


@pytest.mark.parametrize("minor", ["v1.34.4", "v1.37.2"])
def test_retry_after_is_waited_out_by_the_client(minor: str) -> None:
    # The budget is still being processed: 429 with Retry-After 10; client-go retries by itself, ten times
    world = world_of(("a", 0))
    refuse(world, "a", 13, Answer(429, BUDGET, retry_after=10))
    drain(world, kubectl=minor)
    # ten retries of client-go, then kubectl's own 5 s, then again the first of client-go's
    assert world.times("evict") == [*range(0, 101, 10), 105, 115, 125]


def test_an_api_that_is_not_there_is_waited_for() -> None:
    world = world_of(("a", 1), ("b", 1))
    world.answers["cordon", "w1"] = [Answer(503, "the API server cannot be reached")]
    refuse(world, "b", 2, Answer(503, "the API server cannot be reached"))
    assert outcome(drain(world))[0] == "done"
    assert world.times("cordon") == [0, 5]
    assert world.times("evict", "default/b") == [5, 10, 15]


# -- errors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [Answer(500, TWO_BUDGETS), Answer(403, "pdb disruptions allowed is negative"), Answer(504, "conflicts")],
)
def test_another_answer_fails_that_pod_after_the_others_have_ended(answer: Answer) -> None:
    world = world_of(("a", 4), ("b", 9))
    refuse(world, "a", 1, answer)
    assert outcome(drain(world)) == failure(f'error when evicting pods/"a" -n "default": {answer.message}')
    assert world.time == 9
    assert world.pods == ["default/a"]


def test_several_errors_are_put_together() -> None:
    world = world_of(("a", 0), ("b", 0))
    refuse(world, "a", 1, Answer(500, "x"))
    refuse(world, "b", 1, Answer(500, "y"))
    assert outcome(drain(world)) == failure(
        '[error when evicting pods/"a" -n "default": x, error when evicting pods/"b" -n "default": y]'
    )


def test_in_a_terminating_namespace_it_waits_for_what_is_deleting_and_tries_the_rest_again() -> None:
    world = world_of(("a", 0))
    world.pod("going", "w1", deleted=20.0)
    refuse(world, "a", 2, TERMINATING)
    refuse(world, "going", 9, TERMINATING)
    pod = world.pod_named("default", "going")
    world.at(12.5, lambda: world.remove_pod(pod))  # type: ignore[arg-type]
    drain(world)
    assert world.times("evict", "default/a") == [0, 5, 10]
    assert world.times("evict", "default/going") == [0]
    assert world.time == 13


# -- the timeout ---------------------------------------------------------------------------------------------


def test_the_timeout_is_checked_between_tries_so_up_to_5_seconds_late() -> None:
    world = world_of(("a", 0))
    refuse(world, "a", 99)
    text = 'error when evicting pods/"a" -n "default": global timeout reached: 12s'
    assert outcome(drain(world, timeout=12)) == failure(text)
    assert world.time == 15
    assert world.times("evict") == [0, 5, 10]


def test_waiting_ends_at_the_timeout_itself() -> None:
    world = world_of(("a", 600))
    text = 'error when waiting for pod "a" in namespace "default" to terminate: context deadline exceeded'
    assert outcome(drain(world, timeout="12s")) == failure(text)
    assert world.time == 12


def test_at_the_timeout_both_kinds_are_reported_when_the_last_has_ended() -> None:
    world = world_of(("a", 0), ("b", 600), ("c", 3))
    refuse(world, "a", 99)
    _, message = outcome(drain(world, timeout=90))
    assert message == (
        'unable to drain node "w1" due to error: [error when evicting pods/"a" -n "default": global timeout reached: '
        '1m30s, error when waiting for pod "b" in namespace "default" to terminate: context deadline exceeded]'
    )
    assert world.time == 90


def test_a_pod_that_goes_after_the_timeout_was_reported_stays_reported() -> None:
    world = world_of(("a", 0), ("b", 13))
    refuse(world, "a", 99)
    _, message = outcome(drain(world, timeout=12))
    assert 'pod "b"' in message and world.time == 15


@pytest.mark.parametrize(("on_timeout", "then"), [("abort", "abort"), ("skip", "skip")])
def test_on_timeout_says_what_becomes_of_the_plan(on_timeout: str, then: str) -> None:
    world = world_of(("a", 600))
    driver = drain(world, timeout=10, on_timeout=on_timeout)
    assert driver.log.outcomes["0"].then == then


def test_skip_counts_for_a_node_that_cannot_be_drained_at_all() -> None:
    world = world_of()
    world.pod("solo", "w1", owner=None)
    assert drain(world, on_timeout="skip").log.outcomes["0"].then == "skip"


def test_force_deletes_at_the_timeout_what_is_left_past_the_budgets_with_its_own_grace() -> None:
    world = world_of(("a", 20), ("b", 600), ("c", 1))
    refuse(world, "a", 99)
    driver = drain(world, timeout=12, on_timeout="force")
    assert world.times("evict", "default/a") == [0, 5, 10]
    deleted = [(t, act) for t, act in world.acts if isinstance(act, DeletePod)]
    assert [(t, act.pod, act.grace) for t, act in deleted] == [
        (12, "a", None)
    ]  # b was accepted: nothing to repeat
    assert outcome(driver)[0] == "done"
    assert world.time == 600


def test_force_after_deletes_too_and_the_timeout_still_ends_it() -> None:
    world = world_of(("a", 2), ("b", 600))
    refuse(world, "a", 99)
    refuse(world, "b", 99)
    driver = drain(world, force_after=12, timeout=60)
    assert world.times("delete") == [12, 12]
    assert outcome(driver)[0] == "failed" and world.time == 60


def test_with_force_after_an_answer_for_good_is_no_end_before() -> None:
    world = world_of(("a", 2))
    refuse(world, "a", 99, Answer(500, TWO_BUDGETS))
    assert outcome(drain(world, force_after=12))[0] == "done"
    assert world.times("evict") == [0, 5, 10] and world.times("delete") == [12]


def test_a_forced_delete_that_is_refused_for_good_fails() -> None:
    world = world_of(("a", 2))
    refuse(world, "a", 99)
    refuse(world, "a", 99, Answer(403, "pods is forbidden"), "delete")
    assert outcome(drain(world, force_after=5))[0] == "failed"
    assert world.time == 5


# -- waiting -------------------------------------------------------------------------------------------------


def comes_back(world: FakeWorld, node: str = "w2", again: float = 600) -> None:
    """A StatefulSet's pods are made anew under their names, on another node."""
    world.node(node)
    world.on_gone = lambda pod: None if pod.node == node else _again(world, pod, node, again)


def _again(world: FakeWorld, pod: Pod, node: str, exits: float) -> None:
    world.pod(pod.meta.name, node, exits, owner=("StatefulSet", "db"))


def test_a_pod_recreated_under_its_name_counts_as_gone_by_its_uid() -> None:
    world = world_of(("db-0", 4))
    comes_back(world)
    assert outcome(drain(world))[0] == "done"
    assert world.time == 4
    assert world.pods == ["default/db-0"]


@pytest.mark.parametrize(("kubectl", "end"), [("v1.34.4", 5.0), ("v1.35.0", 605.0), ("v1.37.2", 605.0)])
def test_13_2_a_refused_pod_recreated_elsewhere_is_evicted_by_name_and_waited_for_since_1_35(
    kubectl: str, end: float
) -> None:
    world = world_of(("db-0", 4))
    comes_back(world)
    refuse(world, "db-0", 1)
    pod = world.pod_named("default", "db-0")
    world.at(2, lambda: world.remove_pod(pod))  # type: ignore[arg-type]
    assert outcome(drain(world, kubectl=kubectl))[0] == "done"
    assert world.times("evict") == [0, 5]  # the second one hits the pod on w2
    assert world.time == end


def test_skip_wait_for_delete_timeout_leaves_pods_that_are_stuck() -> None:
    world = world_of(("a", inf), ("b", 2))
    options = DrainOptions(skip_wait_for_delete_timeout=60)
    assert outcome(drain(world, options=options))[0] == "done"
    # deletionTimestamp is 30 s after the eviction (grace); older than 60 s in whole seconds: from 91 s on
    assert world.time == 91


def test_without_it_a_stuck_pod_is_waited_for_for_ever() -> None:
    world = world_of(("a", inf))
    assert not drain(world, until=1e6).finished


@pytest.mark.parametrize(("grace", "asked"), [(-1, None), (0, 0), (45, 45)])
def test_grace_period_is_passed_on_only_when_given(grace: int, asked: int | None) -> None:
    world = world_of(("a", 1))
    drain(world, options=DrainOptions(grace_period=grace))
    act = world.acts[-1][1]
    assert isinstance(act, Evict) and act.grace == asked


# -- --disable-eviction --------------------------------------------------------------------------------------


def no_eviction(world: FakeWorld, **options: Any) -> Any:
    return drain(world, options=DrainOptions(disable_eviction=True), **options)


def test_disable_eviction_deletes_one_after_the_other_and_asks_no_budget() -> None:
    world = world_of(("a", 3), ("b", 5))
    refuse(world, "a", 99)
    assert outcome(no_eviction(world)) == ("done", "node/w1 drained")
    assert [(t, act.verb) for t, act in world.acts[1:]] == [(0, "delete"), (0, "delete")]
    assert world.time == 5


def test_disable_eviction_ends_at_the_first_error_but_404() -> None:
    world = world_of(("a", 3), ("b", 5), ("c", 1))
    refuse(world, "a", 1, Answer(404, "gone"), "delete")
    refuse(world, "b", 1, Answer(403, "pods is forbidden"), "delete")
    assert outcome(no_eviction(world)) == failure("pods is forbidden")
    assert world.times("delete", "default/c") == []
    assert world.time == 0


def test_disable_eviction_has_its_timeout_in_waiting() -> None:
    world = world_of(("a", 600), ("b", 600))
    assert outcome(no_eviction(world, timeout=30)) == failure("context deadline exceeded")
    assert world.time == 30


def test_disable_eviction_waits_for_an_api_that_is_away() -> None:
    world = world_of(("a", 1), ("b", 1))
    refuse(world, "a", 1, Answer(503, "away"), "delete")
    assert outcome(no_eviction(world))[0] == "done"
    assert world.times("delete") == [0, 5, 5]


# -- killed and taken up -------------------------------------------------------------------------------------


@pytest.mark.parametrize("later", [0.0, 2.5, 40.0])
@pytest.mark.parametrize("disable_eviction", [False, True])
def test_killed_at_any_boundary_no_pod_is_evicted_twice_and_it_ends_the_same(
    later: float, disable_eviction: bool
) -> None:
    plan = one(Drain(node="w1", options=DrainOptions(disable_eviction=disable_eviction)))

    def fresh() -> FakeWorld:
        world = world_of(("a", 3), ("db-0", 0), ("slow", 7.5))
        world.refused_until["default/a"] = 9.0
        comes_back(world)
        return world

    log = DiskLog()
    whole = fresh()
    whole.run(plan, log)
    for line in range(len(log.lines)):
        for after in (False, True):
            world, dying = fresh(), DiskLog(line, after)
            with pytest.raises(Killed):
                world.run(plan, dying)
            world.driver = None
            world.pass_to(world.time + later)
            driver = world.run(plan, dying.read_back())
            assert driver.finished and outcome(driver) == ("done", "node/w1 drained")
            assert sorted(world.pods) == sorted(whole.pods)
            gone = [act.uid for _, act in world.acts if isinstance(act, Evict | DeletePod)]
            assert {uid.split("-uid")[0] for uid in gone} == {"a", "db-0", "slow"}
            assert len({uid for uid in gone if uid.startswith("db-0")}) == 1  # never the new one
            if later == 0:
                assert world.time == whole.time
