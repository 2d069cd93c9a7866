"""Tables for people, plain text: a comparison with its reasons, the strategies, the timings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from simkube.kube.duration import format_duration
from simkube.measure.causes import clock
from simkube.studies.slo import Breach, worst_interval

if TYPE_CHECKING:
    from simkube.measure import Cost, Recovery, RecoveryResult, ServiceResult
    from simkube.scenario.scenario import Objective
    from simkube.studies.compare import Comparison, Line, Trial
    from simkube.studies.intervals import Figure
    from simkube.timings import Timing

WIDTH = 160  # columns at most; longer cells are wrapped
FAILED = 6  # failed pods told of one by one
REASONS = 3  # services told of for each strategy


def render(table: Table, width: int = WIDTH) -> str:
    """A table as text without colours, no wider than it needs to be."""
    target = StringIO()
    Console(file=target, width=width, no_color=True, legacy_windows=False, markup=False, emoji=False).print(
        table
    )
    return "\n".join(line.rstrip() for line in target.getvalue().splitlines())


def columns(*names: str, right: Sequence[str] = ()) -> Table:
    """An empty table with a rule below its heading."""
    table = Table(box=None, pad_edge=False, header_style="", padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return table


def seconds(value: float) -> str:
    """ "21 s", "4 min 10 s", "1 h 02 min"."""
    if value < 0.05:
        return "0"
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def count(value: float) -> str:
    return f"{value:,.0f}" if value >= 9.95 or value == int(value) else f"{value:.1f}"


def _figure(figure: Figure, show: Any) -> str:
    text = str(show(figure.median))
    return text if figure.kind == "exact" else f"{text}\n[{show(figure.low)} to {show(figure.high)}]"


def comparison_text(comparison: Comparison, slo: Mapping[str, Objective]) -> str:
    """The table of a comparison, best first, and below it why each strategy cost what it did."""
    names = ["", "strategy", "lost requests", "longest outage", "duration", "evicted", "node-hours", "ends"]
    if slo:
        names.append("objectives")
    table = columns(*names, right=names[2:7])
    for place, line in enumerate(comparison.lines, 1):
        table.add_row(f"{place}.", *_row(line, bool(slo)))
    runs = len(comparison.lines[0].trials) if comparison.lines else 0
    parts = [_title(comparison, runs), "", render(table), ""]
    for line in comparison.lines:
        parts += _why(line)
    return "\n".join(parts).rstrip()


def _title(comparison: Comparison, runs: int) -> str:
    by = {"lost": "lost requests", "outage": "longest outage", "duration": "duration"}[comparison.rank]
    over = f"all measured over {seconds(comparison.window)}"
    kind = comparison.lines[0].lost.kind if comparison.lines else "exact"
    told = {"exact": "", "range": "; median [range]", "interval": "; median [95 % interval]"}[kind]
    many = f"; {runs} runs each" if runs > 1 else ""
    return f"{comparison.scenario}: best first by {by}, {over}{many}{told}"


def _row(line: Line, objectives: bool) -> list[str]:
    costs = [trial.result.cost for trial in line.trials]
    ended = [trial.ended for trial in line.trials]
    cells = [
        line.strategy,
        _figure(line.lost, count),
        _figure(line.longest_outage, seconds),
        _figure(line.duration, seconds),
        count(sum(cost.evictions for cost in costs) / len(costs)),
        f"{sum(cost.extra_node_hours for cost in costs) / len(costs):.1f}",
        "done" if not line.failed else _ends(ended),
    ]
    if objectives:
        cells.append("kept" if line.kept else "missed")
    return cells


def _ends(ended: Sequence[str]) -> str:
    bad = [e for e in ended if e != "done"]
    return bad[0] if len(ended) == 1 else f"{bad[0]} in {len(bad)} of {len(ended)}"


def _why(line: Line) -> list[str]:
    """The strategy's typical run in words."""
    rows = [f"  {reason}" for reason in reasons(line.typical)]
    return [line.strategy, *(rows or ["  no service failed at any time"]), ""]


def reasons(trial: Trial) -> list[str]:
    """What a run did to the services that it hit most, and what else it cost, one line each."""
    lines = []
    if trial.ended == "failed":
        lines.append(f"the plan gave up: {trial.why}")
    elif trial.ended == "unfinished":
        lines.append("the plan never ended")
    lines += breach_lines(trial.breaches)
    told = {(breach.namespace, breach.service) for breach in trial.breaches}
    hit = [s for s in trial.result.services if s.lost > 0 and (s.namespace, s.name) not in told]
    hit.sort(key=lambda s: (-s.lost, s.namespace, s.name))
    lines += [service_line(service) for service in hit[:REASONS]]
    if len(hit) > REASONS:
        more = sum(service.lost for service in hit[REASONS:])
        lines.append(f"and {len(hit) - REASONS} more services, {count(more)} lost requests together")
    return lines + _lost_lines(trial.result.cost)


def breach_lines(breaches: Sequence[Breach]) -> list[str]:
    """What was missed, a line a service: all that was asked of it in vain, and the failure that weighed most."""
    lines: dict[tuple[str, str], list[Breach]] = {}
    for breach in breaches:
        lines.setdefault((breach.namespace, breach.service), []).append(breach)
    return [f"missed: {_missed(found)}" for found in lines.values()]


def _missed(breaches: Sequence[Breach]) -> str:
    first, worst = breaches[0], breaches[0].worst
    asked = " and ".join(f"{breach.asked}, had {breach.had}" for breach in breaches)
    if worst is None:
        return f"{first.service}: {asked}"
    word = "out" if worst.state == "out" else "degraded"
    return f"{first.service}: {asked}; {word} for {seconds(worst.duration)}: {worst.cause}"


def recovery_lines(recovery: RecoveryResult) -> list[str]:
    """How long pods that failed were away: one by one if they are few."""
    if recovery.failed > FAILED:
        lines = [f"{recovery.failed} pods stopped answering without being asked to, {recovery.back} are back"]
        for name, spread in (("reaction", recovery.reaction), ("outage", recovery.outage)):
            if spread is not None:
                lines.append(f"  {name}: median {seconds(spread.median)}, longest {seconds(spread.longest)}")
        return lines
    return [_recovered(one) for one in recovery.longest]


def _recovered(one: Recovery) -> str:
    text = f"pod {one.pod} stopped answering on {one.node} at {clock(one.start)}"
    if one.reaction is not None:
        text += f", Kubernetes reacted after {seconds(one.reaction)}"
    if one.outage is None or one.recovery is None:
        return f"{text}; not back by the end"
    back = f"{one.successor} in its place" if one.successor else "it"
    then = " more" if one.reaction is not None else ""
    return f"{text}, {back} answers after {seconds(one.recovery)}{then}: out for {seconds(one.outage)}"


def cost_lines(cost: Cost) -> list[str]:
    """What a run cost beside requests."""
    parts = [
        f"{cost.evictions} {'pod' if cost.evictions == 1 else 'pods'} evicted",
        f"{cost.deletions} deleted",
        f"{cost.restarts} container restarts",
    ]
    if cost.duration is not None:
        parts.insert(0, f"the plan took {seconds(cost.duration)}")
    if cost.extra_node_hours >= 0.005:
        parts.append(f"{cost.extra_node_hours:.2f} extra node-hours")
    return [", ".join(parts), *_lost_lines(cost)]


def _lost_lines(cost: Cost) -> list[str]:
    lines = []
    for pods, what in (
        (cost.pods_lost, "lost for good"),
        (cost.data_lost, "lost their emptyDir data"),
        (cost.pending, "found no node by the end"),
    ):
        if pods:
            shown = ", ".join(pods[:3]) + (f" and {len(pods) - 3} more" if len(pods) > 3 else "")
            lines.append(
                f"{len(pods)} pods {what}: {shown}"
                if len(pods) > 1
                else f"1 pod {what.replace('their', 'its')}: {shown}"
            )
    return lines


def service_line(service: ServiceResult) -> str:
    """One service in words: what it lost, how long it was out, and the worst of it."""
    text = f"{service.name}: {count(service.lost)} of {count(service.sent)} requests lost"
    if service.outage_total > 0.05:
        outages = sum(1 for i in service.intervals if i.state == "out")
        text += f", out {seconds(service.outage_total)}" + (f" in {outages} outages" if outages > 1 else "")
    if service.degraded > 0.05:
        text += f", degraded {seconds(service.degraded)}"
    if service.connections_cut > 0:
        text += f", kept connections cut {service.connections_cut:.1f} times each"
    worst = worst_interval(service)
    return text + (f" ({worst.cause})" if worst is not None else "")


def timings_text(rows: Iterable[Timing]) -> str:
    """Every constant, a row each."""
    table = columns("name", "value", "unit", "minors", "flag", "source", right=["value"])
    for row in rows:
        value = format_duration(row.value) if row.unit == "seconds" else f"{row.value:g}"
        unit = "" if row.unit == "seconds" else row.unit
        table.add_row(row.name, value, unit, f"{row.since} to {row.until}", row.flag, row.source)
    return render(table, 220)
