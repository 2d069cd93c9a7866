"""InterPodAffinity: pods that want to be near others, or apart, and pods that are wanted near or apart by others."""

from collections import Counter

import numpy as np

from simkube.cluster.scheduler.affinity_terms import OwnTerms, StandingTerms
from simkube.cluster.scheduler.nodes import MAX_SCORE, Bools, Floats, Ints, Window
from simkube.cluster.scheduler.plugin import Ask, Event, Feasible, Filter, Happening, Plugin, Score
from simkube.cluster.scheduler.state import State
from simkube.cluster.scheduler.tallies import DomainCounts, LabelClass, Mark, Term
from simkube.kube.objects import Node, Pod
from simkube.kube.template import Template
from simkube.timings import Timings

NOT_NEAR = "node(s) didn't match pod affinity rules"
NOT_APART = "node(s) didn't match pod anti-affinity rules"
UNWANTED = "node(s) didn't satisfy existing pods anti-affinity rules"
OTHERS_WAKE_SINCE = 36  # since this minor a pod kept away by another's anti-affinity wakes when that one goes

_PODS = Happening.POD_ADDED | Happening.POD_REMOVED | Happening.POD_LABELS
_NODES = Happening.NODE_ADDED | Happening.NODE_LABELS


class InterPodAffinity(Plugin):
    """[plugins/interpodaffinity/{plugin,filtering,scoring}.go]"""

    name = "InterPodAffinity"
    weight = 2
    wakes_on = _PODS | _NODES

    def __init__(self, state: State, timings: Timings) -> None:
        super().__init__(state, timings)
        self._standing = StandingTerms(state, timings.hard_pod_affinity_weight)

    def filter(self, ask: Ask) -> Filter | None:
        return _Affinity(self.state, ask, self._standing)

    def score(self, ask: Ask) -> Score | None:
        return _Preference(self.state, ask, self._standing)

    def mark(self, template: Template, label_class: LabelClass) -> Mark | None:
        return self._standing.mark(template, label_class)

    def wakes(self, event: Event, ask: Ask, pod: Pod) -> bool:
        own = OwnTerms(ask.spec, ask.label_class)
        if event.what & _NODES:
            return _node_matters(event.old, event.new, own)
        state = self.state
        old, new = (None if p is None else state.tallies.class_of(p) for p in (event.old, event.new))

        def near(label_class: LabelClass | None) -> bool:
            return label_class is not None and own.matches_all(own.required, label_class, state)

        def apart(label_class: LabelClass | None) -> bool:
            return label_class is not None and own.matches_all(own.excluded, label_class, state)

        if event.what is Happening.POD_LABELS:
            return (near(new) and not near(old)) or (apart(old) and not apart(new))
        if event.what is Happening.POD_ADDED:
            return near(new)
        if apart(old):
            return True
        if self.minor < OTHERS_WAKE_SINCE or old is None:
            return False
        theirs = OwnTerms(event.old.template.spec, old)
        return theirs.matches_all(theirs.excluded, ask.label_class, state)


def _node_matters(old: Node | None, new: Node, own: OwnTerms) -> bool:
    """[`isSchedulableAfterNodeChange`]"""
    after = new.meta.labels
    if old is None:
        return bool(own.excluded) or any(key in after for _, key in own.required)
    before = old.meta.labels
    for _, key in own.required:
        if key in after and before.get(key) != after[key]:
            return True
    return any(key in before and before[key] != after.get(key) for _, key in own.excluded)


class _Affinity(Filter):
    plugin = InterPodAffinity.name

    def __init__(self, state: State, ask: Ask, standing: StandingTerms) -> None:
        own = OwnTerms(ask.spec, ask.label_class)
        self._label_class = ask.label_class
        self._standing = standing
        self._matches_itself = own.matches_all(own.required, ask.label_class, state)
        terms = tuple(term for term, _ in own.required)
        self._near = _domains(state, [(terms, key) for _, key in own.required])
        self._apart = _domains(state, [((term,), key) for term, key in own.excluded])

    def passes(self, window: Window) -> Bools | None:
        if not (self._near or self._apart or self._standing.count):
            return None
        passed: Bools | None = None
        for judged in (self._is_near(window), self._is_apart(window), self._is_wanted(window)):
            if judged is not None:
                passed = judged if passed is None else passed & judged
        return passed

    def reasons(self, rejected: Ints) -> tuple[Counter[str], Bools]:
        far = _fails(self._is_near(rejected), rejected)
        close = _fails(self._is_apart(rejected), rejected) & ~far
        unwanted = _fails(self._is_wanted(rejected), rejected) & ~far & ~close
        counts = {NOT_NEAR: far, NOT_APART: close, UNWANTED: unwanted}
        return +Counter({reason: int(mask.sum()) for reason, mask in counts.items()}), ~far

    def _is_near(self, window: Window) -> Bools | None:
        """A pod that all required terms match is in each term's domain; the first of its kind may go anywhere."""
        passed: Bools | None = None
        first = self._matches_itself and not any(domains.total for domains in self._near)
        for domains in self._near:
            codes = domains.topology.codes[window]
            judged = codes >= 0 if first else domains.counts[codes] > 0
            passed = judged if passed is None else passed & judged
        return passed

    def _is_apart(self, window: Window) -> Bools | None:
        return _empty(self._apart, window)

    def _is_wanted(self, window: Window) -> Bools | None:
        """No pod with anti-affinity to this one is in the domain."""
        hostile = [s.domains for s in self._standing.matching(self._label_class) if s.weight is None]
        return _empty(hostile, window)


class _Preference(Score):
    """Weights of the pod's preferred terms for each pod that matches, and of other pods' terms that match it; pods
    with a required affinity to it add hardPodAffinityWeight."""

    plugin = InterPodAffinity.name

    def __init__(self, state: State, ask: Ask, standing: StandingTerms) -> None:
        own = OwnTerms(ask.spec, ask.label_class)
        self._label_class = ask.label_class
        self._standing = standing
        domains = _domains(state, [((term,), key) for (term, key), _ in own.preferred])
        self._own = list(zip(domains, (weight for _, weight in own.preferred), strict=True))

    def points(self, feasible: Feasible) -> Floats | None:
        if not (self._own or self._standing.count):
            return None
        raw: Floats | None = None
        others = [
            (s.domains, s.weight) for s in self._standing.matching(self._label_class) if s.weight is not None
        ]
        for domains, weight in (*self._own, *others):
            if domains.total:
                part = domains.counts[domains.topology.codes[feasible.window]].astype(np.float64)
                part *= weight
                raw = part if raw is None else raw + part
        if raw is None:
            return None
        feasible.neutral(raw)
        least, most = raw[raw.argmin()], raw[raw.argmax()]
        if least == most:
            return None
        raw -= least
        raw /= most - least
        raw *= MAX_SCORE
        return np.floor(raw, raw)


def _domains(state: State, placed: list[tuple[tuple[Term, ...], str]]) -> list[DomainCounts]:
    """For each: pods that all of the terms match, by the domains of the key."""
    tallies = [(state.tallies.of(terms, terminating=True), key) for terms, key in placed]
    return [tally.by_domain(state.topologies.of(key)) for tally, key in tallies]


def _empty(domains: list[DomainCounts], window: Window) -> Bools | None:
    """No pod in any of the domains."""
    passed: Bools | None = None
    for domain in domains:
        if domain.total:
            judged = domain.counts[domain.topology.codes[window]] == 0
            passed = judged if passed is None else passed & judged
    return passed


def _fails(passed: Bools | None, rejected: Ints) -> Bools:
    return np.zeros(len(rejected), np.bool_) if passed is None else ~passed
