"""What a plain YAML scalar means to kubectl: YAML 1.1 as yaml.v2 resolves it [go.yaml.in/yaml/v2 resolve.go]."""

import re
from typing import Any

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_MAYBE_WORD = frozenset("yYnNtTfFoO~")
_MAYBE_NUMBER = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def resolve(text: str) -> Any:
    """What a plain scalar means: text, whole number, float, boolean or None."""
    if not text:
        return None
    first = text[0]
    if first in _MAYBE_WORD:
        return _WORDS.get(text, text)
    if first not in _MAYBE_NUMBER:
        return text
    return _number(text)


def _number(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    plain = text.replace("_", "") if text[0] != "." else text
    if len(plain) <= 70 and _INTEGER.fullmatch(plain):
        number = _integer(plain)
        if -(2**63) <= number < 2**64:
            return number
    if _FLOAT.fullmatch(plain):
        value = float(plain)
        if value in (float("inf"), float("-inf")):
            return text  # out of range for Go too, which then takes it for text
        return int(value) if value.is_integer() and abs(value) < 1e21 else value  # as JSON writes it
    return text


def _integer(plain: str) -> int:
    sign = -1 if plain[0] == "-" else 1
    digits = plain.lstrip("+-").lower()
    if digits[:2] in ("0x", "0b", "0o"):
        return sign * int(digits, 0)
    return sign * int(digits, 8 if digits[0] == "0" else 10)
