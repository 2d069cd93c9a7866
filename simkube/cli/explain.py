"""`simkube explain`: why a pod landed there, waited, was evicted; why a service was out; what befell a node."""

from pathlib import Path
from typing import Annotated

import typer

from simkube.cli.inputs import Json
from simkube.cli.output import answer


def explain(
    trace: Annotated[Path, typer.Argument(metavar="TRACE", help="A trace, from `simkube run --trace`.")],
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A pod, service or node: name, namespace/name, or kind/name."),
    ],
    as_json: Json = False,
) -> None:
    """Tell what befell a pod, a service or a node, and why."""
    from simkube.trace.file import read_trace

    _, records = read_trace(trace)

    from simkube.report.explain import explain as explained

    account = explained(records, name, str(trace))
    answer(account.json() if as_json else account.text())
