"""Behaviour 4.1: the order in which a shrinking ReplicaSet deletes pods, rule by rule."""

from typing import Any

import pytest

from simkube.cluster.workloads.victims import deletion_cost, victims
from simkube.kube.objects import Condition, ContainerStatus, Meta, Pod, PodStatus
from simkube.kube.pod import PodSpec
from simkube.kube.template import Template

NOW = 10_000.0
TEMPLATE = Template(PodSpec())
SIDECAR = Template(
    PodSpec.model_validate({"initContainers": [{"name": "mesh", "image": "m", "restartPolicy": "Always"}]})
)


def pod(
    name: str,
    node: str = "n1",
    phase: str = "Running",
    ready_since: float | None = 100.0,
    created: float = 50.0,
    cost: str | None = None,
    uid: str = "",
    restarts: int = 0,
    sidecar_restarts: int = 0,
    deleted: float | None = None,
) -> Pod:
    return Pod(
        meta=Meta(
            name,
            "default",
            uid=uid or name,
            created=created,
            annotations={} if cost is None else {"controller.kubernetes.io/pod-deletion-cost": cost},
            deletion_timestamp=deleted,
        ),
        template=SIDECAR,
        node=node,
        status=PodStatus(
            phase=phase,
            ready=None if ready_since is None else Condition("Ready", "True", ready_since),
            containers=(ContainerStatus("main", restart_count=restarts),),
            init_containers=(ContainerStatus("mesh", restart_count=sidecar_restarts),),
        ),
    )


def first(*pods: Pod, related: tuple[Pod, ...] = (), now: float = NOW) -> str:
    """The first to go must not depend on the order in which the pods are given."""
    forward = victims(pods, related, 1, now)[0].meta.name
    assert victims(pods[::-1], related, 1, now)[0].meta.name == forward
    return forward


@pytest.mark.parametrize(
    ("rule", "goes", "stays"),
    [
        (
            "1 no node before a node",
            {"node": "", "phase": "Pending", "ready_since": None},
            {"phase": "Pending", "ready_since": None},
        ),
        ("1 above 4", {"node": "", "cost": "9"}, {"cost": "-9"}),
        (
            "2 Pending before Unknown",
            {"phase": "Pending", "ready_since": None},
            {"phase": "Unknown", "ready_since": None},
        ),
        ("2 Unknown before Running", {"phase": "Unknown"}, {"phase": "Running"}),
        ("3 not Ready before Ready", {"ready_since": None}, {}),
        ("3 above 4", {"ready_since": None, "cost": "100"}, {"cost": "-100"}),
        ("4 cheaper first", {"cost": "-1"}, {}),
        ("4 none is 0", {}, {"cost": "1"}),
        ("4 above 6", {"cost": "1", "ready_since": 100.0}, {"cost": "2", "ready_since": 9999.0}),
        ("7 more restarts first", {"restarts": 3}, {"restarts": 2, "sidecar_restarts": 9}),
        ("7 then those of sidecars", {"sidecar_restarts": 2}, {"sidecar_restarts": 1}),
        ("7 above 8", {"restarts": 1, "created": 50.0}, {"created": 9000.0}),
        ("8 newer first", {"created": 9900.0}, {"created": 50.0}),
        (
            "6 does not count for pods that are not Ready",
            {"ready_since": None, "restarts": 1},
            {"ready_since": None, "created": 9000.0},
        ),
    ],
)
def test_rule(rule: str, goes: dict[str, Any], stays: dict[str, Any]) -> None:
    assert first(pod("goes", **goes), pod("stays", **stays)) == "goes", rule


def test_rule_5_crowded_node_first_counting_active_pods_of_the_whole_family() -> None:
    crowded, alone = pod("crowded", node="a"), pod("alone", node="b", ready_since=9_000.0)
    family = (crowded, alone, pod("sibling", node="a"))
    assert first(crowded, alone, related=family) == "crowded"
    # a sibling that terminates or has finished does not count, so rule 6 decides
    for gone in (pod("sibling", node="a", deleted=1.0), pod("sibling", node="a", phase="Failed")):
        assert first(crowded, alone, related=(crowded, alone, gone)) == "alone"


def test_rule_6_ages_within_one_power_of_two_are_equal_and_the_smaller_uid_goes() -> None:
    # ages 3 s and 6 s in nanoseconds: floor(log2) is 31 and 32; 5 s and 8 s: both 32
    assert (
        first(pod("young", uid="b", ready_since=NOW - 3), pod("old", uid="a", ready_since=NOW - 6)) == "young"
    )
    same = pod("younger", uid="b", ready_since=NOW - 5), pod("older", uid="a", ready_since=NOW - 8)
    assert first(*same) == "older"
    # decided: the restarts of rule 7 are not reached
    assert (
        first(pod("x", uid="b", ready_since=NOW - 5, restarts=9), pod("y", uid="a", ready_since=NOW - 8))
        == "y"
    )


def test_rule_6_the_api_keeps_whole_seconds() -> None:
    """Ready at 100.9 and 100.1 is the same second: rule 7 decides, not the UID."""
    a = pod("a", uid="a", ready_since=100.9)
    b = pod("b", uid="b", ready_since=100.1, restarts=1)
    assert first(a, b) == "b"


def test_rule_8_within_one_power_of_two_the_smaller_uid_goes() -> None:
    a = pod("a", uid="a", created=NOW - 8)
    b = pod("b", uid="b", created=NOW - 5)
    assert first(a, b) == "a"


def test_none_are_ranked_if_all_go() -> None:
    pods = [pod("b"), pod("a", ready_since=None)]
    assert victims(pods, (), 2, NOW) == pods


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("5", 5),
        ("-5", -5),
        ("0", 0),
        ("+5", 0),
        ("05", 0),
        ("x", 0),
        ("", 0),
        ("2147483647", 2147483647),
        ("2147483648", 0),
        ("1.5", 0),
    ],
)
def test_deletion_cost_is_an_int32_without_plus_or_leading_zero(text: str, cost: int) -> None:
    assert deletion_cost(pod("p", cost=text)) == cost
