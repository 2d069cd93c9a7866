"""What happened in a run, in order: time, who, what; then what it did to the services, and what it cost."""

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from simkube.measure import Result
from simkube.measure.causes import clock
from simkube.report.failures import failures_of
from simkube.report.story_words import Told, Words
from simkube.report.tables import breach_lines, columns, cost_lines, count, render, seconds
from simkube.studies.slo import Breach, worst_interval
from simkube.trace.record import Record

if TYPE_CHECKING:
    from simkube.studies.run import Run

FIRST, LAST = 160, 80  # lines kept of a long run: so many from its beginning, so many from its end
OPEN = 64  # lines that may still grow
NAMES = 3  # of items in a line
DISTINCT = 2000  # items of a line that are told apart
SERVICES = 25  # rows of the table


class Line:
    """A line that still grows: what it tells, of which items, where, how often, from when to when."""

    __slots__ = ("items", "last", "start", "times", "told", "wheres")

    def __init__(self, t: float, told: Told) -> None:
        self.start = self.last = t
        self.told = told
        self.items: dict[str, None] = {}
        self.wheres: dict[str, None] = {}
        self.times = 0

    def add(self, t: float, told: Told) -> None:
        self.last = t
        self.times += 1
        if len(self.items) < DISTINCT:
            self.items[told.item] = None
        if told.where:
            self.wheres[told.where] = None

    @property
    def text(self) -> str:
        told, names = self.told, list(self.items)
        many = len(names) if len(names) < DISTINCT else self.times
        where = f" on {_some(list(self.wheres))}" if self.wheres else ""
        if told.noun == "":
            text = told.text
        elif many == 1:
            text = told.one or f"{told.noun}/{names[0]} {told.text}{where}"
        else:
            text = f"{many} {told.noun}s {told.text}{where}: {_some(names)}"
        return text + (f" ({self.times} times, until {clock(self.last)})" if self.times > many else "")


class Story:
    """A `Sink` for the records of one run. However long the run, only so many lines are kept."""

    def __init__(self) -> None:
        self._words = Words()
        self._first: list[Line] = []
        self._last: deque[Line] = deque(maxlen=LAST)
        self._left_out = 0
        self._open: dict[tuple[str, ...], Line] = {}

    def __call__(self, record: Record) -> None:
        told = self._words(record)
        if told is None or record.t < 0.0:
            return
        line = self._open.pop(told.key, None)
        if line is None or record.t - line.last > told.gap:
            line = Line(record.t, told)
            self._keep(line)
        line.add(record.t, told)
        self._open[told.key] = line
        if len(self._open) > OPEN:
            del self._open[next(iter(self._open))]

    def _keep(self, line: Line) -> None:
        if len(self._first) < FIRST:
            self._first.append(line)
            return
        self._left_out += len(self._last) == LAST
        self._last.append(line)

    # -- telling ------------------------------------------------------------------------------------------------

    def text(self, run: "Run", result: Result, breaches: Sequence[Breach]) -> str:
        """Everything, as text for people."""
        simulation = run.simulation
        name = simulation.loaded.scenario.title or simulation.loaded.name
        what = (
            f"strategy {run.plan.strategy}"
            if run.plan and run.plan.strategy
            else "a plan"
            if run.plan
            else "no plan"
        )
        title = f"{name}: {what}, seed {simulation.seed}, over {seconds(result.window)}"
        return "\n".join([title, "", *self.lines(result), "", *summary(result, breaches, _ending(run))])

    def lines(self, result: Result) -> list[str]:
        """What happened, line by line, with the failures of services among it."""
        rows = [(line.start, line.told.who, line.text) for line in (*self._first, *self._last)]
        if self._left_out:
            text = f"{self._left_out:,} more lines, left out here; a trace (--trace FILE) has everything"
            rows.append((self._first[-1].start, "...", text))
        rows += [(failure.start, "service", failure.text) for failure in failures_of(result)]
        rows.sort(key=lambda row: row[0])
        width = min(max((len(who) for _, who, _ in rows), default=0), 28)
        return [f"{clock(t)}  {who:<{width}}  {text}" for t, who, text in rows] or ["nothing happened"]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES + 1 else ""
    return ", ".join(names[:NAMES] if more else names) + more


def _ending(run: "Run") -> str:
    if run.unfinished:
        return "the plan never ended"
    return f"the plan gave up: {run.aborted}" if run.aborted else ""


def summary(result: Result, breaches: Sequence[Breach], ending: str) -> list[str]:
    """The table of services, and the costs."""
    failed = [service for service in result.services if service.intervals]
    failed.sort(key=lambda service: (-service.lost, -service.outage_total, service.namespace, service.name))
    rows = []
    if failed:
        names = ("service", "lost", "of", "out", "longest", "degraded", "the worst of it")
        table = columns(*names, right=names[1:6])
        for service in failed[:SERVICES]:
            worst = worst_interval(service)
            table.add_row(
                service.name,
                count(service.lost),
                count(service.sent),
                seconds(service.outage_total),
                seconds(service.outage_longest),
                seconds(service.degraded),
                worst.cause if worst is not None else "",
            )
        rows += [*render(table).splitlines(), ""]
        if len(failed) > SERVICES:
            rows.append(f"and {len(failed) - SERVICES} more services that failed")
    sound = [service.name for service in result.services if not service.intervals]
    if sound:
        rows.append(
            f"no request lost: {_some(sound)}" if failed else f"no service lost a request: {_some(sound)}"
        )
    rows += cost_lines(result.cost)
    rows += breach_lines(breaches)
    return rows + ([ending] if ending else [])
