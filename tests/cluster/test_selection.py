"""Who selects whom: the index must answer as matching every selector against every pod would."""

from random import Random
from typing import Any

from simkube.cluster.selection import Selections, Selectors
from simkube.kube.selector import LabelSelector, Selector
from tests.cluster.harness import World

KEYS, VALUES = ("app", "tier", "track"), ("a", "b")


def selector(**spec: Any) -> Selector:
    return LabelSelector.model_validate(spec).compiled


def test_selectors_are_found_by_label_by_expression_and_by_being_empty() -> None:
    selectors = Selectors()
    selectors.put(("default", "web"), selector(match_labels={"app": "web"}))
    selectors.put(("default", "all"), selector())
    selectors.put(("default", "any"), selector(match_expressions=[{"key": "app", "operator": "Exists"}]))
    selectors.put(("other", "web"), selector(match_labels={"app": "web"}))
    assert selectors.selecting("default", {"app": "web"}) == (
        ("default", "all"),
        ("default", "any"),
        ("default", "web"),
    )
    assert selectors.selecting("default", {}) == (("default", "all"),)
    selectors.discard(("default", "all"))
    assert selectors.selecting("default", {}) == ()


def test_random_histories_give_what_matching_everything_gives() -> None:
    random = Random(3)
    world = World()
    selections = world.api.selections
    templates = [
        world.template(labels={k: random.choice(VALUES) for k in random.sample(KEYS, n)})
        for n in (0, 1, 2, 2, 3)
    ]

    def check() -> None:
        budgets = world.store.table("PodDisruptionBudget")
        for pod in world.pods():
            matching = [
                key
                for key, budget in budgets.items()
                if key[0] == pod.meta.namespace and budget.spec.selector.matches(pod.meta.labels)
            ]
            assert list(selections.selecting("PodDisruptionBudget", pod)) == sorted(matching)
        for key, budget in budgets.items():
            names = {
                p.key
                for p in world.pods()
                if p.meta.namespace == key[0] and budget.spec.selector.matches(p.meta.labels)
            }
            assert {p.key for p in selections.pods("PodDisruptionBudget", key)} == names

    for step in range(300):
        what, namespace = random.randrange(5), random.choice(("default", "other"))
        pods, budgets = world.pods(), list(world.store.table("PodDisruptionBudget").values())
        if what <= 1:
            own = {"app": "a", "pod": str(step)} if step % 7 == 0 else None
            world.pod(f"p{step}", random.choice(templates), namespace=namespace, labels=own)
        elif what == 2:
            labels = {k: random.choice(VALUES) for k in random.sample(KEYS, random.randrange(3))}
            world.budget(f"b{step}", namespace=namespace, min_available=1, selector={"match_labels": labels})
        elif what == 3 and pods:
            pod = random.choice(pods)
            if step % 2:
                world.change_meta(pod, labels={"app": random.choice(VALUES)})
            else:
                world.hand.delete("Pod", pod.meta.name, pod.meta.namespace, grace=0)
        elif budgets:
            budget = random.choice(budgets)
            if step % 2:
                world.change_spec(budget, selector={"match_labels": {"app": random.choice(VALUES)}})
            else:
                world.hand.delete("PodDisruptionBudget", budget.meta.name, budget.meta.namespace)
        check()
    assert len(world.pods()) > 10


def test_a_late_tracker_knows_what_is_there_already() -> None:
    world = World()
    pod = world.pod("p")
    world.budget("b", min_available=1)
    selections = Selections(world.store)
    selections.track("PodDisruptionBudget", lambda budget: budget.spec.selector.compiled)
    assert selections.selecting("PodDisruptionBudget", pod) == (("default", "b"),)
    assert [p.meta.name for p in selections.pods("PodDisruptionBudget", ("default", "b"))] == ["p"]


def test_a_pod_that_is_gone_still_has_an_answer() -> None:
    world = World()
    world.budget("b", min_available=1)
    pod = world.pod("p")
    world.hand.delete("Pod", "p", "default")
    assert world.api.selections.selecting("PodDisruptionBudget", pod) == (("default", "b"),)
