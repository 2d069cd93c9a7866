"""What happened in a run, in order: time, who, what; then what it did to the services, and what it cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simkube.measure import Result
from simkube.measure.causes import clock
from simkube.report.failures import failures_of
from simkube.report.story_lines import Lines, some
from simkube.report.story_words import Words
from simkube.report.tables import breach_lines, columns, cost_lines, count, recovery_lines, render, seconds
from simkube.studies.slo import Breach, worst_interval
from simkube.trace.record import Record

if TYPE_CHECKING:
    from simkube.studies.run import Run

FIRST, LAST = 160, 80  # lines kept of a long run: so many from its beginning, so many from its end
SERVICES = 25  # rows of the table


class Story:
    """A `Sink` for the records of one run. However long the run, only so many lines are kept."""

    def __init__(self) -> None:
        self._words = Words()
        self._lines = Lines(FIRST, LAST)

    def __call__(self, record: Record) -> None:
        told = self._words(record)
        if told is not None and record.t >= 0.0:
            self._lines.add(record.t, told)

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
        rows = [(line.start, line.told.who, line.text) for line in self._lines.kept]
        if self._lines.left_out:
            text = (
                f"{self._lines.left_out:,} more lines, left out here; a trace (--trace FILE) has everything"
            )
            rows.append((self._lines.gap_at, "...", text))
        rows += [(failure.start, "service", failure.text) for failure in failures_of(result)]
        rows.sort(key=lambda row: row[0])
        width = min(max((len(who) for _, who, _ in rows), default=0), 28)
        return [f"{clock(t)}  {who:<{width}}  {text}" for t, who, text in rows] or ["nothing happened"]


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
            f"no request lost: {some(sound)}" if failed else f"no service lost a request: {some(sound)}"
        )
    rows += recovery_lines(result.recovery)
    rows += cost_lines(result.cost)
    rows += breach_lines(breaches)
    return rows + ([ending] if ending else [])
