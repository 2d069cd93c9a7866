"""Steps: pure decisions, and what they may decide.

    next(view, journal, now) -> Do | WaitUntil | Done | Failed

A step has no memory but its journal and does nothing itself: one driver runs it, a world supplies view, act and time.
So the same drain runs in virtual and in real time, and can be killed between any two decisions and taken up again.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, inf
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Protocol

from msgspec import Struct

from simkube.kube.objects import Key, Node, Pod

NONE: Mapping[str, Any] = MappingProxyType({})


class Act(Struct, frozen=True, tag=True, gc=False):
    """Something a step wants done. Done twice it must be harmless. Subclasses stand in `simkube.maintenance.acts`."""

    verb: ClassVar[str]

    @property
    def target(self) -> str:
        """What it is done to, unique among acts of the verb within one step: a node, namespace/name of a pod."""
        raise NotImplementedError

    @property
    def detail(self) -> Any:
        """What the journal keeps beside verb and target, as plain data: the UID of a pod, the replicas asked for."""
        return None


class Answer(Struct, frozen=True, gc=False):
    """What a world said of an act: `code` as HTTP (200 done, 404 gone, 429 refused for now, 503 nobody there);
    `retry_after` in seconds, None without that header; `cause` is the type of the Status' first cause."""

    code: int = 200
    message: str = ""
    retry_after: int | None = None
    cause: str = ""

    @property
    def ok(self) -> bool:
        return self.code < 300


class Entry(Struct, frozen=True, gc=False):
    """A line of a step's journal: an act (or, with verb "note", what the step noted), when it was begun, and the
    answer. An act without an answer was begun and never confirmed: the step must look whether it happened."""

    time: float
    verb: str
    target: str
    answer: Answer | None = None
    value: Any = None


class Journal:
    """What one step has done so far, in order. `notes` holds what it noted, by name."""

    def __init__(self, started: float, entries: Iterable[Entry] = ()) -> None:
        self.started = started
        self.entries: list[Entry] = []
        self.notes: dict[str, Any] = {}
        self._newest: dict[str, dict[str, Entry]] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._newest.setdefault(entry.verb, {})[entry.target] = entry
        if entry.verb == "note":
            self.notes[entry.target] = entry.value

    def newest(self, verb: str) -> Mapping[str, Entry]:
        """The newest entry of a verb on each target."""
        return self._newest.get(verb, NONE)

    def last(self, verb: str, target: str) -> Entry | None:
        """The newest entry of a verb on a target."""
        return self._newest.get(verb, NONE).get(target)

    def noted(self, name: str) -> Any:
        """What the step noted under this name, or None."""
        return self.notes.get(name)


class Note(NamedTuple):
    """Something to remember in the journal. `value` is plain data (JSON), not None."""

    name: str
    value: Any


class Do(NamedTuple):
    """Do and note these now, in order; then the step is asked again at once."""

    acts: tuple[Act | Note, ...]


class WaitUntil(NamedTuple):
    """Ask again at `time`, or earlier when something about node `node` (it, its pods, its machine) changes. With
    `every` such a change is seen only at the next of the times `since`, `since + every`, ...: as by somebody who looks
    again and again. `why` is for people: what is waited for. `notes` are remembered first."""

    time: float = inf
    node: str | None = None
    why: str = ""
    since: float = 0.0
    every: float = 0.0
    notes: tuple[Note, ...] = ()


def next_look(since: float, now: float, every: float) -> float:
    """The first of `since`, `since + every`, ... that is not before `now`; within a microsecond counts as at it."""
    return since + ceil((now - since) / every - 1e-6) * every


class Done(NamedTuple):
    message: str = ""


class Failed(NamedTuple):
    """The step gives up. `then`: "skip" leaves out the rest of its block but for the `always` steps, and the plan goes
    on. "abort" ends the plan: its block and all blocks around it begin nothing more and undo nothing (but for their
    `otherwise`); what runs beside them is brought to its end."""

    message: str
    then: str = "abort"


Decision = Do | WaitUntil | Done | Failed


class MachineView(NamedTuple):
    """What somebody at the console sees of a machine; `booted_at` in the world's time."""

    exists: bool
    on: bool
    booted_at: float
    kubelet_running: bool
    kubelet_version: str


class View(Protocol):
    """Read-only sight of a cluster: what its API says (belief), and its machines as their console shows them.

    `table` is all of a kind by (namespace, name), `owned_by` what has this UID as its controller."""

    def node(self, name: str) -> Node | None: ...
    def nodes(self) -> Sequence[Node]: ...
    def pod(self, namespace: str, name: str) -> Pod | None: ...
    def pods_on(self, node: str) -> Sequence[Pod]: ...
    def get(self, kind: str, name: str, namespace: str = "") -> Any: ...
    def table(self, kind: str) -> Mapping[Key, Any]: ...
    def owned_by(self, uid: str) -> Sequence[Any]: ...
    def machine(self, name: str) -> MachineView: ...
    def service_success(self, since: float) -> Mapping[Key, float]:
        """Request-weighted availability of each Service from `since` (world time) to now, within [0, 1]."""
        ...


class Step(Protocol):
    """One step of a plan. For people: `title` says what it does ("drain worker-3"), `needs` what must hold before,
    `waits` what must hold until it is done ("" for none)."""

    @property
    def title(self) -> str: ...
    @property
    def needs(self) -> str: ...
    @property
    def waits(self) -> str: ...

    def next(self, view: View, journal: Journal, now: float) -> Decision: ...


class World(Protocol):
    """Who is acted on: simulated, any real API, kind."""

    @property
    def view(self) -> View: ...
    def now(self) -> float: ...
    def act(self, act: Act) -> Answer: ...
