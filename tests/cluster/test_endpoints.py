"""Behaviour 9: EndpointSlices."""

from collections.abc import Mapping, Sequence
from random import Random

import pytest
from msgspec.structs import replace

from simkube.cluster.services.endpoints import EndpointSliceController
from simkube.cluster.services.slices import Contents, Endpoints, arrange
from simkube.kube.objects import Endpoint, EndpointSlice
from tests.cluster.harness import World


def controlled(**timings: str | float) -> tuple[World, EndpointSliceController]:
    world = World(timings=timings)
    world.node("n1")
    controller = EndpointSliceController(world.clock, world.client("endpointslice-controller"), world.timings)
    return world, controller


def slices(world: World, service: str = "web") -> list[EndpointSlice]:
    return [s for s in world.store.table("EndpointSlice").values() if s.service == service]


def endpoints(world: World, service: str = "web") -> dict[str, tuple[bool, bool, bool]]:
    """By pod: ready, serving, terminating."""
    world.run(1)
    return {e.pod: (e.ready, e.serving, e.terminating) for s in slices(world, service) for e in s.endpoints}


READY, UNREADY, LEAVING, DEAD = (
    (True, True, False),
    (False, False, False),
    (False, True, True),
    (False, False, True),
)


def test_a_pods_life_in_its_slice() -> None:
    world, _ = controlled()
    world.service("web")
    pod = world.pod("p", node="n1")
    assert endpoints(world) == {}, "no address yet"
    world.set_pod(pod, phase="Running")
    assert endpoints(world) == {"p": UNREADY}
    world.set_pod(pod, ready=True)
    assert endpoints(world) == {"p": READY}
    world.hand.delete("Pod", "p", "default")
    assert endpoints(world) == {"p": LEAVING}
    world.set_pod(pod, ready=False)
    assert endpoints(world) == {"p": DEAD}
    world.hand.delete("Pod", "p", "default", grace=0)
    assert endpoints(world) == {}
    assert len(slices(world)) == 1, "an empty slice stays"


def test_a_finished_pod_has_no_endpoint() -> None:
    world, _ = controlled()
    world.service("web")
    pod = world.pod("p", node="n1", phase="Running", ready=True)
    assert endpoints(world) == {"p": READY}
    world.set_pod(pod, phase="Failed", ready=False)
    assert endpoints(world) == {}


def test_an_endpoint_says_where_its_pod_is() -> None:
    world, _ = controlled()
    world.service("web")
    pod = world.pod("p", node="n1", phase="Running", ready=True)
    world.run(1)
    assert slices(world)[0].endpoints == (
        Endpoint("p", pod.meta.uid, "n1", "10.0.0.1", ready=True, serving=True, terminating=False),
    )


def test_publish_not_ready_addresses() -> None:
    world, _ = controlled()
    world.service("web", publish_not_ready_addresses=True)
    pod = world.pod("p", node="n1", phase="Running")
    assert endpoints(world) == {"p": (True, False, False)}
    world.hand.delete("Pod", pod.meta.name, "default")
    assert endpoints(world) == {"p": (True, False, True)}


def test_the_first_reaction_takes_the_apis_latency() -> None:
    world, _ = controlled()
    world.service("web")
    pod = world.pod("p", node="n1", phase="Running", ready=True)
    world.run(5)
    world.set_pod(pod, ready=False)
    world.run(0.009)
    assert slices(world)[0].endpoints[0].ready
    world.run(0.002)
    assert not slices(world)[0].endpoints[0].ready


def test_slices_belong_to_their_service_and_carry_its_labels() -> None:
    world, _ = controlled()
    service = world.change_meta(world.service("web"), labels={"team": "a"})
    world.service("db", "db", cluster_ip="None")
    world.run(1)
    (web,), (db,) = slices(world, "web"), slices(world, "db")
    assert web.meta.name.startswith("web-") and web.meta.controller.uid == service.meta.uid
    assert dict(web.meta.labels) == {
        "team": "a",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert "service.kubernetes.io/headless" in db.meta.labels
    world.change_meta(service, labels={"team": "b"})
    world.run(1)
    assert slices(world)[0].meta.labels["team"] == "b"


def test_headless_services_have_endpoints_too() -> None:
    world, _ = controlled()
    world.service("web", cluster_ip="None")
    world.pod("p", node="n1", phase="Running", ready=True)
    assert endpoints(world) == {"p": READY}


@pytest.mark.parametrize("spec", [{"selector": {}}, {"type": "ExternalName", "external_name": "a.b"}])
def test_without_a_selector_or_external_there_are_no_slices(spec: dict[str, object]) -> None:
    world, _ = controlled()
    world.service("web", **spec)
    world.pod("p", node="n1", phase="Running", ready=True)
    world.run(10)
    assert slices(world) == []


def test_a_new_selector_changes_all() -> None:
    world, _ = controlled()
    service = world.service("web")
    world.pod("web", node="n1", phase="Running", ready=True)
    world.pod("db", world.template("db"), node="n1", phase="Running", ready=True)
    assert endpoints(world) == {"web": READY}
    world.change_spec(service, selector={"app": "db"})
    assert endpoints(world) == {"db": READY}


def test_changed_labels_move_a_pod() -> None:
    world, _ = controlled()
    world.service("web")
    world.service("db", "db")
    pod = world.pod("p", node="n1", phase="Running", ready=True)
    assert (endpoints(world), endpoints(world, "db")) == ({"p": READY}, {})
    world.change_meta(pod, labels={"app": "db"})
    assert (endpoints(world), endpoints(world, "db")) == ({}, {"p": READY})


def test_a_pod_of_several_services() -> None:
    world, _ = controlled()
    world.service("web")
    world.service("headless", cluster_ip="None")
    world.pod("p", node="n1", phase="Running", ready=True)
    assert endpoints(world) == endpoints(world, "headless") == {"p": READY}


def test_many_changes_at_once_are_one_write() -> None:
    world, _ = controlled()
    world.service("web")
    pods = [world.pod(f"p{number}", node="n1", phase="Running", ready=True) for number in range(20)]
    world.run(1)
    seen = world.changes("EndpointSlice")
    for pod in pods:
        world.set_pod(pod, ready=False)
    world.run(1)
    assert len(seen) == 1


def test_what_does_not_matter_writes_nothing() -> None:
    world, controller = controlled()
    world.service("web")
    pod = world.pod("p", node="n1", phase="Running", ready=True)
    world.run(1)
    seen = world.changes("EndpointSlice")
    world.change_meta(pod, annotations={"a": "b"})
    world.change(pod, status=replace(world.now(pod).status, reason="x"))
    controller.enqueue(("default", "web"))
    world.run(1)
    assert seen == []


def test_the_batch_period_gathers_changes() -> None:
    world, _ = controlled(**{"endpointslice-updates-batch-period": "5s"})
    world.service("web")
    world.run(1)
    world.pod("p", node="n1", phase="Running", ready=True)
    world.run(4.9)
    assert slices(world)[0].endpoints == ()
    assert endpoints(world) == {"p": READY}


def test_a_pod_without_its_node_is_left_out_until_the_node_is_there() -> None:
    world, _ = controlled()
    world.service("web")
    world.service("all", publish_not_ready_addresses=True)
    world.pod("p", node="n2", phase="Running", ready=True)
    assert (endpoints(world), endpoints(world, "all")) == ({}, {"p": READY})
    world.node("n2")
    world.run(2)
    assert endpoints(world) == {"p": READY}
    world.hand.delete("Node", "n2")
    assert endpoints(world) == {"p": READY}, "nothing looks again because of the node"
    world.pod("q", node="n1", phase="Running", ready=True)
    assert endpoints(world) == {"q": READY}, "but the service's next sync does"


def test_somebody_elses_change_is_undone_after_a_second() -> None:
    world, _ = controlled()
    world.service("web")
    world.pod("p", node="n1", phase="Running", ready=True)
    world.run(1)
    found = slices(world)[0]
    world.change(found, endpoints=())
    world.run(0.9)
    assert slices(world)[0].endpoints == ()
    assert endpoints(world) == {"p": READY}
    world.hand.delete("EndpointSlice", found.meta.name, "default")
    world.run(1)
    assert endpoints(world) == {"p": READY}


def test_it_goes_on_after_a_restart() -> None:
    world, controller = controlled()
    world.service("web")
    pod = world.pod("p", node="n1", phase="Running", ready=True)
    world.run(1)
    controller.stop()
    world.set_pod(pod, ready=False)
    world.pod("q", node="n1", phase="Running", ready=True)
    assert endpoints(world) == {"p": READY}
    controller.start()
    assert endpoints(world) == {"p": UNREADY, "q": READY}


def test_it_waits_out_an_api_that_is_away() -> None:
    world, _ = controlled()
    world.service("web")
    pod = world.pod("p", node="n1", phase="Running", ready=True)
    world.run(1)
    world.set_pod(pod, ready=False)
    world.api.available = False
    world.run(10)
    assert slices(world)[0].endpoints[0].ready
    world.api.available = True
    world.run(16)
    assert endpoints(world) == {"p": UNREADY}


# -- slices ---------------------------------------------------------------------------------------------------------


def make(*names: str, ready: bool = True) -> tuple[Endpoint, ...]:
    return tuple(Endpoint(name, name, "n", "1", ready, ready, False) for name in names)


def added(*names: str) -> dict[str, Endpoint | None]:
    return {endpoint.pod: endpoint for endpoint in make(*names)}


def test_new_endpoints_fill_slices_of_a_hundred() -> None:
    world, _ = controlled()
    world.service("web")
    for number in range(230):
        world.pod(f"p{number}", node="n1", phase="Running", ready=True)
    world.run(1)
    assert [len(s.endpoints) for s in slices(world)] == [100, 100, 30]
    for number in range(200, 230):
        world.hand.delete("Pod", f"p{number}", "default", grace=0)
    world.run(1)
    assert [len(s.endpoints) for s in slices(world)] == [100, 100], "an emptied slice goes if others stay"


def arranged(
    slices: Sequence[Endpoints], changes: Mapping[str, Endpoint | None], room: int
) -> list[Endpoints]:
    return [contents.endpoints for contents in arrange([Contents(held) for held in slices], changes, room)]


def test_changed_ones_stay_in_their_place() -> None:
    a, b = make("x", "y"), make("z")
    changed = make("y", ready=False)[0]
    assert arranged([a, b], {"y": changed, "x": None}, 3) == [(changed,), b]


def test_what_is_written_anyway_takes_new_ones_first_fullest_first() -> None:
    slices = [make("a"), make("b", "c"), make("d", "e", "f")]
    changes = {**added("new"), "a": make("a", ready=False)[0], "b": make("b", ready=False)[0]}
    assert [len(s) for s in arranged(slices, changes, 4)] == [1, 3, 3]


def test_else_the_slice_that_they_fill_best() -> None:
    slices = [make("a"), make("b", "c"), make("d", "e", "f", "g")]
    assert [len(s) for s in arranged(slices, added("x"), 4)] == [1, 3, 4]
    assert [len(s) for s in arranged(slices, added("x", "y", "z"), 4)] == [4, 2, 4]


def test_else_a_new_slice_or_an_emptied_one() -> None:
    assert [len(s) for s in arranged([make("a", "b", "c")], added("x", "y"), 4)] == [3, 2]
    replaced = arranged([make("a", "b"), make("c", "d", "e")], {**added("x", "y"), "a": None, "b": None}, 4)
    assert [[e.pod for e in s] for s in replaced] == [["x", "y"], ["c", "d", "e"]]


def test_a_slice_that_does_not_change_is_the_same() -> None:
    slices = [make("a"), make("b")]
    after = arranged(slices, {"a": make("a")[0], "gone": None}, 4)
    assert after[0] is slices[0] and after[1] is slices[1]


def test_random_changes_keep_each_endpoint_once() -> None:
    random = Random(5)
    slices: list[Contents] = []
    wanted: dict[str, Endpoint] = {}
    for _ in range(300):
        changes: dict[str, Endpoint | None] = {}
        for name in random.sample([f"p{number}" for number in range(40)], random.randrange(1, 12)):
            changes[name] = make(name, ready=random.random() < 0.5)[0] if random.random() < 0.6 else None
        wanted |= {name: endpoint for name, endpoint in changes.items() if endpoint is not None}
        wanted = {
            name: endpoint for name, endpoint in wanted.items() if changes.get(name, endpoint) is not None
        }
        slices = [s for s in arrange(slices, changes, 7) if s.endpoints]
        assert all(len(s.endpoints) <= 7 for s in slices)
        assert all(s.endpoints == tuple(s.by_pod.values()) for s in slices)
        found = [endpoint for s in slices for endpoint in s.endpoints]
        assert len(found) == len(wanted) and {e.pod: e for e in found} == wanted
