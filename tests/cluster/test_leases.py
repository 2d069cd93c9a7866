"""Behaviour 1.1: renewals of a Lease, implied and recorded."""

import pytest

from simkube.cluster.leases import NAMESPACE, renew_period, renewed_at, start_renewing, stop_renewing
from simkube.kube.objects import Lease, Meta
from tests.cluster.harness import World


def lease(live: bool = True) -> Lease:
    return Lease(meta=Meta("n1", NAMESPACE), renew_time=100.0, period=10.0, live=live)


@pytest.mark.parametrize(
    ("now", "renewed"), [(99.0, 100.0), (100.0, 100.0), (109.9, 100.0), (110.0, 110.0), (137.0, 130.0)]
)
def test_renewals_are_implied_while_live(now: float, renewed: float) -> None:
    """1.1: renewed every period, as a reader sees it."""
    assert renewed_at(lease(), now) == renewed
    assert renewed_at(lease(live=False), now) == 100.0


def test_renewals_do_not_lose_one_to_rounding() -> None:
    """A renewal that is due just now has come, whatever the floats say."""
    odd = Lease(meta=Meta("n1", NAMESPACE), renew_time=0.1, period=10.1, live=True)
    for count in range(1000):
        now = 0.1 + count * 10.1
        assert renewed_at(odd, now) == pytest.approx(now)


def test_period_is_a_quarter_of_the_duration_and_jitter() -> None:
    """1.1: 10 s x [1, 1.04)."""
    world = World()
    assert renew_period(world.timings, 0.0) == 10.0
    assert renew_period(world.timings, 0.5) == pytest.approx(10.2)
    longer = World(timings={"node-lease-duration": 80})
    assert renew_period(longer.timings, 0.0) == 20.0


def test_a_kubelet_starts_stops_and_starts_again() -> None:
    """1.1: the end records the last renewal before it; a kubelet that comes back renews the same Lease."""
    world = World()
    kubelet = world.client("kubelet-n1")
    start_renewing(kubelet, "n1", 10.0)
    world.run(37.0)
    stop_renewing(kubelet, "n1")
    world.run(20.0)
    found = world.store.get("Lease", "n1", NAMESPACE)
    assert (found.live, found.renew_time, renewed_at(found, world.clock.now)) == (False, 30.0, 30.0)
    uid = found.meta.uid
    start_renewing(kubelet, "n1", 10.2)
    found = world.store.get("Lease", "n1", NAMESPACE)
    assert (found.live, found.renew_time, found.period, found.meta.uid) == (True, 57.0, 10.2, uid)


def test_the_end_is_recorded_without_an_api() -> None:
    """It says what was renewed while there was one; stopping twice, or without a Lease, changes nothing."""
    world = World()
    kubelet = world.client("kubelet-n1")
    stop_renewing(kubelet, "n1")
    start_renewing(kubelet, "n1", 10.0)
    world.run(12.0)
    world.api.available = False
    stop_renewing(kubelet, "n1")
    world.run(30.0)
    stop_renewing(kubelet, "n1")
    assert world.store.get("Lease", "n1", NAMESPACE).renew_time == 10.0
