"""The Eviction API: may this pod go now? (behaviour 5.2) [EV: pkg/registry/core/pod/storage/eviction.go].

Between two lines of code nobody else writes, so the conflicts that the real server retries (EvictionsRetry) cannot
happen here, and with them its answers 504 and "still being processed" after a resourceVersion precondition.
"""

from collections.abc import Sequence
from types import MappingProxyType

from msgspec.structs import replace

from simkube.cluster.deletion import delete
from simkube.cluster.disruption.budgets import SYNC_FAILED, with_condition
from simkube.cluster.errors import ApiError, Forbidden, ServerError, TooManyRequests
from simkube.cluster.store import Store
from simkube.kube.objects import Condition, Pod, PodDisruptionBudget
from simkube.timings import Timings

VIOLATION = "Cannot evict pod as it would violate the pod's disruption budget."
SEVERAL_BUDGETS = (
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
)


def evict(
    store: Store,
    pod: Pod,
    budgets: Sequence[PodDisruptionBudget],
    grace: int | None,
    now: float,
    by: str,
    timings: Timings,
) -> None:
    """Mark the pod as a disruption's target and delete it, if the `budgets` that select it allow that. `grace` as in
    a DELETE. Raises `TooManyRequests`, `Forbidden` or `ServerError`."""
    if not ignores_budgets(pod):
        if len(budgets) > 1:
            raise ServerError(SEVERAL_BUDGETS)
        if budgets and not goes_unhealthy(pod, budgets[0]):
            refused = refusal(budgets[0], timings)
            if refused is not None:
                raise refused
            store.put(_spend(budgets[0], pod, now), by)
    target = _marked(pod, now)
    if target is not pod and pod.is_terminating:  # else the DELETE writes it
        target = store.put(target, by)
    delete(store, target, grace, now, by)


def ignores_budgets(pod: Pod) -> bool:
    """Its eviction disrupts nothing more: it is Pending, finished or on its way out [`canIgnorePDB`]."""
    return pod.is_terminating or pod.status.phase in ("Pending", "Succeeded", "Failed")


def goes_unhealthy(pod: Pod, budget: PodDisruptionBudget) -> bool:
    """A pod that is not Ready may go without being counted: always with AlwaysAllow, else (IfHealthyBudget) while the
    budget has as many healthy pods as it wants and wants any."""
    if pod.is_ready:
        return False
    if budget.spec.unhealthy_pod_eviction_policy == "AlwaysAllow":
        return True
    status = budget.status
    return status.current_healthy >= status.desired_healthy > 0


def refusal(budget: PodDisruptionBudget, timings: Timings) -> ApiError | None:
    """Why the budget does not let a pod go now, None if it does; in the server's order [`checkAndDecrement`]."""
    name, status = budget.meta.name, budget.status
    if status.observed_generation < budget.meta.generation:
        return TooManyRequests(
            VIOLATION,
            cause=f"The disruption budget {name} is still being processed by the server.",
            retry_after=int(timings.eviction_retry_after),
            by=name,
        )
    if status.disruptions_allowed < 0:
        what = "pdb disruptions allowed is negative"
        return _forbidden(name, what, what, timings)
    if len(status.disrupted_pods) > timings.disrupted_pods_limit:
        return _forbidden(
            name,
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
            "too many pending evictions not confirmed by PDB controller",
            timings,
        )
    if status.disruptions_allowed == 0:
        return TooManyRequests(VIOLATION, cause=_exhausted(budget, timings), by=name)
    return None


def _forbidden(name: str, message: str, cause: str, timings: Timings) -> Forbidden:
    """403; with a cause from 1.37 on (13.2)."""
    return Forbidden(
        f'poddisruptionbudget.policy "{name}" is forbidden: {message}',
        cause=f"The disruption budget {name} does not allow evicting pods currently: {cause}"
        if timings.version.minor >= 37
        else "",
    )


def _exhausted(budget: PodDisruptionBudget, timings: Timings) -> str:
    """The cause of "no disruption allowed", which says more from 1.35 on (13.2)."""
    name, status, condition = budget.meta.name, budget.status, budget.status.condition
    counts = (
        f"The disruption budget {name} needs {status.desired_healthy} healthy pods"
        f" and has {status.current_healthy} currently"
    )
    if timings.version.minor < 35:
        return counts
    refused = f"The disruption budget {name} does not allow evicting pods currently"
    explained = condition is not None and condition.status == "False" and condition.message
    if condition is not None and explained and condition.reason == SYNC_FAILED:
        return f"{refused} because it failed sync: {condition.message}"
    if status.current_healthy <= status.desired_healthy:
        return counts
    if condition is not None and explained:
        return f"{refused} ({condition.reason}): {condition.message}"
    return refused


def _spend(budget: PodDisruptionBudget, pod: Pod, now: float) -> PodDisruptionBudget:
    """The budget with one disruption less, and the pod noted as one that is about to go."""
    status = replace(
        budget.status,
        disruptions_allowed=budget.status.disruptions_allowed - 1,
        disrupted_pods=MappingProxyType({**budget.status.disrupted_pods, pod.meta.name: now}),
    )
    return replace(budget, status=with_condition(status, now) if status.disruptions_allowed == 0 else status)


def _marked(pod: Pod, now: float) -> Pod:
    """The pod with condition DisruptionTarget."""
    before = pod.status.disrupted
    since = before.since if before is not None and before.status == "True" else now
    mark = Condition("DisruptionTarget", "True", since, "EvictionByEvictionAPI", "Eviction API: evicting")
    return pod if before == mark else replace(pod, status=replace(pod.status, disrupted=mark))
