"""Why no node would do, as Kubernetes says it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from simkube.cluster.scheduler.nodes import Ints, Nodes
from simkube.cluster.scheduler.plugin import Filter

NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_NODES = "no nodes available to schedule pods"


@dataclass(frozen=True)
class Diagnosis:
    """`reasons` counts nodes by reason; `rejectors` are the plugins that rejected; `resolvable` the positions of nodes
    where preemption might help; `whole` is a reason that holds whatever the node."""

    nodes: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    rejectors: tuple[str, ...] = ()
    resolvable: Ints = field(default_factory=lambda: np.zeros(0, np.intp))
    whole: str = ""

    def __str__(self) -> str:
        if not self.nodes:
            return NO_NODES
        return unavailable(self.nodes, self.reasons, self.whole)


def unavailable(nodes: int, reasons: Mapping[str, int], whole: str = "") -> str:
    """[pkg/scheduler/framework/types.go `FitError.Error`]"""
    text = f"0/{nodes} nodes are available:"
    if whole:
        return f"{text} {whole}."
    counted = sorted(f"{count} {reason}" for reason, count in reasons.items())
    return f"{text} {', '.join(counted)}." if counted else text


def diagnose(nodes: Nodes, filters: Sequence[Filter], among: Ints) -> tuple[Diagnosis, Ints]:
    """What the first filter that rejects says of each node of `among`; and the nodes that none rejects."""
    reasons: Counter[str] = Counter()
    rejectors: list[str] = []
    resolvable: list[Ints] = []
    for judge in filters:
        passed = judge.passes(among)
        if passed is None or passed.all():
            continue
        rejected = among[~passed]
        among = among[passed]
        said, helped = judge.reasons(rejected)
        reasons.update(said)
        resolvable.append(rejected[helped])
        rejectors.append(judge.plugin)
        if not len(among):
            break
    positions = np.sort(np.concatenate(resolvable)) if resolvable else np.zeros(0, np.intp)
    return Diagnosis(nodes.count, reasons, tuple(rejectors), positions), among
