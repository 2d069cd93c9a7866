"""Priority [plugin/pkg/admission/priority/admission.go; cases of admission_test.go]."""

from gc import collect
from typing import Any
from weakref import ref

import pytest

from simkube.cluster.errors import Forbidden
from tests.cluster.admission.bed import Bed


@pytest.fixture
def world() -> Bed:
    return Bed()


def priority(world: Bed, name: str = "p", **spec: Any) -> tuple[str, int, str]:
    spec_ = world.one(name, **spec).template.spec
    return spec_.priority_class_name, spec_.priority or 0, spec_.preemption_policy or "PreemptLowerPriority"


def test_priority_comes_from_the_class(world: Bed) -> None:
    world.priority_class("high", 1000)
    world.priority_class("polite", 500, preemptionPolicy="Never")
    assert priority(world, "a", priorityClassName="high") == ("high", 1000, "PreemptLowerPriority")
    assert priority(world, "b", priorityClassName="polite") == ("polite", 500, "Never")


def test_system_classes_are_always_there(world: Bed) -> None:
    assert priority(world, "a", priorityClassName="system-node-critical")[1] == 2_000_001_000
    assert priority(world, "b", priorityClassName="system-cluster-critical")[1] == 2_000_000_000


def test_without_a_class_and_a_default_priority_is_0(world: Bed) -> None:
    world.priority_class("high", 1000)
    assert priority(world) == ("", 0, "PreemptLowerPriority")


def test_without_a_class_the_default_is_taken_with_its_name(world: Bed) -> None:
    world.priority_class("usual", 100, globalDefault=True, preemptionPolicy="Never")
    assert priority(world) == ("usual", 100, "Never")


def test_default_that_comes_later_counts_for_later_pods(world: Bed) -> None:
    template = world.template()
    assert world.pod("a", template).template.priority == 0
    usual = world.priority_class("usual", 100, globalDefault=True)
    assert world.pod("b", template).template.priority == 100
    world.hand.delete("PriorityClass", usual.meta.name)
    assert world.pod("c", template).template.priority == 0
    assert world.now(world.get("Pod", "b")).template.priority == 100


def test_unknown_class_is_refused(world: Bed) -> None:
    with pytest.raises(Forbidden) as refused:
        world.one("p", priorityClassName="nope")
    assert refused.value.message == 'pods "p" is forbidden: no PriorityClass with name nope was found'


def test_priority_that_differs_from_the_class_is_refused(world: Bed) -> None:
    world.priority_class("high", 1000)
    assert priority(world, "same", priorityClassName="high", priority=1000)[1] == 1000
    with pytest.raises(Forbidden) as refused:
        world.one("p", priorityClassName="high", priority=7)
    assert refused.value.message == (
        'pods "p" is forbidden: the integer value of priority (7) must not be provided in pod spec; priority '
        "admission controller computed 1000 from the given PriorityClass name"
    )
    with pytest.raises(Forbidden):
        world.one("q", priority=7)


def test_preemption_policy_that_differs_from_the_class_is_refused(world: Bed) -> None:
    world.priority_class("high", 1000)
    with pytest.raises(Forbidden) as refused:
        world.one("p", priorityClassName="high", preemptionPolicy="Never")
    assert refused.value.message == (
        'pods "p" is forbidden: the string value of PreemptionPolicy (Never) must not be provided in pod spec; '
        "priority admission controller computed PreemptLowerPriority from the given PriorityClass name"
    )


def test_there_is_one_default_only(world: Bed) -> None:
    world.priority_class("first", 1, globalDefault=True)
    with pytest.raises(Forbidden) as refused:
        world.priority_class("second", 2, globalDefault=True)
    assert refused.value.message == (
        'priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass first is already marked as default. '
        "Only one default can exist"
    )


def test_of_several_defaults_the_lowest_counts(world: Bed) -> None:
    """Two may come about by a race."""
    low = world.priority_class("low", 1)
    world.priority_class("high", 2, globalDefault=True)
    world.change_spec(low, globalDefault=True)
    assert priority(world) == ("low", 1, "PreemptLowerPriority")


def test_pods_of_one_template_stay_so(world: Bed) -> None:
    world.priority_class("high", 1000)
    template = world.template(priorityClassName="high")
    first, second = world.pod("a", template), world.pod("b", template)
    assert first.template is second.template
    assert first.meta.labels is first.template.labels


def test_templates_are_forgotten_with_their_pods(world: Bed) -> None:
    world.priority_class("high", 1000)
    for name in ("high", ""):
        template = world.template(priorityClassName=name)
        world.pod("p", template)
        world.hand.delete("Pod", "p", "default", grace=0)
        gone = ref(template)
        del template
        collect()
        assert gone() is None
