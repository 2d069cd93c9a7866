"""`simkube compare`: every strategy on the same cluster, best first, and why."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from simkube.cli.inputs import (
    Input,
    Json,
    KubernetesVersion,
    Manifests,
    Node,
    Nodes,
    Seed,
    Zones,
    load,
    seeds_of,
)
from simkube.cli.output import answer, keeping, note
from simkube.cli.progress import Progress


class Rank(StrEnum):
    """What the best strategy has least of."""

    lost = "lost"
    outage = "outage"
    duration = "duration"


def compare(
    paths: Input,
    strategies: Annotated[
        str,
        typer.Option(
            metavar="NAMES", help="Which, by comma; with options: name(key=value,...).", show_default="all"
        ),
    ] = "",
    runs: Annotated[
        int,
        typer.Option(metavar="N", help="Runs of each strategy, each with the next seed.", min=1, max=10_000),
    ] = 1,
    seed: Seed = None,
    rank: Annotated[Rank, typer.Option(help="Best by: lost requests, longest outage, duration.")] = Rank.lost,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for results.json, traces and plots.", show_default=False),
    ] = None,
    manifests: Manifests = [],  # noqa: B006
    nodes: Nodes = None,
    node: Node = "",
    zones: Zones = "",
    kubernetes: KubernetesVersion = "",
    as_json: Json = False,
) -> None:
    """Compare strategies: what each would do to every service."""
    from simkube.studies.planners import planners

    loaded = load(paths, manifests, nodes, node, zones, kubernetes)
    chosen = planners(loaded, strategies)
    seeds = seeds_of(loaded, seed, runs)

    from simkube.report.results import results_json
    from simkube.report.tables import comparison_text
    from simkube.studies.compare import RANKS
    from simkube.studies.compare import compare as compare_strategies

    by = next(known for known in RANKS if known == rank)
    with keeping("nothing was written" if out is None else f"{out} is as it was before") as kept:
        with Progress() as progress:

            def show(strategy: str, number: int, share: float) -> None:
                of = f", seed {number}" if runs > 1 else ""
                done = f": {share:.0%}" if share else ""
                progress(f"simulating {strategy}{of}{done}")

            if out is None:
                comparison = compare_strategies(loaded, chosen, seeds, by, progress=show)
            else:
                from simkube.report.folder import compare_into

                comparison = compare_into(out, loaded, chosen, seeds, by, show)
                kept.text = f"results, traces and plots are in {out}"
        if out is not None:
            note(kept.text)
        answer(results_json(comparison) if as_json else comparison_text(comparison, loaded.scenario.slo))
