"""Behaviour 1.2 and 1.4: conditions of silent nodes, taints from conditions, arithmetic of taints. Pure."""

import pytest
from msgspec.structs import replace

from simkube.cluster.nodes.node_conditions import ready_status, unknown
from simkube.cluster.nodes.node_taints import (
    NOT_READY,
    UNREACHABLE,
    needs_look,
    no_execute_taint,
    no_schedule_diff,
    no_schedule_taints,
    with_taints,
    without_taints,
)
from simkube.kube.objects import Condition, Meta, Node, NodeResources, NodeStatus, Taint

RESOURCES = NodeResources(4000, 1 << 30)
PREFIX = "node.kubernetes.io/"


def node(*conditions: tuple[str, str], unschedulable: bool = False, taints: tuple[Taint, ...] = ()) -> Node:
    found = tuple(Condition(type_, status, 3.0, "Was", "was") for type_, status in conditions)
    return Node(
        meta=Meta("n1"),
        status=NodeStatus(RESOURCES, RESOURCES, found),
        unschedulable=unschedulable,
        taints=taints,
    )


@pytest.mark.parametrize(
    ("condition", "key"),
    [
        (("Ready", "False"), "not-ready"),
        (("Ready", "Unknown"), "unreachable"),
        (("MemoryPressure", "True"), "memory-pressure"),
        (("DiskPressure", "True"), "disk-pressure"),
        (("PIDPressure", "True"), "pid-pressure"),
        (("NetworkUnavailable", "True"), "network-unavailable"),
        (("Ready", "True"), None),
        (("MemoryPressure", "False"), None),
        (("MemoryPressure", "Unknown"), None),
        (("NetworkUnavailable", "Unknown"), None),
        (("DrainInProgress", "True"), None),
    ],
)
def test_no_schedule_taint_of_a_condition(condition: tuple[str, str], key: str | None) -> None:
    """1.4, the table."""
    assert no_schedule_taints(node(condition)) == (
        () if key is None else (Taint(PREFIX + key, "NoSchedule"),)
    )


def test_cordon_adds_its_taint() -> None:
    """1.4: spec.unschedulable."""
    found = no_schedule_taints(node(("Ready", "True"), ("DiskPressure", "True"), unschedulable=True))
    assert [taint.key for taint in found] == [PREFIX + "disk-pressure", PREFIX + "unschedulable"]


def test_diff_leaves_users_taints_alone() -> None:
    """1.4: user taints are not touched, nor are other effects of the same keys."""
    mine = Taint("gpu", "NoSchedule", "true")
    soft = Taint(PREFIX + "unschedulable", "PreferNoSchedule")
    stale = Taint(PREFIX + "memory-pressure", "NoSchedule")
    add, remove = no_schedule_diff(node(("Ready", "Unknown"), taints=(mine, soft, UNREACHABLE, stale)))
    assert add == (Taint(UNREACHABLE.key, "NoSchedule"),)
    assert remove == (stale,)
    settled = node(("Ready", "Unknown"), taints=(mine, Taint(UNREACHABLE.key, "NoSchedule", time_added=9.0)))
    assert no_schedule_diff(settled) == ((), ())


@pytest.mark.parametrize(
    ("status", "taint"), [("False", NOT_READY), ("Unknown", UNREACHABLE), ("True", None), (None, None)]
)
def test_no_execute_taint_of_ready(status: str | None, taint: Taint | None) -> None:
    """1.4: False: not-ready, Unknown: unreachable, and the opposite goes."""
    found = no_execute_taint(status)
    assert (found and found[0]) == taint
    if taint is not None:
        assert found is not None
        assert {found[0].key, found[1].key} == {NOT_READY.key, UNREACHABLE.key}


def test_adding_and_removing_taints() -> None:
    """CUT: new ones are appended with timeAdded, one that is there is renewed; removal is by key and effect."""
    first, second = Taint("a", "NoSchedule", "v"), Taint("b", "NoExecute")
    added = with_taints((first, second), (Taint("a", "NoSchedule"), Taint("c", "NoExecute")), 7.0)
    assert added == (Taint("a", "NoSchedule", "", 7.0), second, Taint("c", "NoExecute", "", 7.0))
    assert without_taints(added, (Taint("a", "NoSchedule", "other"), Taint("b", "NoSchedule"))) == added[1:]


def test_conditions_of_a_silent_node() -> None:
    """1.2: four conditions Unknown with reason and time, missing ones made, NetworkUnavailable left alone."""
    before = node(("Ready", "True"), ("MemoryPressure", "Unknown"), ("NetworkUnavailable", "False"))
    after = {condition.type: condition for condition in unknown(before.status.conditions, 50.0)}
    stopped = ("Unknown", 50.0, "NodeStatusUnknown", "Kubelet stopped posting node status.")
    never = ("Unknown", 50.0, "NodeStatusNeverUpdated", "Kubelet never posted node status.")
    assert after["Ready"] == Condition("Ready", *stopped)
    assert after["MemoryPressure"] == before.condition("MemoryPressure")
    assert after["NetworkUnavailable"] == before.condition("NetworkUnavailable")
    assert after["DiskPressure"] == Condition("DiskPressure", *never)
    assert after["PIDPressure"] == Condition("PIDPressure", *never)
    assert list(after)[:3] == ["Ready", "MemoryPressure", "NetworkUnavailable"]


def test_which_changes_need_a_pass() -> None:
    """A cordon or a reboot of a healthy node gives a pass nothing to do."""
    healthy = node(("Ready", "True"))
    assert needs_look(None, healthy)
    assert not needs_look(healthy, replace(healthy, unschedulable=True))
    assert not needs_look(healthy, replace(healthy, status=replace(healthy.status, boot_id="2")))
    assert not needs_look(healthy, replace(healthy, taints=(Taint("gpu", "NoExecute"),)))
    assert needs_look(healthy, replace(healthy, taints=(UNREACHABLE,)))
    assert needs_look(healthy, replace(healthy, meta=replace(healthy.meta, labels={"a": "b"})))
    silent = node(("Ready", "Unknown"))
    assert needs_look(silent, node(("Ready", "False")))
    assert needs_look(silent, replace(silent, taints=(UNREACHABLE,)))
    assert ready_status(node()) is None
