"""Every Kubernetes constant that simkube uses, each once, with the minors it holds for and its source.

    t = Timings.for_version("v1.36.3", {"node-monitor-grace-period": "40s"})
    t.node_monitor_grace_period   # 40.0

Durations are float seconds, counts int. The tables are in the files beside this one, one file a field.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from simkube.kube.duration import parse_duration
from simkube.kube.errors import BadValue, nearest, shown
from simkube.kube.version import Version
from simkube.timings.constant import NEWEST_MINOR, OLDEST_MINOR, SECONDS, WHOLE_UNITS, Constant
from simkube.timings.control_plane import Clients, Kubeadm, Network
from simkube.timings.kubelet import Containers, PodWorkers
from simkube.timings.nodes import Heartbeats, NodeLifecycle, TaintEviction
from simkube.timings.scheduling import SchedulerQueues, Scheduling
from simkube.timings.workloads import Deletion, Disruption, Drain, Workloads

__all__ = ["NEWEST_MINOR", "OLDEST_MINOR", "Timing", "Timings", "all_timings"]


@dataclass(frozen=True, slots=True)
class Timing:
    """One row of `simkube timings`: a constant and the minors (both included) for which it has this value.

    `flag` and `source` are explained in constant.py.
    """

    name: str
    value: float
    unit: str
    flag: str
    component: str
    since: str
    until: str
    source: str
    meaning: str


class Timings(
    Heartbeats,
    NodeLifecycle,
    TaintEviction,
    Deletion,
    Workloads,
    Disruption,
    Drain,
    SchedulerQueues,
    Scheduling,
    PodWorkers,
    Containers,
    Network,
    Clients,
    Kubeadm,
):
    """The constants of one Kubernetes version as plain numbers, the user's overrides applied. Immutable."""

    version: Version
    overrides: Mapping[str, float]

    @classmethod
    def for_version(
        cls, version: Version | str, overrides: Mapping[str, str | float] | None = None
    ) -> "Timings":
        """The constants of `version`; `overrides` by our name or the real flag's or field's, in kebab-case.

        A duration is written as Kubernetes writes it ("1m30s"), or as a number of seconds.
        Raises BadValue for a version that is not supported, an unknown name, or a value out of range.
        """
        parsed = Version.parse(version) if isinstance(version, str) else version
        if parsed.major != 1 or not OLDEST_MINOR <= parsed.minor <= NEWEST_MINOR:
            raise BadValue(
                f"Kubernetes {parsed} is not supported", f"simkube knows 1.{OLDEST_MINOR} to 1.{NEWEST_MINOR}"
            )
        values = {name: constant.at(parsed.minor) for name, constant in _CONSTANTS.items()}
        chosen = dict(_overridden(overrides or {}))
        values.update(_derived(chosen), **chosen)
        timings = cls()
        vars(timings).update(values, version=parsed, overrides=chosen)
        return timings

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"timings are fixed for a run; override {_kebab(name)} in Timings.for_version")


_CONSTANTS: dict[str, Constant] = {
    name: constant
    for table in Timings.__bases__
    for name, constant in vars(table).items()
    if isinstance(constant, Constant)
}


def all_timings() -> tuple[Timing, ...]:
    """Every constant in the tables' order; one that changed has one row for each of its values."""
    return tuple(row for name, constant in _CONSTANTS.items() for row in _rows(name, constant))


def _rows(name: str, constant: Constant) -> Iterator[Timing]:
    starts = [since for since, _ in constant.values]
    ends = [start - 1 for start in starts[1:]] + [NEWEST_MINOR]
    for (since, value), until in zip(constant.values, ends, strict=True):
        yield Timing(
            name=_kebab(name),
            value=value,
            unit=constant.unit,
            flag=constant.flag,
            component=constant.component,
            since=f"1.{since}",
            until=f"1.{until}",
            source=constant.source,
            meaning=constant.meaning,
        )


def _overridden(overrides: Mapping[str, str | float]) -> Iterator[tuple[str, float]]:
    """(attribute name, number) for each override."""
    known = _names_by_key()
    given: dict[str, str] = {}
    for key, value in overrides.items():
        names = known.get(key, ())
        if not names:
            raise BadValue(
                f"{key}: unknown timing", nearest(key, known) or "`simkube timings` lists them all"
            )
        if len(names) > 1:
            raise BadValue(
                f"{key}: a flag of several components", f"name one: {', '.join(map(_kebab, names))}"
            )
        name = names[0]
        if name in given:
            raise BadValue(f"{key}: the same timing as {given[name]}", "keep one of the two")
        given[name] = key
        yield name, _number(key, value, _CONSTANTS[name])


def _number(key: str, value: str | float, constant: Constant) -> float:
    """The value in the constant's unit; `key` is only for the error."""
    example = f"{constant.at(NEWEST_MINOR):g}"
    if constant.unit == SECONDS:
        try:
            number = parse_duration(value)
        except BadValue as error:
            raise BadValue(f"{key}: {error.message}", error.fix) from None
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue(f"{key}: {shown(value)} is not a number", f"give a number, as {example}")
    else:
        number = value
    if not math.isfinite(number) or number < constant.least or (constant.above and number == constant.least):
        least = f"{'above' if constant.above else 'at least'} {constant.least:g}"
        raise BadValue(f"{key}: {shown(value)} is out of range", f"it must be {least}")
    if constant.unit not in WHOLE_UNITS:
        return float(number)
    if number != int(number):
        raise BadValue(f"{key}: {shown(value)} is not a whole number", f"give one, as {example}")
    return int(number)


def _derived(chosen: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """What the kubelet derives from a value that a user sets [pkg/kubelet/kubelet.go; KCD in nodes.py]."""
    if "node_lease_duration" in chosen:
        yield "node_lease_renew_interval", chosen["node_lease_duration"] * 0.25
    if "node_status_update_frequency" in chosen:
        yield "node_status_report_frequency", chosen["node_status_update_frequency"]


def _names_by_key() -> dict[str, tuple[str, ...]]:
    """Every key an override may have (our names, the real flags and fields) -> the attributes it names."""
    keys: dict[str, tuple[str, ...]] = {}
    for name, constant in _CONSTANTS.items():
        if not constant.flag.startswith(("const ", "in ")):
            flag = _kebab(constant.flag)
            keys[flag] = (*keys.get(flag, ()), name)
    return keys | {_kebab(name): (name,) for name in _CONSTANTS}


def _kebab(name: str) -> str:
    """`nodeLeaseDurationSeconds`, `--node-x`, `node_x` and `NODE_X` in kebab-case."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name.removeprefix("--"))
    return re.sub(r"[_.]", "-", words).lower()
