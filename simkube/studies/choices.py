"""Strategies as a user names them in one text: `rolling,surge(maxSurge=2),rolling(maxUnavailable=25%)`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from simkube.kube.errors import BadValue, shown
from simkube.kube.scalars import resolve

_CHOICE = re.compile(r"\s*([^(),\s]+)\s*(?:\(([^()]*)\)\s*)?(,|$)")
_EXAMPLE = "write rolling,surge(maxSurge=2)"


@dataclass(frozen=True)
class Choice:
    """A strategy's name, options as in a scenario, and the text they were written as."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    label: str = ""


def parse_choices(text: str) -> list[Choice]:
    """The strategies of a text, in order. Values are as YAML has them; `drain.force=true` is an option in an option.
    Raises `BadValue`."""
    choices: dict[str, Choice] = {}
    for choice in _choices(text):
        if choice.label in choices:
            raise BadValue(f"{choice.label} is given twice", "give it once, or with other options")
        choices[choice.label] = choice
    return list(choices.values())


def _choices(text: str) -> Iterator[Choice]:
    position = 0
    while position < len(text) or position == 0:
        found = _CHOICE.match(text, position)
        if found is None:
            raise BadValue(f"{shown(text[position:])} is no strategy with its options", _EXAMPLE)
        name, written, comma = found.groups()
        parts = [part.strip() for part in (written or "").split(",") if part.strip()]
        label = f"{name}({','.join(parts)})" if parts else name
        yield Choice(name, _options(name, parts), label)
        position = found.end()
        if comma and position == len(text):
            raise BadValue(f"there is nothing after the last comma of {shown(text)}", _EXAMPLE)


def _options(name: str, parts: list[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for part in parts:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not key or not equals or not value:
            raise BadValue(f"{shown(part)} is no option of {name}", f"write {name}({key or 'option'}=value)")
        *outer, last = key.split(".")
        inside = options
        for one in outer:
            inside = inside.setdefault(one, {})
            if not isinstance(inside, dict):
                raise BadValue(f"{one} of {name} is given twice", "give it once")
        if last in inside:
            raise BadValue(f"{key} of {name} is given twice", "give it once")
        meant = resolve(value)
        inside[last] = value if isinstance(meant, float) and not isfinite(meant) else meant
    return options
