"""Label selectors as `kubectl -l` and the API's `labelSelector` take them: `app=web,tier!=cache,zone in (a,b),!canary`
[apimachinery pkg/labels/selector.go `Parse`]."""

import re

from simkube.kube.errors import BadValue, shown
from simkube.kube.selector import Selector

_KEY = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_VALUE = r"[-A-Za-z0-9_.]*"
_REQUIREMENT = re.compile(
    rf"""\s*(?:
        (?P<absent>!\s*{_KEY})
      | (?P<key>{_KEY})\s*(?:
            (?P<op>==|=|!=|>|<)\s*(?P<value>{_VALUE})
          | (?P<set>\b(?:in|notin))\s*\((?P<values>[-A-Za-z0-9_.,\s]*)\)
        )?
    )\s*""",
    re.VERBOSE,
)
_MAX_LENGTH = 10_000


def parse_selector(text: str) -> Selector:
    """The compiled selector; "" selects everything. Raises `BadValue`."""
    equal: list[tuple[str, str]] = []
    tests: list[tuple[str, str, frozenset[str], int]] = []
    position = 0
    while text.strip():
        found = _REQUIREMENT.match(text, position) if len(text) <= _MAX_LENGTH else None
        if found is None or (found.end() < len(text) and text[found.end()] != ","):
            raise BadValue(f"{shown(text)} is not a label selector", "write one such as app=web,tier!=cache")
        key, op, value = found["key"], found["op"], found["value"] or ""
        if found["absent"]:
            tests.append((found["absent"][1:].strip(), "DoesNotExist", frozenset(), 0))
        elif found["set"]:
            values = frozenset(each.strip() for each in found["values"].split(","))
            tests.append((key, "In" if found["set"] == "in" else "NotIn", values, 0))
        elif op in ("=", "=="):
            equal.append((key, value))
        elif op == "!=":
            tests.append((key, "NotIn", frozenset((value,)), 0))
        elif op in (">", "<"):
            tests.append((key, "Gt" if op == ">" else "Lt", frozenset((value,)), _number(value, text)))
        else:
            tests.append((key, "Exists", frozenset(), 0))
        position = found.end() + 1
        if found.end() == len(text):
            break
    return Selector(tuple(sorted(equal)), tuple(tests))


def _number(value: str, text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise BadValue(
            f"{shown(text)} is not a label selector: {shown(value)} is no whole number", "write key>4"
        )
    return int(value)
