"""Types of a scenario's values: durations, percentages, quantities."""

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from simkube.kube.duration import parse_duration
from simkube.kube.errors import BadValue, shown
from simkube.kube.quantity import parse_quantity

DURATION_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$"},
        {"type": "number", "minimum": 0},
    ],
    "description": 'A duration as Kubernetes writes it ("1m30s"), or seconds',
}


def _percent(value: Any) -> float:
    share = None
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            share = float(value.strip()[:-1]) / 100.0
        except ValueError:
            share = None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        share = float(value)
    if share is None or not 0.0 <= share <= 1.0:
        raise BadValue(f"{shown(value)} is not a share between 0 and 1", 'write "99.9%" or 0.999')
    return share


def _quantity(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadValue(f"{shown(value)} is not a quantity", "write a number such as 4, or 16Gi")
    if parse_quantity(value) < 0:
        raise BadValue(f"{shown(value)} is negative", "write a quantity of 0 or more")
    return value


Duration = Annotated[float, BeforeValidator(parse_duration), WithJsonSchema(DURATION_SCHEMA)]
Percent = Annotated[
    float,
    BeforeValidator(_percent),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^[0-9.]+ *%$"},
                {"type": "number", "minimum": 0, "maximum": 1},
            ]
        }
    ),
]
QuantityText = Annotated[
    str | int | float, BeforeValidator(_quantity), WithJsonSchema({"type": ["string", "number"]})
]
