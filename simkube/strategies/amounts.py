"""Numbers of nodes as options give them."""

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from simkube.kube.errors import BadValue, shown
from simkube.kube.model import IntOrPercent


def _some(amount: int | str) -> int | str:
    if amount in (0, "0%") or (isinstance(amount, str) and not 0 < int(amount[:-1]) <= 100):
        raise BadValue(f"{shown(amount)} is no number of nodes", 'write 1 or more, or "1%" to "100%"')
    return amount


NodeAmount = Annotated[
    IntOrPercent,
    AfterValidator(_some),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": "^(100|0*[1-9][0-9]?)%$"},
            ]
        }
    ),
]
"""How many nodes: a number from 1 on, or a percentage of those that are maintained."""
