"""7.5: the queue by itself. Facts of scheduling_queue_test.go and backoff_queue_test.go."""

from math import inf

import pytest

from simkube.cluster.scheduler.queue import Queue, Queued
from simkube.kube.objects import Meta, Pod
from simkube.kube.pod import PodSpec
from simkube.kube.template import Template
from simkube.timings import Timings

REJECTED = ("NodeResourcesFit",)


def pod(name: str, priority: int = 0) -> Pod:
    return Pod(meta=Meta(name, "default"), template=Template(PodSpec(priority=priority)))


def queue(version: str = "v1.37.2", started: float = 0.0) -> Queue:
    return Queue(Timings.for_version(version), started)


def popped(q: Queue, now: float) -> Queued:
    found = q.pop(now)
    assert found is not None
    return found


def order(q: Queue, now: float) -> list[str]:
    names = []
    while (queued := q.pop(now)) is not None:
        names.append(queued.pod.meta.name)
    return names


def test_7_5_priority_descending_then_time() -> None:
    q = queue()
    for now, (name, priority) in enumerate([("a", 0), ("b", 5), ("c", 0), ("d", 5)]):
        q.add(pod(name, priority), now)
    assert order(q, 4) == ["b", "d", "a", "c"]


def test_7_5_a_pod_that_failed_stands_by_the_time_of_its_failure() -> None:
    q = queue()
    q.add(pod("old"), 0)
    failed = popped(q, 0)
    q.add(pod("new"), 1)
    q.fail(failed, REJECTED, 2)
    q.wake(failed, 30)  # its backoff is long over
    assert order(q, 30) == ["new", "old"]


@pytest.mark.parametrize(("tries", "backoff"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (6, 10), (60, 10)])
def test_7_5_backoff_doubles_from_1_s_to_10_s(tries: int, backoff: int) -> None:
    for version in ("v1.32.10", "v1.37.2"):
        q = queue(version)
        q.add(pod("a"), 0)
        queued = popped(q, 0)
        for _ in range(tries - 1):
            q.fail(queued, REJECTED, 100)
            q.wake(queued, 200)
            queued = popped(q, 200)
        q.fail(queued, REJECTED, 300)
        assert queued.expires == 300 + backoff


def test_7_5_before_1_33_a_woken_pod_waits_out_its_backoff_on_a_grid_of_1_s() -> None:
    q = queue("v1.32.10", started=0.25)
    q.add(pod("a"), 10)
    q.fail(popped(q, 10), REJECTED, 10.5)
    queued = q.get(("default", "a"))
    assert queued is not None
    q.wake(queued, 10.6)
    assert queued.place == "backoff" and q.pop(10.6) is None
    assert q.next_flush(10.6) == 12.25  # expires at 11.5; looked at from 0.25 on every second
    q.flush(12.25)
    assert order(q, 12.25) == ["a"]


def test_7_5_since_1_33_backoff_ends_early_if_nothing_else_is_to_be_done() -> None:
    q = queue()
    for name in "ab":
        q.add(pod(name), 10)
        q.fail(popped(q, 10), REJECTED, 10.5)
    q.add(pod("c"), 10.5)
    for name in "ab":
        queued = q.get(("default", name))
        assert queued is not None
        q.wake(queued, 10.6)
        assert queued.place == "backoff"
    assert order(q, 10.6) == ["c", "a", "b"]


def test_7_5_since_1_33_backoffs_end_on_whole_seconds() -> None:
    q = queue()
    q.add(pod("a"), 10)
    queued = popped(q, 10)
    q.fail(queued, (), 10.3)  # an error: never popped early
    assert (queued.place, queued.expires) == ("backoff", 11.0)
    assert q.pop(10.4) is None
    assert q.next_flush(10.4) == 12.0
    q.flush(11.9)
    assert q.pop(11.9) is None
    q.flush(12.0)
    assert order(q, 12.0) == ["a"]


def test_7_5_errors_in_a_row_back_off_and_a_rejection_ends_the_row() -> None:
    q = queue()
    q.add(pod("a"), 0)
    queued = popped(q, 0)
    for expected in (1, 2, 4):
        q.fail(queued, (), 100)
        assert queued.expires == 100 + expected
        q.flush(200)
        queued = popped(q, 200)
    q.fail(queued, REJECTED, 300)
    assert (queued.errors, queued.expires) == (0, 301)


def test_7_5_unschedulable_pods_are_flushed_after_five_minutes() -> None:
    q = queue(started=5)
    q.add(pod("a"), 10)
    q.fail(popped(q, 10), REJECTED, 20)
    assert q.next_flush(20) == 335  # 5 + 11 x 30; more than 300 s after 20
    q.flush(320)
    assert q.pop(320) is None
    q.flush(335)
    assert order(q, 335) == ["a"]


def test_7_5_exactly_five_minutes_are_not_more_than_five_minutes() -> None:
    q = queue()
    q.add(pod("a"), 0)
    q.fail(popped(q, 0), REJECTED, 30)
    assert q.next_flush(30) == 360
    q.flush(330)
    assert q.pop(330) is None


def test_gates_hold_a_pod_until_they_are_gone() -> None:
    q = queue()
    template = Template(PodSpec.model_validate({"schedulingGates": [{"name": "x"}]}))
    gated = Pod(meta=Meta("a", "default"), template=template)
    q.add(gated, 0)
    assert q.pop(0) is None
    assert q.next_flush(0) == inf
    q.update(pod("a"), 5)
    assert order(q, 5) == ["a"]


def test_a_removed_pod_is_never_popped() -> None:
    q = queue()
    for name in "abc":
        q.add(pod(name), 0)
    q.remove(("default", "a"))
    failed = popped(q, 0)
    q.fail(failed, REJECTED, 0)
    q.remove(failed.key)
    assert order(q, 0) == ["c"]
    assert q.unschedulable == 0
    q.add(pod("a"), 1)
    assert order(q, 1) == ["a"]
