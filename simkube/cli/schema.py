"""`simkube schema`: the JSON Schemas of the files that simkube reads and writes."""

from enum import StrEnum
from typing import Annotated

import typer

from simkube.cli.output import answer


class Schema(StrEnum):
    """Which file."""

    scenario = "scenario"
    plan = "plan"
    trace = "trace"
    results = "results"
    account = "account"


def schema(of: Annotated[Schema, typer.Argument(help="Which file.")]) -> None:
    """Print the JSON Schema of a file, for editors and programs."""
    import json

    from simkube.report.schemas import schema_of

    answer(json.dumps(schema_of(of.value), indent=2, sort_keys=True))
