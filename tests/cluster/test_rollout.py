"""Behaviour 4.2: a Deployment's arithmetic. Cases of Kubernetes' own tests are marked with where they stand."""

from typing import Any

import pytest

from simkube.cluster.workloads.rollout import (
    Scale,
    grow,
    is_scaled,
    max_surge,
    max_unavailable,
    rolling_step,
    scaling,
    shrink,
    stop_all,
)
from simkube.kube.objects import Meta, Workload, WorkloadStatus
from simkube.kube.pod import PodSpec
from simkube.kube.template import Template
from simkube.kube.workloads import DeploymentSpec, ReplicaSetSpec

TEMPLATE = Template(PodSpec())


def spec(replicas: int, surge: int | str = 0, unavailable: int | str = 0, **more: Any) -> DeploymentSpec:
    strategy = {"rolling_update": {"max_surge": surge, "max_unavailable": unavailable}}
    return DeploymentSpec.model_validate({"replicas": replicas, "strategy": strategy, **more})


def rs(
    name: str,
    replicas: int,
    available: int = 0,
    created: float = 0.0,
    desired: int | None = None,
    most: int | None = None,
) -> Workload:
    noted = {"desired-replicas": desired, "max-replicas": most}
    return Workload(
        kind="ReplicaSet",
        meta=Meta(
            name,
            uid=name,
            created=created,
            annotations={f"deployment.kubernetes.io/{k}": str(v) for k, v in noted.items() if v is not None},
        ),
        spec=ReplicaSetSpec(replicas=replicas),
        template=TEMPLATE,
        status=WorkloadStatus(available=available),
    )


def sizes(steps: list[Scale]) -> dict[str, int]:
    return {step.replicaset.meta.name: step.replicas for step in steps}


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        # the examples in the comment of ResolveFenceposts, util/deployment_util.go
        (2, "0%", "1%", (0, 1)),
        (1, "0%", "1%", (0, 1)),
        (2, "1%", "25%", (1, 0)),
        (1, "1%", "25%", (1, 0)),
        (2, "1%", "0%", (1, 0)),
        # surge up, unavailable down
        (10, "25%", "25%", (3, 2)),
        (4, "25%", "25%", (1, 1)),
        (3, "25%", "25%", (1, 0)),
        # both 0: one may be unavailable
        (5, 0, 0, (0, 1)),
        (3, 0, "33%", (0, 1)),
        # unavailable at most all
        (2, 5, 10, (5, 2)),
        (0, "25%", "25%", (0, 0)),
    ],
)
def test_surge_rounds_up_unavailable_down(
    replicas: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]
) -> None:
    found = spec(replicas, surge, unavailable)
    assert (max_surge(found), max_unavailable(found)) == expected


def test_recreate_has_neither() -> None:
    found = DeploymentSpec.model_validate({"replicas": 4, "strategy": {"type": "Recreate"}})
    assert (max_surge(found), max_unavailable(found)) == (0, 0)


@pytest.mark.parametrize(
    ("surge", "old", "new", "expected"),
    # rolling_test.go TestDeploymentController_reconcileNewReplicaSet: 10 replicas
    [(0, 10, 0, 0), (2, 10, 0, 2), (2, 5, 0, 7), (2, 10, 2, 2), (2, 2, 11, 10)],
)
def test_the_new_one_grows_into_the_room(surge: int, old: int, new: int, expected: int) -> None:
    assert grow(spec(10, surge), new, old + new) == expected


@pytest.mark.parametrize(
    ("unavailable", "old", "new", "old_available", "expected"),
    # rolling_test.go TestDeploymentController_reconcileOldReplicaSets: 10 replicas, none of the new ones available
    [
        (0, 10, 0, 10, 9),
        (2, 10, 0, 10, 8),
        (2, 10, 0, 8, 8),  # the unavailable ones go
        (2, 10, 0, 9, 8),  # an unavailable one, and one that can be spared
        (2, 8, 2, 8, 8),  # pods of the new one that are not there yet protect the old ones
    ],
)
def test_old_ones_shrink(unavailable: int, old: int, new: int, old_available: int, expected: int) -> None:
    steps = shrink(spec(10, 0, unavailable), rs("new", new), [rs("old", old, old_available)])
    assert sizes(steps).get("old", old) == expected


def test_old_ones_shrink_oldest_first_and_their_unavailable_pods_before_all() -> None:
    """10 wanted, none may be missing, 3 beyond allowed: 13 pods, budget 3 (13 - 10 - 0 of the new one missing)."""
    new = rs("new", 3, 3, created=30)
    olds = [rs("b", 5, 4, created=20), rs("a", 5, 5, created=10)]
    # b's unavailable pod first; then 12 available - 10 = 2 of the oldest
    assert shrink(spec(10, 3, 0), new, olds) == [Scale(olds[0], 4), Scale(olds[1], 3)]


def test_olds_of_the_same_second_go_by_name() -> None:
    olds = [rs("b", 1, 1, created=10.2), rs("a", 1, 1, created=10.9)]
    assert sizes(shrink(spec(1, 1, 0), rs("new", 1, 1, created=20), olds)) == {"a": 0, "b": 0}
    assert sizes(shrink(spec(2, 1, 0), rs("new", 1, 1, created=20), olds)) == {"a": 0}


def test_the_unavailable_budget_is_not_exceeded() -> None:
    """8 must stay; 3 old pods are unavailable, but only 2 may go: 10 - (10 - 2) - 0."""
    steps = shrink(spec(10, 0, 2), rs("new", 0), [rs("old", 10, 7)])
    assert sizes(steps) == {"old": 8}


def test_nothing_shrinks_while_a_size_has_not_been_seen() -> None:
    """rolling.go cleanupUnhealthyReplicas refuses an old one that counts 8 available of 5 wanted."""
    assert shrink(spec(10, 0, 5), rs("new", 5, 5), [rs("old", 5, 8)]) == []


def test_one_kind_of_step_at_a_time_up_first() -> None:
    assert sizes(rolling_step(spec(4, 1, 1), rs("new", 0), [rs("old", 4, 4)])) == {"new": 1}
    assert sizes(rolling_step(spec(4, 1, 1), rs("new", 1), [rs("old", 4, 4)])) == {"old": 3}
    assert rolling_step(spec(4, 0, 1), rs("new", 1), [rs("old", 3, 3)]) == []


def test_recreate_stops_all_old_ones() -> None:
    assert sizes(stop_all([rs("a", 3), rs("b", 0), rs("c", 1)])) == {"a": 0, "c": 0}


def test_a_scaling_shows_in_the_annotation_of_an_active_one() -> None:
    assert is_scaled(spec(5), [rs("a", 3, desired=3)])
    assert not is_scaled(spec(3), [rs("a", 3, desired=3)])
    assert not is_scaled(spec(5), [rs("a", 0, desired=3), rs("b", 3)])


@pytest.mark.parametrize(
    ("name", "before", "after", "surge", "new", "olds", "expected"),
    # sync_test.go TestScale; sizes newest first
    [
        ("10 -> 12", 10, 12, (0, 0), 10, [], [12]),
        ("10 -> 5", 10, 5, (0, 0), 10, [], [5]),
        ("5 -> 10", 5, 10, (0, 0), 2, [3], [4, 6]),
        ("5 -> 3", 5, 3, (0, 0), 2, [3], [1, 2]),
        ("9 -> 4", 9, 4, (0, 0), 8, [1], [4, 0]),
        ("7 -> 10", 7, 10, (0, 0), 2, [3, 2], [3, 4, 3]),
        ("13 -> 8", 13, 8, (0, 0), 2, [8, 3], [1, 5, 2]),
        ("leftover 3 -> 4", 3, 4, (0, 0), 1, [1, 1], [2, 1, 1]),
        ("leftover 3 -> 2", 3, 2, (0, 0), 1, [1, 1], [1, 1, 0]),
        ("no new one 4 -> 5", 4, 5, (0, 0), None, [2, 2], [3, 2]),
        ("6 -> 0", 6, 0, (0, 0), 3, [2, 1], [0, 0, 0]),
        ("0 -> 6", 6, 6, (0, 0), 0, [0, 0], [6, 0, 0]),
        ("with surge", 10, 20, (2, 2), 6, [6], [11, 11]),
        ("surge and size change", 10, 50, (3, 6), 5, [8], [22, 34]),
        ("size and template change", 10, 14, (0, 0), None, [7, 3], [10, 4]),
        ("saturated but broken", 2, 2, (1, 1), 2, [1], [2, 1]),
    ],
)
def test_scaling_keeps_proportions(
    name: str,
    before: int,
    after: int,
    surge: tuple[int, int],
    new: int | None,
    olds: list[int],
    expected: list[int],
) -> None:
    def make(index: int, replicas: int) -> Workload:
        return rs(f"v{9 - index}", replicas, created=100.0 - index, desired=before, most=before + surge[0])

    newest = None if new is None else make(0, new)
    others = [make(index + 1, replicas) for index, replicas in enumerate(olds)]
    steps = scaling(spec(after, surge[1]), WorkloadStatus(replicas=before), newest, others)
    everyone = [*([newest] if newest is not None else []), *others]
    given = sizes(steps)
    assert [given.get(one.meta.name, one.spec.replicas) for one in everyone] == expected, name


def test_scaling_forces_the_annotations_of_several() -> None:
    """sync_test.go "failed rs update": v2 missed the last scaling, and gets its share now."""
    new = rs("v3", 2, created=3, desired=5, most=5)
    olds = [rs("v2", 1, created=2, desired=3, most=3), rs("v1", 1, created=1, desired=5, most=5)]
    steps = scaling(spec(5), WorkloadStatus(replicas=5), new, olds)
    assert sizes(steps) == {"v3": 2, "v2": 2, "v1": 1} and all(step.forced for step in steps)


def test_scaling_ends_old_ones_beside_a_saturated_new_one() -> None:
    new = rs("new", 3, available=3, desired=3, most=3)
    assert sizes(scaling(spec(3), WorkloadStatus(), new, [rs("old", 2, 2), rs("older", 0)])) == {"old": 0}


def test_scaling_without_active_ones_takes_the_newest() -> None:
    olds = [rs("a", 0, created=1), rs("b", 0, created=2)]
    assert sizes(scaling(spec(3), WorkloadStatus(), None, olds)) == {"b": 3}
    assert scaling(spec(3), WorkloadStatus(), None, []) == []


def test_scaling_without_an_annotation_goes_by_the_status() -> None:
    steps = scaling(spec(10), WorkloadStatus(replicas=5), rs("new", 2, created=2), [rs("old", 3, created=1)])
    assert sizes(steps) == {"new": 4, "old": 6}
