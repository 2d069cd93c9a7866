"""`simkube run`: one run; what happened, in order."""

from pathlib import Path
from typing import Annotated, Any

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
    check_output,
    load,
    seeds_of,
)
from simkube.cli.output import answer, keeping, note
from simkube.cli.progress import Progress


def run(
    paths: Input,
    strategy: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What to carry out; with options: name(key=value,...); none: only the faults.",
            show_default="the scenario's",
        ),
    ] = "",
    plan: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A plan file to carry out instead.", show_default=False),
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the trace here; .gz compresses it.", show_default=False),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Print every record as it happens, as JSON Lines.")
    ] = False,
    seed: Seed = None,
    manifests: Manifests = [],  # noqa: B006
    nodes: Nodes = None,
    node: Node = "",
    zones: Zones = "",
    kubernetes: KubernetesVersion = "",
    as_json: Json = False,
) -> int:
    """Run a scenario once; tell what happened. Exit code 1 if its plan failed or an objective was missed."""
    from contextlib import ExitStack

    from simkube.kube.errors import InputError
    from simkube.studies.planners import planner_for

    if strategy and plan is not None:
        raise InputError("--strategy and --plan exclude each other", key="--plan", fix="give one of them")
    if follow and as_json:
        raise InputError("--follow and --json exclude each other", key="--json", fix="give one of them")
    check_output(trace, [*paths, *manifests, *([plan] if plan is not None else [])])
    loaded = load(paths, manifests, nodes, node, zones, kubernetes)
    chosen = planner_for(loaded, strategy, plan)
    (number,) = seeds_of(loaded, seed)

    from simkube.report.results import run_json
    from simkube.report.story import Story
    from simkube.studies.run import single
    from simkube.studies.slo import breaches
    from simkube.trace.file import TraceWriter, header

    with keeping("nothing was written" if trace is None else f"{trace} was not written") as kept:
        story = Story()
        sinks: list[Any] = [story]
        with ExitStack() as stack:
            progress = stack.enter_context(Progress())
            if trace is not None:
                made = header(loaded.name, loaded.scenario.cluster.version, chosen.name, number)
                sinks.append(stack.enter_context(TraceWriter(trace, made)))
            if follow:
                sinks.append(_follow())
            done, result = single(
                loaded, number, chosen.planner, sinks, lambda share: progress(f"simulating: {share:.0%}")
            )
        missed = breaches(result, loaded.scenario.slo)
        if trace is not None:
            kept.text = f"the trace is in {trace}"
            note(kept.text)
        if as_json:
            answer(run_json(loaded.name, number, done, result, missed))
        elif not follow:
            answer(story.text(done, result, missed))
    return 1 if done.aborted or done.unfinished or missed else 0


def _follow() -> Any:
    import msgspec

    encode = msgspec.json.encode

    def show(record: Any) -> None:
        if record.t >= 0.0:
            answer(encode(record).decode())

    return show
