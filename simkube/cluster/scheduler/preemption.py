"""DefaultPreemption: who would have to go so that a pod fits. Decides only; the scheduler acts.

[pkg/scheduler/framework/preemption/preemption.go, plugins/defaultpreemption/default_preemption.go]
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

import numpy as np

from simkube.cluster.scheduler.cycle import Cycle
from simkube.cluster.scheduler.diagnosis import NOT_HELPFUL, Diagnosis, diagnose, unavailable
from simkube.cluster.scheduler.plugin import Filter
from simkube.kube.objects import Pod, PodDisruptionBudget
from simkube.kube.selector import compile_selector
from simkube.timings import Timings

BY_PREEMPTION = "PreemptionByScheduler"
NO_VICTIMS = "No preemption victims found for incoming pod"
NEVER = "not eligible due to preemptionPolicy=Never."
WAITING = "not eligible due to a terminating pod on the nominated node."
TELLS_SINCE = 37  # since this minor the message tells of a placement that was found


class Candidate(NamedTuple):
    """A node, the pods that would have to go (most important first), and how many of them against a budget."""

    node: str
    victims: list[Pod]
    violations: int


class Outcome(NamedTuple):
    """`message` goes into the pod's condition; `candidate` is to be carried out; `clear`: the pod's nominatedNodeName
    holds no more."""

    message: str
    candidate: Candidate | None = None
    clear: bool = False


class Refused:
    """Nodes that were tried in vain, and why."""

    def __init__(self) -> None:
        self.nodes = 0
        self.reasons: Counter[str] = Counter()

    def add(self, reasons: Mapping[str, int], nodes: int) -> None:
        self.nodes += nodes
        self.reasons.update(reasons)


class Preemption:
    """Looks for the node where the least would be lost."""

    def __init__(self, cycle: Cycle, timings: Timings, random: Random) -> None:
        self._cycle = cycle
        self._state = cycle.state
        self._timings = timings
        self._random = random

    def preempt(self, pod: Pod, filters: Sequence[Filter], diagnosis: Diagnosis, now: float) -> Outcome:
        """`filters` and `diagnosis` are those of the cycle in which the pod fitted nowhere."""
        if pod.template.spec.preemption_policy == "Never":
            return Outcome(NEVER)
        if self._waits(pod, diagnosis):
            return Outcome(WAITING)
        found, refused = self._candidates(pod, filters, diagnosis, now)
        if not found:
            reasons = refused.reasons
            if refused.nodes < diagnosis.nodes:
                reasons[NOT_HELPFUL] = diagnosis.nodes - refused.nodes
            return Outcome(unavailable(diagnosis.nodes, reasons), clear=True)
        best = min(found, key=lambda candidate: _loss(candidate, now))
        message = ""
        if self._timings.version.minor >= TELLS_SINCE:
            count = len(best.victims)
            message = f"found a potential placement for pod on node {best.node}, preempting {count} victims"
        return Outcome(message, best)

    def _waits(self, pod: Pod, diagnosis: Diagnosis) -> bool:
        """Victims of an earlier preemption are still going [`PodEligibleToPreemptOthers`]."""
        info = self._state.nodes.by_name.get(pod.status.nominated_node)
        if info is None or self._state.nodes.at[info.slot] not in diagnosis.resolvable:
            return False
        return any(
            victim.is_terminating
            and victim.template.priority < pod.template.priority
            and victim.status.disrupted is not None
            and victim.status.disrupted.reason == BY_PREEMPTION
            for victim in self._pods_on(pod.status.nominated_node)
        )

    def _candidates(
        self, pod: Pod, filters: Sequence[Filter], diagnosis: Diagnosis, now: float
    ) -> "tuple[list[Candidate], Refused]":
        """Enough candidates, tried from a random node on, and what stands against the others that were tried."""
        positions = diagnosis.resolvable.tolist()
        found: list[Candidate] = []
        refused = Refused()
        if not positions or min(self._state.priorities, default=0) >= pod.template.priority:
            refused.add({NO_VICTIMS: len(positions)} if positions else {}, len(positions))
            return found, refused
        offset = self._random.randrange(len(positions))
        enough = self._enough(len(positions))
        budgets = list(self._state.client.table("PodDisruptionBudget").values())
        for position in (*positions[offset:], *positions[:offset]):
            candidate = self._try(pod, filters, position, budgets, now)
            if isinstance(candidate, Candidate):
                found.append(candidate)
                if len(found) >= enough and any(not c.violations for c in found):
                    break
            else:
                refused.add(candidate, 1)
        return found, refused

    def _enough(self, nodes: int) -> int:
        """[`calculateNumCandidates`]"""
        t = self._timings
        least = max(nodes * t.preemption_candidates_percentage // 100, t.preemption_candidates_absolute)
        return min(least, nodes)

    def _try(
        self,
        pod: Pod,
        filters: Sequence[Filter],
        position: int,
        budgets: list[PodDisruptionBudget],
        now: float,
    ) -> Candidate | Mapping[str, int]:
        """A candidate, or the reasons against the node: all less important pods are taken off it; if the pod fits then,
        as many as possible are put back, those whose budget would be broken first [`SelectVictimsOnNode`]."""
        state = self._state
        name = state.nodes.info(position).node.meta.name
        priority = pod.template.priority
        lower = [p for p in self._pods_on(name) if p.template.priority < priority]
        if not lower:
            return {NO_VICTIMS: 1}
        lower.sort(key=lambda p: (-p.template.priority, _started(p, now)))
        violating, others = _split(lower, budgets)
        gone = {p.key: p for p in lower}

        def fits() -> bool:
            with state.pretend(gone, name, -1):
                return self._cycle.fits(pod, filters, position)

        if not fits():
            with state.pretend(gone, name, -1):
                return diagnose(state.nodes, filters, np.array([position]))[0].reasons
        violations = 0
        for victim in (*violating, *others):
            del gone[victim.key]
            if not fits():
                gone[victim.key] = victim
                violations += any(victim is p for p in violating)
        return Candidate(name, [p for p in lower if p.key in gone], violations)

    def _pods_on(self, node: str) -> list[Pod]:
        bound = self._state.client.pods_on(node).values()
        assumed = (p for p, on in self._state.assumed.values() if on == node)
        return [p for p in (*bound, *assumed) if not p.is_finished]


def _started(pod: Pod, now: float) -> float:
    return now if pod.status.start_time is None else pod.status.start_time


def _loss(candidate: Candidate, now: float) -> tuple[int, int, int, int, float]:
    """What is least of the best node: budgets broken, highest priority, sum of priorities, victims, and how long the
    most important of them have run [`pickOneNodeForPreemption`]."""
    priorities = [victim.template.priority for victim in candidate.victims]
    top = max(priorities)
    earliest = min(_started(v, now) for v, p in zip(candidate.victims, priorities, strict=True) if p == top)
    return candidate.violations, top, sum(p + 2**31 for p in priorities), len(priorities), -earliest


def _split(pods: Sequence[Pod], budgets: Sequence[PodDisruptionBudget]) -> tuple[list[Pod], list[Pod]]:
    """Those whose going would break a budget, and the others [`filterPodsWithPDBViolation`]."""
    allowed = {budget.key: budget.status.disruptions_allowed for budget in budgets}
    violating: list[Pod] = []
    others: list[Pod] = []
    for pod in pods:
        broken = False
        for budget in budgets if pod.meta.labels else ():
            selector = compile_selector(budget.spec.selector)
            if budget.meta.namespace != pod.meta.namespace or selector.is_everything:
                continue
            if pod.meta.name in budget.status.disrupted_pods or not selector.matches(pod.meta.labels):
                continue
            allowed[budget.key] -= 1
            broken |= allowed[budget.key] < 0
        (violating if broken else others).append(pod)
    return violating, others
