"""A mapping that a user wrote, made into a model; what is wrong with it named with file, line, key and nearest key."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from simkube.kube.errors import InputError, KeyPath, key_text, nearest
from simkube.kube.invalid import first_problem
from simkube.kube.yaml import line_of

M = TypeVar("M", bound=BaseModel)


def parse(model: type[M], value: Any, *, file: str = "", text: str = "", at: KeyPath = ()) -> M:
    """The model of a value that stands at the path `at` of a file with this text. Keys are written as the aliases.
    Raises `InputError`."""
    try:
        return model.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as error:
        details = error.errors(include_url=False)
        detail = next((each for each in details if each["type"] == "extra_forbidden"), details[0])
        path = tuple(detail["loc"])
        where = _written(path, value)
        if detail["type"] == "extra_forbidden":
            known = _known_keys(model, path[:-1])
            fix = nearest(str(path[-1]), known) or f"known here: {', '.join(known)}"
            message = f"unknown key {path[-1]}"
        else:
            message, fix = first_problem(error)[1:]
            where = (*where, path[-1]) if detail["type"] == "missing" else where
        raise wrong(message, fix, file=file, text=text, at=(*at, *where)) from None


def wrong(message: str, fix: str = "", *, file: str = "", text: str = "", at: KeyPath = ()) -> InputError:
    """The error at a path of a file with this text."""
    return InputError(message, file=file, line=line_of(text, 0, at) if text else 0, key=key_text(at), fix=fix)


def _written(path: KeyPath, value: Any) -> KeyPath:
    """The part of pydantic's path that stands in the file (it adds the names of union members)."""
    found: list[str | int] = []
    for part in path:
        in_mapping = isinstance(value, dict) and part in value
        if in_mapping or (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            value = value[part]
            found.append(part)
    return tuple(found)


def _known_keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys that the model's JSON Schema knows at a path."""
    schema = model.model_json_schema(by_alias=True)
    return sorted(_keys_at(schema, schema, path))


def _keys_at(root: dict[str, Any], schema: dict[str, Any], path: KeyPath) -> set[str]:
    schema = _resolve(root, schema)
    options = [_resolve(root, s) for s in (*schema.get("anyOf", ()), *schema.get("oneOf", ()))] or [schema]
    keys: set[str] = set()
    for option in options:
        properties = option.get("properties", {})
        if not path:
            keys |= properties.keys()
        elif path[0] in properties:
            keys |= _keys_at(root, properties[str(path[0])], path[1:])
        else:
            for inside in (option.get("items"), option.get("additionalProperties")):
                if isinstance(inside, dict):
                    keys |= _keys_at(root, inside, path[1:])
    return keys


def _resolve(root: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema
