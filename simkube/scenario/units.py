"""Types of a scenario's values: durations, percentages, quantities, versions, names."""

import re
from math import isfinite
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from simkube.kube.duration import parse_duration
from simkube.kube.errors import BadValue, shown
from simkube.kube.quantity import parse_quantity
from simkube.kube.version import Version
from simkube.timings import NEWEST_MINOR, OLDEST_MINOR

DURATION_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$|^0$"},
        {"type": "number", "minimum": 0},
    ],
    "description": 'A duration as Kubernetes writes it ("1m30s"), or seconds',
}
VERSION_SCHEMA = {"type": "string", "pattern": r"^(v?[0-9]+\.[0-9]+(\.[0-9]+)?([-+].*)?)?$"}
MAX_NODE_NAME = 200  # with a number behind it, it is below the 253 characters of a DNS name

_NODE_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


def _percent(value: Any) -> float:
    share = None
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            share = float(value.strip()[:-1]) / 100.0
        except ValueError:
            share = None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        share = value
    if share is None or not 0.0 <= share <= 1.0:
        raise BadValue(f"{shown(value)} is not a share between 0 and 1", 'write "99.9%" or 0.999')
    return float(share)


def _quantity(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadValue(f"{shown(value)} is not a quantity", "write a number such as 4, or 16Gi")
    if isinstance(value, float) and not isfinite(value):
        raise BadValue(f"{shown(value)} is not a quantity", "write a finite number")
    if parse_quantity(value) < 0:
        raise BadValue(f"{shown(value)} is negative", "write a quantity of 0 or more")
    return value


def _version(value: Any) -> str:
    if value == "":
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        message = f"{shown(value)} is a number here, in which 1.3 and 1.30 are the same"
        raise BadValue(message, f'quote it: "{shown(value)}"; or write it in full: v1.36.3')
    return str(Version.parse(value))


def supported(text: str) -> str:
    """The version, if simkube knows it. Raises `BadValue`."""
    version = Version.parse(text or "none")
    if version.major != 1 or not OLDEST_MINOR <= version.minor <= NEWEST_MINOR:
        fix = f"simkube knows 1.{OLDEST_MINOR} to 1.{NEWEST_MINOR}"
        raise BadValue(f"Kubernetes {text} is not supported", fix)
    return text


def _node_name(text: str) -> str:
    if len(text) > MAX_NODE_NAME or not _NODE_NAME.fullmatch(text):
        raise BadValue(f"{shown(text)} is no name for nodes", "use lower case letters, digits, - and .")
    return text


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
VersionText = Annotated[str, BeforeValidator(_version), WithJsonSchema(VERSION_SCHEMA)]
"""A version of Kubernetes, written out in full; "" where there is none."""
ClusterVersion = Annotated[VersionText, AfterValidator(supported)]
NodeName = Annotated[
    str, AfterValidator(_node_name), WithJsonSchema({"type": "string", "pattern": f"^{_NODE_NAME.pattern}$"})
]
