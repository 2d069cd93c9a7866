"""How plots look: colours that the colour-blind tell apart, times of a run, text from files, files without dates."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axis import XAxis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import FixedLocator, FuncFormatter

# Okabe and Ito, "Color Universal Design" (2008), and two greys
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
PALE, GREY, INK = "#E3EAEE", "#8A8F94", "#222222"

FONT = "DejaVu Sans"  # comes with matplotlib: the same letters on every machine
DPI = 110
STYLE: Any = {
    "font.family": FONT,
    "font.size": 9,
    "text.parse_math": False,  # names come from files: a $ is a $
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.hashsalt": "simkube",
    "svg.fonttype": "path",
    "figure.facecolor": "white",
}
STEPS = (
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    14400,
    21600,
    43200,
    86400,
    172800,
    432000,
)


@contextmanager
def styled() -> Iterator[None]:
    """Within the block figures are made and saved in this style; outside nothing has changed."""
    with matplotlib.rc_context(STYLE):
        yield


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write PNG and SVG. The same figure gives the same bytes: no date, no version, no random names."""
    FigureCanvasAgg(figure)
    figure.savefig(folder / f"{name}.png", dpi=DPI, metadata={"Software": None})
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})


@cache
def _letters() -> frozenset[int]:
    return frozenset(get_font(findfont(FONT)).get_charmap())


def plain(text: str, limit: int = 60) -> str:
    """Text from a file as the font can draw it, on one line, cut in the middle if it is longer than `limit`."""
    text = "".join(c if ord(c) in _letters() and c.isprintable() else "?" for c in text)
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[: limit - tail - 1]}…{text[-tail:]}"


def time_text(t: float, step: float = 1.0) -> str:
    """Seconds as h:mm:ss, or h:mm where ticks are whole minutes, or days and hours."""
    whole = round(t)
    if step >= 43200:
        return f"{whole / 86400:g} d"
    if step % 60 == 0:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}"
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def ticks_of(end: float, most: int) -> tuple[float, list[float]]:
    """At most so many ticks from 0 to `end` seconds, at round times: their distance, and where they are."""
    step = next((s for s in STEPS if end / s <= most), 864000 * max(1, round(end / 864000 / most)))
    return step, [float(n * step) for n in range(int(end // step) + 1)]


def time_unit(step: float) -> str:
    """The unit of `time_text` with ticks so far apart."""
    return "days" if step >= 43200 else "h:mm" if step % 60 == 0 else "h:mm:ss"


def time_axis(axis: XAxis, end: float, label: str, most: int = 10) -> None:
    """Label an axis with times from 0 to `end` seconds."""
    step, ticks = ticks_of(end, most)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda t, _: time_text(t, step)))
    axis.set_label_text(f"{label} ({time_unit(step)})")


def listed(names: Iterable[str], limit: int) -> str:
    """ "a, b, c and 12 more"."""
    shown = [plain(name, 40) for name in names]
    more = f" and {len(shown) - limit} more" if len(shown) > limit else ""
    return ", ".join(shown[:limit]) + more
