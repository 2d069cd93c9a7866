"""Availability over time: a strip for every service under every strategy, on one time axis."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from simkube.measure import ServiceResult
from simkube.measure.services import WHOLE
from simkube.measure.success import Service
from simkube.report.style import (
    BLACK,
    GREY,
    INK,
    ORANGE,
    PALE,
    VERMILLION,
    YELLOW,
    listed,
    plain,
    time_axis,
)
from simkube.report.tables import count, seconds
from simkube.studies.compare import Comparison, Line, Trial

LEVELS = (  # lowest share of requests that succeed, colour, what the legend says
    (WHOLE, PALE, "all"),
    (0.9, YELLOW, "90 to 100 %"),
    (0.5, ORANGE, "50 to 90 %"),
    (1e-12, VERMILLION, "under 50 %"),
    (-1.0, BLACK, "none: outage"),
)
COLUMNS = 900  # of a strip; each shows the worst moment within it
ROWS = 12  # services drawn one by one; the others share a strip
STRATEGIES = 12
ROW = 0.21  # inches
WIDTH, LEFT, RIGHT, TOP, BOTTOM = 12.0, 2.1, 2.0, 1.3, 0.9  # inches


def availability_figure(comparison: Comparison) -> Figure:
    """The strips of each strategy's typical run, best strategy on top."""
    lines = comparison.lines[:STRATEGIES]
    trials = [line.typical for line in lines]
    window = max((trial.result.window for trial in trials), default=0.0)
    rows, others, sound = _choose(trials)
    failing = [any(service.intervals for service in trial.result.services) for trial in trials]
    height = max(2.0, sum(1.9 + (len(rows) + bool(others) if fails else 1) for fails in failing))  # in rows
    inches = TOP + height * ROW + BOTTOM
    figure = Figure(figsize=(WIDTH, inches))
    axes = figure.add_axes(
        (LEFT / WIDTH, BOTTOM / inches, (WIDTH - LEFT - RIGHT) / WIDTH, height * ROW / inches)
    )
    axes.set_ylim(height, 0.0)
    axes.set_yticks([])
    axes.set_xlim(0.0, max(window, 1e-3))
    time_axis(axes.xaxis, window, "time since the run began")
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(axis="x", labeltop=True, length=0)
    axes.grid(axis="x", color=PALE, linewidth=0.8, zorder=0)
    y = 0.0
    for place, (line, trial) in enumerate(zip(lines, trials, strict=True), 1):
        y = _strategy(axes, y, place, line, trial, rows, others)
    if not rows:
        axes.text(0.5, 0.5, "there is no Service to measure", transform=axes.transAxes, ha="center")
    _titles(figure, comparison, inches)
    _notes(figure, window, comparison, sound, inches)
    return figure


def _choose(trials: Sequence[Trial]) -> tuple[list[Service], list[Service], list[Service]]:
    """The services to draw one by one (those that lost most, by name), the others that failed, and the sound ones."""
    lost: dict[Service, float] = {}
    for trial in trials:
        for service in trial.result.services:
            key = (service.namespace, service.name)
            lost[key] = lost.get(key, 0.0) + sum(i.duration * (1.0 - i.worst) for i in service.intervals)
    order = sorted(lost, key=lambda key: (-lost[key], key))
    failed = [key for key in order if lost[key] > 0.0]
    sound = sorted(key for key in order if lost[key] <= 0.0)
    if not failed:
        return sound[:ROWS], [], sound[ROWS:]
    return sorted(failed[:ROWS]), failed[ROWS:], sound


def _strategy(
    axes: Axes,
    y: float,
    place: int,
    line: Line,
    trial: Trial,
    rows: Sequence[Service],
    others: Sequence[Service],
) -> float:
    """Draw one strategy's heading and strips from `y` on; returns where the next one begins."""
    window, cost = trial.result.window, trial.result.cost
    ended = {"done": "", "failed": ": its plan gave up", "unfinished": ": its plan never ended"}[trial.ended]
    seed = f"  (seed {trial.seed})" if len(line.trials) > 1 else ""
    axes.text(0.0, y + 0.75, f"{place}. {plain(line.strategy)}{ended}{seed}", weight="bold", va="center")
    took = f", took {seconds(cost.duration)}" if cost.duration is not None else ""
    told = f"{count(trial.result.lost)} requests lost, longest outage {seconds(trial.result.longest_outage)}{took}"
    axes.text(1.0, y + 0.75, told, transform=axes.get_yaxis_transform(), ha="right", va="center")
    y += 1.4
    top = y
    if rows and not any(service.intervals for service in trial.result.services):
        _strip(axes, y, f"all {len(trial.result.services)} services", [], window, "no request failed")
        rows, others = (), ()
        y += 1
    found = {(s.namespace, s.name): s for s in trial.result.services}
    several = len({namespace for namespace, _ in rows}) > 1
    for key in rows:
        name = "/".join(key) if several else key[1]
        service = found.get(key)
        levels = levels_of(service.points, window) if service is not None else []
        _strip(axes, y, plain(name, 30), levels, window, _figures(service))
        y += 1
    if others:
        all_levels = [levels_of(found[key].points, window) for key in others if key in found]
        worst = [max(column) for column in zip(*all_levels, strict=True)]
        _strip(axes, y, f"worst of {len(others)} others", worst, window, _lost_of(others, found))
        y += 1
    if cost.duration is not None:
        axes.plot([cost.duration] * 2, [top - 0.1, y - 0.1], color=GREY, linestyle=(0, (2, 2)), linewidth=1.2)
    return y + 0.5


def levels_of(points: Sequence[tuple[float, float]], window: float) -> list[int]:
    """For each of `COLUMNS` equal parts of the window the worst level in it, as an index of `LEVELS`."""
    found = [0] * COLUMNS
    width = window / COLUMNS
    ends = [t for t, _ in points[1:]] + [window]
    for (start, s), end in zip(points, ends, strict=True):
        level = next(index for index, (least, _, _) in enumerate(LEVELS) if s >= least)
        if level and end > start:
            first = min(int(start / width), COLUMNS - 1)
            last = min(int(-(-end // width)), COLUMNS)
            for column in range(first, max(last, first + 1)):
                found[column] = max(found[column], level)
    return found


def _strip(axes: Axes, y: float, name: str, levels: Sequence[int], window: float, figures: str) -> None:
    width = window / COLUMNS
    spans, colours, column = [(0.0, window)], [PALE], 0
    for level, run in groupby(levels):
        length = sum(1 for _ in run)
        if level:
            spans.append((column * width, length * width))
            colours.append(LEVELS[level][1])
        column += length
    axes.broken_barh(spans, (y + 0.1, 0.8), facecolors=colours, linewidth=0, zorder=2)
    axes.text(
        -0.006, y + 0.5, name, transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=8
    )
    axes.text(
        1.006, y + 0.5, figures, transform=axes.get_yaxis_transform(), va="center", fontsize=7.5, color=INK
    )


def _figures(service: ServiceResult | None) -> str:
    if service is None or not service.intervals:
        return ""
    out = f", out {seconds(service.outage_total)}" if service.outage_total >= 0.05 else ""
    return f"{count(service.lost)} lost{out}"


def _lost_of(keys: Sequence[Service], found: Mapping[Service, ServiceResult]) -> str:
    return f"{count(sum(found[key].lost for key in keys if key in found))} lost"


def _titles(figure: Figure, comparison: Comparison, inches: float) -> None:
    left = LEFT / WIDTH
    figure.text(
        0.15 / WIDTH, 1 - 0.28 / inches, "Availability of each service over time", fontsize=14, weight="bold"
    )
    scenario = plain(comparison.scenario, 80)
    many = len(comparison.lines[0].trials) if comparison.lines else 1
    runs = f"; of {many} runs of each, the one with the median of lost requests" if many > 1 else ""
    left_out = len(comparison.lines) - STRATEGIES
    more = f"; the {left_out} worst strategies are left out" if left_out > 0 else ""
    figure.text(0.15 / WIDTH, 1 - 0.5 / inches, f"{scenario}: best strategy first{runs}{more}")
    handles = [Patch(facecolor=colour, edgecolor="none", label=label) for _, colour, label in LEVELS]
    legend = figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(left - 0.08 / WIDTH, 1 - 0.55 / inches),
        ncols=len(handles),
        frameon=False,
        title="share of requests that succeed",
        alignment="left",
        borderpad=0.0,
        handlelength=1.4,
        columnspacing=1.4,
    )
    legend.set_in_layout(False)


def _notes(
    figure: Figure, window: float, comparison: Comparison, sound: Sequence[Service], inches: float
) -> None:
    notes = [
        f"Each column of a strip shows the worst moment within {seconds(window / COLUMNS)}. "
        "A dashed line is the end of the maintenance; all strategies are measured over the same time, "
        f"{seconds(window)}."
    ]
    if sound:
        names = listed((name for _, name in sound), 8)
        notes.append(f"Never failed under any strategy: {names}.")
    figure.text(0.15 / WIDTH, 0.12 / inches, "\n".join(notes), fontsize=8, color=INK, va="bottom")
