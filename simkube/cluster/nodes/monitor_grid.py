"""When the node lifecycle controller looks at the nodes: every 5 s, counted from the end of the pass before.

Nearly all passes find nothing to do, so they are not run; this says when they would have been. Passes are a little
more than a period apart (each takes its milliseconds), so after n of them strictly more than n periods have gone: a
grace period of 50 s is over on the 10th pass after the one that noticed the last sign of life
[apimachinery wait `UntilWithContext`: the period starts when the function has ended].
"""

from math import ceil, floor

ROUNDING = 1e-6  # seconds; grid times carry the rounding of their sums


class MonitorGrid:
    """The times of passes, in seconds."""

    def __init__(self, period: float, first: float) -> None:
        self._period = period
        self._base = first
        self._held_from = float("-inf")

    def first_from(self, time: float) -> float:
        """The first pass at or after `time`, which may lie in the past."""
        period = self._period
        if time <= self._held_from:
            return self._held_from - floor((self._held_from - time + ROUNDING) / period) * period
        passes = ceil((time - self._base - ROUNDING) / period)
        if self._held_from > float("-inf"):
            passes = max(1, passes)
        return self._base + passes * period

    def after(self, time: float) -> float:
        """The first pass later than `time`."""
        return self.first_from(time + 2 * ROUNDING)

    def held_up(self, start: float, end: float) -> None:
        """The pass of `start` took until `end`: those after it count from there."""
        self._held_from = start
        self._base = end
