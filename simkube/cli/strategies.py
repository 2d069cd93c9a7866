"""`simkube strategies`: what there is."""

from simkube.cli.inputs import Json
from simkube.cli.output import answer


def strategies(as_json: Json = False) -> None:
    """List the strategies with their options."""
    from simkube.report.strategies import strategies_json, strategies_text, strategy_rows

    rows = strategy_rows()
    answer(strategies_json(rows) if as_json else strategies_text(rows))
