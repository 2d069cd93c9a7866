"""Schedules as robfig/cron's ParseStandard reads them; 2026-01-01, where most begin, is a Thursday."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from simkube.cluster.workloads.schedule import most_recent, parse_schedule, rfc3339
from simkube.kube.errors import BadValue


def unix(text: str, zone: str = "") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone) if zone else UTC).timestamp()


def times(schedule: str, after: str, count: int, zone: str = "") -> list[str]:
    following = parse_schedule(schedule, zone or None)
    moment: float | None = unix(after, zone)
    found = []
    for _ in range(count):
        assert moment is not None
        moment = following(moment)
        assert moment is not None
        found.append(datetime.fromtimestamp(moment, ZoneInfo(zone) if zone else UTC).strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("*/20 * * * *", ["01-01 00:20", "01-01 00:40"]),
        ("5/20 * * * *", ["01-01 00:05", "01-01 00:25"]),
        ("0 3 * * *", ["01-01 03:00", "01-02 03:00"]),
        ("0 0 * * MON", ["01-05 00:00", "01-12 00:00"]),
        ("0 0 ? * mon-tue", ["01-05 00:00", "01-06 00:00"]),
        ("0 0 13 * 5", ["01-02 00:00", "01-09 00:00"]),  # the 13th or a Friday
        ("0 0 */2 * 1", ["01-03 00:00", "01-05 00:00"]),  # */2 is a restriction as well: odd days or Mondays
        ("15,45 6-7 1 FEB *", ["02-01 06:15", "02-01 06:45"]),
        ("@hourly", ["01-01 01:00", "01-01 02:00"]),
        ("@weekly", ["01-04 00:00", "01-11 00:00"]),
        ("@every 90m", ["01-01 01:30", "01-01 03:00"]),
        ("TZ=Europe/Berlin 0 3 * * *", ["01-01 02:00", "01-02 02:00"]),
    ],
)
def test_schedules(schedule: str, expected: list[str]) -> None:
    assert times(schedule, "2026-01-01 00:00", 2) == expected


def test_the_hour_that_summer_time_leaves_out_is_not_made_up_for() -> None:
    # 2026-03-29 02:30 does not exist in Berlin [robfig/cron: "jobs scheduled during leap-ahead will not be run"]
    assert times("30 2 * * *", "2026-03-28 00:00", 2, "Europe/Berlin") == ["03-28 02:30", "03-30 02:30"]


def test_a_day_that_never_comes() -> None:
    assert parse_schedule("0 0 31 2 *")(unix("2026-01-01 00:00")) is None


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 7",
        "@reboot",
        "* * L * *",
        "* * * * 5#2",
        "H * * * *",
        "*/0 * * * *",
        "a * * * *",
        "@every soon",
        "TZ=Mars/Olympus 0 0 * * *",
    ],
)
def test_what_kubernetes_refuses_is_refused(schedule: str) -> None:
    with pytest.raises(BadValue):
        parse_schedule(schedule)


def test_the_most_recent_time_and_how_many_were_missed() -> None:
    hourly = parse_schedule("@hourly")
    midnight = unix("2026-01-01 00:00")
    assert most_recent(hourly, midnight, midnight + 3599) == (None, 0)
    assert most_recent(hourly, midnight, midnight + 3600) == (midnight + 3600, 0)
    assert most_recent(hourly, midnight, midnight + 5 * 3600 + 60) == (midnight + 5 * 3600, 5)


def test_rfc3339() -> None:
    assert rfc3339(unix("2026-01-01 03:00"), None) == "2026-01-01T03:00:00Z"
    assert rfc3339(unix("2026-01-01 03:00"), "Europe/Berlin") == "2026-01-01T04:00:00+01:00"
