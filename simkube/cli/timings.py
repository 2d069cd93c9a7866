"""`simkube timings`: every Kubernetes constant that the model uses."""

from typing import Annotated

import typer

from simkube.cli.inputs import Json, version_text
from simkube.cli.output import answer


def timings(
    kubernetes: Annotated[
        str, typer.Option(metavar="VERSION", help="Only those of this version.", show_default="all")
    ] = "",
    as_json: Json = False,
) -> None:
    """List Kubernetes' constants: value, unit, flag, minors, source."""
    from simkube.kube.version import Version
    from simkube.timings import all_timings

    rows = all_timings()
    if kubernetes:
        minor = Version.parse(version_text(kubernetes)).minor
        rows = tuple(row for row in rows if _minor(row.since) <= minor <= _minor(row.until))
    if as_json:
        import dataclasses
        import json

        answer(json.dumps([dataclasses.asdict(row) for row in rows], indent=2))
    else:
        from simkube.report.tables import timings_text

        answer(timings_text(rows))


def _minor(text: str) -> int:
    return int(text.partition(".")[2])
