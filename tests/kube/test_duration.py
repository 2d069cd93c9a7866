"""Durations. The tables are facts of Go's own [time/time_test.go]."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkube.kube.duration import DurationError, format_duration, parse_duration

SECONDS = {
    "0": 0,
    "5s": 5,
    "1478s": 1478,
    "+5s": 5,
    "+0": 0,
    "-0": 0,
    "5.0s": 5,
    "5.6s": 5.6,
    "5.s": 5,
    ".5s": 0.5,
    "1.004s": 1.004,
    "100.00100s": 100.001,
    "10ns": 1e-8,
    "11us": 1.1e-5,
    "12\u00b5s": 1.2e-5,
    "12\u03bcs": 1.2e-5,
    "13ms": 0.013,
    "15m": 900,
    "16h": 57600,
    "3h30m": 12600,
    "10.5s4m": 250.5,
    "1h2m3s4ms5us6ns": 3723.004005006,
    "39h9m14.425s": 140954.425,
    "0.100000000000000000000h": 360,
    "1h5m30s": 3930,
}
REFUSED = [
    "",
    "3",
    "-",
    "s",
    ".",
    "-.",
    ".s",
    "+.s",
    "1d",
    "\x85\x85",
    "hello",
    "9223372036854775808ns",
    "3000000h",
]
TEXTS = {
    "0s": 0,
    "1ns": 1e-9,
    "1.1\u00b5s": 1.1e-6,
    "2.2ms": 0.0022,
    "3.3s": 3.3,
    "4m5s": 245,
    "4m5.001s": 245.001,
    "5h6m7.001s": 18367.001,
    "8m0.000000001s": 480.000000001,
    "5m0s": 300,
    "1h0m0s": 3600,
    "300ms": 0.3,
    "-1.5s": -1.5,
}


@pytest.mark.parametrize(("text", "seconds"), SECONDS.items())
def test_parse(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds, rel=1e-15)


@pytest.mark.parametrize("text", REFUSED)
def test_refused_as_go_refuses(text: str) -> None:
    with pytest.raises(DurationError):
        parse_duration(text)


@pytest.mark.parametrize(("text", "seconds"), TEXTS.items())
def test_format(text: str, seconds: float) -> None:
    assert format_duration(seconds) == text


def test_numbers_are_seconds() -> None:
    assert parse_duration(90) == 90.0
    assert parse_duration(0.25) == 0.25


@pytest.mark.parametrize("value", ["-5s", "-1h", -1, -0.5])
def test_negative_is_refused_as_negative(value: str | float) -> None:
    with pytest.raises(DurationError, match="negative"):
        parse_duration(value)


@pytest.mark.parametrize("value", [True, None, [], float("nan"), float("inf"), 1e300, 10**400])
def test_no_durations(value: object) -> None:
    with pytest.raises(DurationError):
        parse_duration(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "way_out"), [("10", "10s"), ("2d", "48h"), ("5 min", "5m"), ("-5s", "5s"), ("5x", "units are")]
)
def test_error_names_the_way_out(text: str, way_out: str) -> None:
    with pytest.raises(DurationError) as caught:
        parse_duration(text)
    assert way_out in caught.value.fix


@given(st.integers(0, 10**15))
def test_what_is_written_reads_the_same(microseconds: int) -> None:
    seconds = microseconds / 10**6
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=1e-9, rel=1e-15)
