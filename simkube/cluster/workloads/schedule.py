"""When a CronJob is due: five fields, `@hourly` and its like, `@every 1h30m`, in a time zone.

Kubernetes reads schedules with robfig/cron `ParseStandard`; what that refuses is refused here, so that croniter's own
additions (seconds, L, #, H, R) are no way to write what a real cluster would not take.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simkube.kube.duration import parse_duration
from simkube.kube.errors import BadValue

DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)
_PART = re.compile(r"(?:[*?]|([0-9]{1,2}|[A-Za-z]{3})(?:-([0-9]{1,2}|[A-Za-z]{3}))?)(?:/([0-9]{1,3}))?")
_ZONE = re.compile(r"(?:CRON_)?TZ=(\S+)\s+(.*)")
_HINT = 'write five fields such as "0 3 * * *"'

Schedule = Callable[[float], float | None]
"""The first time after the given one that a schedule is due, both in Unix seconds; None: never."""


def parse_schedule(text: str, time_zone: str | None = None) -> Schedule:
    """The schedule. Raises `BadValue` for what is not one, and for an unknown time zone."""
    zone = time_zone or "UTC"
    if (named := _ZONE.fullmatch(text.strip())) is not None:
        zone, text = named[1], named[2]
    place = time_zone_of(zone)
    text = text.strip()
    if text.startswith("@every "):
        return _every(text)
    if text.startswith("@"):
        if text not in DESCRIPTORS:
            raise BadValue(
                f'unrecognized descriptor "{text}"', f"known are {', '.join(DESCRIPTORS)} and @every"
            )
        text = DESCRIPTORS[text]
    _check(text)
    return _fields(" ".join(text.split()).replace("?", "*"), place)


def time_zone_of(name: str) -> tzinfo:
    """The time zone of the IANA database. Raises `BadValue` if there is none of this name."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise BadValue(f'unknown time zone "{name}"', "write one such as Europe/Berlin") from None


def _every(text: str) -> Schedule:
    """From the last time on, in whole seconds, at least one [robfig/cron `ConstantDelaySchedule`]."""
    step = float(max(1, int(parse_duration(text.removeprefix("@every ").strip()))))
    return lambda after: float(int(after)) + step


def _check(text: str) -> None:
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise BadValue(f'expected exactly 5 fields, found {len(fields)}: "{text}"', _HINT)
    for field, (name, least, most, names) in zip(fields, _FIELDS, strict=True):
        for part in field.split(","):
            found = _PART.fullmatch(part)
            bounds = (
                [_number(word, names) for word in found.groups()[:2] if word] if found is not None else [None]
            )
            if found is None or found[3] == "0" or any(b is None or not least <= b <= most for b in bounds):
                raise BadValue(f'"{part}" is no {name} of a schedule, which go from {least} to {most}', _HINT)


def _number(word: str, names: tuple[str, ...]) -> int | None:
    if word.isdigit():
        return int(word)
    return names.index(word.upper()) + (names is _MONTHS) if word.upper() in names else None


def _fields(text: str, zone: tzinfo) -> Schedule:
    from croniter import CroniterBadDateError, croniter  # type: ignore[import-untyped]  # slow to load, seldom needed

    def following(after: float) -> float | None:
        moment: datetime = datetime.fromtimestamp(int(after), zone)
        for _ in range(8):  # what falls into the hour that a change to summer time leaves out is not run
            try:
                moment = croniter(text, moment).get_next(datetime)
            except CroniterBadDateError:
                return None
            if croniter.match(text, moment.replace(tzinfo=None)):
                return moment.timestamp()
        return None

    return following


def most_recent(schedule: Schedule, since: float, now: float) -> tuple[float | None, int]:
    """The latest time due after `since` and not after `now`, and how many were due since then, roughly.

    [pkg/controller/cronjob/utils.go `mostRecentScheduleTime`]
    """
    first = schedule(since)
    if first is None or now < first:
        return None, 0
    second = schedule(first)
    if second is None or now < second:
        return first, 0
    step = max(1.0, second - first)
    missed = int((now - first) // step) + 1
    latest, candidate = first, schedule(first + (missed - 2) * step)
    while candidate is not None and candidate <= now:
        latest, candidate = candidate, schedule(candidate)
    return latest, missed


def rfc3339(unix: float, time_zone: str | None) -> str:
    """A time as the annotation of a CronJob's Job shows it."""
    moment = datetime.fromtimestamp(unix, time_zone_of(time_zone or "UTC"))
    text = moment.isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "Z" if moment.utcoffset() == timedelta(0) else text
