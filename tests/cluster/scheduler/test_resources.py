"""7.2 and 7.3: requests against nodes. Facts of fit_test.go, least_allocated_test.go, balanced_allocation_test.go."""

from typing import Any

import pytest

from tests.cluster.scheduler.bed import Bed, requests

FIT, BALANCED = "NodeResourcesFit", "NodeResourcesBalancedAllocation"
NOTHING: list[Any] = [requests()]
CPU_ONLY = [requests(1), requests(2)]
BOTH = [requests(1, 2000), requests(2, 3000)]
THIRD = [requests(3)]
THIRD_AND_MEMORY = [requests(3, 5000)]


@pytest.mark.parametrize(
    ("nodes", "there", "asked", "expected"),
    [
        ([(4000, 10000), (6000, 10000)], {}, BOTH, [(25 + 50) // 2, 50]),
        ([(10000, 20000)] * 2, {"n1": CPU_ONLY, "n2": [*THIRD_AND_MEMORY, requests(3)]}, NOTHING, [85, 57]),
        ([(10000, 20000)] * 2, {"n1": THIRD, "n2": THIRD_AND_MEMORY}, BOTH, [57, 45]),
        ([(10000, 20000), (10000, 50000)], {"n1": THIRD, "n2": THIRD_AND_MEMORY}, BOTH, [57, 60]),
        ([(4000, 10000)] * 2, {"n1": THIRD, "n2": THIRD_AND_MEMORY}, THIRD, [50, 25]),
        ([(0, 0)] * 2, {"n1": THIRD}, NOTHING, [0, 0]),
    ],
)
def test_7_3_least_allocated(nodes: Any, there: Any, asked: Any, expected: list[int]) -> None:
    bed = Bed()
    for i, (cpu, memory) in enumerate(nodes, 1):
        bed.bare_node(f"n{i}", cpu=cpu, memory=memory)
    for node, containers in there.items():
        bed.put(node, containers=containers)
    assert bed.points(FIT, bed.asking(containers=asked)) == {"n1": expected[0], "n2": expected[1]}


def test_7_3_a_container_without_requests_counts_as_100m_and_200mib() -> None:
    bed = Bed()
    bed.bare_node("n1", cpu=1000, memory=1000 << 20)
    bed.put("n1", containers=[{"name": "a"}])
    # 1000 - 100 - 100 = 800 m of 1000, 1000 - 200 - 200 = 600 MiB of 1000: (80 + 60) / 2
    assert bed.points(FIT, bed.asking(containers=[{"name": "a"}])) == {"n1": 70}
    # explicit zeros are requests: (1000 - 100) m and (1000 - 200) MiB are left
    assert bed.points(FIT, bed.asking(containers=[requests(0, 0)])) == {"n1": 85}


BALANCED_CASES = [
    # nodes (cpu, memory), pods there, asked; score with the pod up to 1.35, score of the change from 1.36 on
    ([(4000, 10000), (6000, 10000)], {}, BOTH, [87, 100], [68, 75]),
    ([(10000, 20000)] * 2, {"n1": CPU_ONLY, "n2": BOTH}, BOTH, [82, 95], [73, 74]),
    ([(10000, 20000), (10000, 50000)], {"n1": CPU_ONLY, "n2": BOTH}, BOTH, [82, 80], [73, 70]),
    ([(6000, 10000)] * 2, {"n1": CPU_ONLY, "n2": BOTH}, CPU_ONLY, [50, 75], [62, 62]),
    ([(3000, 5000)] * 2, {"n1": CPU_ONLY}, [requests(0, 2000), requests(0, 3000)], [100, 50], [100, 50]),
    ([(3500, 40000)] * 2, {}, BOTH, [63, 63], [56, 56]),
]


@pytest.mark.parametrize(("nodes", "there", "asked", "before", "since"), BALANCED_CASES)
@pytest.mark.parametrize("version", ["v1.35.4", "v1.36.3"])
def test_7_3_and_13_3_balanced_allocation(
    version: str, nodes: Any, there: Any, asked: Any, before: list[int], since: list[int]
) -> None:
    bed = Bed(version)
    for i, (cpu, memory) in enumerate(nodes, 1):
        bed.bare_node(f"n{i}", cpu=cpu, memory=memory)
    for node, containers in there.items():
        bed.put(node, containers=containers)
    expected = before if version == "v1.35.4" else since
    assert bed.points(BALANCED, bed.asking(containers=asked)) == {"n1": expected[0], "n2": expected[1]}


def test_7_3_pods_without_requests_are_not_balanced_since_1_33() -> None:
    for version, scored in (("v1.32.10", True), ("v1.33.5", False)):
        bed = Bed(version)
        bed.bare_node("n1")
        assert (bed.points(BALANCED, bed.asking(containers=[{"name": "a"}])) is not None) == scored


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (requests("1001m"), "Insufficient cpu"),
        (requests("1001m", 600), "Insufficient cpu, Insufficient memory"),
        (requests("1000m", 501), "Insufficient memory"),
        (requests(**{"ephemeral-storage": "501"}), "Insufficient ephemeral-storage"),
        (requests(**{"example.com/gpu": "2"}), "Insufficient example.com/gpu"),
        (requests("1000m", 500, **{"ephemeral-storage": "500", "example.com/gpu": "1"}), ""),
    ],
)
def test_7_2_what_is_requested_must_be_left(asked: Any, reason: str) -> None:
    bed = Bed()
    bed.bare_node("n1", cpu=2000, memory=1000, ephemeral_storage=1000, extended={"example.com/gpu": 2})
    bed.put("n1", containers=[requests("1000m", 500, **{"ephemeral-storage": "500", "example.com/gpu": "1"})])
    assert bed.rejected(bed.asking(containers=[asked])) == ({"n1": f"{reason} (U)"} if reason else {})


def test_7_2_pod_count_and_pods_without_requests() -> None:
    bed = Bed()
    bed.bare_node("n1", cpu=1000, pods=2)
    bed.put("n1", containers=[requests(5)])  # overcommitted, as a static pod may do
    assert bed.rejected(bed.asking(containers=[requests()])) == {}  # all-zero requests: pod count only
    bed.put("n1")
    assert bed.rejected(bed.asking(containers=[requests()])) == {"n1": "Too many pods (U)"}


def test_7_2_more_than_an_empty_node_has_is_unresolvable_since_1_34() -> None:
    for version, code in (("v1.33.5", " (U)"), ("v1.34.4", "")):
        bed = Bed(version)
        bed.bare_node("n1", cpu=1000)
        assert bed.rejected(bed.asking(containers=[requests(2)])) == {"n1": f"Insufficient cpu{code}"}


def test_7_2_terminating_pods_hold_their_resources_until_gone_and_finished_ones_do_not() -> None:
    bed = Bed()
    bed.bare_node("n1", cpu=1000)
    pod = bed.put("n1", containers=[requests(1)])[0]
    asking = bed.asking(containers=[requests(1)])
    bed.hand.delete("Pod", pod.meta.name, "default")
    assert bed.now(pod).is_terminating
    assert bed.rejected(asking) == {"n1": "Insufficient cpu (U)"}
    bed.set_pod(pod, phase="Succeeded")
    assert bed.rejected(asking) == {}
    bed.hand.delete("Pod", pod.meta.name, "default", grace=0)
    assert bed.rejected(asking) == {}
    bed.put("n1", containers=[requests(1)])
    assert bed.rejected(asking) == {"n1": "Insufficient cpu (U)"}


def test_7_2_init_containers_and_sidecars_count_as_the_api_says() -> None:
    bed = Bed()
    bed.bare_node("n1", cpu=3000)
    init = {**requests(2), "name": "init"}
    sidecar = {**requests(1), "name": "side", "restartPolicy": "Always"}
    # sidecar 1 + init 2 = 3, sidecar 1 + main 1 = 2: the larger counts
    fits = bed.asking(initContainers=[sidecar, init], containers=[requests(1)])
    assert bed.rejected(fits) == {}
    too_large = bed.asking(initContainers=[sidecar, init], containers=[requests("2001m")])
    assert bed.rejected(too_large) == {"n1": "Insufficient cpu"}
