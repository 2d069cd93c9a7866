"""`--out DIR`: results.json, one trace a run, and plots. Everything is written beside and moved in when complete."""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from simkube.kube.errors import InputError
from simkube.report.results import results_json
from simkube.scenario.load import Loaded
from simkube.studies.compare import Comparison, Rank, Told, compare
from simkube.studies.run import Planner
from simkube.trace.file import TraceWriter, header
from simkube.trace.record import Sink


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    if path.is_dir():
        raise InputError("is a folder", file=str(path), fix="name a file")
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        raise InputError(
            f"cannot write: {error.strerror}", file=str(path), fix="name a place that can be written"
        ) from None
    finally:
        part.unlink(missing_ok=True)


def compare_into(
    out: Path,
    loaded: Loaded,
    planners: Mapping[str, Planner],
    seeds: Sequence[int],
    rank: Rank,
    progress: Told,
) -> Comparison:
    """Compare, and leave results, traces and plots in `out`. If it fails or is interrupted, `out` is as it was."""
    if out.exists() and not out.is_dir():
        raise InputError("this is a file, not a folder", file=str(out), fix="name another folder")

    from simkube.report.plots import draw_all

    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise InputError(
            f"cannot write: {error.strerror}", file=str(out), fix="name a place that can be written"
        ) from None
    try:
        (work / "traces").mkdir()
        with ExitStack() as stack:
            open_for = seeds[0]

            def sinks(strategy: str, seed: int) -> Sequence[Sink]:
                nonlocal open_for
                if seed != open_for:  # the runs of the seed before are over: files are not kept open for all
                    stack.close()
                    open_for = seed
                made = header(loaded.name, loaded.scenario.cluster.version, strategy, seed)
                return [stack.enter_context(TraceWriter(work / "traces" / trace_name(strategy, seed), made))]

            comparison = compare(loaded, planners, seeds, rank, sinks, progress)
        write_text(work / "results.json", results_json(comparison) + "\n")
        progress("plots", seeds[0], 0.0)
        draw_all(comparison, work)
        _move(work, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return comparison


def file_name(strategy: str) -> str:
    """A strategy's name as part of a file's name."""
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in strategy)


def trace_name(strategy: str, seed: int) -> str:
    """The name of a run's trace in the folder `traces`."""
    return f"{file_name(strategy)}-{seed}.jsonl.gz"


def _move(work: Path, out: Path) -> None:
    out.mkdir(exist_ok=True)
    for kind in ("png", "svg"):  # of strategies of an earlier comparison
        for old in out.glob(f"gantt-*.{kind}"):
            old.unlink()
    for made in sorted(work.iterdir()):
        target = out / made.name
        if target.is_dir():
            shutil.rmtree(target)
        os.replace(made, target)
