"""Results as JSON: the same form on stdout (`--json`) and in results.json."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from simkube.measure import Result
from simkube.studies.compare import Comparison, Line
from simkube.studies.run import Run
from simkube.studies.slo import Breach

SCHEMA = "simkube/results/v1"


class ComparisonFile(msgspec.Struct, frozen=True):
    """Results of `simkube compare`: strategies, best first."""

    schema: Literal["simkube/results/v1"]
    scenario: str
    rank: str
    window: float
    strategies: tuple[Line, ...]


class RunFile(msgspec.Struct, frozen=True):
    """Results of `simkube run`. `ended`: "done", "failed", "unfinished", or "" where no plan was carried out."""

    schema: Literal["simkube/results/v1"]
    scenario: str
    seed: int
    ended: str
    why: str
    result: Result
    breaches: tuple[Breach, ...]


def results_json(comparison: Comparison) -> str:
    """A comparison as JSON text."""
    made = ComparisonFile(
        "simkube/results/v1", comparison.scenario, comparison.rank, comparison.window, comparison.lines
    )
    return _text(made)


def run_json(scenario: str, seed: int, run: Run, result: Result, breaches: Sequence[Breach]) -> str:
    """A single run as JSON text."""
    ended = (
        "" if run.plan is None else "unfinished" if run.unfinished else "failed" if run.aborted else "done"
    )
    return _text(RunFile("simkube/results/v1", scenario, seed, ended, run.aborted, result, tuple(breaches)))


def _text(made: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(made), indent=2).decode()
