"""What commands share: a scenario file, or bare manifests with a cluster from the command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simkube.cli.output import note

if TYPE_CHECKING:
    from simkube.scenario.load import Loaded
    from simkube.scenario.scenario import Cluster

Input = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH", help="A scenario file, or manifests: files and folders.", show_default=False
    ),
]
Manifests = Annotated[
    list[Path],
    typer.Option(
        "--manifests", "-f", metavar="PATH", help="Manifests instead of the scenario's.", show_default=False
    ),
]
Nodes = Annotated[
    int | None,
    typer.Option(metavar="N", help="Bare manifests: how many worker nodes.", min=1, show_default="3"),
]
Node = Annotated[
    str,
    typer.Option(
        metavar="SIZE",
        help="Bare manifests: what a node has.",
        show_default="cpu=4,memory=16Gi,pods=110,ephemeral-storage=100Gi",
    ),
]
Zones = Annotated[
    str,
    typer.Option(
        metavar="NAMES", help="Bare manifests: zones of the nodes, in turn, as in a,b,c.", show_default=False
    ),
]
KubernetesVersion = Annotated[
    str,
    typer.Option(
        "--kubernetes",
        metavar="VERSION",
        help="Version of Kubernetes, such as 1.36.",
        show_default="the scenario's, that of a dump's nodes, or 1.37",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(metavar="N", help="Seed of all chance.", min=0, show_default="the scenario's, or 1"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")]

_OPTIONS = {"version": "--kubernetes", "capacity": "--node", "zones": "--zones", "count": "--nodes"}


def load(
    paths: Sequence[Path],
    manifests: Sequence[Path] = (),
    nodes: int | None = None,
    node: str = "",
    zones: str = "",
    kubernetes: str = "",
) -> "Loaded":
    """Read what the user named; warnings go to stderr. Raises `InputError`."""
    from simkube.kube.errors import one_line
    from simkube.scenario.load import bare_scenario, load_scenario
    from simkube.scenario.recognise import looks_like_scenario

    cluster = _cluster(nodes, node, zones, kubernetes)
    scenario = next((path for path in paths if looks_like_scenario(path)), None)
    if scenario is None:
        loaded = bare_scenario(cluster, [*paths, *manifests])
    else:
        _check_alone(scenario, paths, {"--nodes": nodes, "--node": node, "--zones": zones})
        loaded = load_scenario(scenario, manifests, cluster.version if kubernetes else "")
    for warning in loaded.warnings:
        note(f"warning: {one_line(warning)}")
    return loaded


def check_output(output: Path | None, inputs: Sequence[Path]) -> None:
    """What is written must not replace what was read. Raises `InputError`."""
    from simkube.kube.errors import InputError

    if output is not None and any(path.exists() and output.resolve() == path.resolve() for path in inputs):
        raise InputError(
            "would be overwritten: it is an input", file=str(output), fix="write to another file"
        )


def _check_alone(scenario: Path, paths: Sequence[Path], options: dict[str, object]) -> None:
    """A scenario brings its own cluster, and its own manifests or those of --manifests."""
    from simkube.kube.errors import InputError

    if len(paths) > 1:
        fix = "name manifests with --manifests, or in the scenario"
        raise InputError("this is a scenario; nothing may stand beside it", file=str(scenario), fix=fix)
    for option, value in options.items():
        if value:
            fix = "change `cluster:` in the scenario, or name manifests instead of it"
            raise InputError(f"this is for bare manifests; {scenario} is a scenario", key=option, fix=fix)


def seeds_of(loaded: "Loaded", seed: int | None, runs: int = 1) -> range:
    """The seeds of as many runs: from that of the option, or of the scenario. Raises `InputError`."""
    from simkube.kube.errors import InputError
    from simkube.scenario.scenario import MAX_SEED

    first = loaded.scenario.seed if seed is None else seed
    if first + runs - 1 > MAX_SEED:
        raise InputError(f"the last seed would be over {MAX_SEED}", key="--seed", fix="take a smaller one")
    return range(first, first + runs)


def version_text(kubernetes: str) -> str:
    """A version of Kubernetes as an option gives it, written out: 1.36 is v1.36.0. Raises `InputError`."""
    return _cluster(None, "", "", kubernetes).version


def _cluster(nodes: int | None, node: str, zones: str, kubernetes: str) -> "Cluster":
    """The cluster of the options; without any of its pool's, it has no pool."""
    from simkube.kube.errors import InputError
    from simkube.scenario.scenario import Cluster
    from simkube.scenario.source import Source

    written: dict[str, Any] = {"version": kubernetes} if kubernetes else {}
    pool: dict[str, Any] = {"count": nodes} if nodes is not None else {}
    if node:
        pool["capacity"] = _capacity(node)
    if zones:
        pool["zones"] = [zone.strip() for zone in zones.split(",") if zone.strip()]
    if pool:
        written["nodes"] = [pool]
    try:
        return Source().parse(Cluster, written)
    except InputError as error:
        option = next((option for key, option in _OPTIONS.items() if key in error.key), "")
        raise InputError(error.message, key=option, fix=error.fix) from None


def _capacity(node: str) -> dict[str, str]:
    from simkube.kube.errors import InputError, shown

    capacity: dict[str, str] = {}
    for part in node.split(","):
        name, _, amount = (piece.strip() for piece in part.partition("="))
        if not name or not amount:
            fix = "write resource=amount, as in cpu=4,memory=16Gi,pods=110"
            raise InputError(f"{shown(part)} is not a resource and an amount", key="--node", fix=fix)
        if name in capacity:
            raise InputError(f"{name} is given twice", key="--node", fix="give it once")
        capacity[name] = amount
    return capacity
