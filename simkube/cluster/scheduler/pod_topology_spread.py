"""PodTopologySpread: pods alike spread over domains, by the pod's constraints or softly by the system's defaults."""

from collections import Counter
from math import log

import numpy as np

from simkube.cluster.scheduler.default_selector import DefaultSelectors
from simkube.cluster.scheduler.nodes import HALF, HUNDRED, MAX_SCORE, Bools, Floats, Ints, Window
from simkube.cluster.scheduler.plugin import Ask, Event, Feasible, Filter, Happening, Plugin, Score
from simkube.cluster.scheduler.spread_constraints import Constraint, constraint_of, own_selector
from simkube.cluster.scheduler.state import State
from simkube.kube.affinity import TopologySpreadConstraint
from simkube.kube.objects import Node, Pod
from simkube.timings import Timings

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
REASON = "node(s) didn't match pod topology spread constraints"
MISSING_LABEL = f"{REASON} (missing required label)"
HARD, SOFT = "DoNotSchedule", "ScheduleAnyway"

_PODS = Happening.POD_ADDED | Happening.POD_REMOVED | Happening.POD_LABELS
_NODES = Happening.NODE_ADDED | Happening.NODE_REMOVED | Happening.NODE_LABELS | Happening.NODE_TAINTS


class PodTopologySpread(Plugin):
    """[plugins/podtopologyspread/{plugin,common,filtering,scoring}.go]"""

    name = "PodTopologySpread"
    weight = 2
    wakes_on = _PODS | _NODES

    def __init__(self, state: State, timings: Timings) -> None:
        super().__init__(state, timings)
        self._selectors = DefaultSelectors(state)
        self._defaults = tuple(
            TopologySpreadConstraint(max_skew=skew, topology_key=key, when_unsatisfiable=SOFT)
            for key, skew in (
                (HOSTNAME, timings.default_spread_hostname_max_skew),
                (ZONE, timings.default_spread_zone_max_skew),
            )
        )

    def filter(self, ask: Ask) -> Filter | None:
        constraints = self._own(ask, HARD)
        return _WithinSkew(self.state, ask, constraints) if constraints else None

    def score(self, ask: Ask) -> Score | None:
        if ask.spec.topology_spread_constraints:
            constraints = self._own(ask, SOFT)
            return _Spread(self.state, constraints, need_labels=True) if constraints else None
        selector = self._selectors.of(ask)
        if selector.is_everything:
            return None
        constraints = tuple(constraint_of(self.state, ask, written, selector) for written in self._defaults)
        return _Spread(self.state, constraints, need_labels=False)

    def _own(self, ask: Ask, what: str) -> tuple[Constraint, ...]:
        written = [c for c in ask.spec.topology_spread_constraints if c.when_unsatisfiable == what]
        keys = tuple(c.topology_key for c in written)
        return tuple(constraint_of(self.state, ask, c, own_selector(c, ask), keys) for c in written)

    def wakes(self, event: Event, ask: Ask, pod: Pod) -> bool:
        constraints = self._own(ask, HARD)
        if event.what & _NODES:
            return _node_matters(event.old, event.new, constraints)
        versions = [p for p in (event.old, event.new) if p is not None]
        if versions[0].meta.namespace != ask.namespace:
            return False
        for constraint in constraints:
            matched = [constraint.selector.matches(p.meta.labels) for p in versions]
            if any(matched) and not (event.what is Happening.POD_LABELS and all(matched)):
                return True
        return False


def _node_matters(old: Node | None, new: Node | None, constraints: tuple[Constraint, ...]) -> bool:
    """[`isSchedulableAfterNodeChange`]"""
    keys = [constraint.key for constraint in constraints]
    takes_part = [node is not None and all(key in node.meta.labels for key in keys) for node in (old, new)]
    if takes_part[0] != takes_part[1]:
        return True
    if old is None or new is None or not takes_part[1]:
        return False
    moved = any(old.meta.labels[key] != new.meta.labels[key] for key in keys)
    return moved or old.taints != new.taints


class _WithinSkew(Filter):
    """pods in the domain + this one - fewest in any domain <= maxSkew."""

    plugin = PodTopologySpread.name

    def __init__(self, state: State, ask: Ask, constraints: tuple[Constraint, ...]) -> None:
        self._state = state
        self._constraints = [(c, int(c.selector.matches(ask.labels))) for c in constraints]

    def passes(self, window: Window) -> Bools | None:
        passed: Bools | None = None
        for constraint, itself in self._constraints:
            codes = constraint.topology.codes[window]
            within = (
                constraint.domains.counts[codes] + itself - self._fewest(constraint) <= constraint.max_skew
            )
            if constraint.topology.unlabelled:
                within &= codes >= 0
            passed = within if passed is None else passed & within
        return passed

    def _fewest(self, constraint: Constraint) -> int:
        """The global minimum; 0 if there are fewer domains than `minDomains`."""
        present = constraint.present(self._state)
        if np.count_nonzero(present) < constraint.min_domains:
            return 0
        return int(constraint.domains.counts[: len(present)][present].min(initial=2**31 - 1))

    def reasons(self, rejected: Ints) -> tuple[Counter[str], Bools]:
        skewed = np.zeros(len(rejected), np.bool_)
        lacking = np.zeros(len(rejected), np.bool_)
        for constraint, itself in self._constraints:
            codes = constraint.topology.codes[rejected]
            undecided = ~(skewed | lacking)
            lacking |= undecided & (codes < 0)
            counts = constraint.domains.counts[codes]
            over = counts + itself - self._fewest(constraint) > constraint.max_skew
            skewed |= undecided & (codes >= 0) & over
        counter = Counter({REASON: int(skewed.sum()), MISSING_LABEL: int(lacking.sum())})
        return +counter, skewed


class _Spread(Score):
    """Sum over the constraints of pods x ln(domains + 2) + maxSkew - 1, rounded; fewest pods score highest.
    `need_labels`: nodes that lack a constraint's label score nothing."""

    plugin = PodTopologySpread.name

    def __init__(self, state: State, constraints: tuple[Constraint, ...], need_labels: bool) -> None:
        self._state = state
        self._constraints = constraints
        self._need_labels = need_labels
        self._by_node = next((c for c in constraints if c.key == HOSTNAME), None)
        self._by_domain = [c for c in constraints if c.key != HOSTNAME]

    def points(self, feasible: Feasible) -> Floats | None:
        ignored = self._ignored(feasible) if self._need_labels else None
        if ignored is not None:
            feasible = Feasible(feasible.window, feasible.size, np.union1d(feasible.bad, ignored))
            if not feasible.count:
                return None
        raw = feasible.neutral(self._pods(feasible))
        least, most = raw[raw.argmin()], raw[raw.argmax()]
        if least == most:
            if ignored is None:
                return None
            raw.fill(MAX_SCORE)
        else:
            np.subtract(most + least, raw, out=raw)
            raw *= HUNDRED
            raw /= most
            np.floor(raw, out=raw)
        if ignored is not None:
            raw[ignored] = 0.0
        return raw

    def _ignored(self, feasible: Feasible) -> Ints | None:
        lacking = [c.topology.codes[feasible.window] < 0 for c in self._constraints if c.topology.unlabelled]
        ignored = np.flatnonzero(np.logical_or.reduce(lacking)) if lacking else np.zeros(0, np.intp)
        return ignored if len(ignored) else None

    def _pods(self, feasible: Feasible) -> Floats:
        """The rounded sum for each node of the window."""
        window, on_nodes = feasible.window, self._by_node
        parts = [(c.topology.codes[window], self._by_code(c, feasible)) for c in self._by_domain]
        if on_nodes is not None and len(parts) == 1 and not on_nodes.topology.unlabelled:
            few = on_nodes.tally.within(self._state.nodes, window)
            if few is not None:
                return self._few_with_pods(feasible, *parts[0], *few)
        raw = np.zeros(feasible.size)
        if on_nodes is not None:  # hostnames are counted node by node
            raw = on_nodes.tally.by_position(self._state.nodes, window)
            raw *= log(feasible.count + 2)
            raw += on_nodes.max_skew - 1.0
            raw[on_nodes.topology.codes[window] < 0] = 0.0
        for codes, by_code in parts:
            raw += by_code[codes]
        raw += HALF
        np.floor(raw, out=raw)
        return raw

    def _few_with_pods(
        self, feasible: Feasible, codes: Ints, by_code: Floats, where: list[int], pods: list[int]
    ) -> Floats:
        """The same, where nodes without pods differ by their domain only; there are `pods` at `where`."""
        assert self._by_node is not None
        base = self._by_node.max_skew - 1.0
        raw: Floats = np.floor(base + by_code + HALF)[codes]
        if where:
            here = np.array(where)
            part = np.array(pods, float)
            part *= log(feasible.count + 2)
            part += base
            part += by_code[codes[here]]
            part += HALF
            raw[here] = np.floor(part)
        return raw

    def _by_code(self, constraint: Constraint, feasible: Feasible) -> Floats:
        """The part of one constraint for each code; the last is for nodes without the label."""
        codes = constraint.topology.codes[feasible.window]
        among = feasible.neutral(codes.copy()) if len(feasible.bad) else codes
        counts = constraint.domains.counts
        present = np.zeros(len(counts), np.bool_)
        present[among] = True
        by_code: Floats = counts.astype(np.float64)
        by_code *= log(np.count_nonzero(present) + 2)
        by_code += constraint.max_skew - 1.0
        by_code[-1] = 0.0
        return by_code
