"""What commands share: a scenario file, or bare manifests with a cluster from the command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from simkube.scenario.load import Loaded

Input = Annotated[
    list[Path], typer.Argument(help="A scenario file, or manifests: files and folders.", show_default=False)
]
Manifests = Annotated[
    list[Path],
    typer.Option("--manifests", "-f", help="Manifests to use instead of the scenario's.", show_default=False),
]
Nodes = Annotated[
    int | None, typer.Option(help="Bare manifests: how many worker nodes.", min=1, show_default="3")
]
Node = Annotated[
    str, typer.Option(help="Bare manifests: what a node has: cpu=4,memory=16Gi,pods=110.", show_default=False)
]
Zones = Annotated[
    str, typer.Option(help="Bare manifests: zones of the nodes, in turn: a,b,c.", show_default=False)
]
KubernetesVersion = Annotated[
    str,
    typer.Option("--kubernetes", help="Version of Kubernetes: 1.36, v1.37.2.", show_default="the scenario's"),
]
Seed = Annotated[int | None, typer.Option(help="Seed of all chance.", show_default="the scenario's")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")]


def load(
    paths: Sequence[Path],
    manifests: Sequence[Path] = (),
    nodes: int | None = None,
    node: str = "",
    zones: str = "",
    kubernetes: str = "",
) -> "Loaded":
    """Read what the user named; warnings go to stderr. Raises `InputError`."""
    from simkube.kube.errors import InputError
    from simkube.scenario.load import bare_scenario, load_scenario, looks_like_scenario, parse_scenario

    cluster = _cluster(nodes, node, zones, kubernetes)
    if len(paths) == 1 and looks_like_scenario(paths[0]):
        given = [name for name in ("nodes", "zones") if name in cluster]
        if given:
            fix = "change `cluster:` in the scenario, or name manifests instead of it"
            raise InputError(f"--{given[0]} is for bare manifests", file=str(paths[0]), fix=fix)
        loaded = load_scenario(paths[0], manifests, cluster.get("version", ""))
    else:
        cluster.setdefault("nodes", [_pool(nodes, node, zones)])
        cluster.pop("zones", None)
        loaded = bare_scenario(parse_scenario({"cluster": cluster}, "command line"), [*paths, *manifests])
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)
    return loaded


def _cluster(nodes: int | None, node: str, zones: str, kubernetes: str) -> dict[str, Any]:
    cluster: dict[str, Any] = {}
    if kubernetes:
        version = kubernetes if kubernetes.startswith("v") else f"v{kubernetes}"
        cluster["version"] = version if version.count(".") > 1 else f"{version}.0"
    if nodes is not None or node:
        cluster["nodes"] = [_pool(nodes, node, zones)]
    if zones:
        cluster["zones"] = zones
    return cluster


def _pool(nodes: int | None, node: str, zones: str) -> dict[str, Any]:
    from simkube.kube.errors import InputError

    pool: dict[str, Any] = {"count": 3 if nodes is None else nodes}
    capacity = {}
    for part in filter(None, node.split(",")):
        name, equals, amount = part.partition("=")
        if not equals or not amount:
            raise InputError(
                f"{part!r} is not name=amount", key="--node", fix="write cpu=4,memory=16Gi,pods=110"
            )
        capacity[name.strip()] = amount.strip()
    if capacity:
        pool["capacity"] = capacity
    if zones:
        pool["zones"] = [zone.strip() for zone in zones.split(",") if zone.strip()]
    return pool
