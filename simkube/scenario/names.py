"""Names that a scenario calls things by: nodes, workloads, services. One that meets nothing is hardly what is meant."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from pydantic.alias_generators import to_camel

from simkube.kube.errors import KeyPath, among, nearest
from simkube.kube.objects import Node, Object, Pod, Workload
from simkube.scenario.pieces import Pieces, made_by
from simkube.scenario.scenario import OF_WORKLOADS, Scenario
from simkube.scenario.source import Source

EVERY = "*"


def check_names(
    scenario: Scenario,
    pieces: Pieces,
    nodes: Iterable[Node],
    source: Source,
    warnings: list[str] | None = None,
) -> None:
    """The first name that meets nothing raises `InputError`; with `warnings`, all of them are told of there."""
    found = tuple(unmet(scenario, pieces, nodes))
    if found and warnings is None:
        at, _, message, fix = found[0]
        raise source.error(at, message, fix)
    if found and warnings is not None:
        names = ", ".join(dict.fromkeys(one.name for one in found))
        warnings.append(f"{source.file}: names that are not in these manifests: {names}")


class Unmet(NamedTuple):
    """A name that meets nothing: where it stands, what it is, what is wrong, the way out."""

    at: KeyPath
    name: str
    message: str
    fix: str


def unmet(scenario: Scenario, pieces: Pieces, nodes: Iterable[Node]) -> Iterator[Unmet]:
    """All names in a scenario that meet nothing."""
    node_names = dict.fromkeys(node.meta.name for node in nodes)
    services = _names(obj for _, obj in pieces if obj.kind == "Service")
    workloads = _names(obj for _, obj in pieces if isinstance(obj, Workload | Pod))
    images = _images(obj for _, obj in pieces)
    for number, fault in enumerate(scenario.faults):
        of_workload = fault.kind in OF_WORKLOADS
        known = workloads if of_workload else node_names
        if fault.target not in known:
            at = ("faults", number, to_camel(fault.kind))
            yield _unmet(at, "workload" if of_workload else "node", fault.target, known)
    for place, name in _containers_named(scenario):
        if name not in workloads and name not in images:
            yield _unmet(place, "workload or image", name, {**workloads, **images})
    for place, name in _services_named(scenario):
        if name not in services:
            yield _unmet(place, "Service", name, services)


def _containers_named(scenario: Scenario) -> Iterator[tuple[KeyPath, str]]:
    behaviour = scenario.behaviour
    for key, name in behaviour.names():
        part = key.partition(".")[0]
        place = behaviour.never_ready.index(name) if part == "neverReady" else name
        yield ("behaviour", part, place), name


def _services_named(scenario: Scenario) -> Iterator[tuple[KeyPath, str]]:
    behaviour = scenario.behaviour
    for name in behaviour.traffic:
        yield ("behaviour", "traffic", name), name
    for name, callees in behaviour.calls.items():
        yield ("behaviour", "calls", name), name
        for number, callee in enumerate(callees):
            yield ("behaviour", "calls", name, number), callee
    for name in scenario.slo:
        if name != EVERY:
            yield ("slo", name), name


def _names(objects: Iterable[Object]) -> dict[str, None]:
    """Each by its name, and by namespace/name."""
    return dict.fromkeys(
        name for obj in objects for name in (obj.meta.name, f"{obj.meta.namespace}/{obj.meta.name}")
    )


def _images(objects: Iterable[Object]) -> dict[str, None]:
    made = (made_by(obj, 0) for obj in objects)
    return dict.fromkeys(image for pods in made if pods is not None for image in pods.template.images)


def _unmet(at: KeyPath, what: str, name: str, known: Collection[str]) -> Unmet:
    plain = [one for one in known if "/" not in one]
    fix = nearest(name, known) if "/" in name else among(name, plain, what)
    return Unmet(at, name, f"there is no {what} {name}", fix or among(name, plain, what))
