"""7.6: preemption. Facts of default_preemption_test.go and preemption_test.go."""

from typing import Any

import pytest
from msgspec.structs import replace

from simkube.kube.objects import BudgetStatus, Pod, PodDisruptionBudget
from tests.cluster.scheduler.bed import Bed, requests

LOW, MID, HIGH = 0, 10, 100


class Arena(Bed):
    """Nodes of 1000 m; pods by name, node, priority and milli-cores."""

    def __init__(self, version: str = "v1.37.2", nodes: int = 2, cpu: int = 1000) -> None:
        super().__init__(version)
        for i in range(1, nodes + 1):
            self.node(f"n{i}", cpu=cpu)

    def there(
        self, name: str, node: str, priority: int = LOW, cpu: int = 500, started: float = 0.0, **more: Any
    ) -> Pod:
        labels = more.pop("labels", {"app": "web"})
        template = self.template(labels=labels, containers=[requests(f"{cpu}m")], priority=priority, **more)
        pod = self.pod(name, template, node=node, phase="Running")
        started_pod: Pod = self.change(pod, status=replace(pod.status, start_time=started))
        return started_pod

    def comes(self, name: str = "p", priority: int = HIGH, cpu: int = 1000, **more: Any) -> Pod:
        return self.pod(name, self.template(containers=[requests(f"{cpu}m")], priority=priority, **more))

    def victims(self) -> list[str]:
        """Pods that are being deleted, or are gone."""
        left = {pod.meta.name: pod for pod in self.pods()}
        return sorted(name for name, pod in left.items() if pod.is_terminating)

    def allow(self, budget: PodDisruptionBudget, disruptions: int) -> None:
        self.change(budget, status=BudgetStatus(disruptions_allowed=disruptions))


def test_7_6_victims_go_and_the_pod_waits_for_its_nominated_node() -> None:
    arena = Arena(nodes=1)
    arena.there("a", "n1", cpu=1000)
    arena.comes()
    arena.run(1)
    pod = arena.get("Pod", "p")
    assert (pod.node, pod.status.nominated_node) == ("", "n1")
    assert pod.status.scheduled.message == (
        "0/1 nodes are available: 1 Insufficient cpu. preemption: found a potential placement for pod on node n1, "
        "preempting 1 victims"
    )
    victim = arena.get("Pod", "a")
    assert victim.is_terminating and victim.meta.deletion_grace_period_seconds == 30
    disrupted = victim.status.disrupted
    assert (disrupted.type, disrupted.status, disrupted.reason, disrupted.message) == (
        "DisruptionTarget",
        "True",
        "PreemptionByScheduler",
        "default-scheduler: preempting to accommodate a higher priority pod",
    )
    assert ("a", "Preempted", f"Preempted by pod {pod.meta.uid} on node n1") in arena.events
    arena.finish_deletions()
    arena.run(1)
    pod = arena.get("Pod", "p")
    assert (pod.node, pod.status.nominated_node) == ("n1", "")


def test_13_3_the_message_of_a_found_placement_since_1_37() -> None:
    arena = Arena("v1.36.3", nodes=1)
    arena.there("a", "n1", cpu=1000)
    arena.comes()
    arena.run(1)
    assert arena.get("Pod", "p").status.scheduled.message == "0/1 nodes are available: 1 Insufficient cpu."


@pytest.mark.parametrize("policy", [None, "Never"])
def test_7_6_equal_priority_and_policy_never_preempt_nobody(policy: str | None) -> None:
    arena = Arena(nodes=1)
    arena.there("a", "n1", priority=LOW if policy else HIGH, cpu=1000)
    said: dict[str, Any] = {"preemptionPolicy": policy} if policy else {}
    arena.comes(**said)
    arena.run(1)
    assert arena.victims() == []
    why = (
        "not eligible due to preemptionPolicy=Never."
        if policy
        else "0/1 nodes are available: 1 No preemption victims found for incoming pod."
    )
    assert arena.get("Pod", "p").status.scheduled.message == (
        f"0/1 nodes are available: 1 Insufficient cpu. preemption: {why}"
    )


def test_7_6_only_where_it_may_help() -> None:
    arena = Arena(nodes=2)
    for node in ("n1", "n2"):
        arena.there(f"on-{node}", node, cpu=1000)
    arena.change(arena.get("Node", "n1"), unschedulable=True)
    arena.comes()
    arena.run(1)
    assert arena.victims() == ["on-n2"]


def test_7_6_as_many_as_possible_are_spared_the_most_important_first() -> None:
    arena = Arena(nodes=1)
    arena.there("young", "n1", cpu=300, started=50)
    arena.there("old", "n1", cpu=300, started=10)
    arena.there("mid", "n1", MID, cpu=300)
    arena.comes(cpu=400)
    arena.run(1)
    assert arena.victims() == ["young"]  # 300 of 900 is enough: 100 is free


def test_7_6_a_node_where_even_that_does_not_help_says_why() -> None:
    arena = Arena(nodes=1)
    arena.there("low", "n1", LOW, cpu=300)
    arena.there("peer", "n1", HIGH, cpu=700)
    arena.comes(cpu=800)
    arena.run(1)
    assert arena.victims() == []
    assert arena.get("Pod", "p").status.scheduled.message == (
        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Insufficient cpu."
    )


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        # lowest priority of the most important victim
        ([("n1", MID, 1000, 0), ("n2", LOW, 1000, 0)], "n2"),
        # then the smallest sum of priorities
        ([("n1", MID, 500, 0), ("n1", MID, 500, 0), ("n2", MID, 500, 0), ("n2", LOW, 500, 0)], "n2"),
        # then fewest victims (each counts 2^31 in the sum)
        ([("n1", MID, 500, 0), ("n1", LOW, 500, 0), ("n2", MID, 1000, 0)], "n2"),
        # then the latest start of the most important victims
        ([("n1", MID, 1000, 10), ("n2", MID, 1000, 20)], "n2"),
    ],
)
def test_7_6_which_node(there: Any, chosen: str) -> None:
    arena = Arena()
    for i, (node, priority, cpu, started) in enumerate(there):
        arena.there(f"{node}-{i}", node, priority, cpu, started)
    arena.comes()
    arena.run(1)
    assert arena.get("Pod", "p").status.nominated_node == chosen
    assert {name[:2] for name in arena.victims()} == {chosen}


def test_7_6_fewest_broken_budgets_come_first() -> None:
    arena = Arena()
    arena.there("guarded", "n1", LOW, 1000, labels={"app": "guarded"})
    arena.there("free", "n2", MID, 1000, labels={"app": "free"})
    arena.allow(arena.budget("b", "guarded", minAvailable=1), 0)
    arena.comes()
    arena.run(1)
    assert arena.victims() == ["free"]


def test_7_6_guarded_pods_are_put_back_first_but_budgets_are_best_effort_only() -> None:
    arena = Arena(nodes=1)
    arena.there("guarded", "n1", LOW, 500, labels={"app": "guarded"})
    arena.there("free", "n1", MID, 500, labels={"app": "free"})
    arena.allow(arena.budget("b", "guarded", minAvailable=1), 0)
    arena.comes("p", cpu=500)
    arena.run(1)
    assert arena.victims() == ["free"]  # though it is the more important
    arena.finish_deletions()
    arena.run(1)
    arena.comes("q", cpu=500)
    arena.run(1)
    assert arena.victims() == ["guarded"]


def test_7_6_a_budget_that_allows_one_is_broken_by_the_second() -> None:
    arena = Arena(nodes=2)
    for i in (1, 2):
        arena.there(f"a{i}", "n1", LOW, 500, labels={"app": "guarded"})
        arena.there(f"b{i}", "n2", LOW, 500, labels={"app": "free"}, started=-100)
    arena.allow(arena.budget("b", "guarded", minAvailable=1), 1)
    arena.comes()
    arena.run(1)
    assert arena.victims() == ["b1", "b2"]


def test_7_6_others_leave_the_room_to_the_nominated_pod() -> None:
    arena = Arena(nodes=1)
    arena.there("a", "n1", cpu=1000)
    arena.comes("first")
    arena.run(1)
    arena.comes("equal", HIGH, cpu=100)
    arena.comes("higher", HIGH + 1, cpu=1000)
    arena.run(1)
    assert arena.get("Pod", "higher").status.nominated_node == "n1"  # the victim goes already
    assert arena.get("Pod", "first").status.nominated_node == ""  # of lower priority: looks elsewhere
    arena.finish_deletions()
    arena.run(1)
    assert {name: arena.where(name) for name in ("first", "equal", "higher")} == {
        "first": "",
        "equal": "",
        "higher": "n1",
    }


def test_7_6_a_nominated_pod_that_goes_frees_the_room() -> None:
    arena = Arena(nodes=1)
    arena.there("a", "n1", cpu=1000)
    arena.comes("first")
    arena.run(1)
    arena.comes("equal", HIGH, cpu=100)
    arena.finish_deletions()
    arena.hand.delete("Pod", "first", "default")
    arena.run(1)
    assert arena.where("equal") == "n1"


def test_7_6_it_waits_for_its_victims_before_it_takes_more() -> None:
    arena = Arena(nodes=1)
    arena.there("a", "n1", cpu=1000)
    arena.comes("p")
    arena.run(1)
    arena.run(400)  # flushed in the meantime; the victim hangs
    assert arena.get("Pod", "p").status.nominated_node == "n1"
    assert arena.get("Pod", "p").status.scheduled.message == (
        "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to a terminating pod on the "
        "nominated node."
    )


@pytest.mark.parametrize(("nodes", "tried"), [(50, 50), (500, 100), (5000, 500)])
def test_7_6_how_many_candidates_are_enough(nodes: int, tried: int) -> None:
    assert Bed().scheduler._preemption._enough(nodes) == tried


@pytest.mark.parametrize(("version", "again"), [("v1.34.4", True), ("v1.35.4", False)])
def test_13_3_terminating_victims_are_not_deleted_again_since_1_35(version: str, again: bool) -> None:
    arena = Arena(version, nodes=1)
    arena.there("a", "n1", cpu=1000)
    arena.hand.delete("Pod", "a", "default", grace=100)
    arena.comes()
    arena.run(1)
    assert arena.get("Pod", "p").status.nominated_node == "n1"
    assert (arena.get("Pod", "a").status.disrupted is not None) is again
    assert any(reason == "Preempted" for _, reason, _ in arena.events) is again
