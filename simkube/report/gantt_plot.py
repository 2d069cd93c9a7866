"""A Gantt of nodes: the state of each over time, and the pods on it. Of many nodes, how many are in each state."""

from collections.abc import Mapping, Sequence
from math import ceil

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from simkube.report.node_history import NodeHistory, State, Stay
from simkube.report.style import (
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    VERMILLION,
    YELLOW,
    plain,
    time_axis,
)

STATES: Mapping[State, tuple[str, str]] = {
    State.READY: ("#BFDFF2", "Ready"),
    State.CORDONED: (YELLOW, "cordoned"),
    State.DRAINING: (ORANGE, "draining"),
    State.NOT_READY: (VERMILLION, "not Ready"),
    State.UPGRADING: (PURPLE, "upgrading"),
    State.NO_CONTACT: ("#0072B2", "no contact (frozen, cut off, kubelet dead)"),
    State.DOWN: ("#222222", "down or booting"),
    State.ABSENT: ("#FFFFFF", "not there"),
}
WAITS, SERVES, ENDS = "#D5D8DB", GREEN, "#E8B98A"
WIDTH, LEFT, RIGHT, BOTTOM = 12.0, 1.7, 0.3, 0.8  # inches
LANES = 160  # pods are drawn one by one if they need no more lanes than this
NODE, LANE, GAP = 0.2, 0.115, 0.09  # inches: a node's bar, a pod's, the space below
LETTER = 0.051  # inches of a letter of a pod's name
DIGITS = 0.3  # inches that a number of pods needs
COLUMNS = 600


def gantt_figure(
    history: NodeHistory, title: str, subtitle: str, window: float, ended: float | None
) -> Figure:
    """The nodes of one run from 0 to `window`; `ended`: when its plan did."""
    names = sorted(history.states, key=_natural)
    if history.pods is None:
        return _many(history, names, title, subtitle, window, ended)
    lanes = (
        {name: lanes_of(_seen(history.stays.get(name, ()), window)) for name in names}
        if history.stays
        else {}
    )
    if sum(len(rows) for rows in lanes.values()) > LANES:
        lanes = {}
    heights = [NODE + LANE * len(lanes.get(name, ())) + GAP for name in names]
    height = max(sum(heights), 0.6)
    figure, axes = _figure(title, subtitle, height, window, 2 if lanes else 1)
    axes.set_ylim(height, 0.0)
    axes.set_yticks([])
    y = 0.0
    for name, tall in zip(names, heights, strict=True):
        _bar(axes, history.states[name], y, window)
        label = plain(name, 24)
        axes.text(-0.006, y + NODE / 2, label, transform=axes.get_yaxis_transform(), ha="right", va="center")
        if lanes:
            for row, lane in enumerate(lanes[name]):
                _lane(axes, lane, y + NODE + row * LANE, window)
        else:
            _numbers(axes, history.pods.get(name, ()), history.states[name], y + NODE / 2, window)
        y += tall
    _end_line(axes, ended, height)
    shown = [
        state for state in STATES if any(s == state for points in history.states.values() for _, s in points)
    ]
    pods = [Patch(facecolor=c, label=label) for c, label in _POD_LABELS] if lanes else []
    _legend(figure, axes, [_patch(state) for state in shown], pods)
    note = "Thin bars are the pods on each node." if lanes else "Numbers are the pods on each node."
    _note(figure, f"{note} Static pods are left out.", ended, height)
    return figure


_POD_LABELS = (
    (SERVES, "pod answers requests"),
    (WAITS, "pod does not answer (starts, or its node is gone)"),
    (ENDS, "pod terminates, answers no more"),
)


def _figure(title: str, subtitle: str, height: float, window: float, rows: int) -> tuple[Figure, Axes]:
    """A figure with a title, `rows` of legends, and axes of `height` inches."""
    top = 0.7 + 0.24 * rows
    inches = top + height + BOTTOM
    figure = Figure(figsize=(WIDTH, inches))
    axes = figure.add_axes((LEFT / WIDTH, BOTTOM / inches, (WIDTH - LEFT - RIGHT) / WIDTH, height / inches))
    figure.text(0.15 / WIDTH, 1 - 0.28 / inches, title, fontsize=14, weight="bold")
    figure.text(0.15 / WIDTH, 1 - 0.5 / inches, subtitle)
    axes.set_xlim(0.0, max(window, 1e-3))
    time_axis(axes.xaxis, window, "time since the run began")
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="x", color=PALE, linewidth=0.8, zorder=0)
    return figure, axes


def _patch(state: State) -> Patch:
    colour, label = STATES[state]
    return Patch(
        facecolor=colour, edgecolor=GREY if state == State.ABSENT else colour, label=label, linewidth=0.6
    )


def _legend(figure: Figure, axes: Axes, nodes: Sequence[Patch], pods: Sequence[Patch]) -> None:
    inches = figure.get_figheight()
    for row, (title, handles) in enumerate((("node", nodes), ("pods", pods))):
        if handles:
            figure.text(
                LEFT / WIDTH, 1 - (0.75 + 0.22 * row) / inches, title, va="center", weight="bold", fontsize=8
            )
            figure.legend(
                handles=handles,
                loc="center left",
                bbox_to_anchor=((LEFT + 0.4) / WIDTH, 1 - (0.75 + 0.22 * row) / inches),
                ncols=len(handles),
                frameon=False,
                fontsize=8,
                handlelength=1.4,
                columnspacing=1.2,
            )


def _note(figure: Figure, text: str, ended: float | None, height: float) -> None:
    line = "" if ended is None else " The dashed line is the end of the maintenance."
    figure.text(0.15 / WIDTH, 0.12 / figure.get_figheight(), text + line, fontsize=8, color=INK, va="bottom")


def _end_line(axes: Axes, ended: float | None, height: float) -> None:
    if ended is not None:
        axes.plot([ended, ended], [0.0, height], color=GREY, linestyle=(0, (2, 2)), linewidth=1.2)


# -- one by one -----------------------------------------------------------------------------------------------------


def _bar(axes: Axes, points: Sequence[tuple[float, State]], y: float, window: float) -> None:
    spans, colours = [], []
    for start, end, state in _segments(points, window):
        if state != State.ABSENT:
            spans.append((start, end - start))
            colours.append(STATES[state][0])
    axes.broken_barh(spans, (y, NODE), facecolors=colours, linewidth=0, zorder=2)


def _segments(points: Sequence[tuple[float, State]], window: float) -> list[tuple[float, float, State]]:
    """(start, end, state) within the window."""
    found = []
    ends = [t for t, _ in points[1:]] + [window]
    for (start, state), end in zip(points, ends, strict=True):
        start, end = max(start, 0.0), min(end, window)
        if end > start:
            found.append((start, end, state))
    return found


def _seen(stays: Sequence[Stay], window: float) -> list[Stay]:
    return [stay for stay in stays if (stay.end is None or stay.end > 0.0) and stay.start < window]


def lanes_of(stays: Sequence[Stay]) -> list[list[Stay]]:
    """The stays in as few rows as they need: each in the first row that is free when it begins."""
    rows: list[list[Stay]] = []
    for stay in sorted(stays, key=lambda s: (s.start, s.name)):
        for row in rows:
            end = row[-1].end
            if end is not None and end <= stay.start:
                row.append(stay)
                break
        else:
            rows.append([stay])
    return rows


def _lane(axes: Axes, lane: Sequence[Stay], y: float, window: float) -> None:
    spans, colours = [], []
    for stay in lane:
        start, end = max(stay.start, 0.0), min(window if stay.end is None else stay.end, window)
        spans.append((start, end - start))
        colours.append(WAITS)
        if stay.terminating is not None and stay.terminating < end:
            spans.append((max(stay.terminating, 0.0), end - max(stay.terminating, 0.0)))
            colours.append(ENDS)
        serving = [
            (max(since, 0.0), min(end if until is None else until, end)) for since, until in stay.serving
        ]
        serving = [(since, until) for since, until in serving if until > since]
        spans += [(since, until - since) for since, until in serving]
        colours += [SERVES] * len(serving)
        longest = max(serving, key=lambda span: span[1] - span[0], default=(start, end))
        _name(axes, stay.name, *longest, y, window)
    axes.broken_barh(spans, (y + 0.012, LANE - 0.024), facecolors=colours, linewidth=0, zorder=2)


def _name(axes: Axes, name: str, start: float, end: float, y: float, window: float) -> None:
    """A pod's name in its bar: all of it, or what fits if that is enough to know it by."""
    scale = (WIDTH - LEFT - RIGHT) / window  # inches a second
    room = int(((end - start) * scale - 0.06) / LETTER)
    if room >= min(8, len(name)):
        left = start + 0.03 / scale
        axes.text(
            left, y + LANE / 2, plain(name, room), fontsize=5.5, color="white", va="center_baseline", zorder=3
        )


def _numbers(
    axes: Axes,
    counts: Sequence[tuple[float, int]],
    states: Sequence[tuple[float, State]],
    y: float,
    window: float,
) -> None:
    """How many pods are on a node, wherever the number stands still for long enough to be read."""
    need = DIGITS / (WIDTH - LEFT - RIGHT) * window
    told: int | None = None
    ends = [t for t, _ in counts[1:]] + [window]
    for (start, number), end in zip(counts, ends, strict=True):
        start = max(start, 0.0)
        if min(end, window) - start >= need and number != told:
            at = start + need / 2
            state = max((point for point in states if point[0] <= at), default=(0.0, State.ABSENT))[1]
            colour = "white" if state in (State.DOWN, State.NO_CONTACT) else INK
            axes.text(at, y, str(number), ha="center", va="center", fontsize=7, color=colour, zorder=3)
            told = number


# -- too many -------------------------------------------------------------------------------------------------------


def _many(
    history: NodeHistory,
    names: Sequence[str],
    title: str,
    subtitle: str,
    window: float,
    ended: float | None,
) -> Figure:
    """Areas: how many nodes are in each state, on average over each column; of the Ready ones only some."""
    totals = node_totals(history.states, window)
    figure, axes = _figure(title, subtitle, 4.5, window, 1)
    order = [state for state in reversed(tuple(STATES)) if state != State.ABSENT and totals[state].any()]
    x = numpy.linspace(0.0, window, COLUMNS + 1)
    base = numpy.zeros(COLUMNS)
    for state in order:
        top = base + totals[state]
        axes.stairs(top, x, baseline=base, fill=True, color=STATES[state][0], linewidth=0, zorder=2)
        base = top
    busy = sum((totals[state] for state in order if state != State.READY), numpy.zeros(COLUMNS))
    most = max(float(busy.max(initial=0.0)) * 1.6, 10.0)
    limit = min(float(base.max(initial=1.0)) * 1.02, most)
    axes.set_ylim(0.0, limit)
    axes.set_ylabel("nodes")
    axes.spines["left"].set_visible(True)
    _end_line(axes, ended, limit)
    _legend(figure, axes, [_patch(state) for state in reversed(order)], [])
    cut = (
        f" The axis ends at {limit:.0f}: the others are Ready."
        if limit < float(base.max(initial=0.0))
        else ""
    )
    text = f"{len(names):,} nodes are too many to draw one by one: shown is how many are in each state.{cut}"
    _note(figure, text, ended, 4.5)
    return figure


def node_totals(
    states: Mapping[str, Sequence[tuple[float, State]]], window: float
) -> dict[State, "numpy.ndarray[tuple[int], numpy.dtype[numpy.float64]]"]:
    """How many nodes are in each state, averaged over each of `COLUMNS` equal parts of the window."""
    width = window / COLUMNS
    found = {state: numpy.zeros(COLUMNS) for state in STATES}
    for points in states.values():
        for start, end, state in _segments(points, window):
            first, last = int(start / width), min(ceil(end / width), COLUMNS)
            column = found[state]
            column[first:last] += 1.0
            column[first] -= start / width - first
            column[last - 1] -= last - end / width
    return found


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts worker-2 before worker-10."""
    parts = name.replace("-", " ").split()
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
