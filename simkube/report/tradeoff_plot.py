"""The trade-off: how long each strategy takes against how many requests it loses."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import cos, pi, sin

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.transforms import Bbox

from simkube.report.style import BLACK, BLUE, GREY, INK, PALE, VERMILLION, plain, time_axis
from simkube.report.tables import count
from simkube.studies.compare import Comparison, Line

MARKS = {  # of a strategy: marker, colour, what the legend says
    "sound": ("o", BLUE, "a strategy"),
    "kept": ("o", BLUE, "keeps all objectives"),
    "missed": ("D", VERMILLION, "misses an objective"),
    "failed": ("X", BLACK, "its plan did not come to its end"),
}
LABELLED = 30  # strategies with a label
SPREAD = 50.0  # if the largest loss is more than so many times the smallest, losses are drawn on a log scale
RADII = (9.0, 16.0, 26.0, 40.0, 58.0)  # pixels at 72 dpi from a point to its label, the first that is free
DIRECTIONS = 8
DASHES = (0, (4, 3))


def tradeoff_figure(comparison: Comparison) -> Figure:
    """A point a strategy; with several runs its interval both ways."""
    lines = comparison.lines
    figure = Figure(figsize=(9.0, 6.2))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.1, 0.15, 0.86, 0.66))
    figure.text(0.02, 0.955, "Duration against lost requests", fontsize=14, weight="bold")
    runs = len(lines[0].trials) if lines else 1
    kind = {
        "exact": "",
        "range": "; points are medians, bars the range",
        "interval": "; points are medians, bars 95 %",
    }
    many = f"; {runs} runs each{kind[lines[0].lost.kind]}" if runs > 1 else ""
    figure.text(0.02, 0.92, f"{plain(comparison.scenario, 70)}: further down and left is better{many}")
    if not lines:
        return figure
    end = max(1.12 * max(line.duration.high for line in lines), 1.0)
    axes.set_xlim(-0.03 * end, end)
    time_axis(axes.xaxis, end, "duration of the maintenance")
    _y_axis(axes, [value for line in lines for value in (line.lost.median, line.lost.low, line.lost.high)])
    axes.grid(color=PALE, linewidth=0.8)
    axes.set_axisbelow(True)
    _front(axes, front_of(lines))
    for line in reversed(lines):
        _point(axes, line)
    _labels(figure, axes, lines[:LABELLED])
    _legend(figure, lines)
    return figure


def _y_axis(axes: Axes, losses: Sequence[float]) -> None:
    most, least = max(losses), min((value for value in losses if value > 0.0), default=0.0)
    axes.set_ylabel("lost requests, all services together")
    if most > SPREAD * max(least, 0.1):
        whole = max(1.0, 10.0 ** (len(str(int(least))) - 1))
        axes.set_yscale("symlog", linthresh=whole, linscale=0.6)
        tens = [whole * 10.0**n for n in range(12) if whole * 10.0**n <= most * 10.0]
        axes.yaxis.set_major_locator(FixedLocator([0.0, *tens]))
        axes.set_ylim(-0.25 * whole, most * 2.5)
        axes.set_ylabel("lost requests, all services together (log scale)")
    else:
        axes.set_ylim(-0.06 * max(most, 1.0), 1.15 * max(most, 1.0))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: count(value)))
    axes.yaxis.set_minor_locator(NullLocator())


def mark_of(line: Line) -> str:
    """A key of `MARKS`."""
    if line.failed:
        return "failed"
    return "sound" if line.kept is None else "kept" if line.kept else "missed"


def _point(axes: Axes, line: Line) -> None:
    marker, colour, _ = MARKS[mark_of(line)]
    x, y = line.duration, line.lost
    axes.errorbar(
        [x.median],
        [y.median],
        xerr=[[x.median - x.low], [x.high - x.median]],
        yerr=[[y.median - y.low], [y.high - y.median]],
        fmt=marker,
        color=colour,
        ecolor=colour,
        markersize=8,
        markeredgecolor="white",
        elinewidth=1.2,
        capsize=3,
        zorder=4,
    )


def front_of(lines: Sequence[Line]) -> list[Line]:
    """The strategies that no other beats both ways, fastest first; without those whose plan did not end."""
    best: list[Line] = []
    for line in sorted(lines, key=lambda line: (line.duration.median, line.lost.median)):
        if not line.failed and (not best or line.lost.median < best[-1].lost.median):
            best.append(line)
    return best


def _front(axes: Axes, best: Sequence[Line]) -> None:
    if len(best) > 1:
        xs, ys = [line.duration.median for line in best], [line.lost.median for line in best]
        axes.step(xs, ys, where="post", color=GREY, linewidth=1.2, linestyle=DASHES, zorder=2)


def _labels(figure: Figure, axes: Axes, lines: Sequence[Line]) -> None:
    """Names beside the points, where they cover neither a point nor each other nor leave the axes."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    scale = figure.dpi / 72.0
    points = [axes.transData.transform((line.duration.median, line.lost.median)) for line in lines]
    taken = [Bbox.from_bounds(x - 5 * scale, y - 5 * scale, 10 * scale, 10 * scale) for x, y in points]
    strokes = [bar for line in lines for bar in _bars(line)] + _stairs(front_of(lines))
    taken += [Bbox(axes.transData.transform(ends)).padded(2 * scale) for ends in strokes]
    inside = axes.get_window_extent(renderer)
    for line, (x, y) in zip(lines, points, strict=True):
        text = axes.text(0.0, 0.0, plain(line.strategy, 32), transform=None, fontsize=9, color=INK, zorder=5)
        size = text.get_window_extent(renderer)
        box = next(
            (
                box
                for box in _places(x, y, size.width, size.height, scale)
                if inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1
                if not any(box.overlaps(other) for other in taken)
            ),
            None,
        )
        text.remove()
        if box is None:
            continue
        taken.append(box)
        left, bottom = axes.transData.inverted().transform((box.x0, box.y0 + size.height * 0.2))
        axes.text(left, bottom, plain(line.strategy, 32), fontsize=9, color=INK, zorder=5)
        nearest = (min(max(x, box.x0), box.x1), min(max(y, box.y0), box.y1))
        if abs(nearest[0] - x) + abs(nearest[1] - y) > 14 * scale:  # far enough to need a line
            ends = axes.transData.inverted().transform([(x, y), nearest])
            axes.plot(ends[:, 0], ends[:, 1], color=GREY, linewidth=0.7, zorder=3)


def _stairs(best: Sequence[Line]) -> list[list[tuple[float, float]]]:
    """The corners of the line through the best, two by two."""
    corners: list[list[tuple[float, float]]] = []
    for before, after in pairwise(best):
        (x0, y0), (x1, y1) = ((line.duration.median, line.lost.median) for line in (before, after))
        corners += [[(x0, y0), (x1, y0)], [(x1, y0), (x1, y1)]]
    return corners


def _bars(line: Line) -> list[list[tuple[float, float]]]:
    """Both ends of a point's two interval bars."""
    x, y = line.duration, line.lost
    return [[(x.low, y.median), (x.high, y.median)], [(x.median, y.low), (x.median, y.high)]]


def _places(x: float, y: float, width: float, height: float, scale: float) -> Iterator[Bbox]:
    """Boxes around a point: right of it first, then round it, then further out."""
    for radius in RADII:
        for n in range(DIRECTIONS):
            angle = 2 * pi * n / DIRECTIONS
            dx, dy = cos(angle), sin(angle)
            left = x + radius * scale * dx + (width * (dx - 1) / 2)
            bottom = y + radius * scale * dy + (height * (dy - 1) / 2)
            yield Bbox.from_bounds(left, bottom, width, height)


def _legend(figure: Figure, lines: Sequence[Line]) -> None:
    marks = [mark_of(line) for line in lines]
    handles = [
        Line2D([], [], marker=marker, color=colour, linestyle="", markersize=8, label=label)
        for mark, (marker, colour, label) in MARKS.items()
        if mark in marks
    ]
    if len(front_of(lines)) > 1:
        handles.append(Line2D([], [], color=GREY, linestyle=DASHES, label="best of what is on offer"))
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.09, 0.9),
        ncols=len(handles),
        frameon=False,
        fontsize=8.5,
    )
    figure.text(
        0.02,
        0.02,
        "The duration is from the first step to the end of the last. "
        "Lost requests are counted over the same time for all strategies.",
        fontsize=8,
        color=INK,
    )
