"""Loops that do nothing most of the time are not run: this says when they would have come round. Pure."""

from math import ceil, floor

_ROUNDING = 1e-9


def tick_after(start: float, period: float, time: float) -> float:
    """The first of start + k x period that is later than `time`."""
    return start + (floor((time - start) / period + _ROUNDING) + 1) * period


def tick_from(start: float, period: float, time: float) -> float:
    """The first of start + k x period that is not before `time`."""
    return start + ceil((time - start) / period - _ROUNDING) * period
