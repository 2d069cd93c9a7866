"""7.2 and 7.3: topology spread. Facts of podtopologyspread's filtering_test.go and scoring_test.go."""

from math import log
from typing import Any

import pytest

from simkube.kube.objects import Taint
from tests.cluster.scheduler.bed import HOSTNAME, ZONE, Bed

SPREAD = "PodTopologySpread"
SKEWED = "node(s) didn't match pod topology spread constraints (U)"
UNLABELLED = "node(s) didn't match pod topology spread constraints (missing required label)"
FOO, BAR = {"matchLabels": {"foo": ""}}, {"matchLabels": {"bar": ""}}

FOUR = {"a": "zone1", "b": "zone1", "x": "zone2", "y": "zone2"}


def four(version: str = "v1.37.2", nodes: str = "abxy") -> Bed:
    bed = Bed(version)
    for name in nodes:
        bed.bare_node(name, {"zone": FOUR[name], "node": name, HOSTNAME: name})
    return bed


def spread(key: str, skew: int = 1, selector: Any = FOO, soft: bool = False, **more: Any) -> dict[str, Any]:
    when = "ScheduleAnyway" if soft else "DoNotSchedule"
    written = {"topologyKey": key, "maxSkew": skew, "whenUnsatisfiable": when, **more}
    return written if selector is None else {**written, "labelSelector": selector}


@pytest.mark.parametrize(
    ("pods", "constraint", "fits"),
    [
        ({}, spread("zone"), "abxy"),
        ({"x": 1, "y": 1}, spread("zone"), "ab"),
        ({"x": 1, "y": 1}, spread("zone", selector=None), "abxy"),
        ({"x": 1, "y": 1}, spread("zone", selector={}), "abxy"),  # an empty selector counts no pods
        ({"a": 2, "b": 1, "y": 3}, spread("zone"), "abxy"),
        ({"a": 2, "b": 1, "y": 3}, spread("node"), "x"),
        ({"a": 2, "b": 1, "y": 3}, spread("node", 2), "bx"),
        ({"a": 1, "b": 1, "y": 1}, spread("zone", 2, minDomains=3), "xy"),
        ({"a": 1, "b": 1, "y": 1}, spread("zone", 2, minDomains=1), "abxy"),
        ({"a": 2, "b": 2, "x": 1, "y": 1}, spread("node", 2, minDomains=5), "xy"),
        ({"a": 2, "b": 2, "x": 1, "y": 1}, spread("node", 2, minDomains=2), "abxy"),
    ],
)
def test_7_2_count_plus_self_minus_minimum_is_at_most_the_skew(pods: Any, constraint: Any, fits: str) -> None:
    bed = four()
    for node, count in pods.items():
        bed.put(node, "foo", count=count)
    bed.put("a", "foo", count=5, namespace="other")  # other namespaces do not count
    rejected = bed.rejected(bed.asking("foo", topologySpreadConstraints=[constraint]))
    assert rejected == {name: SKEWED for name in "abxy" if name not in fits}


def test_7_2_a_pod_that_does_not_match_itself_adds_nothing() -> None:
    bed = four()
    for node, count in {"a": 2, "b": 1, "y": 3}.items():
        bed.put(node, "foo", count=count)
    rejected = bed.rejected(bed.asking("bar", topologySpreadConstraints=[spread("node")]))
    assert rejected == {"a": SKEWED, "y": SKEWED}


def test_7_2_a_node_without_the_label_is_out_and_its_pods_do_not_count() -> None:
    bed = Bed()
    for name, labels in {
        "a": {"zone": "1"},
        "b": {"zon": "1"},
        "x": {"zone": "2"},
        "y": {"zone": "2"},
    }.items():
        bed.bare_node(name, labels)
        bed.put(name, "foo")
    rejected = bed.rejected(bed.asking("foo", topologySpreadConstraints=[spread("zone")]))
    assert rejected == {"b": UNLABELLED, "x": SKEWED, "y": SKEWED}


def test_7_2_terminating_pods_do_not_count() -> None:
    bed = four(nodes="ab")
    pod = bed.put("a", "foo")[0]
    bed.put("b", "foo")
    asking = bed.asking("foo", topologySpreadConstraints=[spread("node")])
    assert bed.rejected(asking) == {}
    bed.hand.delete("Pod", pod.meta.name, "default")
    assert bed.rejected(asking) == {"b": SKEWED}
    bed.hand.delete("Pod", pod.meta.name, "default", grace=0)
    assert bed.rejected(asking) == {"b": SKEWED}


def test_7_2_node_affinity_policy() -> None:
    allowed: dict[str, Any] = {"nodeSelector": {"pool": "main"}}
    for policy, fits in (("Honor", ["a"]), ("Ignore", [])):
        bed = Bed()
        for name, pool in {"a": "main", "b": "main", "c": "other"}.items():
            bed.bare_node(name, {"node": name, "pool": pool})
        bed.put("a", "foo")
        bed.put("b", "foo", count=2)
        constraint = spread("node", nodeAffinityPolicy=policy)
        # honoured: 1, 2 -> the minimum is 1, a fits; ignored: 1, 2, 0 -> the minimum is 0
        rejected = bed.rejected(bed.asking("foo", topologySpreadConstraints=[constraint], **allowed))
        assert [name for name in "abc" if name not in rejected] == fits


def test_7_2_node_taints_policy_follows_the_taints() -> None:
    for policy, fits in (("Honor", ["a", "b"]), ("Ignore", [])):
        bed = Bed()
        for name in "abc":
            bed.bare_node(name, {"node": name})
        bed.put("a", "foo")
        bed.put("b", "foo")
        asking = bed.asking("foo", topologySpreadConstraints=[spread("node", nodeTaintsPolicy=policy)])
        assert bed.rejected(asking) == {"a": SKEWED, "b": SKEWED}
        bed.change(bed.get("Node", "c"), taints=(Taint("down", "NoSchedule"),))
        assert [name for name in "abc" if name not in bed.rejected(asking)] == fits


def test_7_2_a_drained_zone_holds_the_minimum_at_zero() -> None:
    bed = four()
    bed.put("a", "foo")
    for name in "xy":  # cordoned, empty
        bed.change(bed.get("Node", name), unschedulable=True)
    rejected = bed.rejected(bed.asking("foo", topologySpreadConstraints=[spread("zone")]))
    assert rejected["b"] == SKEWED


def test_7_2_match_label_keys_narrow_the_selector() -> None:
    bed = four(nodes="ab")
    bed.put("a", "foo", "version=1")
    constraint = spread("node", matchLabelKeys=["version"])
    assert bed.rejected(bed.asking("foo", "version=2", topologySpreadConstraints=[constraint])) == {}
    assert "a" in bed.rejected(bed.asking("foo", "version=1", topologySpreadConstraints=[constraint]))


@pytest.mark.parametrize(
    ("pods", "constraints", "infeasible", "expected"),
    [
        ({"a": 2, "b": 1, "y": 3}, [spread(HOSTNAME, soft=True)], "", {"a": 20, "b": 60, "x": 100, "y": 0}),
        (
            {"a": 2, "b": 1, "y": 3},
            [spread(HOSTNAME, 2, soft=True)],
            "",
            {"a": 33, "b": 66, "x": 100, "y": 16},
        ),
        (
            {"a": 4, "b": 3, "x": 2, "y": 1},
            [spread(HOSTNAME, 3, soft=True)],
            "",
            {"a": 44, "b": 66, "x": 77, "y": 100},
        ),
        ({"a": 4, "b": 2, "x": 1, "y": 3}, [spread(HOSTNAME, soft=True)], "y", {"a": 33, "b": 83, "x": 100}),
        ({"a": 4, "b": 2, "x": 1, "y": 3}, [spread("zone", soft=True)], "y", {"a": 75, "b": 75, "x": 100}),
        (
            {"a": 2, "b": 1, "x": 2, "y": 4},
            [spread("zone", soft=True), spread(HOSTNAME, soft=True)],
            "by",
            {"a": 100, "x": 63},
        ),
        ({"a": 2, "b": 1}, [spread(HOSTNAME, selector=None, soft=True)], "", None),
        ({}, [spread(HOSTNAME, soft=True)], "", None),
    ],
)
def test_7_3_soft_constraints(pods: Any, constraints: Any, infeasible: str, expected: Any) -> None:
    bed = four()
    for node, count in pods.items():
        bed.put(node, "foo", count=count)
    assert (
        bed.points(SPREAD, bed.asking("foo", topologySpreadConstraints=constraints), infeasible) == expected
    )


@pytest.mark.parametrize(
    ("pods", "infeasible", "expected"),
    [
        (
            [("a", "foo"), ("b", "foo bar"), ("y", "foo"), ("y", "bar")],
            "",
            {"a": 60, "b": 20, "x": 100, "y": 60},
        ),
        ([("b", "bar"), ("x", "foo"), ("y", "foo bar")], "", {"a": 100, "b": 60, "x": 40, "y": 0}),
        ([("a", "foo"), ("b", "foo bar"), ("y", "foo"), ("y", "bar")], "y", {"a": 50, "b": 25, "x": 100}),
    ],
)
def test_7_3_constraints_with_different_selectors(pods: Any, infeasible: str, expected: Any) -> None:
    bed = four()
    for node, labels in pods:
        bed.put(node, *labels.split())
    constraints = [spread("zone", soft=True), spread(HOSTNAME, selector=BAR, soft=True)]
    assert (
        bed.points(SPREAD, bed.asking("foo", "bar", topologySpreadConstraints=constraints), infeasible)
        == expected
    )


def test_7_3_a_node_without_the_label_scores_nothing() -> None:
    bed = Bed()
    for name, labels in {
        "a": {HOSTNAME: "a"},
        "b": {"n": "b"},
        "x": {HOSTNAME: "x"},
        "y": {HOSTNAME: "y"},
    }.items():
        bed.bare_node(name, labels)
    for node, count in {"a": 4, "b": 2, "x": 1, "y": 3}.items():
        bed.put(node, "foo", count=count)
    asking = bed.asking("foo", topologySpreadConstraints=[spread(HOSTNAME, soft=True)])
    assert bed.points(SPREAD, asking, "y") == {"a": 16, "b": 0, "x": 100}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("Honor", {"a": 0, "b": 33, "c": 100}), ("Ignore", {"a": 66, "b": 100, "c": 100})],
)
def test_7_3_node_affinity_policy_in_scores(policy: str, expected: Any) -> None:
    bed = Bed()
    for name in "abc":
        bed.bare_node(name, {"node": name} | ({"foo": ""} if name != "c" else {}))
    for node, count in {"a": 2, "b": 1, "c": 1}.items():
        bed.put(node, "foo", count=count)
    constraint = spread("node", soft=True, nodeAffinityPolicy=policy)
    asking = bed.asking("foo", nodeSelector={"foo": ""}, topologySpreadConstraints=[constraint])
    assert bed.points(SPREAD, asking) == expected


def test_7_3_system_defaults_need_a_service_or_an_owner() -> None:
    bed = four()
    for node, count in {"a": 4, "b": 3, "x": 2, "y": 1}.items():
        bed.put(node, "foo", count=count)
    assert bed.points(SPREAD, bed.asking("foo")) is None
    bed.service("foo", selector={"foo": ""})
    # no zone label: as one constraint over hostnames with maxSkew 3
    assert bed.points(SPREAD, bed.asking("foo")) == {"a": 44, "b": 66, "x": 77, "y": 100}
    bed.hand.delete("Service", "foo", "default")
    assert bed.points(SPREAD, bed.asking("foo")) is None
    owner = bed.workload("ReplicaSet", "foo", bed.template(labels={"foo": ""}))
    assert bed.points(SPREAD, bed.asking("foo", owner=owner)) == {"a": 44, "b": 66, "x": 77, "y": 100}


def test_7_3_system_defaults_over_hostname_and_zone() -> None:
    bed = Bed()
    for name, zone in FOUR.items():
        bed.bare_node(name, {HOSTNAME: name, ZONE: zone})
    bed.service("foo", selector={"foo": ""})
    for node, count in {"a": 2, "x": 1}.items():
        bed.put(node, "foo", count=count)
    zone1, zone2 = 2 * log(4) + 4, 1 * log(4) + 4
    raw = {"a": 2 * log(6) + 2 + zone1, "b": 2 + zone1, "x": log(6) + 2 + zone2, "y": 2 + zone2}
    rounded = {name: int(value + 0.5) for name, value in raw.items()}
    most, least = max(rounded.values()), min(rounded.values())
    expected = {name: 100 * (most + least - value) // most for name, value in rounded.items()}
    assert bed.points(SPREAD, bed.asking("foo")) == expected
    # of the hostnames only feasible ones count as domains
    raw = {"a": 2 * log(5) + 2 + zone1, "b": 2 + zone1, "y": 2 + zone2}
    rounded = {name: int(value + 0.5) for name, value in raw.items()}
    most, least = max(rounded.values()), min(rounded.values())
    expected = {name: 100 * (most + least - value) // most for name, value in rounded.items()}
    assert bed.points(SPREAD, bed.asking("foo"), "x") == expected


def test_7_3_the_selectors_of_all_services_and_the_owner_are_merged() -> None:
    bed = four(nodes="ab")
    bed.service("wide", selector={"app": "web"})
    bed.service("narrow", selector={"app": "web", "tier": "front"})
    bed.service("other", selector={"app": "db"})
    bed.put("a", "app=web")  # not of the narrow service
    bed.put("b", "app=web", "tier=front")
    assert bed.points(SPREAD, bed.asking("app=web", "tier=front")) == {
        "a": 100,
        "b": 66,
    }  # raw 2, 2 + ln 4 -> 3
    assert bed.points(SPREAD, bed.asking("app=web")) is None  # one on each: all the same


def test_7_3_many_pods_are_counted_as_few_are() -> None:
    bed = Bed()
    for i in range(70):  # more nodes with pods than are gone through one by one
        bed.bare_node(f"n{i}", {HOSTNAME: f"n{i}", ZONE: f"z{i % 2}"})
        bed.put(f"n{i}", "foo", count=1 + i % 3)
    bed.service("foo", selector={"foo": ""})
    counts = [1 + i % 3 for i in range(70)]
    zones = [sum(counts[z::2]) for z in (0, 1)]
    raw = [int(counts[i] * log(72) + 2 + zones[i % 2] * log(4) + 4 + 0.5) for i in range(70)]
    most, least = max(raw), min(raw)
    expected = {f"n{i}": 100 * (most + least - value) // most for i, value in enumerate(raw)}
    assert bed.points(SPREAD, bed.asking("foo")) == expected
