"""Which strategies there are: found by entry point, group `simkube.strategies`; the built-in ones also without."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple

from simkube.kube.errors import InputError, KeyPath, nearest
from simkube.kube.parse import parse
from simkube.maintenance.model import Model, span_text
from simkube.strategies.strategy import Strategy

GROUP = "simkube.strategies"
BUILT_IN = {
    "all-at-once": "simkube.strategies.all_at_once:AllAtOnce",
    "rolling": "simkube.strategies.rolling:Rolling",
    "surge": "simkube.strategies.surge:Surge",
    "blue-green": "simkube.strategies.blue_green:BlueGreen",
    "gray": "simkube.strategies.gray:Gray",
    "reboot-in-place": "simkube.strategies.reboot_in_place:RebootInPlace",
    "cordon-only": "simkube.strategies.cordon_only:CordonOnly",
}


class Option(NamedTuple):
    """One line of a strategy's table: the option's name as it is written, its default, what it means."""

    name: str
    default: str
    description: str


def names() -> list[str]:
    """The built-in ones in their order, then those of other packages by name."""
    return list(_points())


def find(name: str) -> type[Strategy]:
    """The strategy of this name. Raises `InputError` for one that is not there or cannot be loaded."""
    points = _points()
    point = points.get(name)
    if point is None:
        fix = nearest(name, points) or f"there are {', '.join(points)}"
        raise InputError(f"there is no strategy {name}", fix=fix)
    return _load(point)


def make(
    name: str, options: Mapping[str, Any] | None = None, *, file: str = "", text: str = "", at: KeyPath = ()
) -> Strategy:
    """A strategy with its options, which stand at a path of a file with this text. Raises `InputError`."""
    return parse(find(name), dict(options or {}), file=file, text=text, at=at)


def needs_options(name: str) -> bool:
    """It cannot be made without an option. Raises `InputError` as `find` does."""
    return any(field.is_required() for field in find(name).model_fields.values())


def summary(strategy: type[Strategy]) -> str:
    """What it does, in one line."""
    return (strategy.__doc__ or "").strip().partition("\n")[0]


def options(strategy: type[Strategy]) -> list[Option]:
    """Its own options first, then those that others have too; flags of the drain as `drain.force`."""
    return list(_options(strategy, ""))


def _options(model: type[Model], prefix: str) -> list[Option]:
    found: list[Option] = []
    for name, field in sorted(
        model.model_fields.items(), key=lambda item: item[0] not in model.__annotations__
    ):
        key = f"{prefix}{field.alias or name}"
        if isinstance(field.default, Model):
            found += _options(type(field.default), f"{key}.")
        else:
            default = "required" if field.is_required() else _default(field.default, name)
            found.append(Option(key, default, field.description or ""))
    return found


def _default(value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return span_text(value)
    return "none" if value in (None, "") else str(value)


def _points() -> dict[str, EntryPoint]:
    points = {name: EntryPoint(name, value, GROUP) for name, value in BUILT_IN.items()}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        known = points.setdefault(point.name, point)
        if known.value != point.value:
            raise InputError(
                f"two strategies are named {point.name}: {known.value} and {point.value}",
                fix="uninstall one of the packages",
            )
    return points


def _load(point: EntryPoint) -> type[Strategy]:
    try:
        found = point.load()
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        fix = "mend or uninstall its package"
        raise InputError(f"strategy {point.name} ({point.value}) cannot be loaded: {why}", fix=fix) from error
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        fix = "derive it from simkube.strategies.strategy.Strategy"
        raise InputError(f"strategy {point.name} ({point.value}) is no Strategy", fix=fix)
    return found
