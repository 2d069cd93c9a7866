"""The driver: runs a plan's steps in any world, and can be killed and taken up between any two decisions.

It owns no clock. `run` asks every step that is due and does what they decide, until all of them wait; the world's loop
calls it again at `next_wake`, or after `changed` told it that a node is no longer as it was.
"""

from collections.abc import Callable
from math import inf
from typing import NamedTuple

from simkube.maintenance.plan import Block, Leaf, Plan
from simkube.maintenance.step import Act, Answer, Do, Done, Entry, Failed, Journal, Note, WaitUntil, World


class Outcome(NamedTuple):
    """How a step ended: "done", "skipped" (never begun) or "failed", when, and what it said."""

    result: str
    time: float
    message: str = ""


class Log:
    """Memory of a run: each step's journal and outcome by path, and whom to tell. A world that must survive a kill
    overrides `write` to put every line on disk before going on."""

    def __init__(self) -> None:
        self.journals: dict[str, Journal] = {}
        self.outcomes: dict[str, Outcome] = {}

    def write(self, path: str, entry: Entry | Outcome | float) -> None:
        """Keep a line: a float is the time when the step began."""


Told = Callable[[str, "Leaf", "Act | Outcome | WaitUntil | None", "Answer | None"], None]
"""Told of progress: path, step, then None (begun), an act with its answer, a wait, or the outcome."""


class _Run:
    """A step that has begun and not ended."""

    __slots__ = ("due", "frame", "journal", "leaf", "node", "path")

    def __init__(self, path: str, leaf: Leaf, frame: "_Frame", journal: Journal, due: float) -> None:
        self.path, self.leaf, self.frame, self.journal, self.due = path, leaf, frame, journal, due
        self.node: str | None = None


class _Frame:
    """A block that has begun and not ended."""

    __slots__ = ("block", "closed", "failed", "filling", "index", "parent", "path", "running")

    def __init__(self, block: Block, path: str, parent: "_Frame | None") -> None:
        self.block, self.path, self.parent = block, path, parent
        self.index = self.running = 0
        self.failed = ""  # "", "skip" or "abort"
        self.filling = self.closed = False


class Driver:
    """Runs one plan once. `finished` when nothing is left; `aborted` says why it ended early, else it is ""."""

    def __init__(self, plan: Plan, world: World, log: Log | None = None, told: Told | None = None) -> None:
        self.world = world
        self.log = log or Log()
        self.aborted = ""
        self.finished = False
        self._told = told or (lambda *_: None)
        self._runs: dict[str, _Run] = {}
        self._by_node: dict[str, dict[str, _Run]] = {}
        self._root = _Frame(plan.root, "", None)
        self._begin(self._root)

    @property
    def next_wake(self) -> float:
        """When `run` has something to do again, if nothing changes before; infinity if only a change can wake it."""
        return min((run.due for run in self._runs.values()), default=inf)

    def waits_on(self, node: str) -> bool:
        """Some step waits for a change of this node."""
        return node in self._by_node or "*" in self._by_node

    def changed(self, node: str) -> None:
        """Something about this node changed: steps that wait for that are due now."""
        now = self.world.now()
        for key in (node, "*"):
            for run in self._by_node.get(key, {}).values():
                run.due = now

    def run(self) -> None:
        """Ask every due step, and do what it decides, until all wait or the plan has ended."""
        while True:
            now = self.world.now()
            due = [run for run in self._runs.values() if run.due <= now]
            if not due:
                return
            for run in due:
                if run.path in self._runs:
                    self._ask(run)

    def _ask(self, run: _Run) -> None:
        world, journal, step = self.world, run.journal, run.leaf.step
        self._unwatch(run)
        while True:
            now = world.now()
            decision = step.next(world.view, journal, now)
            if isinstance(decision, Do):
                for act in decision.acts:
                    self.log.write(run.path, Entry(now, act.verb, act.target))
                    answer = world.act(act)
                    entry = Entry(now, act.verb, act.target, answer)
                    journal.add(entry)
                    self.log.write(run.path, entry)
                    self._told(run.path, run.leaf, act, answer)
            elif isinstance(decision, Note):
                entry = Entry(now, "note", decision.name, None, decision.value)
                journal.add(entry)
                self.log.write(run.path, entry)
            elif isinstance(decision, WaitUntil):
                run.due, run.node = decision.time, decision.node
                if decision.node is not None:
                    self._by_node.setdefault(decision.node, {})[run.path] = run
                self._told(run.path, run.leaf, decision, None)
                return
            else:
                self._end(run, decision)
                return

    def _unwatch(self, run: _Run) -> None:
        if run.node is not None:
            waiting = self._by_node[run.node]
            del waiting[run.path]
            if not waiting:
                del self._by_node[run.node]
            run.node = None

    def _end(self, run: _Run, decision: Done | Failed) -> None:
        del self._runs[run.path]
        failed = isinstance(decision, Failed)
        self._settle(run.path, run.leaf, Outcome("failed" if failed else "done", self.world.now(), decision.message))
        if isinstance(decision, Failed):
            run.frame.failed = decision.then
            if decision.then == "abort" and not self.aborted:
                self.aborted = f"{run.leaf.step.title}: {decision.message}"
        run.frame.running -= 1
        self._begin(run.frame)

    def _settle(self, path: str, leaf: Leaf, outcome: Outcome) -> None:
        self.log.outcomes[path] = outcome
        self.log.write(path, outcome)
        self._told(path, leaf, outcome, None)

    def _begin(self, frame: _Frame) -> None:
        """Start what the block's window lets in; go up to the parent when the block has ended."""
        current: _Frame | None = frame
        while current is not None and not current.filling and not current.closed:
            current.filling = True
            self._fill(current)
            current.filling = False
            current = self._close(current)

    def _fill(self, frame: _Frame) -> None:
        children = frame.block.steps
        while frame.running < frame.block.parallel and frame.index < len(children) and not self._stopped(frame):
            child = children[frame.index]
            path = f"{frame.path}{frame.index}"
            frame.index += 1
            if isinstance(child, Block):
                if not frame.failed:
                    frame.running += 1
                    self._begin(_Frame(child, path + "/", frame))
            elif path not in self.log.outcomes:
                if frame.failed and not child.always:
                    self._settle(path, child, Outcome("skipped", self.world.now()))
                else:
                    self._start(frame, child, path)

    def _stopped(self, frame: _Frame) -> bool:
        return bool(self.aborted) and not frame.path.startswith("!")

    def _start(self, frame: _Frame, leaf: Leaf, path: str) -> None:
        frame.running += 1
        now = self.world.now()
        journal = self.log.journals.get(path)
        if journal is None:
            journal = self.log.journals[path] = Journal(now)
            self.log.write(path, now)
        self._runs[path] = _Run(path, leaf, frame, journal, now)
        self._told(path, leaf, None, None)

    def _close(self, frame: _Frame) -> _Frame | None:
        """End a block with nothing left to do; returns the parent, which may go on."""
        if frame.running or not (self._stopped(frame) or frame.index >= len(frame.block.steps)):
            return None
        if self._stopped(frame) and frame.block.otherwise:
            way_back = Block(frame.block.name, frame.block.otherwise)
            frame.block = Block(frame.block.name, ())
            frame.running += 1
            return _Frame(way_back, f"!{frame.path}", frame)
        frame.closed = True
        if frame.parent is None:
            self.finished = True
            return None
        frame.parent.running -= 1
        return frame.parent
