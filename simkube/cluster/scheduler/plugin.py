"""What a scheduler plugin is: it may filter nodes, score them, count pods, and say what wakes a pod it has rejected.

A plugin works out once, for all pods that ask the same, how it will judge them: `filter` and `score` return an object
that is then asked about windows of nodes, or None where the plugin has no say.
"""

from collections import Counter
from enum import IntFlag
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from simkube.cluster.scheduler.nodes import Bools, Floats, Ints, Window
from simkube.cluster.scheduler.state import State
from simkube.cluster.scheduler.tallies import LabelClass, Mark
from simkube.kube.objects import OwnerReference, Pod
from simkube.kube.template import Template
from simkube.timings import Timings

if TYPE_CHECKING:
    from simkube.cluster.scheduler.diagnosis import Diagnosis

N = TypeVar("N", bound=np.generic)


class Happening(IntFlag):
    """Events that may wake a pod [pkg/scheduler/framework/events.go]."""

    POD_ADDED = 1  # a pod was assigned to a node
    POD_REMOVED = 2  # an assigned pod is gone or finished
    POD_LABELS = 4  # an assigned pod's labels changed
    NODE_ADDED = 8
    NODE_REMOVED = 16
    NODE_LABELS = 32
    NODE_TAINTS = 64  # taints or cordon
    NODE_SIZE = 128  # allocatable
    CLAIM = 256  # PersistentVolumeClaim added or changed
    VOLUME = 512  # PersistentVolume added or changed
    CLASS = 1024  # StorageClass added or changed


class Event(NamedTuple):
    """What happened, and the object before and after (None: there was, or is, none)."""

    what: Happening
    old: Any
    new: Any


class Ask:
    """What a pod asks of nodes; all pods of a template with the same labels and owner ask the same."""

    def __init__(self, template: Template, label_class: LabelClass, owner: OwnerReference | None) -> None:
        self.template = template
        self.spec = template.spec
        self.label_class = label_class
        self.namespace = label_class.namespace
        self.labels = label_class.labels
        self.owner = owner
        self.filters: list[Filter] = []
        self.scores: list[tuple[int, Score]] = []
        self.with_claims: tuple[Plugin, ...] = ()  # those whose filters depend on the claims as they stand
        self.claims_at = 0  # before which of `filters` theirs come
        self.failure: tuple[int, Diagnosis] | None = (
            None  # revision of the state, and why no node would do then
        )


class Rejected(Exception):
    """No node will do, whatever it is [a status of `PreFilter`]; preemption does not help."""

    def __init__(self, plugin: str, reason: str) -> None:
        super().__init__(reason)
        self.plugin = plugin
        self.reason = reason


class Feasible:
    """Nodes among which one is chosen: a window of `size` positions, of which those at `bad` are infeasible."""

    def __init__(self, window: Window, size: int, bad: Ints) -> None:
        self.window = window
        self.size = size
        self.bad = bad
        self.count = size - len(bad)
        self._good = 0  # the first feasible one; `bad` is sorted
        while self._good < len(bad) and bad[self._good] == self._good:
            self._good += 1

    def neutral(self, values: NDArray[N]) -> NDArray[N]:
        """`values` (one a position, owned by the caller) with those of infeasible nodes replaced by a feasible one's,
        so that they count neither for the minimum nor for the maximum."""
        if len(self.bad):
            values[self.bad] = values[self._good]
        return values


class Filter:
    """How one plugin judges nodes for one ask. `resolvable`: preemption might help where it rejects."""

    plugin: ClassVar[str]
    reason: str = ""
    resolvable: bool = False

    def passes(self, window: Window) -> Bools | None:
        """Which nodes of the window pass; None: all of them."""
        raise NotImplementedError

    def reasons(self, rejected: Ints) -> "tuple[Counter[str], Bools]":
        """How often each reason stands for the rejected positions, and for which of these preemption might help."""
        return Counter({self.reason: len(rejected)}), np.full(len(rejected), self.resolvable)


class Score:
    """How one plugin scores nodes for one ask."""

    plugin: ClassVar[str]

    def points(self, feasible: Feasible) -> Floats | None:
        """0 to 100 for each position of the window, not to be changed; None: the same for all."""
        raise NotImplementedError


class Plugin:
    """Base of the plugins."""

    name: ClassVar[str]
    weight: ClassVar[int] = 0
    wakes_on: ClassVar[Happening] = Happening(0)

    def __init__(self, state: State, timings: Timings) -> None:
        self.state = state
        self.timings = timings
        self.minor = timings.version.minor

    def filter(self, ask: Ask) -> Filter | None:
        """How to filter nodes for this ask."""
        return None

    def filter_claims(self, ask: Ask, pod: Pod) -> Filter | None:
        """How to filter nodes for this pod's claims as they stand now; asked only of pods with claims.
        Raises `Rejected`."""
        return None

    def score(self, ask: Ask) -> Score | None:
        """How to score nodes for this ask."""
        return None

    def mark(self, template: Template, label_class: LabelClass) -> Mark | None:
        """What to count when such a pod is assigned to a node, or leaves it."""
        return None

    def wakes(self, event: Event, ask: Ask, pod: Pod) -> bool:
        """Might a pod that this plugin rejected fit now, after an event that is one of `wakes_on`?"""
        return True
