"""The published JSON Schemas of scenario, plan, trace and results, as `schemas/` holds them."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

DRAFT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def schema_of(of: str) -> Schema:
    """The JSON Schema of "scenario", "plan", "trace" (one line of it), "results" or "account" (of `explain`)."""
    return {**_MAKERS[of](), "$schema": DRAFT, "$id": f"urn:simkube:{of}:v1"}


def _scenario() -> Schema:
    """With what `drain`, `strategies` and `steps` take, which only packages above know."""
    from simkube.maintenance.drain_filters import DrainOptions
    from simkube.maintenance.plan_file import plan_schema
    from simkube.scenario.scenario import Scenario
    from simkube.strategies import registry

    schema = Scenario.model_json_schema(by_alias=True)
    defs: Schema = schema["$defs"]
    properties: Schema = schema["properties"]
    drain = {"$ref": _defined(defs, DrainOptions), "description": properties["drain"]["description"]}
    properties["drain"] = drain
    options = {name: {"$ref": _defined(defs, registry.find(name))} for name in registry.BUILT_IN}
    properties["strategies"] |= {"properties": options, "additionalProperties": {"type": "object"}}
    plan_defs = plan_schema()["$defs"]
    _define(defs, plan_defs)
    properties["steps"]["items"] = plan_defs["Block"]["properties"]["steps"]["items"]
    return {**_tidy(schema), "title": "simkube scenario"}


def _plan() -> Schema:
    from simkube.maintenance.plan_file import plan_schema

    return _tidy(plan_schema())


def _trace() -> Schema:
    import msgspec

    from simkube.trace.file import Header
    from simkube.trace.record import Record

    (header, record), components = msgspec.json.schema_components(
        (Header, Record), ref_template="#/$defs/{name}"
    )
    title = "A line of a simkube trace: the header first, then records"
    return {"title": title, "anyOf": [header, record], "$defs": components}


def _results() -> Schema:
    import msgspec

    from simkube.report.results import ComparisonFile, RunFile

    (both, run), components = msgspec.json.schema_components(
        (ComparisonFile, RunFile), ref_template="#/$defs/{name}"
    )
    title = "simkube results: of compare (--json, results.json), or of run --json"
    return {"title": title, "anyOf": [both, run], "$defs": components}


def _account() -> Schema:
    import msgspec

    from simkube.report.account import Account

    (account,), components = msgspec.json.schema_components((Account,), ref_template="#/$defs/{name}")
    return {"title": "simkube explain --json: an account", **account, "$defs": components}


_MAKERS: Mapping[str, Callable[[], Schema]] = {
    "scenario": _scenario,
    "plan": _plan,
    "trace": _trace,
    "results": _results,
    "account": _account,
}


def _defined(defs: Schema, model: "type[BaseModel]") -> str:
    """Put a model's schema among the definitions; returns the reference to it."""
    schema = model.model_json_schema(by_alias=True)
    _define(defs, {**schema.pop("$defs", {}), model.__name__: schema})
    return f"#/$defs/{model.__name__}"


def _define(defs: Schema, more: Schema) -> None:
    for name, one in more.items():
        if defs.setdefault(name, one) != one:
            raise ValueError(f"two different schemas are named {name}")


# -- what pydantic writes, made readable --------------------------------------------------------------------------


def _tidy(schema: Schema) -> Schema:
    """Durations and times are defined once; titles that only repeat a key are left out, and so are defaults that are
    mappings: pydantic does not write them as a file would."""
    from simkube.scenario.distribution import TIME_SCHEMA
    from simkube.scenario.units import DURATION_SCHEMA

    shared = {"Time": TIME_SCHEMA, "Duration": DURATION_SCHEMA}
    used: dict[str, Schema] = {}
    tidy: Schema = _plain(_shared(schema, shared, used))
    return {**tidy, "$defs": {**tidy["$defs"], **used}}


def _shared(value: Any, shared: Mapping[str, Schema], used: dict[str, Schema]) -> Any:
    if isinstance(value, list):
        return [_shared(item, shared, used) for item in value]
    if not isinstance(value, dict):
        return value
    for name, one in shared.items():
        if value.get("anyOf") == one["anyOf"]:
            if name not in used:
                used[name] = one  # before its own parts are looked at: they may be of the same form
                others = {other: schema for other, schema in shared.items() if other != name}
                used[name] = {key: _shared(part, others, used) for key, part in one.items()}
            rest = {key: item for key, item in value.items() if key != "anyOf"}
            if rest.get("description") == one.get("description"):
                rest.pop("description", None)
            return {"$ref": f"#/$defs/{name}", **rest}
    return {key: _shared(item, shared, used) for key, item in value.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    tidy = {key: _plain(item) for key, item in value.items()}
    properties = tidy.get("properties")
    if isinstance(properties, dict):
        for key, one in properties.items():
            if _letters(one.get("title")) == _letters(key):
                del one["title"]
            if isinstance(one.get("default"), dict):
                del one["default"]
    return tidy


def _letters(text: object) -> str:
    return str(text).replace(" ", "").replace("_", "").lower()
