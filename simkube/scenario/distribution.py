"""Times that vary: a constant or a distribution, drawn by name so that strategies share their luck."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from simkube.kube.duration import format_duration, parse_duration
from simkube.kube.errors import BadValue, nearest, shown
from simkube.randoms import Randoms
from simkube.scenario.units import DURATION_SCHEMA

_Z95 = 1.6448536269514722  # the standard normal's 95th percentile


class Distribution:
    """A time in seconds, never negative."""

    __slots__ = ()

    def draw(self, randoms: Randoms, *name: object) -> float:
        """The value for this name: it depends on the run's seed and the name alone."""
        raise NotImplementedError

    def to_plain(self) -> Any:
        """As a scenario writes it."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Constant(Distribution):
    """Always the same."""

    value: float

    def draw(self, randoms: Randoms, *name: object) -> float:
        return self.value

    def to_plain(self) -> Any:
        return format_duration(self.value)


@dataclass(frozen=True, slots=True)
class Uniform(Distribution):
    """Anywhere between two times."""

    min: float
    max: float

    def __post_init__(self) -> None:
        if self.min > self.max:
            raise BadValue("min is longer than max", "swap the two")

    def draw(self, randoms: Randoms, *name: object) -> float:
        return self.min + (self.max - self.min) * randoms.unit(*name)

    def to_plain(self) -> Any:
        return {"uniform": {"min": format_duration(self.min), "max": format_duration(self.max)}}


@dataclass(frozen=True, slots=True)
class Normal(Distribution):
    """Around a mean, `sd` its standard deviation; what falls below 0 is 0."""

    mean: float
    sd: float

    def draw(self, randoms: Randoms, *name: object) -> float:
        return max(0.0, self.mean + self.sd * randoms.normal(*name))

    def to_plain(self) -> Any:
        return {"normal": {"mean": format_duration(self.mean), "sd": format_duration(self.sd)}}


@dataclass(frozen=True, slots=True)
class Lognormal(Distribution):
    """Half of all draws are below `median`, 95 % below `p95`: the usual shape of start-up times."""

    median: float
    p95: float

    def __post_init__(self) -> None:
        if self.median <= 0.0:
            raise BadValue("a lognormal's median must be above 0", "write a constant such as 0s")
        if self.p95 < self.median:
            raise BadValue("p95 is shorter than median", "95 % of all draws are below p95, half below median")

    def draw(self, randoms: Randoms, *name: object) -> float:
        sigma = log(self.p95 / self.median) / _Z95
        return self.median * exp(sigma * randoms.normal(*name))

    def to_plain(self) -> Any:
        return {"lognormal": {"median": format_duration(self.median), "p95": format_duration(self.p95)}}


SHAPES: dict[str, tuple[Callable[..., Distribution], tuple[str, ...]]] = {
    "lognormal": (Lognormal, ("median", "p95")),
    "uniform": (Uniform, ("min", "max")),
    "normal": (Normal, ("mean", "sd")),
}
_PARAMETERS = {name for _, names in SHAPES.values() for name in names}
_WAYS = 'write "8s", {lognormal: {median: 8s, p95: 25s}}, {uniform: {min: 1s, max: 3s}} or {normal: {mean: 8s, sd: 2s}}'


def parse_distribution(value: Any) -> Distribution:
    """From "8s" or 8, {constant: 8s}, or one of `SHAPES` with its parameters. Raises `BadValue`."""
    if isinstance(value, Distribution):
        return value
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return Constant(parse_duration(value))
    if isinstance(value, dict) and value and all(name in _PARAMETERS for name in value):
        raise BadValue(f"{' and '.join(value)} of no known distribution", _WAYS)
    if not isinstance(value, dict) or len(value) != 1:
        raise BadValue(f"{shown(value)} is not one time or distribution", _WAYS)
    ((shape, parameters),) = value.items()
    if shape == "constant":
        return Constant(parse_duration(parameters))
    if shape not in SHAPES:
        raise BadValue(f"unknown distribution {shown(shape)}", nearest(str(shape), SHAPES) or _WAYS)
    make, names = SHAPES[shape]
    if not isinstance(parameters, dict):
        raise BadValue(f"{shape} needs {' and '.join(names)}", _WAYS)
    for name in parameters:
        if name not in names:
            hint = nearest(str(name), names) or f"{shape} takes {' and '.join(names)}"
            raise BadValue(f"unknown key {name} of {shape}", hint)
    missing = [name for name in names if name not in parameters]
    if missing:
        raise BadValue(f"{shape} lacks {' and '.join(missing)}", _WAYS)
    return make(**{name: parse_duration(parameters[name]) for name in names})


def _shape_schema(names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict.fromkeys(names, DURATION_SCHEMA),
        "required": list(names),
        "additionalProperties": False,
    }


TIME_SCHEMA: dict[str, Any] = {
    "anyOf": [
        DURATION_SCHEMA,
        *(
            {
                "type": "object",
                "properties": {shape: schema},
                "required": [shape],
                "additionalProperties": False,
            }
            for shape, schema in (
                ("constant", DURATION_SCHEMA),
                *((shape, _shape_schema(names)) for shape, (_, names) in SHAPES.items()),
            )
        ),
    ]
}

Time = Annotated[
    Distribution,
    PlainValidator(parse_distribution),
    PlainSerializer(lambda value: value.to_plain()),
    WithJsonSchema(TIME_SCHEMA),
]
