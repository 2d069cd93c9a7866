"""Strategies as one text names them."""

import pytest

from simkube.kube.errors import BadValue
from simkube.studies.choices import Choice, parse_choices


def test_names_and_options() -> None:
    assert parse_choices("rolling, surge(maxSurge=25%, drainTimeout=5m) ,gray()") == [
        Choice("rolling", {}, "rolling"),
        Choice("surge", {"maxSurge": "25%", "drainTimeout": "5m"}, "surge(maxSurge=25%,drainTimeout=5m)"),
        Choice("gray", {}, "gray"),
    ]


def test_values_are_as_yaml_has_them() -> None:
    (choice,) = parse_choices("x(a=1,b=0.5,c=true,d=no,e=1h,f=.inf,g=a=b)")
    assert choice.options == {"a": 1, "b": 0.5, "c": True, "d": False, "e": "1h", "f": ".inf", "g": "a=b"}


def test_options_within_options() -> None:
    (choice,) = parse_choices("rolling(drain.force=true,drain.gracePeriod=5)")
    assert choice.options == {"drain": {"force": True, "gracePeriod": 5}}


def test_one_strategy_twice_with_other_options() -> None:
    assert [choice.label for choice in parse_choices("rolling,rolling(maxUnavailable=2)")] == [
        "rolling",
        "rolling(maxUnavailable=2)",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no strategy"),
        (",", "no strategy"),
        ("rolling,", "after the last comma"),
        ("rolling,,surge", "no strategy"),
        ("rolling(", "no strategy"),
        ("rolling)", "no strategy"),
        ("rolling(a=(1))", "no strategy"),
        ("rolling surge", "no strategy"),
        ("rolling(a)", "no option of rolling"),
        ("rolling(a=)", "no option of rolling"),
        ("rolling(=1)", "no option of rolling"),
        ("rolling(a=1,a=2)", "given twice"),
        ("rolling(a=1,a.b=2)", "given twice"),
        ("rolling(a.b=1,a=2)", "given twice"),
        ("rolling,rolling()", "given twice"),
    ],
)
def test_what_is_no_choice(text: str, says: str) -> None:
    with pytest.raises(BadValue, match=says):
        parse_choices(text)
