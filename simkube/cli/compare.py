"""`simkube compare`: every strategy on the same cluster, best first, and why."""

from pathlib import Path
from typing import Annotated

import typer

from simkube.cli.inputs import Input, Json, KubernetesVersion, Manifests, Node, Nodes, Seed, Zones, load
from simkube.cli.progress import Progress


def compare(
    paths: Input,
    strategies: Annotated[
        str, typer.Option(help="Which, by comma; options as name(key=value,...).", show_default="all")
    ] = "",
    runs: Annotated[
        int, typer.Option(help="Runs of each strategy, with seeds one after the other.", min=1, max=10_000)
    ] = 1,
    seed: Seed = None,
    rank: Annotated[str, typer.Option(help="Best by: lost (requests), outage (longest), duration.")] = "lost",
    out: Annotated[
        Path | None, typer.Option(help="Folder for results.json, traces and plots.", show_default=False)
    ] = None,
    manifests: Manifests = [],  # noqa: B006
    nodes: Nodes = None,
    node: Node = "",
    zones: Zones = "",
    kubernetes: KubernetesVersion = "",
    as_json: Json = False,
) -> None:
    """Compare maintenance strategies on your manifests: what each would do to every service."""
    from simkube.kube.errors import InputError, nearest
    from simkube.report.results import results_json
    from simkube.report.tables import comparison_text
    from simkube.strategies.registry import planners
    from simkube.studies.compare import RANKS
    from simkube.studies.compare import compare as compare_strategies

    by = next((known for known in RANKS if known == rank), None)
    if by is None:
        raise InputError(
            f"cannot rank by {rank!r}", key="--rank", fix=nearest(rank, RANKS) or f"one of {', '.join(RANKS)}"
        )
    loaded = load(paths, manifests, nodes, node, zones, kubernetes)
    first = loaded.scenario.seed if seed is None else seed
    seeds = range(first, first + runs)
    chosen = planners(loaded.scenario, strategies)
    with Progress() as progress:

        def show(strategy: str, number: int, share: float) -> None:
            of = f", seed {number}" if runs > 1 else ""
            progress(f"simulating {strategy}{of}: {share:.0%}" if share else f"simulating {strategy}{of}")

        if out is None:
            comparison = compare_strategies(loaded, chosen, seeds, by, progress=show)
        else:
            from simkube.report.folder import compare_into

            comparison = compare_into(out, loaded, chosen, seeds, by, show)
    typer.echo(results_json(comparison) if as_json else comparison_text(comparison, loaded.scenario.slo))
    if out is not None:
        typer.echo(f"results, traces and plots are in {out}", err=True)
