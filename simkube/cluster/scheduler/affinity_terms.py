"""Terms of pod affinity made ready to match: those of a pod, and the standing ones of pods that are assigned."""

from collections.abc import Iterable

from simkube.cluster.scheduler.state import State
from simkube.cluster.scheduler.tallies import DomainCounts, LabelClass, Mark, Pair, Term
from simkube.kube.affinity import PodAffinity, PodAffinityTerm
from simkube.kube.pod import PodSpec
from simkube.kube.selector import Selector, Test, compile_selector
from simkube.kube.template import Template

Placed = tuple[Term, str]
"""A term and its topology key."""


class OwnTerms:
    """What a pod's affinity says of other pods; weights are negative where it says stay away."""

    def __init__(self, spec: PodSpec, label_class: LabelClass) -> None:
        affinity = spec.affinity
        near = affinity.pod_affinity if affinity is not None else None
        apart = affinity.pod_anti_affinity if affinity is not None else None
        self.required = _required(near, label_class)
        self.excluded = _required(apart, label_class)
        self.preferred = [*_preferred(near, label_class, 1), *_preferred(apart, label_class, -1)]

    def __bool__(self) -> bool:
        return bool(self.required or self.excluded or self.preferred)

    def matches_all(self, terms: Iterable[Placed], of: LabelClass, state: State) -> bool:
        """There are terms, and pods of that class satisfy each of them [`podMatchesAllAffinityTerms`]."""
        terms = list(terms)
        return bool(terms) and all(_matches(term, of, state) for term, _ in terms)


def _required(affinity: PodAffinity | None, label_class: LabelClass) -> list[Placed]:
    terms = affinity.required_during_scheduling_ignored_during_execution if affinity is not None else ()
    return [(_term(term, label_class), term.topology_key) for term in terms]


def _preferred(affinity: PodAffinity | None, label_class: LabelClass, sign: int) -> list[tuple[Placed, int]]:
    weighted = affinity.preferred_during_scheduling_ignored_during_execution if affinity is not None else ()
    terms = ((w.pod_affinity_term, w.weight) for w in weighted)
    return [((_term(term, label_class), term.topology_key), sign * weight) for term, weight in terms]


def _term(term: PodAffinityTerm, label_class: LabelClass) -> Term:
    """[pkg/scheduler/framework/types.go `newAffinityTerm`; the label keys as the API merges them,
    pkg/registry/core/pod/strategy.go `applyMatchLabelKeysAndMismatchLabelKeys`]"""
    selector, labels = compile_selector(term.label_selector), label_class.labels
    if not selector.never:
        same = {(key, labels[key]) for key in term.match_label_keys if key in labels}
        other: tuple[Test, ...] = tuple(
            (key, "NotIn", frozenset({labels[key]}), 0) for key in term.mismatch_label_keys if key in labels
        )
        selector = Selector(tuple(sorted({*selector.equal, *same})), (*selector.tests, *other))
    own = not term.namespaces and term.namespace_selector is None
    namespaces = frozenset({label_class.namespace} if own else term.namespaces)
    return Term(selector, namespaces, compile_selector(term.namespace_selector))


def _matches(term: Term, label_class: LabelClass, state: State) -> bool:
    return term.matches(label_class.namespace, label_class.labels, state.namespace_labels)


class Standing:
    """A term of assigned pods, and how many of them there are by domain. `weight` None: required anti-affinity."""

    def __init__(self, term: Term, domains: DomainCounts, weight: int | None) -> None:
        self.term = term
        self.domains = domains
        self.weight = weight


class StandingTerms:
    """The terms of all assigned pods that have some; each stands under a label that it demands, if there is one."""

    def __init__(self, state: State, hard_weight: int) -> None:
        self._state = state
        self._hard_weight = hard_weight  # of required affinity, when scoring
        self._terms: dict[tuple[Term, str, int | None], Standing] = {}
        self._by_pair: dict[Pair | None, list[Standing]] = {}

    def mark(self, template: Template, label_class: LabelClass) -> Mark | None:
        own = OwnTerms(template.spec, label_class)
        if not own:
            return None
        found = [self._stand(placed, None) for placed in own.excluded]
        found += [self._stand(placed, weight) for placed, weight in own.preferred]
        if self._hard_weight:
            found += [self._stand(placed, self._hard_weight) for placed in own.required]
        domains = [standing.domains for standing in found]

        def count(slot: int, pods: int) -> None:
            for domain in domains:
                domain.add(slot, pods)

        return count

    def _stand(self, placed: Placed, weight: int | None) -> Standing:
        term, key = placed
        found = self._terms.get((term, key, weight))
        if found is None:
            domains = DomainCounts(self._state.topologies.of(key), None)
            found = self._terms[term, key, weight] = Standing(term, domains, weight)
            equal = term.selector.equal
            self._by_pair.setdefault(equal[0] if equal else None, []).append(found)
        return found

    @property
    def count(self) -> int:
        """How many different ones there have been."""
        return len(self._terms)

    def matching(self, label_class: LabelClass) -> list[Standing]:
        """Those that pods of this class match, with or without assigned pods at the moment."""
        memo = label_class.memo
        found: list[Standing] | None = memo.get(StandingTerms)
        if found is None:
            found = memo[StandingTerms] = []
            memo[StandingTerms, "seen"] = dict.fromkeys((None, *label_class.labels.items()), 0)
        seen: dict[Pair | None, int] = memo[StandingTerms, "seen"]
        for pair, known in seen.items():
            terms = self._by_pair.get(pair)
            if terms is not None and known < len(terms):
                seen[pair] = len(terms)
                found += [s for s in terms[known:] if _matches(s.term, label_class, self._state)]
        return found
