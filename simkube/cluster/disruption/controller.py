"""Keeps the status of PodDisruptionBudgets (behaviour 5.1) [PDB: pkg/controller/disruption/disruption.go]."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.disruption.budget_tally import BudgetTally, Expectation, is_healthy
from simkube.cluster.disruption.budgets import allowed, counts_pods, expectation, failed, with_condition
from simkube.cluster.disruption.scales import FOLLOWED, NoController, NoScale, ScaleWatch, expected_scale
from simkube.cluster.store import Change, Did
from simkube.kube.objects import NOTHING, BudgetStatus, Condition, Key, Pod, PodDisruptionBudget
from simkube.kube.selector import LabelSelector
from simkube.timings import Timings

KIND = "PodDisruptionBudget"
POD = "Pod"
_META = int(Did.META)
# What may change a budget's numbers:
_COUNTED = int(Did.ADDED | Did.REMOVED | Did.META | Did.READY | Did.TERMINATING)
_SELECTOR = int(Did.ADDED | Did.REMOVED | Did.SPEC)  # a budget's may be another

UNMANAGED = (
    "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the status of"
    " the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please"
    ' set ".spec.minAvailable" field of the PDB to an integer value.'
)


class DisruptionController(Controller):
    """kube-controller-manager's disruption-controller. Keys: (kind, namespace, name), of a budget to count or of a pod
    whose mark as a disruption's target may be stale."""

    def __init__(self, clock: Clock, client: Client, timings: Timings) -> None:
        super().__init__(clock, client)
        self._disrupted_timeout = timings.disrupted_pods_timeout
        self._stale_timeout = timings.stale_disruption_timeout
        self._tallies: dict[Key, BudgetTally] = {}  # of budgets; without one, all pods are counted
        self._selections = client.api.selections  # it tracks budgets, since the Eviction API needs them
        self._scales = ScaleWatch(client)
        self._budgets = client.table(KIND)
        client.watch(KIND, self._budget_changed)
        client.watch(POD, self._pod_changed, _COUNTED | int(Did.STATUS))
        self._look_at_everything()

    def start(self) -> None:
        super().start()
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        self._tallies.clear()
        for key in self.client.table(KIND):
            self.enqueue((KIND, *key))
        for pod in self.client.table(POD).values():
            self._expect_end(pod)

    # -- what makes a budget be counted -----------------------------------------------------------------------------

    def _budget_changed(self, change: Change) -> None:
        if change.did & _SELECTOR:
            self._tallies.pop(change.object.key, None)
        if change.by != self.client.name:
            budget: PodDisruptionBudget = change.old if change.new is None else change.new
            self.enqueue((KIND, budget.meta.namespace, budget.meta.name))

    def _pod_changed(self, change: Change) -> None:
        old, new, did = change.old, change.new, change.did
        if did & _COUNTED:
            self._count(change)
        if new is not None:
            mark = new.status.disrupted
            if mark is not None and (old is None or old.status.disrupted is not mark):
                self._expect_end(new)

    def _count(self, change: Change) -> None:
        budgets = self._selections.touched(KIND, change)
        moved = change.did & _META and self._selections.moved(KIND, change)
        for key in budgets:
            tally = self._tallies.get(key)
            if tally is not None and moved:
                del self._tallies[key]
            elif tally is not None and not tally.follow(change.old, change.new):
                continue
            self.enqueue((KIND, *key))
        if len(budgets) > 1:  # Kubernetes counts one of them at each change, whichever comes first
            pod: Pod = change.object
            self.client.event(
                pod,
                "Warning",
                "MultiplePodDisruptionBudgets",
                f'Pod "{pod.meta.namespace}"/"{pod.meta.name}" matches multiple PodDisruptionBudgets.'
                f'  Chose "{budgets[0][1]}" arbitrarily.',
            )

    # -- counting a budget ------------------------------------------------------------------------------------------

    def reconcile(self, key: Any) -> None:
        kind, namespace, name = key
        if kind == POD:
            self._unmark(namespace, name)
            return
        budget: PodDisruptionBudget | None = self._budgets.get((namespace, name))
        if budget is None:
            return
        now = self.clock.now
        try:
            status = self._counted(budget, now)
        except NoScale as error:
            message = f"Failed to calculate the number of expected pods: {error}"
            self.client.event(budget, "Warning", "CalculateExpectedPodCountFailed", message)
            status = failed(budget.status, str(error), now)
        else:
            if status.disrupted_pods:
                self.enqueue_at(key, min(status.disrupted_pods.values()) + self._disrupted_timeout)
        if status != budget.status:
            self.client.update(replace(budget, status=status))

    def _counted(self, budget: PodDisruptionBudget, now: float) -> BudgetStatus:
        """Raises `NoScale` where the budget needs the replicas of a controller that does not say them."""
        key = (budget.meta.namespace, budget.meta.name)
        tally = self._tallies.get(key)
        if tally is None:
            pods = self._selections.pods(KIND, key)
            tally = self._tallies[key] = BudgetTally(pods, counts_pods(budget.spec))
        if not tally.selected:
            self.client.event(budget, "Normal", "NoPods", "No matching pods found")
        known = tally.expectation
        if known is None or known.as_of != self._scales.changes:
            known = self._expect(budget, tally)
        expected, desired = known.expected, known.desired
        before = budget.status
        disrupted, healthy = before.disrupted_pods, tally.healthy
        if disrupted:
            disrupted, ready = self._disrupted(budget, now)
            healthy -= ready
        status = BudgetStatus(
            disruptions_allowed=allowed(healthy, desired, expected),
            current_healthy=healthy,
            desired_healthy=desired,
            expected_pods=expected,
            observed_generation=budget.meta.generation,
            disrupted_pods=disrupted,
            condition=before.condition,
        )
        return with_condition(status, now)

    def _expect(self, budget: PodDisruptionBudget, tally: BudgetTally) -> Expectation:
        """Remembered while it stands, unless there is something to tell each time."""
        expected, desired = expectation(budget.spec, tally.selected, lambda: self._scale(budget, tally))
        found = Expectation(expected, desired, self._scales.changes)
        if not tally.unmanaged and all(controller.kind in FOLLOWED for controller in tally.controllers):
            tally.expectation = found
        return found

    def _scale(self, budget: PodDisruptionBudget, tally: BudgetTally) -> int:
        try:
            expected = expected_scale(self.client, budget.meta.namespace, tally.controllers)
        except NoController as error:
            pods = self._selections.pods(KIND, budget.key)
            orphan = next(pod.meta.name for pod in pods if pod.meta.controller == error.controller)
            raise NoScale(f'found no controllers for pod "{orphan}"') from None
        if tally.unmanaged:
            message = UNMANAGED.format(_shown(budget.spec.selector))
            self.client.event(budget, "Warning", "UnmanagedPods", message)
        return expected

    def _disrupted(self, budget: PodDisruptionBudget, now: float) -> tuple[Mapping[str, float], int]:
        """(approved evictions that have not shown yet, how many of their pods are Ready). They are forgotten when the
        pod terminates, is gone, or is still there after two minutes [`buildDisruptedPodMap`]."""
        pending, ready = {}, 0
        for name, approved in budget.status.disrupted_pods.items():
            pod: Pod | None = self.client.get(POD, name, budget.meta.namespace)
            if pod is None or pod.is_terminating or budget.key not in self._selections.selecting(KIND, pod):
                continue
            if approved + self._disrupted_timeout <= now:
                namespace = budget.meta.namespace  # twice, as in Kubernetes
                message = f"Pod was expected by PDB {namespace}/{namespace} to be deleted but it wasn't"
                self.client.event(pod, "Warning", "NotDeleted", message)
            else:
                pending[name] = approved
                ready += is_healthy(pod)
        return (MappingProxyType(pending) if pending else NOTHING), ready

    # -- marks of disruptions that did not happen -------------------------------------------------------------------

    def _expect_end(self, pod: Pod) -> None:
        mark = pod.status.disrupted
        if mark is not None and may_be_stale(pod):
            self.enqueue_at((POD, *pod.key), mark.since + self._stale_timeout)

    def _unmark(self, namespace: str, name: str) -> None:
        """Set DisruptionTarget of a pod that was not deleted to False [`syncStalePodDisruption`]."""
        pod: Pod | None = self.client.get(POD, name, namespace)
        if pod is None or not may_be_stale(pod):
            return
        now = self.clock.now
        if pod.status.disrupted is not None and pod.status.disrupted.since + self._stale_timeout > now:
            self._expect_end(pod)
            return
        status = replace(pod.status, disrupted=Condition("DisruptionTarget", "False", now))
        self.client.update(replace(pod, status=status))


def may_be_stale(pod: Pod) -> bool:
    """Marked as a disruption's target without being deleted. The kubelet's own marks last, and so do those of pods that
    have finished [`nonTerminatingPodHasStaleDisruptionCondition`]."""
    mark = pod.status.disrupted
    return (
        mark is not None
        and mark.status == "True"
        and mark.reason != "TerminationByKubelet"
        and not pod.is_terminating
        and not pod.is_finished
    )


def _shown(selector: LabelSelector | None) -> str:
    """As Go prints it."""
    if selector is None:
        return "nil"
    labels = "".join(f"{name}: {value}," for name, value in sorted(selector.match_labels.items()))
    expressions = "".join(
        f"LabelSelectorRequirement{{Key:{e.key},Operator:{e.operator},Values:[{' '.join(e.values)}],}},"
        for e in selector.match_expressions
    )
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
