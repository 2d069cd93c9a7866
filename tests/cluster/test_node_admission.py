"""Behaviour 1.4 and 2: admission of nodes and of pods' default tolerations."""

import gc
from typing import Any

import pytest

from simkube.cluster.admission.admission_node import taint_new_node
from simkube.cluster.admission.admission_tolerations import DefaultTolerationSeconds
from simkube.cluster.nodes.tolerations import eviction_delay
from simkube.kube.affinity import Toleration
from simkube.kube.objects import Taint
from tests.cluster.harness import World
from tests.cluster.node_world import NodeWorld

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"


def world_with_tolerations(timings: dict[str, Any] | None = None) -> World:
    world = World(timings=timings)
    world.api.admission["Pod"] = [DefaultTolerationSeconds(world.timings)]
    return world


def default(key: str, seconds: int = 300) -> Toleration:
    return Toleration(key=key, operator="Exists", effect="NoExecute", toleration_seconds=seconds)


@pytest.mark.parametrize(
    ("tolerations", "added"),
    [
        ([], [NOT_READY, UNREACHABLE]),
        (
            [{"key": NOT_READY, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}],
            [UNREACHABLE],
        ),
        ([{"key": UNREACHABLE, "operator": "Exists"}], [NOT_READY]),  # empty effect
        ([{"operator": "Exists"}], []),
        ([{"operator": "Exists", "effect": "NoExecute"}], []),
        ([{"operator": "Exists", "effect": "NoSchedule"}], [NOT_READY, UNREACHABLE]),
        ([{"key": NOT_READY, "operator": "Exists", "effect": "NoSchedule"}], [NOT_READY, UNREACHABLE]),
        ([{"key": "gpu", "operator": "Exists"}], [NOT_READY, UNREACHABLE]),
    ],
)
def test_default_tolerations(tolerations: list[dict[str, Any]], added: list[str]) -> None:
    """2: each unless the pod has a toleration with that key (or none) and effect NoExecute (or none)."""
    world = world_with_tolerations()
    template = world.template(tolerations=tolerations)
    found = world.pod("p", template).template.spec.tolerations
    assert found == (*template.spec.tolerations, *(default(key) for key in added))


def test_a_pod_of_its_own_says_how_long() -> None:
    """2: the pod's own seconds stand; the API server's flags change the defaults."""
    world = world_with_tolerations({"default-unreachable-toleration-seconds": 20})
    own = [{"key": NOT_READY, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]
    found = world.pod("p", world.template(tolerations=own)).template.spec.tolerations
    assert eviction_delay([Taint(NOT_READY, "NoExecute")], found) == 5.0
    assert eviction_delay([Taint(UNREACHABLE, "NoExecute")], found) == 20.0


def test_pods_of_one_template_share_the_admitted_one() -> None:
    """Sharing is kept, for the same template in, the same comes out, and admitting that again changes nothing."""
    world = world_with_tolerations()
    template = world.template()
    first, second = world.pod("a", template), world.pod("b", template)
    assert first.template is second.template
    assert first.template is not template
    assert dict(first.template.labels) == dict(template.labels)
    assert world.pod("c", first.template).template is first.template
    assert world.pod("d", world.template()).template is not first.template


def test_templates_that_nobody_uses_are_let_go() -> None:
    world = World()
    plugin = DefaultTolerationSeconds(world.timings)
    for number in range(10):
        for tolerations in ([], [{"operator": "Exists"}]):
            pod = world.pod(f"p{number}-{len(tolerations)}", world.template(tolerations=tolerations))
            plugin(pod, world.store)
            world.hand.delete("Pod", pod.meta.name, "default")
    del pod
    gc.collect()
    assert len(plugin._admitted) <= 1


def test_a_new_node_is_not_scheduled_to_before_it_is_ready() -> None:
    """1.4: not-ready:NoSchedule at creation; it goes with the first Ready."""
    world = NodeWorld()
    world.api.admission["Node"] = [taint_new_node]
    world.join("other")
    world.until(7.0)
    node = world.join("n1", ready="False")
    assert node.taints == (Taint(NOT_READY, "NoSchedule"),)
    world.until(8.0)
    assert world.taints("n1", "NoSchedule") == ["not-ready"]
    world.post("n1")
    world.until(8.1)
    assert world.taints("n1", "NoSchedule") == []


def test_the_taint_is_not_added_twice() -> None:
    """1.4: one that is there stays, as do others."""
    world = World()
    world.api.admission["Node"] = [taint_new_node]
    there = (Taint("gpu", "NoSchedule"), Taint(NOT_READY, "NoSchedule", "mine"))
    assert world.node("a", taints=there).taints == there
    assert world.node("b", taints=there[:1]).taints == (there[0], Taint(NOT_READY, "NoSchedule"))
    other_effect = (Taint(NOT_READY, "NoExecute"),)
    assert world.node("c", taints=other_effect).taints == (*other_effect, Taint(NOT_READY, "NoSchedule"))
