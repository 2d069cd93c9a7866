"""Behaviour 1.4 and 1.5: the token bucket of a zone and its queue."""

from collections import Counter
from random import Random

import pytest

from simkube.cluster.nodes.taint_queue import NEVER, TaintQueue, TokenBucket


def test_first_at_once_then_one_in_ten_seconds() -> None:
    """1.4: rate 0.1/s, burst 1."""
    bucket = TokenBucket(0.1, 1, 0.0)
    assert bucket.take(100.0)
    assert not bucket.take(100.0)
    assert bucket.ready_at(100.0) == pytest.approx(110.0)
    assert not bucket.take(109.9)
    assert bucket.take(110.0)
    assert bucket.take(1000.0)
    assert not bucket.take(1000.0)  # it holds one token, however long it waited


def test_rate_zero_is_never() -> None:
    assert not TokenBucket(0.0, 1, 0.0).take(1e9)
    assert TokenBucket(0.0, 1, 0.0).ready_at(5.0) == NEVER


def test_a_new_rate_keeps_an_empty_bucket_empty() -> None:
    """1.5: if the old bucket was empty the new one starts empty; if it was full, the new one is."""
    queue = TaintQueue(0.1, 1, 0.0)
    queue.add("n1")
    queue.set_rate(0.0, 50.0)
    assert queue.ready_at(50.0) == NEVER
    queue.set_rate(0.1, 60.0)
    assert queue.ready_at(60.0) == pytest.approx(70.0)
    queue.set_rate(0.01, 70.0)
    assert queue.ready_at(70.0) == 70.0


def test_the_same_rate_changes_nothing() -> None:
    """1.5: rate change replaces the limiter only if the rate differs."""
    queue = TaintQueue(0.1, 1, 0.0)
    queue.add("n1")
    assert queue.bucket.take(0.0)
    queue.set_rate(0.1, 5.0)
    assert queue.ready_at(5.0) == pytest.approx(10.0)


def test_a_stopped_limiter_claims_a_rate_of_one() -> None:
    """client-go's fakeNeverRateLimiter says 1: with --node-eviction-rate=1 a zone that was stopped stays stopped."""
    queue = TaintQueue(1.0, 1, 0.0)
    queue.add("n1")
    queue.set_rate(0.0, 10.0)
    queue.set_rate(1.0, 20.0)
    assert queue.ready_at(20.0) == NEVER


def test_a_node_is_let_through_once() -> None:
    """RLQ: what was taken out stays known until it is removed."""
    queue = TaintQueue(0.1, 1, 0.0)
    for name in ("a", "b", "c", "a"):
        queue.add(name)
    assert len(queue) == 3
    queue.let_through("a")
    queue.add("a")
    assert len(queue) == 2
    queue.remove("a")
    queue.add("a")
    queue.remove("nobody")
    assert len(queue) == 3
    for name in ("b", "a", "c"):
        queue.remove(name)
    assert len(queue) == 0
    assert queue.ready_at(0.0) == NEVER


def test_who_is_next_is_arbitrary_and_repeats() -> None:
    """1.4: the order inside a backlog is arbitrary; the same seed draws the same nodes."""
    queue = TaintQueue(0.1, 1, 0.0)
    for number in range(4):
        queue.add(f"n{number}")
    drawn = Counter(queue.draw(random) for random in [Random(5)] for _ in range(400))
    assert set(drawn) == {"n0", "n1", "n2", "n3"}
    assert min(drawn.values()) > 60
    assert [queue.draw(Random(9)) for _ in range(3)] == [queue.draw(Random(9))] * 3
