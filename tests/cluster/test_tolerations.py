"""Behaviour 2 (rules 1 and 2) and 7.2: which taints a pod tolerates, and for how long."""

import pytest

from simkube.cluster.nodes.tolerations import eviction_delay, matching, no_execute, untolerated
from simkube.kube.affinity import Toleration
from simkube.kube.objects import Taint

GPU = Taint("gpu", "NoExecute", "true")
SLOW = Taint("slow", "NoExecute")


def tolerations(*specs: dict[str, object]) -> tuple[Toleration, ...]:
    return tuple(Toleration.model_validate(spec) for spec in specs)


@pytest.mark.parametrize(
    ("toleration", "taint", "tolerated"),
    [
        ({"key": "gpu", "operator": "Exists"}, GPU, True),
        ({"key": "gpu", "operator": "Exists", "effect": "NoExecute"}, GPU, True),
        ({"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}, GPU, False),
        ({"key": "gpu", "value": "true"}, GPU, True),
        ({"key": "gpu", "operator": "Equal", "value": "false"}, GPU, False),
        ({"key": "gpu", "value": ""}, GPU, False),
        ({"operator": "Exists"}, GPU, True),
        ({"operator": "Exists", "effect": "PreferNoSchedule"}, GPU, False),
        ({"key": "other", "operator": "Exists"}, GPU, False),
        ({"key": "slow"}, SLOW, True),
    ],
)
def test_one_toleration_one_taint(toleration: dict[str, object], taint: Taint, tolerated: bool) -> None:
    """2: empty key with Exists tolerates all keys, empty effect all effects, Equal compares values."""
    assert (matching(taint, tolerations(toleration)) is not None) is tolerated


def test_first_match_counts_not_the_longest() -> None:
    """2.1: for each taint the first toleration in list order; later matches are ignored."""
    short_first = tolerations(
        {"key": "gpu", "operator": "Exists", "tolerationSeconds": 10},
        {"key": "gpu", "operator": "Exists", "tolerationSeconds": 500},
    )
    assert eviction_delay([GPU], short_first) == 10.0
    assert eviction_delay([GPU], short_first[::-1]) == 500.0


def test_unmatched_taint_means_now() -> None:
    """2.1: any taint unmatched: delete now, whatever the others allow."""
    assert eviction_delay([GPU], ()) == 0.0
    assert eviction_delay([GPU, SLOW], tolerations({"key": "gpu", "operator": "Exists"})) == 0.0


def test_minimum_of_those_that_set_seconds() -> None:
    """2.2: the minimum of the used tolerations that set seconds; one without does not lengthen it."""
    both = tolerations(
        {"key": "gpu", "operator": "Exists"}, {"key": "slow", "operator": "Exists", "tolerationSeconds": 30}
    )
    assert eviction_delay([GPU, SLOW], both) == 30.0
    assert eviction_delay([GPU], both) is None


@pytest.mark.parametrize("seconds", [0, -5])
def test_zero_and_negative_seconds_mean_now(seconds: int) -> None:
    """2.2: tolerationSeconds <= 0 is 0."""
    found = tolerations(
        {"key": "gpu", "operator": "Exists", "tolerationSeconds": 60},
        {"key": "slow", "operator": "Exists", "tolerationSeconds": seconds},
    )
    assert eviction_delay([GPU, SLOW], found) == 0.0


def test_no_taints_is_forever() -> None:
    """2: without NoExecute taints nothing is evicted."""
    assert eviction_delay([], ()) is None
    assert no_execute([Taint("a", "NoSchedule"), GPU, Taint("b", "PreferNoSchedule")]) == (GPU,)


def test_untolerated_looks_at_hard_effects_only() -> None:
    """7.2 TaintToleration: PreferNoSchedule never filters; the first untolerated taint is the answer."""
    taints = [Taint("soft", "PreferNoSchedule"), Taint("a", "NoSchedule"), GPU]
    assert untolerated(taints, ()) == taints[1]
    assert untolerated(taints, tolerations({"key": "a", "operator": "Exists"})) == GPU
    assert untolerated(taints, tolerations({"operator": "Exists"})) is None
    assert untolerated(taints, (), effects=("NoExecute",)) == GPU
