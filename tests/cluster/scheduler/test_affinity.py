"""7.2 and 7.3: pod affinity and anti-affinity. Facts of interpodaffinity's filtering_test.go and scoring_test.go."""

from typing import Any

import pytest

from simkube.kube.objects import Meta, Other
from tests.cluster.scheduler.bed import Bed

AFFINITY = "InterPodAffinity"
NOT_NEAR = "node(s) didn't match pod affinity rules"
NOT_APART = "node(s) didn't match pod anti-affinity rules (U)"
UNWANTED = "node(s) didn't satisfy existing pods anti-affinity rules (U)"
CHINA, INDIA, AZ1 = {"region": "China"}, {"region": "India"}, {"az": "az1"}
CHINA_AZ1 = {"region": "China", "az": "az1"}


def term(key: str, *expressions: tuple[str, str, list[str]], **more: Any) -> dict[str, Any]:
    listed = [{"key": k, "operator": operator, "values": values} for k, operator, values in expressions]
    return {"topologyKey": key, "labelSelector": {"matchExpressions": listed}, **more}


def has(label: str, key: str) -> dict[str, Any]:
    return term(key, (label, "Exists", []))


def security(value: str, key: str, **more: Any) -> dict[str, Any]:
    return term(key, ("security", "In", [value]), **more)


def near(*terms: Any) -> dict[str, Any]:
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}


def apart(*terms: Any) -> dict[str, Any]:
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}


def prefer(near: Any = (), apart: Any = ()) -> dict[str, Any]:
    def weighted(terms: Any) -> dict[str, Any]:
        listed = [{"weight": weight, "podAffinityTerm": written} for weight, written in terms]
        return {"preferredDuringSchedulingIgnoredDuringExecution": listed}

    return {"podAffinity": weighted(near), "podAntiAffinity": weighted(apart)}


def bed_of(*labels: dict[str, str]) -> Bed:
    bed = Bed()
    for i, given in enumerate(labels, 1):
        bed.bare_node(f"n{i}", given)
    return bed


def test_7_2_near_means_in_the_domain_of_a_matching_pod() -> None:
    bed = bed_of(CHINA, CHINA_AZ1, INDIA)
    bed.put("n1", "foo=bar")
    assert bed.rejected(bed.asking(affinity=near(term("region", ("foo", "In", ["bar"]))))) == {"n3": NOT_NEAR}


def test_7_2_the_first_of_a_collection_may_go_anywhere_with_the_label() -> None:
    both = near(term("zone", ("foo", "In", ["bar"])), term("zone", ("service", "In", ["scan"])))
    bed = bed_of({"zone": "az1"}, {"zone": "az2"}, {"zoneLabel": "az3"})
    bed.put("n1", "foo=bar")  # matches one term only
    assert bed.rejected(bed.asking("foo=bar", "service=scan", affinity=both)) == {"n3": NOT_NEAR}
    assert set(bed.rejected(bed.asking("foo=bar", affinity=both))) == {
        "n1",
        "n2",
        "n3",
    }  # does not match itself
    bed.put("n2", "foo=bar", "service=scan")
    assert bed.rejected(bed.asking("foo=bar", "service=scan", affinity=both)) == {
        "n1": NOT_NEAR,
        "n3": NOT_NEAR,
    }


def test_7_2_one_pod_must_match_all_terms() -> None:
    bed = bed_of({"region": "r1", "zone": "z1"}, {"region": "r1", "zone": "z1"})
    both = near(has("foo", "region"), has("bar", "zone"))
    bed.put("n1", "foo")
    bed.put("n2", "bar")
    assert bed.rejected(bed.asking(affinity=both)) == {"n1": NOT_NEAR, "n2": NOT_NEAR}
    bed.put("n1", "foo", "bar")
    assert bed.rejected(bed.asking(affinity=both)) == {}


def test_7_2_apart_from_pods_of_the_own_namespace() -> None:
    bed = bed_of(CHINA, CHINA_AZ1, INDIA)
    bed.put("n1", "foo=abc")
    bed.put("n3", "foo=abc", namespace="other")
    away = apart(term("region", ("foo", "In", ["abc"])))
    assert bed.rejected(bed.asking(affinity=away)) == {"n1": NOT_APART, "n2": NOT_APART}


def test_7_2_any_term_keeps_apart_where_its_label_exists() -> None:
    bed = bed_of({"region": "r1", "zone": "z1"}, {"region": "r1", "zone": "z2"})
    bed.put("n1", "foo", "bar")
    assert bed.rejected(bed.asking(affinity=apart(has("foo", "nolabel"), has("bar", "zone")))) == {
        "n1": NOT_APART
    }
    assert set(bed.rejected(bed.asking(affinity=apart(has("foo", "region"), has("bar", "zone"))))) == {
        "n1",
        "n2",
    }


def test_7_2_existing_pods_keep_others_away() -> None:
    bed = bed_of(*({"region": "r1", "zone": f"z{i}"} for i in (1, 2, 3)))
    first = bed.put("n1", affinity=apart(has("foo", "zone"), has("labelA", "zone")))[0]
    bed.put("n2", affinity=apart(has("bar", "zone"), has("labelB", "zone")))
    asking = bed.asking("foo", "bar")
    assert bed.rejected(asking) == {"n1": UNWANTED, "n2": UNWANTED}
    assert bed.rejected(bed.asking("foo", "bar", namespace="other")) == {}
    bed.hand.delete("Pod", first.meta.name, "default")
    assert bed.rejected(asking) == {"n1": UNWANTED, "n2": UNWANTED}  # terminating pods still keep away
    bed.hand.delete("Pod", first.meta.name, "default", grace=0)
    assert bed.rejected(asking) == {"n2": UNWANTED}


def test_7_2_a_node_that_moves_takes_its_pods_along() -> None:
    bed = bed_of({"zone": "z1"}, {"zone": "z2"})
    bed.put("n1", "foo", affinity=apart(has("foo", "zone")))
    asking = bed.asking("foo", affinity=apart(has("foo", "zone")))
    assert bed.rejected(asking) == {"n1": NOT_APART}
    bed.change_meta(bed.get("Node", "n1"), labels={"zone": "z2"})
    assert bed.rejected(asking) == {"n1": NOT_APART, "n2": NOT_APART}
    bed.hand.delete("Node", "n1")
    assert bed.rejected(asking) == {}


def test_7_2_namespaces_by_name_and_by_label() -> None:
    bed = bed_of(CHINA, INDIA)
    bed.put("n1", "foo", namespace="team-a")
    named = apart(has("foo", "region") | {"namespaces": ["team-a"]})
    selected = apart(has("foo", "region") | {"namespaceSelector": {"matchLabels": {"team": "a"}}})
    everywhere = apart(has("foo", "region") | {"namespaceSelector": {}})
    assert bed.rejected(bed.asking(affinity=named)) == {"n1": NOT_APART}
    assert bed.rejected(bed.asking(affinity=everywhere)) == {"n1": NOT_APART}
    assert bed.rejected(bed.asking(affinity=selected)) == {}
    bed.hand.create(Other(api_version="v1", kind="Namespace", meta=Meta("team-a", labels={"team": "a"})))
    assert bed.rejected(bed.asking(affinity=selected)) == {"n1": NOT_APART}
    bed.put("n2", affinity=selected)  # of another namespace, wants no foo of team a near it
    assert bed.rejected(bed.asking("foo", namespace="team-a")) == {"n2": UNWANTED}


def test_7_2_label_keys_narrow_a_term_to_pods_like_itself() -> None:
    bed = bed_of(CHINA, INDIA)
    bed.put("n1", "foo", "version=1")
    same = apart(has("foo", "region") | {"matchLabelKeys": ["version"]})
    other = apart(has("foo", "region") | {"mismatchLabelKeys": ["version"]})
    assert bed.rejected(bed.asking("foo", "version=1", affinity=same)) == {"n1": NOT_APART}
    assert bed.rejected(bed.asking("foo", "version=2", affinity=same)) == {}
    assert bed.rejected(bed.asking("foo", "version=1", affinity=other)) == {}
    assert bed.rejected(bed.asking("foo", "version=2", affinity=other)) == {"n1": NOT_APART}


S1_IN_REGION = prefer([(5, security("S1", "region"))])
S2_IN_REGION = prefer([(6, security("S2", "region"))])
HARD = near(
    term("region", ("security", "In", ["S1", "value2"])),
    term("region", ("security", "Exists", []), ("wrongkey", "DoesNotExist", [])),
)
MIXED = prefer(
    [
        (8, term("region", ("security", "NotIn", ["S1"]), ("security", "In", ["S2"]))),
        (2, term("region", ("security", "Exists", []), ("wrongkey", "DoesNotExist", []))),
    ]
)
AWAY_S1, AWAY_S2 = prefer(apart=[(5, security("S1", "az"))]), prefer(apart=[(5, security("S2", "az"))])
BOTH = prefer([(8, security("S1", "region"))], [(5, security("S2", "az"))])

Pods = list[tuple[str, str, dict[str, Any] | None]]


@pytest.mark.parametrize(
    ("nodes", "pods", "label", "affinity", "expected"),
    [
        ([CHINA, INDIA, AZ1], [], "S1", None, None),
        (
            [CHINA, INDIA, AZ1],
            [("n1", "S1", None), ("n2", "S2", None), ("n3", "S1", None)],
            "S1",
            S1_IN_REGION,
            [100, 0, 0],
        ),
        ([CHINA, CHINA_AZ1, INDIA], [("n1", "S1", None)], "", S1_IN_REGION, [100, 100, 0]),
        (
            [CHINA, INDIA, CHINA, CHINA, INDIA],
            [(n, "S2", None) for n in ("n1", "n1", "n2", "n3", "n4", "n5")],
            "S1",
            S2_IN_REGION,
            [100, 0, 100, 100, 0],
        ),
        (
            [CHINA, INDIA, AZ1],
            [("n1", "S1", None), ("n2", "S2", None), ("n3", "S1", None)],
            "S1",
            MIXED,
            [20, 100, 0],
        ),
        (
            [CHINA, INDIA, AZ1],
            [("n1", "S1", S1_IN_REGION), ("n2", "S2", S2_IN_REGION)],
            "S2",
            None,
            [0, 100, 0],
        ),
        ([CHINA, INDIA, AZ1], [("n1", "S1", HARD), ("n2", "S2", HARD)], "S1", None, [100, 100, 0]),
        ([AZ1, CHINA], [("n1", "S1", None), ("n2", "S1", None)], "S1", AWAY_S1, [0, 100]),
        ([AZ1, {"az": "az2"}], [("n1", "S1", AWAY_S2), ("n2", "S2", AWAY_S1)], "S2", None, [0, 100]),
        ([CHINA, AZ1], [("n1", "S1", None), ("n2", "S1", None)], "S1", BOTH, [100, 0]),
        (
            [CHINA_AZ1, INDIA, CHINA, CHINA, INDIA],
            [(n, "S1", None) for n in ("n1", "n1", "n2", "n3", "n3", "n4", "n5")],
            "S1",
            BOTH,
            [100, 0, 100, 100, 0],
        ),
        (
            [CHINA, AZ1, INDIA, {"az": "az2"}],
            [("n1", "S1", None), ("n2", "S2", None), ("n3", "", BOTH), ("n4", "", AWAY_S1)],
            "S1",
            BOTH,
            [100, 0, 100, 0],
        ),
        ([CHINA, CHINA], [("n1", "S1", None), ("n2", "", BOTH)], "S1", None, None),
    ],
)
def test_7_3_preferences_of_the_pod_and_of_others(
    nodes: Any, pods: Pods, label: str, affinity: Any, expected: list[int] | None
) -> None:
    bed = bed_of(*nodes)
    for node, value, wish in pods:
        spec: dict[str, Any] = {} if wish is None else {"affinity": wish}
        bed.put(node, *([f"security={value}"] if value else []), **spec)
    spec = {} if affinity is None else {"affinity": affinity}
    points = bed.points(AFFINITY, bed.asking(*([f"security={label}"] if label else []), **spec))
    assert points == (expected and {f"n{i}": score for i, score in enumerate(expected, 1)})


def test_7_3_a_pod_that_goes_takes_its_wishes_along() -> None:
    bed = bed_of(CHINA, INDIA)
    pod = bed.put("n1", "security=S1", affinity=S1_IN_REGION)[0]
    asking = bed.asking("security=S1")
    assert bed.points(AFFINITY, asking) == {"n1": 100, "n2": 0}
    bed.hand.delete("Pod", pod.meta.name, "default", grace=0)
    assert bed.points(AFFINITY, asking) is None
