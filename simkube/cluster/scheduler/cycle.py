"""One scheduling cycle: filter nodes until enough are feasible, score those, choose one.

[pkg/scheduler/schedule_one.go]
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import NamedTuple

import numpy as np

from simkube.cluster.scheduler.diagnosis import Diagnosis, diagnose
from simkube.cluster.scheduler.nodes import Bools, Floats, Ints, Window
from simkube.cluster.scheduler.plugin import Ask, Feasible, Filter, Plugin, Rejected
from simkube.cluster.scheduler.state import State
from simkube.cluster.scheduler.volume_binding import Plan, VolumesFit
from simkube.kube.objects import Pod
from simkube.timings import Timings

NOWHERE: Ints = np.zeros(0, np.intp)


class Choice(NamedTuple):
    """The node chosen, and what is to be bound for the pod's claims there (None: nothing)."""

    node: str
    plan: Plan | None


class Cycle:
    """Chooses nodes. Remembers only where its last search for nodes ended."""

    def __init__(self, state: State, plugins: Sequence[Plugin], timings: Timings, random: Random) -> None:
        self.state = state
        self._plugins = plugins
        self._timings = timings
        self._random = random
        self._start = 0
        self._ring: Ints = NOWHERE
        state.markers += [plugin.mark for plugin in plugins if type(plugin).mark is not Plugin.mark]

    def ask(self, pod: Pod) -> Ask:
        """What the pod asks, worked out once for all that ask the same."""
        label_class = self.state.tallies.class_of(pod)
        owner = pod.meta.controller
        key = (pod.template, "" if owner is None else owner.uid)
        found: Ask | None = label_class.memo.get(key)
        if found is None:
            found = label_class.memo[key] = Ask(pod.template, label_class, owner)
            self._prepare(found)
        return found

    def _prepare(self, ask: Ask) -> None:
        has_claims = ask.template.has_claims
        for plugin in self._plugins:
            judge, score = plugin.filter(ask), plugin.score(ask)
            if judge is not None:
                ask.filters.append(judge)
            if score is not None:
                ask.scores.append((plugin.weight, score))
            if has_claims and type(plugin).filter_claims is not Plugin.filter_claims:
                ask.claims_at = ask.claims_at if ask.with_claims else len(ask.filters)
                ask.with_claims = (*ask.with_claims, plugin)

    def filters(self, ask: Ask, pod: Pod) -> Sequence[Filter]:
        """The filters for this pod, in Kubernetes' order. Raises `Rejected`."""
        if not ask.with_claims:
            return ask.filters
        of_claims = [judge for p in ask.with_claims if (judge := p.filter_claims(ask, pod)) is not None]
        return [*ask.filters[: ask.claims_at], *of_claims, *ask.filters[ask.claims_at :]]

    # -- choosing -----------------------------------------------------------------------------------------------

    def choose(self, pod: Pod, ask: Ask) -> Choice | Diagnosis:
        """A node for the pod, or why there is none."""
        nodes = self.state.nodes
        nodes.arrange()
        if not nodes.count:
            return Diagnosis(0)
        self._start %= nodes.count
        failure = ask.failure
        if failure is not None and failure[0] == self.state.revision and not pod.pinned:
            return failure[1]
        try:
            filters = self.filters(ask, pod)
        except Rejected as rejected:
            return Diagnosis(nodes.count, rejectors=(rejected.plugin,), whole=rejected.reason)
        position = self._position(pod, ask, filters)
        if position is not None:
            plan = next((f.plan(position) for f in filters if isinstance(f, VolumesFit)), None)
            return Choice(nodes.info(position).node.meta.name, plan)
        diagnosis = self._diagnose(pod, filters)
        if not (ask.with_claims or pod.pinned or self.state.nominated):
            ask.failure = (self.state.revision, diagnosis)
        return diagnosis

    def _position(self, pod: Pod, ask: Ask, filters: Sequence[Filter]) -> int | None:
        nodes = self.state.nodes
        for name in (pod.status.nominated_node, pod.pinned):
            info = nodes.by_name.get(name) if name else None
            if info is not None and self.fits(pod, filters, nodes.at[info.slot]):
                self._start = (self._start + 1) % nodes.count
                return nodes.at[info.slot]
        if pod.pinned:
            return None
        feasible = self._search(pod, filters)
        if feasible is None:
            return None
        return self._best(ask, feasible)

    def fits(self, pod: Pod, filters: Sequence[Filter], position: int) -> bool:
        """The pod fits on the node, with and without the pods that are nominated to it
        [`RunFilterPluginsWithNominatedPods`]."""
        window = slice(position, position + 1)
        if self.state.nominated:
            name = self.state.nodes.info(position).node.meta.name
            waiting = self._nominated(pod, name)
            if waiting:
                with self.state.pretend(waiting, name, 1):
                    beside = _all_pass(filters, window)
                if not beside:
                    return False
        return _all_pass(filters, window)

    def _nominated(self, pod: Pod, node: str) -> dict[tuple[str, str], Pod]:
        """Pods nominated to the node that this pod must leave room for."""
        priority, key = pod.template.priority, pod.key
        waiting = self.state.nominated.get(node, {})
        return {k: p for k, p in waiting.items() if k != key and p.template.priority >= priority}

    # -- searching ----------------------------------------------------------------------------------------------

    def wanted(self, total: int) -> int:
        """How many feasible nodes are enough [`numFeasibleNodesToFind`]."""
        t = self._timings
        if total < t.min_feasible_nodes_to_find:
            return total
        share = t.percentage_of_nodes_to_score or max(
            t.adaptive_nodes_percentage - total // t.adaptive_nodes_divisor, t.min_feasible_nodes_percentage
        )
        return max(total * share // 100, t.min_feasible_nodes_to_find)

    def _search(self, pod: Pod, filters: Sequence[Filter]) -> Feasible | None:
        """The first feasible nodes from where the last search ended, as many as are wanted."""
        total = self.state.nodes.count
        wanted = self.wanted(total)
        length = wanted + wanted // 8 + 8
        if length < total:
            found = self._search_part(pod, filters, wanted, length)
            if found is not None:
                return found
        window: Window = slice(0, total) if wanted >= total else self._from_start(total)
        passed = self._passed(pod, filters, window)
        if passed is None:
            return Feasible(window, total, NOWHERE)
        good = np.flatnonzero(passed)[:wanted]
        if not len(good):
            return None
        if len(good) == wanted:
            self._start = (self._start + int(good[-1]) + 1) % total
        if 2 * len(good) < total:
            return Feasible(good if isinstance(window, slice) else window[good], len(good), NOWHERE)
        end = int(good[-1]) + 1
        return Feasible(_cut(window, end), end, np.flatnonzero(~passed[:end]))

    def _search_part(self, pod: Pod, filters: Sequence[Filter], wanted: int, length: int) -> Feasible | None:
        """Look at `length` nodes only; None if they are not enough."""
        total, start = self.state.nodes.count, self._start
        window: Window = slice(start, start + length)
        if start + length > total:
            window = self._from_start(total)[:length]
        passed = self._passed(pod, filters, window)
        if passed is None:
            end, bad = wanted, NOWHERE
        else:
            bad = (~passed).nonzero()[0]
            if length - len(bad) < wanted:
                return None
            end = wanted + _before(bad, wanted)
            bad = bad[: end - wanted]
        self._start = (start + end) % total
        return Feasible(_cut(window, end), end, bad)

    def _from_start(self, total: int) -> Ints:
        if len(self._ring) != 2 * total:
            self._ring = np.arange(2 * total) % total
        return self._ring[self._start : self._start + total]

    def _passed(self, pod: Pod, filters: Sequence[Filter], window: Window) -> Bools | None:
        """Which nodes of the window pass all filters; None: all of them."""
        passed: Bools | None = None
        for judge in filters:
            judged = judge.passes(window)
            if judged is not None:
                passed = judged if passed is None else passed & judged
        if self.state.nominated:
            passed = self._beside_nominated(pod, filters, window, passed)
        return passed

    def _beside_nominated(
        self, pod: Pod, filters: Sequence[Filter], window: Window, passed: Bools | None
    ) -> Bools | None:
        nodes = self.state.nodes
        positions = np.arange(nodes.count)[window]
        for name in list(self.state.nominated):
            info = nodes.by_name.get(name)
            if info is not None and self._nominated(pod, name):
                at = nodes.at[info.slot]
                here = np.flatnonzero(positions == at)
                if len(here) and not self.fits(pod, filters, at):
                    passed = np.ones(len(positions), np.bool_) if passed is None else passed.copy()
                    passed[here] = False
        return passed

    # -- scoring ------------------------------------------------------------------------------------------------

    def _best(self, ask: Ask, feasible: Feasible) -> int:
        """The node with the most points, by chance among equals [`selectHost`]."""
        window = feasible.window
        index = 0
        if feasible.count > 1:
            points = self.points(ask, feasible)
            if len(feasible.bad):
                points[feasible.bad] = -1.0
            best = (points == points[points.argmax()]).nonzero()[0]  # argmax is faster than max
            index = int(best[self._random.randrange(len(best))] if len(best) > 1 else best[0])
        elif len(feasible.bad):
            index = next(i for i in range(feasible.size) if i not in feasible.bad)
        return window.start + index if isinstance(window, slice) else int(window[index])

    def points(self, ask: Ask, feasible: Feasible) -> Floats:
        """Sum of weight x points, but for what is the same for all."""
        total: Floats | None = None
        for weight, score in ask.scores:
            points = score.points(feasible)
            if points is not None:
                if total is None:
                    total = points.copy() if weight == 1 else points * weight
                else:
                    total += points if weight == 1 else points * weight
        return np.zeros(feasible.size) if total is None else total

    # -- failing ------------------------------------------------------------------------------------------------

    def _diagnose(self, pod: Pod, filters: Sequence[Filter]) -> Diagnosis:
        nodes = self.state.nodes
        if pod.pinned:
            info = nodes.by_name.get(pod.pinned)
            among = NOWHERE if info is None else np.array([nodes.at[info.slot]])
        else:
            among = np.arange(nodes.count)
        diagnosis, left = diagnose(nodes, filters, among)
        for position in left.tolist():  # no room beside nominated pods
            name = nodes.info(position).node.meta.name
            with self.state.pretend(self._nominated(pod, name), name, 1):
                diagnosis = _join(diagnosis, diagnose(nodes, filters, np.array([position]))[0])
        if pod.pinned:
            absent = nodes.count - len(among)
            reasons = {**diagnosis.reasons}
            if absent:
                reasons["node(s) didn't satisfy plugin(s) [NodeAffinity]"] = absent
            rejectors = (*diagnosis.rejectors, "NodeAffinity") if absent else diagnosis.rejectors
            diagnosis = replace(diagnosis, reasons=reasons, rejectors=rejectors)
        return diagnosis


def _all_pass(filters: Sequence[Filter], window: slice) -> bool:
    for judge in filters:
        passed = judge.passes(window)
        if passed is not None and not passed[0]:
            return False
    return True


def _cut(window: Window, end: int) -> Window:
    return slice(window.start, window.start + end) if isinstance(window, slice) else window[:end]


def _before(bad: Ints, wanted: int) -> int:
    """How many of the sorted `bad` stand before the `wanted`-th position that is not among them."""
    count = 0
    for index in bad.tolist():
        if index >= wanted + count:
            break
        count += 1
    return count


def _join(a: Diagnosis, b: Diagnosis) -> Diagnosis:
    reasons = {
        reason: a.reasons.get(reason, 0) + b.reasons.get(reason, 0) for reason in (*a.reasons, *b.reasons)
    }
    rejectors = tuple(dict.fromkeys((*a.rejectors, *b.rejectors)))
    return Diagnosis(a.nodes, reasons, rejectors, np.sort(np.concatenate((a.resolvable, b.resolvable))))
