"""`simkube strategies`: what there is."""

from simkube.cli.inputs import Json
from simkube.cli.output import answer


def strategies(as_json: Json = False) -> None:
    """Every strategy with its options and their defaults; those of other packages included."""
    from simkube.report.tables import strategies_text
    from simkube.strategies.registry import described

    rows = described()
    if as_json:
        import json

        answer(json.dumps([row.as_json() for row in rows], indent=2))
    else:
        answer(strategies_text(rows))
