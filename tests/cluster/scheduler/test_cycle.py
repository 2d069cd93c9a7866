"""7.3 and 7.4: which nodes are looked at, in which order, and which of the best is taken."""

from collections import Counter

import pytest

from simkube.cluster.scheduler.cycle import Choice
from simkube.kube.objects import Pod
from tests.cluster.scheduler.bed import ZONE, Bed, requests


@pytest.mark.parametrize(
    ("nodes", "wanted"),
    [(10, 10), (99, 99), (100, 100), (200, 100), (1000, 420), (5000, 500), (6000, 300), (15000, 750)],
)
def test_7_4_how_many_feasible_nodes_are_enough(nodes: int, wanted: int) -> None:
    assert Bed().scheduler.cycle.wanted(nodes) == wanted  # max(5, 50 - n/125) percent, at least 100


def test_7_4_nodes_of_zones_take_turns() -> None:
    bed = Bed()
    for name in ("a1", "a2", "a3", "b1", "c1", "c2"):
        bed.node(name, {ZONE: name[0]})
    assert bed.names() == ["a1", "b1", "c1", "a2", "c2", "a3"]
    bed.node("b2", {ZONE: "b"})
    assert bed.names() == ["a1", "b1", "c1", "a2", "b2", "c2", "a3"]
    bed.hand.delete("Node", "a1")
    assert bed.names() == ["a2", "b1", "c1", "a3", "b2", "c2"]
    for name in ("b1", "b2"):
        bed.hand.delete("Node", name)
    bed.node("b3", {ZONE: "b"})  # the zone is new again, and last
    assert bed.names() == ["a2", "c1", "b3", "a3", "c2"]
    bed.change_meta(bed.get("Node", "a2"), labels={ZONE: "c"})  # moves to the end of the other zone
    assert bed.names() == ["a3", "c1", "b3", "c2", "a2"]


def test_7_4_the_search_goes_on_where_the_last_one_ended() -> None:
    bed = Bed()
    for i in range(200):
        bed.bare_node(f"n{i}", cpu=100_000)
    pods = [bed.pod(f"p{i}", bed.template(containers=[requests(1)])) for i in range(4)]
    bed.run(1)
    at = [int(bed.now(pod).node[1:]) for pod in pods]
    # 100 of 200 are looked at, by turns the first and the second half
    assert [i // 100 for i in at] == [0, 1, 0, 1]


def test_7_4_infeasible_nodes_do_not_count_but_are_passed() -> None:
    bed = Bed()
    for i in range(300):
        bed.bare_node(f"n{i}")
        if i % 2:
            bed.change(bed.get("Node", f"n{i}"), unschedulable=True)
    asking = bed.asking()
    cycle = bed.scheduler.cycle
    wanted = cycle.wanted(300)
    assert wanted == 48 * 300 // 100
    assert isinstance(cycle.choose(asking, bed.ask(asking)), Choice)
    assert cycle._start == 2 * wanted - 1  # n0, n2 ... n286


def test_7_4_the_search_wraps_around_the_end() -> None:
    bed = Bed()
    for i in range(200):
        bed.bare_node(f"n{i}", {"side": "in" if 50 <= i < 160 else "out"})
    asking = bed.asking(nodeSelector={"side": "in"})
    cycle = bed.scheduler.cycle
    starts = []
    for _ in range(3):
        choice = cycle.choose(asking, bed.ask(asking))
        assert isinstance(choice, Choice)
        assert 50 <= int(choice.node[1:]) < 160
        starts.append(cycle._start)
    # 100 are wanted: n50 to n149; then n150 to n159, around, n50 to n139; then n140 to n159, around, n50 to n129
    assert starts == [150, 140, 130]


def test_7_4_ties_are_broken_by_chance_and_alike_for_a_seed() -> None:
    def place(seed: int) -> list[str]:
        bed = Bed(seed=seed)
        for i in range(4):
            bed.node(f"n{i}")
        asking = bed.asking()
        choices = [bed.scheduler.cycle.choose(asking, bed.ask(asking)) for _ in range(400)]
        return [choice.node for choice in choices if isinstance(choice, Choice)]

    assert place(1) == place(1)
    assert place(1) != place(2)
    counts = Counter(place(1))
    assert sorted(counts) == ["n0", "n1", "n2", "n3"]
    assert min(counts.values()) > 60  # 100 are expected, with a standard deviation of 8.7


def test_7_1_weights_taints_outweigh_spread() -> None:
    """TaintToleration 3, PodTopologySpread 2, the others 1: a soft taint costs 300, a full skew at most 200."""
    bed = Bed()
    weights = {score.plugin: weight for weight, score in bed.ask(_with_everything(bed)).scores}
    assert weights == {
        "TaintToleration": 3,
        "NodeAffinity": 2,
        "NodeResourcesFit": 1,
        "PodTopologySpread": 2,
        "InterPodAffinity": 2,
        "NodeResourcesBalancedAllocation": 1,
        "ImageLocality": 1,
    }


def _with_everything(bed: Bed) -> Pod:
    term = {"matchExpressions": [{"key": "a", "operator": "Exists"}]}
    preferred = [{"weight": 1, "preference": term}]
    bed.service("web")
    return bed.asking(
        "app=web",
        containers=[requests(1, 1)],
        affinity={"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}},
    )


def test_7_1_filters_run_in_kubernetes_order_and_stop_at_the_first_that_rejects() -> None:
    bed = Bed()
    bed.node("n1", cpu=1000, unschedulable=True)
    bed.node("n2", cpu=1000)
    asking = bed.asking(containers=[requests(2)], nodeSelector={"disk": "ssd"})
    assert bed.rejected(asking) == {
        "n1": "node(s) were unschedulable",
        "n2": "node(s) didn't match Pod's node affinity/selector",
    }
