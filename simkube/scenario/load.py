"""A scenario with everything that it names: its file, its manifests, its overrides, ready to run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simkube.kube.build import Builder
from simkube.kube.errors import BadValue, InputError
from simkube.kube.files import read_text
from simkube.kube.manifests import Source as Place
from simkube.kube.manifests import read_manifests
from simkube.kube.objects import Object
from simkube.kube.yaml import read_documents
from simkube.scenario.autoscalers import within_bounds
from simkube.scenario.checks import check
from simkube.scenario.dump import is_state, of_the_kubelets_version, on_known_nodes, with_owners, with_volumes
from simkube.scenario.names import check_names
from simkube.scenario.nodes import all_nodes
from simkube.scenario.overrides import overridden
from simkube.scenario.pieces import Piece
from simkube.scenario.priorities import missing_priorities
from simkube.scenario.scenario import Cluster, NodePool, Scenario
from simkube.scenario.source import Source
from simkube.scenario.storage import missing_classes
from simkube.timings import Timings
from simkube.timings.unfollowed import UNFOLLOWED

NO_FILE = Source()


@dataclass(frozen=True)
class Loaded:
    """A scenario with everything it names read in: `objects` in the order in which they are created, nodes first;
    `warnings` one line each; `source` to tell where something in the scenario stands, `places` where an object does
    (by kind, namespace, name)."""

    scenario: Scenario
    objects: tuple[Object, ...]
    warnings: tuple[str, ...]
    name: str
    source: Source = NO_FILE
    places: Mapping[tuple[str, str, str], Place] = field(default_factory=dict)

    def error(self, obj: Object, message: str, fix: str = "") -> InputError:
        """The error about an object, with file and line if it has any."""
        place = self.places.get((obj.kind, *obj.key))
        message = f"{obj.kind} {obj.meta.name}: {message}"
        return place.error((), message, fix) if place is not None else InputError(message, fix=fix)


def load_scenario(path: Path, manifests: Sequence[Path] = (), version: str = "") -> Loaded:
    """Read a scenario file; `manifests` and `version` replace its own. Raises `InputError`.

    Where the manifests are others than those that the scenario was written for, names in it that meet nothing are only
    warnings."""
    scenario, source = read_scenario(path)
    if version:
        cluster = scenario.cluster.model_copy(update={"version": version})
        scenario = scenario.model_copy(update={"cluster": cluster})
    paths = list(manifests) or [path.parent / name for name in scenario.manifests]
    if not paths:
        fix = "name files or folders: `manifests: [shop.yaml]`"
        raise source.error(("manifests",), "there are no manifests: nothing would run", fix)
    return assemble(scenario, paths, path.name, source, strict=not manifests)


def bare_scenario(cluster: Cluster, manifests: Sequence[Path]) -> Loaded:
    """A scenario without a file: `manifests` (one at least) on this cluster. If neither has a worker node, there are
    three. Raises `InputError`."""
    return assemble(Scenario(cluster=cluster), manifests, manifests[0].name, workers=NodePool())


def read_scenario(path: Path) -> tuple[Scenario, Source]:
    """The scenario of a file, its manifests not yet read. Raises `InputError`."""
    text = read_text(path)
    source = Source(str(path), text)
    documents = list(read_documents(text, str(path)))
    fix = "start with `cluster:` and `manifests:`"
    if not documents:
        raise source.error((), "the scenario is empty", fix)
    if len(documents) > 1:
        raise source.error((), "a scenario is one document, this file has more", "remove the others")
    return source.parse(Scenario, documents[0].value), source


def assemble(
    scenario: Scenario,
    paths: Sequence[Path],
    name: str,
    source: Source = NO_FILE,
    strict: bool = True,
    workers: NodePool | None = None,
) -> Loaded:
    """Read the manifests at `paths`, put the scenario's nodes and overrides to them, and check that all fits together.

    Not `strict`: names that meet nothing are warnings. `workers`: the pool where no worker is given."""
    read = read_manifests(paths)
    warnings = list(read.warnings)
    builder = Builder()
    pieces = [Piece(manifest, builder.build(manifest)) for manifest in read.items if is_state(manifest)]
    scenario = of_the_kubelets_version(scenario, pieces, warnings)
    _check_timings(scenario, source)
    warnings += _idle_timings(scenario, source)
    nodes = all_nodes(scenario.cluster, pieces, source, workers)
    pieces = with_owners(pieces)
    of_cluster = any(obj.kind == "Node" for _, obj in pieces)
    pieces = [piece for piece in pieces if piece.obj.kind != "Node"]
    pieces = on_known_nodes(pieces, dict.fromkeys(node.meta.name for node in nodes), warnings)
    pieces = with_volumes(pieces)
    pieces = overridden(pieces, scenario.overrides, source, None if strict else warnings)
    check_names(scenario, pieces, nodes, source, None if strict else warnings)
    pieces = within_bounds(pieces, warnings)
    warnings += check(pieces, nodes)
    added = missing_priorities(pieces, of_cluster, warnings)
    if not of_cluster:
        added += missing_classes(pieces, warnings)
    objects = (*nodes, *added, *(obj for _, obj in pieces))
    places = {(obj.kind, *obj.key): manifest.source for manifest, obj in pieces}
    return Loaded(scenario, objects, tuple(warnings), name, source, places)


def _idle_timings(scenario: Scenario, source: Source) -> list[str]:
    """Warnings of constants that were changed and that nothing in the model follows."""
    timings = Timings.for_version(scenario.cluster.version, scenario.timings)
    idle = sorted(name.replace("_", "-") for name in timings.overrides)
    place = f"{source.file}: " if source.file else ""
    return [
        f"{place}timings.{name} changes nothing: the model does not follow it"
        for name in idle
        if name in UNFOLLOWED
    ]


def _check_timings(scenario: Scenario, source: Source) -> None:
    """Each by itself, to tell which; then together. Raises `InputError`."""
    version = scenario.cluster.version
    singles = [{name: value} for name, value in scenario.timings.items()]
    for overrides in (*singles, scenario.timings):
        try:
            Timings.for_version(version, overrides)
        except BadValue as error:
            name = next(iter(overrides))
            at = ("timings", name) if len(overrides) == 1 else ("timings",)
            raise source.error(at, error.message.removeprefix(f"{name}: "), error.fix) from None
    timings = Timings.for_version(version, scenario.timings)
    renewed = timings.node_lease_renew_interval * (1.0 + timings.node_lease_renew_jitter)
    noticed = renewed + timings.node_monitor_period  # a renewal is noticed at the next pass
    if timings.node_monitor_grace_period <= noticed:
        message = f"healthy nodes would be Unknown between two renewals, which are noticed {noticed:g} s apart at worst"
        fix = f"write more than {noticed:g}s, or shorten node-lease-duration"
        raise source.error(("timings", "node-monitor-grace-period"), message, fix)
