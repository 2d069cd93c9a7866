"""Behaviour 1.1: renewals of a Lease, implied and recorded."""

import pytest

from simkube.cluster.nodes.leases import (
    NAMESPACE,
    as_seen,
    renew_period,
    renewed_at,
    start_renewing,
    stop_renewing,
)
from simkube.kube.objects import Lease, Meta, Other
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


def test_any_object_as_a_reader_sees_it() -> None:
    """Only a Lease looks other than it is stored; once its kubelet has stopped it does not either."""
    seen = as_seen(lease(), 137.0)
    assert isinstance(seen, Lease)
    assert (seen.renew_time, seen.meta) == (130.0, lease().meta)
    assert as_seen(lease(live=False), 137.0) == lease(live=False)
    other = Other(api_version="v1", kind="ConfigMap", meta=Meta("a"))
    assert as_seen(other, 137.0) is other


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
