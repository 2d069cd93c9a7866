"""Durations as Go and Kubernetes write them: `1h5m30s`, `300ms`, `1.5h` [Go time.ParseDuration, Duration.String]."""

import re

from simkube.kube.errors import BadValue, shown

_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "\u00b5s": 10**3,  # micro sign
    "\u03bcs": 10**3,  # Greek mu
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([^0-9.]+)")
_LONGEST = 2**63 - 1  # nanoseconds, about 292 years: Go's longest duration
_MAX_LENGTH = 64
_HINT = "write one such as 30s, 5m or 1h30m"


class DurationError(BadValue):
    """A text that is not a duration."""


def parse_duration(duration: str | float) -> float:
    """Seconds. A number is seconds already. Raises `DurationError`, also for what is negative or beyond 292 years."""
    if isinstance(duration, bool) or not isinstance(duration, str | int | float):
        raise DurationError(f"{shown(duration)} is not a duration", _HINT)
    if not isinstance(duration, str):
        if not abs(duration) <= _LONGEST / 1e9:  # nor a NaN
            raise DurationError(f"{shown(duration)} is not a duration", _HINT)
        if duration < 0:
            raise DurationError(f"{shown(duration)} is a negative duration", "write 0s or more")
        return float(duration)
    if len(duration) > _MAX_LENGTH:
        raise DurationError(f"{shown(duration)} is not a duration", _HINT)
    nanoseconds = _nanoseconds(duration, duration[1:] if duration[:1] in ("+", "-") else duration)
    if nanoseconds and duration.startswith("-"):
        raise DurationError(f"{shown(duration)} is a negative duration", f"write {duration[1:]}")
    if nanoseconds > _LONGEST:
        raise DurationError(f"{shown(duration)} is too long a duration", "stay below 292 years")
    return nanoseconds / 1e9


def format_duration(seconds: float) -> str:
    """As Go prints it: `1h5m30s`, `5m0s`, `1.5s`, `300ms`, `0s`; exact to the nanosecond."""
    nanoseconds = round(abs(seconds) * 10**9)
    sign = "-" if seconds < 0 and nanoseconds else ""
    if nanoseconds == 0:
        return "0s"
    for unit in ("ns", "\u00b5s", "ms"):
        if nanoseconds < 1000 * _NANOSECONDS[unit]:
            return f"{sign}{_decimal(nanoseconds, _NANOSECONDS[unit])}{unit}"
    hours, rest = divmod(nanoseconds, _NANOSECONDS["h"])
    minutes, rest = divmod(rest, _NANOSECONDS["m"])
    text = f"{_decimal(rest, _NANOSECONDS['s'])}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else f"{sign}{text}"


def _nanoseconds(duration: str, unsigned: str) -> int:
    if unsigned == "0":
        return 0
    total, position = 0, 0
    while position < len(unsigned):
        part = _PART.match(unsigned, position)
        if part is None:
            unit_missing = unsigned[position:].replace(".", "", 1).isdigit()
            message = f"{shown(duration)} is not a duration" + (": it has no unit" if unit_missing else "")
            raise DurationError(message, f"write {duration}s for seconds" if unit_missing else _HINT)
        unit = part[2]
        if unit not in _NANOSECONDS:
            raise DurationError(
                f"{shown(duration)} is not a duration: unknown unit {shown(unit)}", _unit_fix(part)
            )
        whole, _, fraction = part[1].partition(".")
        total += int((whole or "0") + fraction) * _NANOSECONDS[unit] // 10 ** len(fraction)
        position = part.end()
    if not unsigned:
        raise DurationError(f"{shown(duration)} is not a duration", _HINT)
    return total


def _unit_fix(part: re.Match[str]) -> str:
    number, unit = part[1], part[2].strip().lower()
    if unit in ("d", "day", "days") and number.isdigit():
        return f"write {int(number) * 24}h"
    for name, short in (
        ("second", "s"),
        ("sec", "s"),
        ("minute", "m"),
        ("min", "m"),
        ("hour", "h"),
        ("hr", "h"),
    ):
        if unit.rstrip("s") == name:
            return f"write {number}{short}"
    return "units are h m s ms us ns"


def _decimal(amount: int, unit: int) -> str:
    """amount / unit without rounding and without trailing zeros."""
    whole, rest = divmod(amount, unit)
    digits = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)
