"""JSON manifests: one object after the other, keys given once, numbers that JSON has."""

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from simkube.kube.errors import InputError, shown
from simkube.kube.yaml import MAX_DEPTH, Document

_BLANKS = " \t\r\n"


def read_json(text: str, file: str) -> Iterator[Document]:
    """The values of a JSON text. Raises `InputError`."""
    decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
    position, number = _skip(text, 0), 0
    while position < len(text):
        line = text.count("\n", 0, position) + 1
        try:
            value, end = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            fix = "check commas, quotes and brackets there"
            raise InputError(f"broken JSON: {error.msg}", file=file, line=error.lineno, fix=fix) from None
        except RecursionError:
            message = f"nested deeper than {MAX_DEPTH} levels"
            raise InputError(message, file=file, line=line, fix="flatten it") from None
        except ValueError as error:
            raise InputError(f"broken JSON: {error}", file=file, line=line) from None
        if _deeper(value, MAX_DEPTH):
            message = f"nested deeper than {MAX_DEPTH} levels"
            raise InputError(message, file=file, line=line, fix="flatten it")
        if value is not None:
            yield Document(value, line, number)
        position, number = _skip(text, end), number + 1


def _deeper(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, dict | list) and (levels == 0 or any(_deeper(v, levels - 1) for v in inner))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {shown(twice)} is given twice in one object")
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number in JSON")


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BLANKS:
        position += 1
    return position
