"""The cases of the note that the project grew from, each a scenario in `scenarios/`, each coming out as it says."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from simkube.kube.objects import Pod
from simkube.measure import Result
from simkube.scenario.load import load_scenario
from simkube.studies.planners import planner_for
from simkube.studies.run import Run, single
from simkube.trace.record import Record

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


class Case:
    """A scenario that has been run with a seed."""

    def __init__(self, name: str, seed: int = 1) -> None:
        self.records: list[Record] = []
        loaded = load_scenario(SCENARIOS / f"{name}.yaml")
        self.run: Run
        self.result: Result
        self.run, self.result = single(loaded, seed, planner_for(loaded).planner, [self.records.append])
        self.store = self.run.simulation.store

    def times(self, what: str, name: str = "", node: str = "") -> list[float]:
        """When this happened from time 0 on, to objects whose names begin with `name`, on a node."""
        return [
            r.t
            for r in self.records
            if r.what == what and r.t >= 0 and r.name.startswith(name) and node in ("", r.node)
        ]

    def pods(self, name: str) -> list[Pod]:
        return [pod for pod in self.store.table("Pod").values() if pod.meta.name.startswith(name)]

    def before(self, name: str) -> dict[str, str]:
        """UID -> node of the pods that were there at time 0."""
        return {
            r.uid: r.node
            for r in self.records
            if r.what == "pod.bound" and r.t < 0 and r.name.startswith(name)
        }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_down_for_longer_than_five_minutes(seed: int) -> None:
    """Note: after five minutes the node counts as dead, ReplicaSet pods come back elsewhere, bare pods are lost.
    Reference 12.1: crash to DELETE is 40-55 s (Unknown) plus 300 s, the replacement is created within 0.1 s."""
    case = Case("node-failure", seed)
    crash = 60.0
    (unknown,) = case.times("node.unknown", "worker-1")
    assert 40.0 <= unknown - crash <= 55.0
    assert case.times("pod.terminating", "bare") == pytest.approx([unknown + 300.0], abs=1.0)
    moved = [uid for uid, node in case.before("web-").items() if node == "worker-1"]
    created = case.times("pod.created", "web-")
    assert len(created) == len(moved) >= 1
    assert all(0.0 <= t - (unknown + 300.0) <= 1.1 for t in created)
    assert len(case.pods("web-")) == 3
    assert all(pod.is_ready for pod in case.pods("web-"))
    assert not {pod.meta.uid for pod in case.pods("web-")} & set(moved)
    assert case.pods("bare") == []
    assert case.result.cost.pods_lost == ("default/bare",)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_back_within_five_minutes(seed: int) -> None:
    """Note: back online within five minutes, the same pods return in place. Nothing is deleted, created or moved."""
    case = Case("node-back-in-time", seed)
    before = case.before("")
    for what in ("pod.terminating", "pod.created", "pod.bound", "pod.removed"):
        assert case.times(what) == []
    assert {pod.meta.uid: pod.node for pod in case.pods("")} == before
    assert all(pod.is_ready for pod in case.pods(""))
    on_node = [pod for pod in case.pods("") if pod.node == "worker-1"]
    assert on_node
    assert all(pod.status.containers[0].restart_count == 1 for pod in on_node)  # 8.3
    assert case.result.cost.pods_lost == ()


def test_cordon_only() -> None:
    """Note: with cordon alone the existing pods stay, only new ones are kept away."""
    case = Case("cordon-only")
    assert case.store.get("Node", "worker-1").unschedulable
    assert {pod.meta.uid: pod.node for pod in case.pods("web-")} == case.before("web-")
    assert case.result.cost.evictions == 0
    simulation = case.run.simulation
    client = simulation.api.client("kubectl")
    web = client.get("Deployment", "web", "default")
    spec = web.spec.model_copy(update={"replicas": 12})
    client.update(replace(web, spec=spec, meta=replace(web.meta, generation=2)))
    simulation.run_until(simulation.clock.now + 120.0)
    new = [pod for pod in case.pods("web-") if pod.meta.uid not in case.before("web-")]
    assert len(new) == 9
    assert {pod.node for pod in new} == {"worker-2", "worker-3"}


def test_drain_maintenance_uncordon_and_nothing_moves_back() -> None:
    """Note: cordon, drain, maintenance, uncordon; pods do not return by themselves."""
    case = Case("drain-and-return")
    assert case.run.aborted == ""
    assert case.result.cost.evictions == sum(node == "worker-1" for node in case.before("web-").values()) >= 1
    node = case.store.get("Node", "worker-1")
    assert not node.unschedulable
    assert node.is_ready
    assert len(case.times("machine.on", node="worker-1")) == 1
    assert len(case.pods("web-")) == 3
    assert all(pod.is_ready and pod.node != "worker-1" for pod in case.pods("web-"))


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        (
            "drain-refused-bare-pod",
            "cannot delete Pods that declare no controller (use --force to override): default/bare",
        ),
        (
            "drain-refused-emptydir",
            "cannot delete Pods with local storage (use --delete-emptydir-data to override): default/cache-",
        ),
    ],
)
def test_drain_refused_evicts_nothing(scenario: str, words: str) -> None:
    """Section 6: any error verdict on a node: nothing is evicted there, and it stays cordoned. 13.2: kubectl 1.36 and
    later no longer say "cannot delete" twice."""
    case = Case(scenario)
    assert words in case.run.aborted
    assert case.store.get("Node", "worker-1").unschedulable
    assert case.times("pod.terminating") == []
    assert case.result.cost.evictions == 0


def test_drain_refused_by_a_budget_that_allows_nothing() -> None:
    """Section 6: 429 is tried again every 5 s until the limit of 2 min, and nothing goes."""
    case = Case("drain-refused-budget")
    on_node = sum(node == "worker-1" for node in case.before("web-").values())
    tries = case.times("step.refused")
    assert len(tries) == 24 * on_node  # at 0, 5, ... 115 s
    assert sorted(set(tries)) == [5.0 * n for n in range(24)]
    assert case.run.aborted != ""
    assert case.run.ended_at == pytest.approx(120.0, abs=5.0)  # checked between tries: up to 5 s late
    assert case.times("pod.terminating") == []
    assert case.store.get("Node", "worker-1").unschedulable
