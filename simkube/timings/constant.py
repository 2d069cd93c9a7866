"""What one Kubernetes constant is, and how the tables beside this file state one.

A table is a class whose attributes are constants: `node_monitor_period = period(5, ...)`. The attribute's
name in kebab-case is the name that users override. `simkube.timings.Timings` turns the tables into plain
numbers; for that reason the functions below say that they return a number.

A value is a number, or `{28: 40, 32: 50}`: 40 from 1.28 on, 50 from 1.32 on.

`flag` says how a real cluster sets it: `--flag`, `configField`, `ENVIRONMENT_VARIABLE`; or, for what is
compiled in and can be changed only here, as a what-if, `const name` or `in function` (a nameless literal).
`source` is a path in k8s.io/kubernetes; where a word stands before it, in that module.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

OLDEST_MINOR = 28
NEWEST_MINOR = 37

Real = float | Mapping[int, float]
Whole = int | Mapping[int, int]

SECONDS = "s"
PER_SECOND = "1/s"
COUNT = "count"
FACTOR = "factor"
MILLI_CPU = "milli-cpu"
BYTES = "bytes"
WHOLE_UNITS = frozenset({COUNT, MILLI_CPU, BYTES})


@dataclass(frozen=True, slots=True)
class Constant:
    """One constant over all supported minors.

    `values` holds (first minor, value), ascending. Valid overrides are >= `least` (> `least` if `above`).
    """

    values: tuple[tuple[int, float], ...]
    unit: str
    component: str
    flag: str
    source: str
    meaning: str
    least: float
    above: bool

    def at(self, minor: int) -> float:
        """The value in Kubernetes 1.`minor`."""
        return next(value for since, value in reversed(self.values) if since <= minor)


def seconds(value: Real, component: str, flag: str, source: str, meaning: str) -> float:
    """A duration in seconds; it may be zero."""
    return cast(float, _constant(value, SECONDS, component, flag, source, meaning))


def period(value: Real, component: str, flag: str, source: str, meaning: str) -> float:
    """A duration in seconds that something repeats at, hence never zero."""
    return cast(float, _constant(value, SECONDS, component, flag, source, meaning, above=True))


def rate(value: Real, component: str, flag: str, source: str, meaning: str) -> float:
    """How often a second."""
    return cast(float, _constant(value, PER_SECOND, component, flag, source, meaning))


def factor(value: Real, component: str, flag: str, source: str, meaning: str) -> float:
    """A share, or a jitter: factor j stretches a wait by a uniform [1, 1 + j)."""
    return cast(float, _constant(value, FACTOR, component, flag, source, meaning))


def count(
    value: Whole,
    component: str,
    flag: str,
    source: str,
    meaning: str,
    *,
    least: int = 0,
    unit: str = COUNT,
) -> int:
    """A whole number of things (or of `unit`)."""
    return cast(int, _constant(value, unit, component, flag, source, meaning, least=least))


def _constant(
    value: Real,
    unit: str,
    component: str,
    flag: str,
    source: str,
    meaning: str,
    *,
    least: float = 0,
    above: bool = False,
) -> Constant:
    by_minor = value if isinstance(value, Mapping) else {OLDEST_MINOR: value}
    number = int if unit in WHOLE_UNITS else float
    values = tuple((since, number(by_minor[since])) for since in sorted(by_minor))
    return Constant(values, unit, component, flag, source, meaning, least, above)
