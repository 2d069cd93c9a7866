"""7.2 and 7.3: cordon, taints, node affinity, host ports, images. Facts of Kubernetes' plugin tests."""

from typing import Any

import pytest

from simkube.cluster.nodes.node_taints import UNSCHEDULABLE
from simkube.kube.objects import Taint
from tests.cluster.scheduler.bed import MIB, Bed

CORDON = {"key": UNSCHEDULABLE.key, "operator": "Exists", "effect": "NoSchedule"}
SOFT = "PreferNoSchedule"


def test_7_2_a_cordoned_node_takes_only_pods_that_tolerate_the_cordon() -> None:
    bed = Bed()
    bed.node("n1", unschedulable=True, taints=(UNSCHEDULABLE,))
    bed.node("n2")
    assert bed.rejected(bed.asking()) == {"n1": "node(s) were unschedulable"}
    assert bed.rejected(bed.asking(tolerations=[CORDON])) == {}


@pytest.mark.parametrize("effect", ["NoSchedule", "NoExecute"])
def test_7_2_hard_taints_reject_what_does_not_tolerate_them(effect: str) -> None:
    taint = Taint("gpu", effect, "a100")
    tolerated = {"key": "gpu", "operator": "Equal", "value": "a100", "effect": effect}
    for version, reason in (
        ("v1.33.5", "node(s) had untolerated taint {gpu: a100}"),
        ("v1.34.4", "node(s) had untolerated taint(s)"),
    ):
        bed = Bed(version)
        bed.node("n1", taints=(taint,))
        bed.node("n2", taints=(Taint("other", SOFT),))
        assert bed.rejected(bed.asking()) == {"n1": reason}
        assert bed.rejected(bed.asking(tolerations=[tolerated])) == {}
        assert bed.rejected(bed.asking(tolerations=[{**tolerated, "value": "h100"}])) == {"n1": reason}


def test_7_2_ready_is_no_filter_only_its_taint_is() -> None:
    bed = Bed()
    bed.node("n1", ready="False")
    assert bed.rejected(bed.asking()) == {}


@pytest.mark.parametrize(
    ("taints", "tolerations", "expected"),
    [
        ([("a", "1"), ("a", "2")], [("a", "1")], {"n0": 100, "n1": 0}),
        (
            [None, ("cpu", "arm"), (("cpu", "arm"), ("disk", "ssd"))],
            [("x", "y")],
            {"n0": 100, "n1": 50, "n2": 0},
        ),
        ([None, ("cpu", "arm"), (("cpu", "arm"), ("disk", "ssd"))], [("cpu", "arm"), ("disk", "ssd")], None),
        ([None, ("cpu", "arm")], [], {"n0": 100, "n1": 0}),
    ],
)
def test_7_3_soft_taints_count_in_reverse(taints: Any, tolerations: Any, expected: Any) -> None:
    bed = Bed()
    for i, pairs in enumerate(taints):
        pairs = () if pairs is None else pairs if isinstance(pairs[0], tuple) else (pairs,)
        bed.node(f"n{i}", taints=tuple(Taint(key, SOFT, value) for key, value in pairs))
    tolerated = [
        {"key": key, "operator": "Equal", "value": value, "effect": SOFT} for key, value in tolerations
    ]
    assert bed.points("TaintToleration", bed.asking(tolerations=tolerated)) == expected


def test_7_3_a_toleration_of_hard_taints_does_not_help_with_soft_ones() -> None:
    bed = Bed()
    bed.node("n0")
    bed.node("n1", taints=(Taint("cpu", SOFT, "arm"),))
    hard = {"key": "cpu", "operator": "Equal", "value": "arm", "effect": "NoSchedule"}
    assert bed.points("TaintToleration", bed.asking(tolerations=[hard])) == {"n0": 100, "n1": 0}


def _required(*terms: Any) -> dict[str, Any]:
    required = {"nodeSelectorTerms": list(terms)}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def _in(key: str, *values: str, operator: str = "In") -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("spec", "fits"),
    [
        ({"nodeSelector": {"disk": "ssd"}}, ["n1"]),
        ({"nodeSelector": {"disk": "ssd", "cpu": "arm"}}, []),
        ({"affinity": _required(_in("disk", "ssd", "hdd"))}, ["n1", "n2"]),
        ({"affinity": _required(_in("disk", "ssd"), _in("disk", "hdd"))}, ["n1", "n2"]),
        ({"affinity": _required(_in("disk", operator="DoesNotExist"))}, ["n3"]),
        ({"affinity": _required(_in("size", "5", operator="Gt"))}, ["n2"]),
        ({"affinity": _required({})}, []),  # a term without requirements matches nothing
        ({"nodeSelector": {"disk": "ssd"}, "affinity": _required(_in("disk", "hdd"))}, []),  # both must hold
        (
            {
                "affinity": _required(
                    {"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n1"]}]}
                )
            },
            ["n2", "n3"],
        ),
    ],
)
def test_7_2_node_selector_and_affinity(spec: Any, fits: list[str]) -> None:
    bed = Bed()
    bed.node("n1", {"disk": "ssd", "size": "5"})
    bed.node("n2", {"disk": "hdd", "size": "10"})
    bed.node("n3")
    rejected = bed.rejected(bed.asking(**spec))
    assert [name for name in ("n1", "n2", "n3") if name not in rejected] == fits
    assert set(rejected.values()) <= {"node(s) didn't match Pod's node affinity/selector"}


def test_7_2_a_label_that_changes_changes_the_verdict() -> None:
    bed = Bed()
    node = bed.node("n1")
    asking = bed.asking(nodeSelector={"disk": "ssd"})
    assert "n1" in bed.rejected(asking)
    bed.change_meta(node, labels={**node.meta.labels, "disk": "ssd"})
    assert bed.rejected(asking) == {}


def test_7_3_node_affinity_adds_the_weights_that_match() -> None:
    bed = Bed()
    bed.node("n1", {"disk": "ssd"})
    bed.node("n2", {"disk": "ssd", "cpu": "arm"})
    bed.node("n3")
    preferred = [
        {"weight": 4, "preference": _in("disk", "ssd")},
        {"weight": 3, "preference": _in("cpu", "arm")},
    ]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    asking = bed.asking(affinity=affinity)
    assert bed.points("NodeAffinity", asking) == {"n1": 100 * 4 // 7, "n2": 100, "n3": 0}
    assert bed.points("NodeAffinity", asking, infeasible=["n2"]) == {"n1": 100, "n3": 0}
    assert bed.points("NodeAffinity", bed.asking()) is None


def _ports(*ports: tuple[str, str, int]) -> list[dict[str, Any]]:
    listed = [{"containerPort": 1, "hostPort": port, "hostIP": ip, "protocol": p} for p, ip, port in ports]
    return [{"name": "main", "ports": listed}]


@pytest.mark.parametrize(
    ("there", "wanted", "fits"),
    [
        ([], [("UDP", "127.0.0.1", 8080)], True),
        ([("UDP", "127.0.0.1", 9090)], [("UDP", "127.0.0.1", 8080)], True),
        ([("UDP", "127.0.0.1", 8080)], [("UDP", "127.0.0.1", 8080)], False),
        ([("TCP", "127.0.0.1", 8080)], [("TCP", "127.0.0.2", 8080)], True),
        ([("UDP", "127.0.0.1", 8080)], [("TCP", "127.0.0.1", 8080)], True),
        ([("UDP", "127.0.0.1", 8080)], [("UDP", "0.0.0.0", 8080)], False),
        ([("TCP", "0.0.0.0", 8001)], [("TCP", "127.0.0.1", 8001)], False),
        ([("TCP", "", 8001)], [("UDP", "127.0.0.1", 8080), ("TCP", "", 8001)], False),
    ],
)
def test_7_2_host_ports(there: Any, wanted: Any, fits: bool) -> None:
    bed = Bed()
    bed.node("n1")
    pods = bed.put("n1", containers=_ports(*there))
    asking = bed.asking(containers=_ports(*wanted))
    reason = "node(s) didn't have free ports for the requested pod ports (U)"
    assert bed.rejected(asking) == ({} if fits else {"n1": reason})
    bed.hand.delete("Pod", pods[0].meta.name, "default", grace=0)
    assert bed.rejected(asking) == {}


IMAGES = {
    "a": {"gcr.io/40:latest": 40, "gcr.io/300:latest": 300, "gcr.io/2000:latest": 2000},
    "b": {"gcr.io/250:latest": 250, "gcr.io/10:latest": 10},
    "c": {"gcr.io/600:latest": 600, "gcr.io/40:latest": 40, "gcr.io/900:latest": 900},
    "d": {"gcr.io/300:latest": 300, "gcr.io/600:latest": 600, "gcr.io/900:latest": 900},
    "e": {"gcr.io/4000:latest": 4000, "gcr.io/30:latest": 30},
    "f": {"gcr.io/20:latest": 20, "gcr.io/30:latest": 30, "gcr.io/40:latest": 40},
    "-": {},
}


@pytest.mark.parametrize(
    ("nodes", "containers", "init", "expected"),
    [
        ("ab", [40, 250], [], [0, 5]),
        ("ab", [40, 300], [], [7, 0]),
        ("eb", [4000, 10], [], [100, 0]),
        ("eb-", [4000, 10], [], [66, 0, 0]),
        ("cd-", [300, 600, 900], [], [32, 36, 0]),
        ("ea", [30], [300], [0, 100 * (150 - 23) // (2000 - 23)]),
        ("af", [999], [], None),
    ],
)
def test_7_3_image_locality(nodes: str, containers: Any, init: Any, expected: Any) -> None:
    bed = Bed()
    for name in nodes:
        bed.bare_node(name, images={image: size * MIB for image, size in IMAGES[name].items()})
    asking = bed.asking(
        containers=[{"name": f"c{i}", "image": f"gcr.io/{i}"} for i in containers],
        initContainers=[{"name": f"i{i}", "image": f"gcr.io/{i}"} for i in init],
    )
    assert bed.points("ImageLocality", asking) == (expected and dict(zip(nodes, expected, strict=True)))


def test_13_3_image_volumes_count_since_1_36_and_raise_the_limit_since_1_37() -> None:
    expected = {
        "v1.35.4": None,
        "v1.36.3": 100 * (300 - 23) // (1000 - 23),
        "v1.37.2": 100 * (300 - 23) // (2000 - 23),
    }
    for version, points in expected.items():
        bed = Bed(version)
        bed.bare_node("a", images={"model:1": 600 * MIB})
        bed.bare_node("b")
        volume = {"name": "m", "image": {"reference": "model:1"}}
        asking = bed.asking(containers=[{"name": "main", "image": "app:1"}], volumes=[volume])
        assert bed.points("ImageLocality", asking) == (points and {"a": points, "b": 0})
