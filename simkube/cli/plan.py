"""`simkube plan`: a strategy's steps, as a file a person can read, edit and keep in git."""

from pathlib import Path
from typing import Annotated

import typer

from simkube.cli.inputs import (
    Input,
    KubernetesVersion,
    Manifests,
    Node,
    Nodes,
    Seed,
    Zones,
    check_output,
    load,
    seeds_of,
)
from simkube.cli.output import answer, keeping, note


def plan(
    paths: Input,
    strategy: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Whose; with options: name(key=value,...).", show_default="the scenario's"
        ),
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write it.", show_default="stdout"),
    ] = None,
    seed: Seed = None,
    manifests: Manifests = [],  # noqa: B006
    nodes: Nodes = None,
    node: Node = "",
    zones: Zones = "",
    kubernetes: KubernetesVersion = "",
) -> None:
    """Write the steps that a strategy would take, as a plan file."""
    from simkube.kube.errors import InputError
    from simkube.studies.planners import planner_for

    check_output(output, [*paths, *manifests])
    loaded = load(paths, manifests, nodes, node, zones, kubernetes)
    (number,) = seeds_of(loaded, seed)
    planner = planner_for(loaded, strategy).planner
    if planner is None:
        raise InputError("no strategy", key="--strategy", fix="`simkube strategies` shows what there is")

    from simkube.maintenance.plan_file import plan_text
    from simkube.report.folder import write_text
    from simkube.sim import Simulation
    from simkube.worlds.simulated import SimulatedView

    with keeping("nothing was written"):
        simulation = Simulation(loaded, number)
        simulation.build()
        text = plan_text(planner(SimulatedView(simulation, simulation.api.client("planner"))))
        if output is not None:
            write_text(output, text)
    if output is None:
        answer(text)
    else:
        note(f"the plan is in {output}")
