"""What pydantic says is wrong with a spec, in the user's words: the path of the key, the message, the way out."""

from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from simkube.kube.errors import BadValue, KeyPath, nearest, shown


class Problem(NamedTuple):
    """Something wrong at `path`, counted from what was validated."""

    path: KeyPath
    message: str
    fix: str = ""


_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "string_type": "text",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
}


def first_problem(error: ValidationError) -> Problem:
    """The first thing that is wrong."""
    return _problem(error.errors(include_url=False)[0])


def _problem(detail: ErrorDetails) -> Problem:
    path: KeyPath = tuple(detail["loc"])
    value = detail["input"]
    kind = detail["type"]
    if kind == "missing":
        return Problem(path, "is missing", f"add {path[-1]}" if path else "")
    if kind == "literal_error":
        choices = [
            choice.strip("'") for choice in detail["ctx"]["expected"].replace(" or ", ", ").split(", ")
        ]
        listed = ", ".join(choice for choice in choices if choice)
        hint = nearest(value, choices) if isinstance(value, str) else ""
        return Problem(path, f"{shown(value)} is not one of {listed}", hint or f"write {choices[0]}")
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, BadValue):
        return Problem(path, cause.message, cause.fix)
    wanted = _TYPES.get(kind)
    if wanted is None:
        return Problem(path, f"{shown(value)}: {detail['msg']}")
    return Problem(path, f"{shown(value)} is not {wanted}", _type_fix(wanted, value))


def _type_fix(wanted: str, value: Any) -> str:
    if wanted == "text" and isinstance(value, bool | int | float):
        if isinstance(value, bool):
            return "put it in quotes (YAML reads y, yes and on as true; n, no and off as false)"
        return f'quote it: "{shown(value)}"'
    if wanted == "a whole number":
        if isinstance(value, str) and value.strip().removeprefix("-").isdigit():
            return "write it without quotes"
        return "write a number such as 3"
    if wanted == "true or false" and isinstance(value, str):
        return "write true or false without quotes"
    if wanted == "a list":
        return "start each item with a dash"
    if wanted == "a mapping":
        return "write key: value below it"
    return f"write {wanted}"
