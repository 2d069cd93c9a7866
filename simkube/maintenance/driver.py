"""The driver: runs a plan's steps in any world, and can be killed and taken up between any two decisions.

It owns no clock. `run` asks every step that is due and does what they decide, until all of them wait; the world's loop
calls it again at `next_wake`, or after `changed` told it that a node is no longer as it was.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf

from simkube.maintenance.log import Log, Outcome
from simkube.maintenance.plan import Block, Leaf, Plan
from simkube.maintenance.step import (
    Act,
    Answer,
    Do,
    Done,
    Entry,
    Failed,
    Journal,
    Note,
    WaitUntil,
    World,
    next_look,
)

Told = Callable[[str, Leaf, "Act | Note | WaitUntil | Outcome | None", "Answer | None"], None]
"""Told of progress: path, step, then None (begun), an act with its answer, a note, a wait, or the outcome."""


class _Run:
    """A step that has begun and not ended. It waits for `node`, which it looks at `every` seconds from `since` on."""

    __slots__ = ("due", "every", "frame", "journal", "leaf", "node", "number", "path", "since")

    def __init__(self, path: str, leaf: Leaf, frame: "_Frame", journal: Journal, number: int) -> None:
        self.path, self.leaf, self.frame, self.journal, self.number = path, leaf, frame, journal, number
        self.due, self.since, self.every = inf, 0.0, 0.0
        self.node: str | None = None


class _Frame:
    """A block that has begun and not ended. `failed` is "", "skip" or "abort"."""

    __slots__ = ("block", "failed", "filling", "index", "parent", "path", "running", "turned_back")

    def __init__(self, block: Block, path: str, parent: "_Frame | None") -> None:
        self.block, self.path, self.parent = block, path, parent
        self.index = self.running = 0
        self.failed = ""
        self.filling = self.turned_back = False


class Driver:
    """Runs one plan once; `finished` when nothing is left to do.

    Given the `log` of an earlier run that was killed, it goes on where that one was."""

    def __init__(self, plan: Plan, world: World, log: Log | None = None, told: Told | None = None) -> None:
        self.world = world
        self.log = log or Log()
        self.finished = False
        self._plan = plan
        self._told = told or (lambda *_: None)
        self._begun = self.log.begun()  # paths of an earlier run
        self._runs: dict[int, _Run] = {}  # in the order of their beginning
        self._count = 0
        self._due: list[
            tuple[float, int]
        ] = []  # heap of (time, number of a run); what is outdated is dropped late
        self._by_node: dict[str, dict[int, _Run]] = {}
        self._go_on(_Frame(plan.root, "", None))

    # -- how it ended -----------------------------------------------------------------------------------------------

    @property
    def failures(self) -> list[str]:
        """All steps that failed, in order, also those after which the plan went on, with what they said."""
        return self._failed("skip", "abort")

    @property
    def aborted(self) -> str:
        """Why the plan is not carried out to its end: the first step that aborted it, with what it said; else ""."""
        return next(iter(self._failed("abort")), "")

    def _failed(self, *then: str) -> list[str]:
        found = [
            (path, outcome.message) for path, outcome in self.log.outcomes.items() if outcome.then in then
        ]
        leaves = dict(self._plan.leaves()) if found else {}
        return [f"{leaves[path].step.title}: {message}" for path, message in found]

    # -- when -------------------------------------------------------------------------------------------------------

    @property
    def next_wake(self) -> float:
        """When `run` has something to do again, if nothing changes before; infinity if only a change can wake it."""
        while self._due:
            time, number = self._due[0]
            run = self._runs.get(number)
            if run is not None and run.due == time:
                return time
            heappop(self._due)
        return inf

    def waits_on(self, node: str) -> bool:
        """Some step waits for a change of this node."""
        return node in self._by_node

    def changed(self, node: str) -> None:
        """Something about this node changed: steps that wait for that are due when they look next."""
        now = self.world.now()
        for run in self._by_node.pop(node, {}).values():
            run.node = None
            time = next_look(run.since, now, run.every) if run.every else now
            if time < run.due:
                self._wake(run, time)

    def _wake(self, run: _Run, time: float) -> None:
        run.due = time
        if time < inf:
            heappush(self._due, (time, run.number))

    # -- asking -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Ask every due step, and do what it decides, until all wait or the plan has ended."""
        while self.next_wake <= self.world.now():
            self._ask(self._runs[heappop(self._due)[1]])

    def _ask(self, run: _Run) -> None:
        world, step = self.world, run.leaf.step
        if run.node is not None:
            waiting = self._by_node[run.node]
            del waiting[run.number]
            if not waiting:
                del self._by_node[run.node]
            run.node = None
        while True:
            now = world.now()
            decision = step.next(world.view, run.journal, now)
            if isinstance(decision, Do):
                for thing in decision.acts:
                    self._do(run, thing, now)
            elif isinstance(decision, WaitUntil):
                self._wait(run, decision, now)
                return
            else:
                self._end(run, decision)
                return

    def _do(self, run: _Run, thing: Act | Note, now: float) -> None:
        answer: Answer | None = None
        if isinstance(thing, Note):
            entry = Entry(now, "note", thing.name, None, thing.value)
        else:
            verb, target, detail = thing.verb, thing.target, thing.detail
            self.log.write(run.path, Entry(now, verb, target, None, detail))
            answer = self.world.act(thing)
            entry = Entry(now, verb, target, answer, detail)
        run.journal.add(entry)
        self.log.write(run.path, entry)
        self._told(run.path, run.leaf, thing, answer)

    def _wait(self, run: _Run, wait: WaitUntil, now: float) -> None:
        if wait.time <= now:
            raise RuntimeError(f"{run.leaf.step.title}: waits until {wait.time}, which is not after {now}")
        for note in wait.notes:
            self._do(run, note, now)
        run.node, run.since, run.every = wait.node, wait.since, wait.every
        if wait.node is not None:
            self._by_node.setdefault(wait.node, {})[run.number] = run
        self._wake(run, wait.time)
        self._told(run.path, run.leaf, wait, None)

    def _end(self, run: _Run, decision: Done | Failed) -> None:
        del self._runs[run.number]
        then = decision.then if isinstance(decision, Failed) else ""
        outcome = Outcome("failed" if then else "done", self.world.now(), decision.message, then)
        self._settle(run.path, run.leaf, outcome)
        frame = run.frame
        self._fail(frame, then)
        frame.running -= 1
        self._go_on(frame)

    def _settle(self, path: str, leaf: Leaf, outcome: Outcome) -> None:
        self.log.settle(path, outcome)
        self.log.write(path, outcome)
        self._told(path, leaf, outcome, None)

    # -- the tree ---------------------------------------------------------------------------------------------------

    @staticmethod
    def _fail(frame: _Frame, then: str) -> None:
        """A step of this block has failed so ("": it has not)."""
        if then == "skip":
            frame.failed = frame.failed or then
        around: _Frame | None = frame if then == "abort" else None
        while around is not None:
            around.failed = then
            around = around.parent

    def _go_on(self, frame: _Frame) -> None:
        """Begin what the block's window lets in; if the block has ended, go on with the one around it."""
        current: _Frame | None = frame
        while current is not None and not current.filling:
            current.filling = True
            self._fill(current)
            current.filling = False
            current = self._close(current)

    def _fill(self, frame: _Frame) -> None:
        children = frame.block.steps
        while frame.running < frame.block.parallel and frame.index < len(children):
            child, path = children[frame.index], f"{frame.path}{frame.index}"
            frame.index += 1
            begins = path in self._begun or self._may_begin(frame, child)
            if not begins and frame.failed == "skip":
                self._skip(child, path)
            elif begins and isinstance(child, Block):
                frame.running += 1
                self._go_on(_Frame(child, f"{path}/", frame))
            elif begins and isinstance(child, Leaf):
                if path in self.log.outcomes:
                    self._fail(frame, self.log.outcomes[path].then)
                else:
                    self._start(frame, child, path)

    @staticmethod
    def _may_begin(frame: _Frame, child: Leaf | Block) -> bool:
        """What an earlier run began is brought to its end in any case; this is about what nobody has begun."""
        return not frame.failed or (frame.failed == "skip" and isinstance(child, Leaf) and child.always)

    def _skip(self, child: Leaf | Block, path: str) -> None:
        if isinstance(child, Leaf):
            if path not in self.log.outcomes:
                self._settle(path, child, Outcome("skipped", self.world.now()))
        else:
            for index, inner in enumerate(child.steps):
                self._skip(inner, f"{path}/{index}")

    def _start(self, frame: _Frame, leaf: Leaf, path: str) -> None:
        frame.running += 1
        now = self.world.now()
        journal = self.log.journals.get(path)
        if journal is None:
            journal = self.log.journals[path] = Journal(now)
            self.log.write(path, now)
        run = self._runs[self._count] = _Run(path, leaf, frame, journal, self._count)
        self._count += 1
        self._wake(run, now)
        self._told(path, leaf, None, None)

    def _close(self, frame: _Frame) -> _Frame | None:
        """End a block with nothing left to do. Returns the block with which to go on: its way back, or the parent."""
        if frame.running or frame.index < len(frame.block.steps):
            return None
        if frame.failed == "abort" and frame.block.otherwise and not frame.turned_back:
            frame.turned_back = True
            frame.running += 1
            return _Frame(Block(frame.block.name, frame.block.otherwise), f"{frame.path}!", frame)
        if frame.parent is None:
            self.finished = True
            return None
        frame.parent.running -= 1
        return frame.parent
