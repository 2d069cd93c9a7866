"""Medians with their uncertainty, over the runs of one strategy."""

from collections.abc import Sequence
from math import comb
from statistics import median

from msgspec import Struct

FEWEST = 6  # runs from which on a 95 % interval of the median exists: 1 - 2 / 2**6 = 0.97


class Figure(Struct, frozen=True):
    """A figure over n runs: its median, and an interval: from 6 runs on one that covers the median with at least 95 %
    (order statistics: the sign test turned round; no assumption on the distribution), below that the range."""

    median: float
    low: float
    high: float
    kind: str  # "exact" (one run), "range" or "interval"


def figure(values: Sequence[float]) -> Figure:
    """Median and interval of at least one value."""
    ordered = sorted(values)
    n = len(ordered)
    if n == 1:
        return Figure(ordered[0], ordered[0], ordered[0], "exact")
    if n < FEWEST:
        return Figure(median(ordered), ordered[0], ordered[-1], "range")
    rank = _rank(n)
    return Figure(median(ordered), ordered[rank], ordered[n - 1 - rank], "interval")


def _rank(n: int) -> int:
    """The largest k with P(median outside [x(k), x(n-1-k)]) = 2 P(Binomial(n, 1/2) <= k) <= 0.05, counted from 0."""
    below = 0
    k = 0
    while True:
        below += comb(n, k)
        if 2 * below > 0.05 * 2**n:
            return max(k - 1, 0)
        k += 1
