"""`simkube strategies`: what there is, for people and for programs."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from simkube.report.tables import columns, render
from simkube.strategies import registry


class Row(NamedTuple):
    """A strategy: its name, what it does in one line, its options."""

    name: str
    summary: str
    options: tuple[registry.Option, ...]


def strategy_rows() -> list[Row]:
    """All strategies. Raises `InputError` for one that cannot be loaded."""
    found = [(name, registry.find(name)) for name in registry.names()]
    return [Row(name, registry.summary(one), tuple(registry.options(one))) for name, one in found]


def strategies_text(rows: Sequence[Row]) -> str:
    """A paragraph for each, with a table of its options."""
    parts = []
    for row in rows:
        table = columns("  option", "default", "meaning")
        for option in row.options:
            table.add_row(f"  {option.name}", option.default, option.description)
        parts += [f"{row.name}: {row.summary}", render(table, 140), ""]
    return "\n".join(parts).rstrip()


def strategies_json(rows: Sequence[Row]) -> str:
    """A list of {name, summary, options: [{name, default, description}]}."""
    plain = [{**row._asdict(), "options": [option._asdict() for option in row.options]} for row in rows]
    return json.dumps(plain, indent=2)
