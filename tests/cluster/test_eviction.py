"""Behaviour 5.2: the order of an eviction's decisions, and what is answered, by minor (13.2)."""

from typing import Any

import pytest
from msgspec.structs import replace

from simkube.cluster.errors import ApiError, Forbidden, NotFound, ServerError, TooManyRequests
from simkube.kube.objects import BudgetStatus, Condition, Pod, PodDisruptionBudget
from tests.cluster.harness import World

MESSAGE = "Cannot evict pod as it would violate the pod's disruption budget."


def budget(world: World, status: BudgetStatus, name: str = "b", **spec: Any) -> PodDisruptionBudget:
    spec = spec or {"min_available": 1}
    return world.change(world.budget(name, **spec), status=replace(status, observed_generation=1))


def ready(world: World, name: str = "p", **more: Any) -> Pod:
    return world.pod(name, node="n1", phase="Running", ready=True, **more)


def refusal(world: World, name: str = "p") -> ApiError:
    before = world.store.revision
    with pytest.raises(ApiError) as caught:
        world.hand.evict(name, "default")
    assert world.store.revision == before, "a refused eviction writes nothing"
    return caught.value


def test_without_a_budget_it_is_marked_and_deleted() -> None:
    world = World()
    ready(world)
    world.run(5)
    world.hand.evict("p", "default")
    pod = world.get("Pod", "p")
    assert pod.meta.deletion_timestamp == 35.0
    assert pod.status.disrupted == Condition(
        "DisruptionTarget", "True", 5.0, "EvictionByEvictionAPI", "Eviction API: evicting"
    )


def test_the_requests_grace_is_the_deletes() -> None:
    world = World()
    ready(world, "a")
    ready(world, "b")
    world.hand.evict("a", "default", grace=5)
    world.hand.evict("b", "default", grace=0)
    assert world.get("Pod", "a").meta.deletion_grace_period_seconds == 5
    assert world.get("Pod", "b") is None


def test_an_unknown_pod() -> None:
    with pytest.raises(NotFound):
        World().hand.evict("p", "default")


@pytest.mark.parametrize("phase", ["Pending", "Succeeded", "Failed"])
def test_1_pods_that_disrupt_nothing_ignore_budgets(phase: str) -> None:
    world = World()
    budget(world, BudgetStatus(desired_healthy=1))
    budget(world, BudgetStatus(desired_healthy=1), "second")
    world.pod("p", node="n1", phase=phase)
    world.hand.evict("p", "default")
    pod = world.get("Pod", "p")
    assert pod is None if phase != "Pending" else pod.is_terminating


def test_1_a_terminating_pod_ignores_budgets_and_is_marked() -> None:
    world = World()
    budget(world, BudgetStatus(desired_healthy=1))
    ready(world)
    world.hand.delete("Pod", "p", "default")
    world.run(3)
    world.hand.evict("p", "default", grace=10)
    pod = world.get("Pod", "p")
    assert (pod.meta.deletion_timestamp, pod.status.disrupted.since) == (10.0, 3.0)
    revision = world.store.revision
    world.run(1)
    world.hand.evict("p", "default")
    assert world.store.revision == revision, "nothing left to change"


def test_2_more_than_one_budget_is_an_error_of_code_500() -> None:
    world = World()
    budget(world, BudgetStatus(disruptions_allowed=1))
    budget(world, BudgetStatus(disruptions_allowed=1), "second")
    ready(world)
    error = refusal(world)
    assert isinstance(error, ServerError) and error.code == 500 and error.retry_after is None
    assert error.message == (
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
    )


def test_2_budgets_of_other_pods_and_namespaces_do_not_count() -> None:
    world = World()
    world.budget("elsewhere", namespace="other", min_available=1)
    world.budget("other", app="db", min_available=1)
    world.budget("nobody", min_available=1, selector=None)
    ready(world)
    world.hand.evict("p", "default")


@pytest.mark.parametrize(
    ("policy", "healthy", "desired", "goes"),
    [
        ("AlwaysAllow", 0, 1, True),
        ("AlwaysAllow", 0, 0, True),
        ("IfHealthyBudget", 1, 1, True),
        ("IfHealthyBudget", 2, 1, True),
        ("IfHealthyBudget", 0, 1, False),
        ("IfHealthyBudget", 0, 0, False),
        (None, 1, 1, True),
        (None, 0, 1, False),
    ],
)
def test_3_a_pod_that_is_not_ready(policy: str | None, healthy: int, desired: int, goes: bool) -> None:
    world = World()
    status = BudgetStatus(current_healthy=healthy, desired_healthy=desired)
    protecting = budget(world, status, min_available=1, unhealthy_pod_eviction_policy=policy)
    world.pod("p", node="n1", phase="Running")
    if goes:
        world.hand.evict("p", "default")
        assert world.now(protecting).status == protecting.status, "the budget is not touched"
    else:
        assert refusal(world).code == 429


def test_3_always_allow_comes_before_an_unprocessed_budget() -> None:
    world = World()
    world.budget("b", min_available=1, unhealthy_pod_eviction_policy="AlwaysAllow")
    world.pod("p", node="n1", phase="Running")
    world.hand.evict("p", "default")


def test_4_a_budget_that_is_not_processed_yet() -> None:
    world = World()
    world.budget("b", min_available=1)
    ready(world)
    error = refusal(world)
    assert (error.code, error.retry_after, error.message) == (429, 10, MESSAGE)
    assert error.cause == "The disruption budget b is still being processed by the server."


@pytest.mark.parametrize(
    ("version", "cause"),
    [
        ("v1.36.3", ""),
        (
            "v1.37.2",
            "The disruption budget b does not allow evicting pods currently: pdb disruptions allowed is negative",
        ),
    ],
)
def test_4_negative(version: str, cause: str) -> None:
    world = World(version)
    budget(world, BudgetStatus(disruptions_allowed=-1))
    ready(world)
    error = refusal(world)
    assert isinstance(error, Forbidden) and error.code == 403
    assert error.message == (
        'poddisruptionbudget.policy "b" is forbidden: pdb disruptions allowed is negative'
    )
    assert error.cause == cause


@pytest.mark.parametrize("version", ["v1.36.3", "v1.37.2"])
def test_4_more_than_2000_pending_disruptions(version: str) -> None:
    world = World(version)
    pending = {f"x{number}": 0.0 for number in range(2001)}
    protecting = budget(world, BudgetStatus(disruptions_allowed=1, disrupted_pods=pending))
    ready(world)
    error = refusal(world)
    assert (
        error.code == 403 and "DisruptedPods map too big - too many evictions not confirmed" in error.message
    )
    assert bool(error.cause) == (version == "v1.37.2")
    del pending["x0"]
    world.change(protecting, status=replace(protecting.status, disrupted_pods=dict(pending)))
    world.hand.evict("p", "default")


NEEDS = "The disruption budget b needs 2 healthy pods and has 2 currently"
NOT_NOW = "The disruption budget b does not allow evicting pods currently"


@pytest.mark.parametrize(
    ("version", "healthy", "condition", "cause"),
    [
        ("v1.34.4", 2, Condition("DisruptionAllowed", "False", 0, "SyncFailed", "boom"), NEEDS),
        ("v1.34.4", 3, None, NEEDS.replace("has 2", "has 3")),
        ("v1.35.4", 2, None, NEEDS),
        ("v1.35.4", 2, Condition("DisruptionAllowed", "False", 0, "InsufficientPods"), NEEDS),
        (
            "v1.35.4",
            2,
            Condition("DisruptionAllowed", "False", 0, "SyncFailed", "boom"),
            f"{NOT_NOW} because it failed sync: boom",
        ),
        (
            "v1.37.2",
            3,
            Condition("DisruptionAllowed", "False", 0, "Custom", "why"),
            f"{NOT_NOW} (Custom): why",
        ),
        ("v1.37.2", 3, Condition("DisruptionAllowed", "False", 0, "InsufficientPods"), NOT_NOW),
        ("v1.37.2", 3, None, NOT_NOW),
    ],
)
def test_4_nothing_allowed(version: str, healthy: int, condition: Condition | None, cause: str) -> None:
    world = World(version)
    budget(world, BudgetStatus(desired_healthy=2, current_healthy=healthy, condition=condition))
    ready(world)
    error = refusal(world)
    assert isinstance(error, TooManyRequests)
    assert (error.message, error.retry_after, error.cause) == (MESSAGE, None, cause)


def test_4_an_allowed_eviction_spends_one_disruption_and_notes_the_pod() -> None:
    world = World()
    enough = Condition("DisruptionAllowed", "True", 0.0, "SufficientPods")
    protecting = budget(world, BudgetStatus(disruptions_allowed=2, condition=enough))
    ready(world, "a")
    ready(world, "b")
    ready(world, "c")
    world.run(7)
    world.hand.evict("a", "default")
    status = world.now(protecting).status
    assert (status.disruptions_allowed, dict(status.disrupted_pods), status.condition) == (
        1,
        {"a": 7.0},
        enough,
    )
    world.hand.evict("b", "default")
    status = world.now(protecting).status
    assert (status.disruptions_allowed, dict(status.disrupted_pods)) == (0, {"a": 7.0, "b": 7.0})
    assert status.condition == Condition("DisruptionAllowed", "False", 7.0, "InsufficientPods")
    assert refusal(world, "c").code == 429
