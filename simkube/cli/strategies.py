"""`simkube strategies`: what there is."""

import typer

from simkube.cli.inputs import Json


def strategies(as_json: Json = False) -> None:
    """Every strategy with its options and their defaults; those of other packages included."""
    from simkube.report.tables import strategies_text
    from simkube.strategies.registry import described

    rows = described()
    if as_json:
        import json

        typer.echo(json.dumps([row.as_json() for row in rows], indent=2))
    else:
        typer.echo(strategies_text(rows))
