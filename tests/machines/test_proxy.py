"""The tables of kube-proxy: what they hold, how late, and who does not follow."""

import pytest

from simkube.kube.objects import Endpoint, EndpointSlice, Meta
from simkube.machines.proxy import routes
from tests.machines.world import LATENCY, Machines

DELAY = 0.1  # proxyDelay


def endpoint(
    uid: str, ready: bool = True, serving: bool | None = None, terminating: bool = False
) -> Endpoint:
    return Endpoint(uid, uid, "n1", "10.0.0.1", ready, ready if serving is None else serving, terminating)


def slice_of(*endpoints: Endpoint, service: str = "web", name: str = "web-1") -> EndpointSlice:
    return EndpointSlice(meta=Meta(name, "default"), service=service, endpoints=endpoints)


def write(world: Machines, *endpoints: Endpoint, service: str = "web") -> None:
    found = world.store.get("EndpointSlice", f"{service}-1", "default")
    if found is None:
        world.hand.create(slice_of(*endpoints, service=service, name=f"{service}-1"))
    else:
        world.change(found, endpoints=endpoints)


def tables(world: Machines) -> list[tuple[float, str, list[str]]]:
    return [(round(r.t, 6), r.name, [row[0] for row in r.value]) for r in world.told("proxy.routes")]


@pytest.mark.parametrize(
    ("endpoints", "headless", "chosen"),
    [
        ([endpoint("a"), endpoint("b", ready=False)], False, ["a"]),
        ([endpoint("a"), endpoint("b", False, True, True)], False, ["a"]),
        (
            [endpoint("a", False), endpoint("b", False, True, True)],
            False,
            ["b"],
        ),  # none ready: serving, terminating
        ([endpoint("a", False), endpoint("b", False, True, True)], True, []),
        ([endpoint("a", False, False, True)], False, []),
    ],
)
def test_9_ready_endpoints_or_serving_terminating_ones(
    endpoints: list[Endpoint], headless: bool, chosen: list[str]
) -> None:
    assert [e.uid for e in routes([slice_of(*endpoints)], lambda: headless)] == chosen


def test_9_a_change_is_in_the_tables_within_latency_and_delay() -> None:
    world = Machines()
    world.run(10)
    world.service("web")
    write(world, endpoint("a"))
    world.run(5)
    assert tables(world) == [(pytest.approx(10 + LATENCY + DELAY), "web", ["a"])]


def burst(version: str) -> list[float]:
    world = Machines(version)
    world.run(10)
    for n in range(30):  # a change every 100 ms
        write(world, endpoint(f"p{n}"))
        world.run(0.1)
    world.run(5)
    assert tables(world)[-1][2] == ["p29"]
    return [t - 10 for t, _, _ in tables(world)]


def test_9_rules_are_written_at_most_once_a_second() -> None:
    # the run after the one of a change waits a second from it; changes meanwhile are in the next
    assert burst("v1.36.3") == pytest.approx([0.11, 1.11 + DELAY, 2.21 + DELAY, 3.31 + DELAY])


def test_9_up_to_1_33_a_second_write_may_follow_at_once() -> None:
    first, second, *rest = burst("v1.33.5")
    assert (first, second) == pytest.approx((0.11, 0.11 + DELAY + 0.01), abs=0.1)
    gaps = [b - a for a, b in zip([second, *rest], rest, strict=False)]
    assert all(0.8 <= gap <= 1.2 for gap in gaps)


def test_9_services_are_written_together_and_only_if_they_changed() -> None:
    world = Machines()
    write(world, endpoint("a"))
    write(world, endpoint("b"), service="db")
    world.run(5)
    written = len(tables(world))
    assert [name for _, name, _ in tables(world)] == ["web", "db"]
    write(world, endpoint("b", True), service="db")  # nothing that matters
    world.run(5)
    assert len(tables(world)) == written


def test_9_a_headless_service_is_followed_too() -> None:
    world = Machines()
    world.service("web", cluster_ip="None")
    write(world, endpoint("a", False, True, True))
    world.run(5)
    assert tables(world) == [(pytest.approx(LATENCY + DELAY), "web", [])]


def test_9_the_last_slice_of_a_service_gone_empties_its_table() -> None:
    world = Machines()
    write(world, endpoint("a"))
    world.run(5)
    world.hand.delete("EndpointSlice", "web-1", "default")
    world.run(5)
    assert tables(world)[-1][2] == []


def test_9_a_node_that_does_not_see_the_api_keeps_its_table() -> None:
    world = Machines()
    machine = world.machine()
    world.run(10)
    machine.cut(control_plane_only=True)
    assert [(r.what, r.node) for r in world.told("proxy.frozen")] == [("proxy.frozen", "n1")]
    world.run(100)
    machine.rejoin()
    t = world.clock.now
    world.run(120)
    (following,) = world.told("proxy.following")
    assert t < following.t <= t + 60 + DELAY  # its watch is tried again every 30 to 60 s by then


def test_9_without_an_api_all_keep_what_they_have() -> None:
    world = Machines()
    write(world, endpoint("a"))
    world.run(5)
    world.api.available = False
    world.fleet.api_went_away()
    world.store.put(slice_of(endpoint("b")), "restore")  # as a restored etcd would have it
    world.run(60)
    assert len(tables(world)) == 1
    world.api.available = True
    world.fleet.api_came_back()
    world.run(90)
    assert tables(world)[-1][2] == ["b"]


def test_9_a_cut_proxy_that_is_switched_off_follows_when_it_boots_with_its_network() -> None:
    world = Machines()
    machine = world.machine()
    machine.cut()
    machine.crash()
    machine.rejoin()
    machine.power_on()
    world.run(5)
    assert [r.what for r in world.records if r.what.startswith("proxy.")] == [
        "proxy.frozen",
        "proxy.following",
    ]
    world.run(100)
    assert len(world.told("proxy.following")) == 1
