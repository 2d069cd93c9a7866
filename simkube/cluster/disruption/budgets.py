"""A PodDisruptionBudget's arithmetic (behaviour 5.1) [PDB: pkg/controller/disruption/disruption.go]."""

from collections.abc import Callable

from msgspec.structs import replace

from simkube.kube.objects import BudgetStatus, Condition
from simkube.kube.policy import PodDisruptionBudgetSpec
from simkube.kube.selector import resolve_int_or_percent

DISRUPTION_ALLOWED = "DisruptionAllowed"
SYNC_FAILED = "SyncFailed"


def counts_pods(spec: PodDisruptionBudgetSpec) -> bool:
    """What is expected rests on the number of selected pods, not on their controllers."""
    return spec.max_unavailable is None and isinstance(spec.min_available, int)


def expectation(spec: PodDisruptionBudgetSpec, selected: int, scale: Callable[[], int]) -> tuple[int, int]:
    """(expectedPods, desiredHealthy) for so many selected pods; `scale` gives the sum of their controllers' replicas,
    and is asked only where the rule needs it [`getExpectedPodCount`]."""
    if spec.max_unavailable is not None:
        expected = scale()
        return expected, max(
            0, expected - resolve_int_or_percent(spec.max_unavailable, expected, round_up=True)
        )
    if spec.min_available is None:
        return 0, 0
    if counts_pods(spec):
        return selected, int(spec.min_available)
    expected = scale()
    return expected, resolve_int_or_percent(spec.min_available, expected, round_up=True)


def allowed(healthy: int, desired: int, expected: int) -> int:
    """disruptionsAllowed; none while nothing is expected [`updatePdbStatus`]."""
    return max(0, healthy - desired) if expected > 0 else 0


def with_condition(status: BudgetStatus, now: float) -> BudgetStatus:
    """The status with the condition DisruptionAllowed that its number demands [component-helpers
    apps/poddisruptionbudget `UpdateDisruptionAllowedCondition`]."""
    enough = status.disruptions_allowed > 0
    reason = "SufficientPods" if enough else "InsufficientPods"
    if status.condition is not None and status.condition.reason == reason:
        return status
    return _set(status, Condition(DISRUPTION_ALLOWED, "True" if enough else "False", now, reason))


def failed(status: BudgetStatus, message: str, now: float) -> BudgetStatus:
    """The status after a sync that failed: nothing is allowed, what was counted before stays [`failSafe`]."""
    return _set(
        replace(status, disruptions_allowed=0),
        Condition(DISRUPTION_ALLOWED, "False", now, SYNC_FAILED, message),
    )


def _set(status: BudgetStatus, condition: Condition) -> BudgetStatus:
    """lastTransitionTime moves only with the condition's status [apimachinery `SetStatusCondition`]."""
    before = status.condition
    if before is not None and before.status == condition.status:
        condition = replace(condition, since=before.since)
    return status if before == condition else replace(status, condition=condition)
