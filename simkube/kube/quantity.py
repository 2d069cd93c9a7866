"""Kubernetes quantities (`100m`, `1.5Gi`, `1e3`), read exactly [apimachinery pkg/api/resource]."""

import re
from fractions import Fraction
from functools import lru_cache
from math import ceil

from simkube.kube.errors import BadValue, nearest, shown

DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
NANO = 10**9  # billionths in one
MAX_BINARY = 2**63 - 1  # binary quantities above it are read as this
MAX_LENGTH = 64  # characters; no real quantity comes near
MAX_EXPONENT = 30  # 1e30 of anything is more than any cluster has

_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?")
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]{1,9})")
_NANO = Fraction(1, NANO)
_BINARY_UNITS = [(suffix, 2**power) for suffix, power in reversed(BINARY.items())]  # largest first
_DECIMAL_UNITS = [
    (suffix, 10 ** (power + 9)) for suffix, power in sorted(DECIMAL.items(), key=lambda u: -u[1])
]


class QuantityError(BadValue):
    """A text that is not a quantity."""


def parse_quantity(quantity: str | float) -> int | Fraction:
    """The exact value. Parts below one nano are rounded up (away from zero), as Kubernetes does.

    Raises `QuantityError` for what Kubernetes refuses, and for exponents beyond `MAX_EXPONENT`.
    """
    if isinstance(quantity, str):
        return _parse(quantity)
    if isinstance(quantity, bool) or not isinstance(quantity, int | float):
        raise QuantityError(f"{shown(quantity)} is not a quantity", "write a number such as 4, 500m or 16Gi")
    return quantity if isinstance(quantity, int) else _parse(repr(quantity))


def milli_cpu(quantity: str | float) -> int:
    """Milli-cores, rounded up: `0.1` and `100m` are 100."""
    return ceil(parse_quantity(quantity) * 1000)


def bytes_of(quantity: str | float) -> int:
    """Whole units (bytes of memory, or how many of a counted resource), rounded up: `1Ki` is 1024."""
    return ceil(parse_quantity(quantity))


def quantity_text(nanos: int, binary: bool = False) -> str:
    """The canonical form of an amount in billionths: `500m`, `1k`; `binary`: `1536Mi` [`CanonicalizeBytes`]."""
    if not nanos:
        return "0"
    whole, rest = divmod(nanos, NANO)
    if binary and not rest and whole >= 1024:
        fitting = (f"{whole // unit}{suffix}" for suffix, unit in _BINARY_UNITS if not whole % unit)
        return next(fitting, str(whole))
    return next(f"{nanos // unit}{suffix}" for suffix, unit in _DECIMAL_UNITS if not nanos % unit)


@lru_cache(maxsize=4096)
def _parse(text: str) -> int | Fraction:
    number = _NUMBER.match(text)
    if not text or number is None or len(text) > MAX_LENGTH:
        raise QuantityError(f"{shown(text)} is not a quantity", "write a number such as 4, 500m or 16Gi")
    sign, whole, part = number[1], number[2], number[3] or ""
    suffix = text[number.end() :]
    value = Fraction(int((whole + part) or "0"), 10 ** len(part))
    if suffix in BINARY:
        value = min(value * 2 ** BINARY[suffix], Fraction(MAX_BINARY))
    else:
        value *= Fraction(10) ** _exponent(suffix, text, value)
    if value % _NANO:
        value = ceil(value / _NANO) * _NANO
    if sign == "-":
        value = -value
    return value.numerator if value.denominator == 1 else value


def _exponent(suffix: str, text: str, value: Fraction) -> int:
    if suffix in DECIMAL:
        return DECIMAL[suffix]
    written = _EXPONENT.fullmatch(suffix)
    if written is None:
        raise QuantityError(*_unknown_suffix(text, suffix))
    exponent = int(written[1])
    if exponent > MAX_EXPONENT and value:
        raise QuantityError(f"{shown(text)} is too large a quantity", f"stay below 1e{MAX_EXPONENT}")
    return max(min(exponent, MAX_EXPONENT), -2 * MAX_LENGTH)  # far below a nano either way


def _unknown_suffix(text: str, suffix: str) -> tuple[str, str]:
    """Message and fix. People write 4Gb, 4GB, 4gi, 500mi, 2 Gi, 1,5Gi."""
    number = text[: len(text) - len(suffix)]
    message = f"{shown(text)} is not a quantity: unknown suffix {shown(suffix)}"
    if not any(c.isdigit() for c in number):
        return f"{shown(text)} is not a quantity", "write a number such as 4, 500m or 16Gi"
    core = suffix.strip()
    if core in DECIMAL or core in BINARY:
        return message, f"write {number}{core} without blanks"
    letter = core.lower().removesuffix("ytes").removesuffix("yte").removesuffix("b").removesuffix("i")
    if letter == "k":
        return message, f"write {number}Ki or {number}k"
    if len(letter) == 1 and letter in "mgtpe":
        return message, f"write {number}{letter.upper()}i or {number}{letter.upper()}"
    if letter == "" and core:
        return message, f"write {number} for bytes"
    if core.lower() in ("core", "cores", "cpu", "cpus"):
        return message, f"write {number} for cores, or {number}000m"
    return message, nearest(
        core, [*BINARY, *filter(None, DECIMAL)]
    ) or "suffixes are m k M G T P E Ki Mi Gi Ti Pi Ei"
