"""Lines of a story that grow while the same goes on, and a bounded number of them."""

from collections import deque
from collections.abc import Sequence

from simkube.measure.causes import clock
from simkube.report.story_words import Told

OPEN = 64  # lines that may still grow
NAMES = 3  # of items in a line
DISTINCT = 2000  # items of a line that are told apart


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
        where = f" on {some(list(self.wheres))}" if self.wheres else ""
        if told.noun == "":
            text = told.text
        elif many == 1:
            text = told.one or f"{told.noun}/{names[0]} {told.text}{where}"
        else:
            text = f"{many} {told.noun}s {told.text}{where}: {some(names)}"
        return text + (f" ({self.times} times, until {clock(self.last)})" if self.times > many else "")


class Lines:
    """The lines in order; of very many only the `first` and the `last` so many."""

    def __init__(self, first: int, last: int) -> None:
        self._limit = first
        self._first: list[Line] = []
        self._last: deque[Line] = deque(maxlen=last)
        self._open: dict[tuple[str, ...], Line] = {}
        self.left_out = 0

    def add(self, t: float, told: Told) -> None:
        """Tell it: as part of a line that it goes on with, or as a new one."""
        line = self._open.pop(told.key, None)
        if line is None or t - line.last > told.gap:
            line = Line(t, told)
            self._keep(line)
        line.add(t, told)
        self._open[told.key] = line
        if len(self._open) > OPEN:
            del self._open[next(iter(self._open))]

    def _keep(self, line: Line) -> None:
        if len(self._first) < self._limit:
            self._first.append(line)
            return
        self.left_out += len(self._last) == self._last.maxlen
        self._last.append(line)

    @property
    def kept(self) -> list[Line]:
        return [*self._first, *self._last]

    @property
    def gap_at(self) -> float:
        """The time after which lines are left out."""
        return self._first[-1].start if self._first else 0.0


def some(names: Sequence[str]) -> str:
    """ "a, b, c and 12 more"."""
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES + 1 else ""
    return ", ".join(names[:NAMES] if more else names) + more
