"""What a trace says of nodes over time: the state of each, the pods on it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeVar

from simkube.trace.record import Record

T = TypeVar("T")

FEW_NODES = 60  # up to so many, the pods on each are remembered
FEW_STAYS = 600  # up to so many, each pod's stay is


class State(IntEnum):
    """What a node is, of all that holds the one that comes last here."""

    READY = 0
    CORDONED = 1
    DRAINING = 2
    NOT_READY = 3
    UPGRADING = 4
    NO_CONTACT = 5  # frozen, cut off, or its kubelet does not run
    DOWN = 6
    ABSENT = 7


@dataclass
class Stay:
    """A pod on a node: from when the API binds it until the pod has ended or is removed."""

    name: str
    start: float
    end: float | None = None
    terminating: float | None = None
    serving: list[tuple[float, float | None]] = field(default_factory=list)


class _Node:
    __slots__ = ("booting", "cordoned", "down", "kubelet", "ready", "steps", "there")

    def __init__(self) -> None:
        self.there = self.ready = self.cordoned = self.down = self.booting = False
        self.kubelet = True
        self.steps: dict[str, State] = {}  # steps under way

    @property
    def state(self) -> State:
        if not self.there:
            return State.ABSENT
        if self.down or self.booting:
            return State.DOWN
        if not self.kubelet:
            return State.NO_CONTACT
        doing = max(self.steps.values(), default=State.READY)
        if not self.ready:
            return max(doing, State.NOT_READY)
        return max(doing, State.CORDONED if self.cordoned else State.READY)


class NodeHistory:
    """A `Sink`. `states[node]`: (time, state from then on); `pods[node]`: (time, number of pods from then on);
    `stays[node]`: the pods one by one. Both without static pods, and None where there are too many."""

    def __init__(self) -> None:
        self.states: dict[str, list[tuple[float, State]]] = {}
        self.pods: dict[str, list[tuple[float, int]]] | None = {}
        self.stays: dict[str, list[Stay]] | None = {}
        self._nodes: dict[str, _Node] = {}
        self._static: dict[str, None] = {}
        self._here: dict[str, tuple[str, Stay]] = {}  # pod UID -> node, stay
        self._serving: dict[str, None] = {}
        self._count = 0
        self._node_rules: dict[str, Callable[[_Node, Record], object]] = {
            "node.added": lambda n, r: _set(n, there=True),
            "node.removed": lambda n, r: _set(n, there=False, ready=False, cordoned=False),
            "machine.added": lambda n, r: _set(n, there=True, booting=True),
            "machine.removed": lambda n, r: _set(n, there=False, down=False, booting=False, ready=False),
            "machine.off": lambda n, r: _set(n, down=True, kubelet=True),
            "machine.on": lambda n, r: _set(n, down=False, booting=n.down or n.booting),
            "machine.frozen": lambda n, r: _set(n, kubelet=False),
            "machine.thawed": lambda n, r: _set(n, kubelet=True),
            "machine.cut": lambda n, r: _set(n, kubelet=False),
            "machine.rejoined": lambda n, r: _set(n, kubelet=True),
            "kubelet.started": lambda n, r: _set(n, kubelet=True, booting=False),
            "kubelet.stopped": lambda n, r: _set(n, kubelet=r.reason != "killed" and n.kubelet),
            "node.ready": lambda n, r: _set(n, ready=True),
            "node.not-ready": lambda n, r: _set(n, ready=False),
            "node.unknown": lambda n, r: _set(n, ready=False),
            "node.cordoned": lambda n, r: _set(n, cordoned=True),
            "node.uncordoned": lambda n, r: _set(n, cordoned=False),
            "step.begun": _step_begun,
            "step.done": lambda n, r: n.steps.pop(r.uid, None),
            "step.failed": lambda n, r: n.steps.pop(r.uid, None),
        }
        self._pod_rules: dict[str, Callable[[Record], None]] = {
            "pod.created": self._created,
            "pod.bound": self._bound,
            "pod.terminating": self._terminating,
            "pod.serving": self._serves,
            "pod.silent": self._silent,
            "pod.phase": self._phase,
            "pod.removed": self._removed,
        }

    def __call__(self, record: Record) -> None:
        rule = self._node_rules.get(record.what)
        if rule is not None:
            name = record.node or record.name
            if name:
                self._change(name, record, rule)
            return
        pod_rule = self._pod_rules.get(record.what)
        if pod_rule is not None and self.pods is not None:
            pod_rule(record)

    # -- nodes --------------------------------------------------------------------------------------------------

    def _change(self, name: str, record: Record, rule: Callable[[_Node, Record], object]) -> None:
        node = self._nodes.get(name)
        if node is None:
            node = self._nodes[name] = _Node()
            self.states[name] = []
            if len(self._nodes) > FEW_NODES:
                self.pods = self.stays = None
                self._here.clear()
        rule(node, record)
        _append(self.states[name], record.t, node.state)

    # -- pods ---------------------------------------------------------------------------------------------------

    def _created(self, record: Record) -> None:
        if record.value and record.value.get("owner", "").startswith("Node/"):
            self._static[record.uid] = None

    def _bound(self, record: Record) -> None:
        if record.uid in self._static:
            return
        stay = Stay(record.name, record.t)
        self._here[record.uid] = (record.node, stay)
        self._tally(record.node, record.t, 1)
        if self.stays is not None:
            self._count += 1
            self.stays.setdefault(record.node, []).append(stay)
            if self._count > FEW_STAYS:
                self.stays = None

    def _end(self, record: Record) -> None:
        found = self._here.pop(record.uid, None)
        if found is not None:
            node, stay = found
            stay.end = record.t
            self._tally(node, record.t, -1)

    def _tally(self, node: str, t: float, change: int) -> None:
        if self.pods is not None:
            counts = self.pods.setdefault(node, [(t, 0)])
            _append(counts, t, counts[-1][1] + change)

    def _terminating(self, record: Record) -> None:
        found = self._here.get(record.uid)
        if found is not None:
            found[1].terminating = record.t

    def _serves(self, record: Record) -> None:
        found = self._here.get(record.uid)
        if found is not None:
            found[1].serving.append((record.t, None))

    def _silent(self, record: Record) -> None:
        found = self._here.get(record.uid)
        if found is not None and found[1].serving:
            since, _ = found[1].serving[-1]
            found[1].serving[-1] = (since, record.t)

    def _phase(self, record: Record) -> None:
        if record.reason in ("Succeeded", "Failed"):
            self._end(record)

    def _removed(self, record: Record) -> None:
        self._end(record)
        self._static.pop(record.uid, None)


def _set(node: _Node, **more: bool) -> None:
    for name, value in more.items():
        setattr(node, name, value)


def _step_begun(node: _Node, record: Record) -> None:
    if record.name.startswith("drain "):
        node.steps[record.uid] = State.DRAINING
    elif record.name.startswith("install kubelet "):
        node.steps[record.uid] = State.UPGRADING


def _append(points: list[tuple[float, T]], t: float, value: T) -> None:
    """Add a point where the value changes; of several at one time the last counts."""
    if points and points[-1][0] == t:
        points.pop()
    if not points or points[-1][1] != value:
        points.append((t, value))
