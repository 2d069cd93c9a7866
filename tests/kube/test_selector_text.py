"""Label selectors as text [apimachinery pkg/labels/selector_test.go: which strings are good, what they match]."""

import pytest

from simkube.kube.errors import BadValue
from simkube.kube.selector_text import parse_selector


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ("", {}, True),
        ("", {"x": "y"}, True),
        ("x=y", {"x": "y"}, True),
        ("x=y,z=w", {"x": "y", "z": "w"}, True),
        ("x=y,z=w", {"x": "y", "z": "v"}, False),
        ("x==y", {"x": "y"}, True),
        ("x!=y,z!=w", {"x": "z", "z": "a"}, True),
        ("x!=y", {}, True),
        ("x!=y", {"x": "y"}, False),
        ("x=", {"x": ""}, True),
        ("x=", {}, False),
        ("x= ,z= ", {"x": "", "z": ""}, True),
        ("x", {"x": ""}, True),
        ("x", {}, False),
        ("!x", {}, True),
        ("!x", {"x": "1"}, False),
        ("! x", {"y": "1"}, True),
        ("x in (a,b)", {"x": "b"}, True),
        ("x in (a, b)", {"x": "c"}, False),
        ("x in ()", {"x": ""}, True),
        ("x notin (a,b),y", {"x": "c", "y": ""}, True),
        ("x notin (a)", {}, True),
        ("x in (foo,,baz),y,z notin ()", {"x": "", "y": "1", "z": "v"}, True),
        ("x>4", {"x": "5"}, True),
        ("x<4,x>1", {"x": "4"}, False),
        ("app.kubernetes.io/name=web,tier in (a,b)", {"app.kubernetes.io/name": "web", "tier": "a"}, True),
        ("index=1", {"index": "1"}, True),
        ("in", {"in": "1"}, True),
        ("  x = y , z  ", {"x": "y", "z": ""}, True),
    ],
)
def test_what_a_selector_matches(text: str, labels: dict[str, str], matches: bool) -> None:
    assert parse_selector(text).matches(labels) is matches


BAD = [
    "x=a||y=b",
    "x==a==b",
    "!x=a",
    "x<a",
    "x in a",
    "x in (a",
    ",x",
    "x,",
    "x,,y",
    "(x)",
    "x y",
    "=a",
    "x" * 20_000,
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_none_is_said(text: str) -> None:
    with pytest.raises(BadValue, match="is not a label selector"):
        parse_selector(text)
