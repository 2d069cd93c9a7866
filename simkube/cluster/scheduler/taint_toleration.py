"""TaintToleration: no pod goes to a node with a hard taint it does not tolerate; few soft ones are better than many."""

from collections import Counter

import numpy as np

from simkube.cluster.nodes.tolerations import untolerated
from simkube.cluster.scheduler.nodes import MAX_SCORE, Bools, Floats, Ints, Nodes, Window
from simkube.cluster.scheduler.plugin import Ask, Event, Feasible, Filter, Happening, Plugin, Score
from simkube.kube.affinity import Toleration
from simkube.kube.objects import Pod

SOFT = ("PreferNoSchedule",)
PLAIN_REASON = 34  # since this minor the message does not name the taint


class TaintToleration(Plugin):
    """[plugins/tainttoleration/taint_toleration.go]"""

    name = "TaintToleration"
    weight = 3
    wakes_on = Happening.NODE_ADDED | Happening.NODE_TAINTS

    def filter(self, ask: Ask) -> Filter | None:
        return _Tolerated(self.state.nodes, ask.spec.tolerations, named=self.minor < PLAIN_REASON)

    def score(self, ask: Ask) -> Score | None:
        return _FewSoftTaints(self.state.nodes, ask.spec.tolerations)

    def wakes(self, event: Event, ask: Ask, pod: Pod) -> bool:
        tolerations = ask.spec.tolerations
        was_barred = event.old is None or untolerated(event.old.taints, tolerations) is not None
        return was_barred and untolerated(event.new.taints, tolerations) is None


class _Tolerated(Filter):
    """Verdicts by taint class, of which there are few; extended when a new one appears."""

    plugin = TaintToleration.name
    reason = "node(s) had untolerated taint(s)"

    def __init__(self, nodes: Nodes, tolerations: tuple[Toleration, ...], named: bool) -> None:
        self._nodes = nodes
        self._tolerations = tolerations
        self._named = named
        self._passes = np.ones(1, np.bool_)

    def passes(self, window: Window) -> Bools | None:
        nodes = self._nodes
        known = len(self._passes)
        if known < len(nodes.taints):
            new = [untolerated(taints, self._tolerations) is None for taints in nodes.taints[known:]]
            self._passes = np.concatenate((self._passes, np.array(new)))
        if len(self._passes) == 1:
            return None
        return self._passes[nodes.taint_class[window]]

    def reasons(self, rejected: Ints) -> tuple[Counter[str], Bools]:
        if not self._named:
            return super().reasons(rejected)
        counts: Counter[str] = Counter()
        for number in self._nodes.taint_class[rejected].tolist():
            taint = untolerated(self._nodes.taints[number], self._tolerations)
            assert taint is not None
            counts[f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}"] += 1
        return counts, np.zeros(len(rejected), np.bool_)


class _FewSoftTaints(Score):
    """[helper/normalize_score.go `DefaultNormalizeScore`, reversed]"""

    plugin = TaintToleration.name

    def __init__(self, nodes: Nodes, tolerations: tuple[Toleration, ...]) -> None:
        self._nodes = nodes
        self._tolerations = [t for t in tolerations if t.effect in ("", *SOFT)]
        self._counts = np.zeros(1)
        self._any = False

    def points(self, feasible: Feasible) -> Floats | None:
        nodes = self._nodes
        known = len(self._counts)
        if known < len(nodes.taints):
            new = [
                sum(untolerated((taint,), self._tolerations, SOFT) is not None for taint in taints)
                for taints in nodes.taints[known:]
            ]
            self._counts = np.concatenate((self._counts, np.array(new, float)))
            self._any |= any(new)
        if not self._any:
            return None
        counts = feasible.neutral(self._counts[nodes.taint_class[feasible.window]])
        most = counts.max()
        if most == 0:
            return None
        points: Floats = MAX_SCORE - np.floor(MAX_SCORE * counts / most)
        return points
