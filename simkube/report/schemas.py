"""The published JSON Schemas of scenario, plan, trace and results."""

from collections.abc import Callable
from typing import Any

import msgspec

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(of: str) -> dict[str, Any]:
    """The JSON Schema of "scenario", "plan", "trace" (one line of it) or "results"."""
    made: dict[str, Any] = _MAKERS[of]()
    return {"$schema": DRAFT, "$id": f"urn:simkube:{of}:v1", **made}


def _scenario() -> dict[str, Any]:
    from simkube.scenario.scenario import Scenario

    return Scenario.model_json_schema(by_alias=True)


def _plan() -> dict[str, Any]:
    from simkube.maintenance.plan_file import plan_schema

    return plan_schema()


def _trace() -> dict[str, Any]:
    from simkube.trace.file import Header
    from simkube.trace.record import Record

    (header, record), components = msgspec.json.schema_components(
        (Header, Record), ref_template="#/$defs/{name}"
    )
    return {
        "title": "A line of a trace: the header first, then records",
        "anyOf": [header, record],
        "$defs": components,
    }


def _results() -> dict[str, Any]:
    from simkube.report.results import ComparisonFile, RunFile

    (both, run), components = msgspec.json.schema_components(
        (ComparisonFile, RunFile), ref_template="#/$defs/{name}"
    )
    return {"title": "Results of compare or run", "anyOf": [both, run], "$defs": components}


_MAKERS: dict[str, Callable[[], dict[str, Any]]] = {"scenario": _scenario, "plan": _plan, "trace": _trace, "results": _results}
