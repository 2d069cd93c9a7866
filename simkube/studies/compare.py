"""Strategies side by side: the same scenario, the same luck, the same window."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

from msgspec import Struct

from simkube.measure import Result
from simkube.scenario.load import Loaded
from simkube.studies.intervals import Figure, figure
from simkube.studies.run import Planner, Run, run
from simkube.studies.slo import Breach, breaches
from simkube.trace.record import Sink

Rank = Literal["lost", "outage", "duration"]
RANKS: tuple[Rank, ...] = ("lost", "outage", "duration")


class Trial(Struct, frozen=True):
    """One strategy with one seed. `ended`: "done", "failed" (its plan gave up) or "unfinished"."""

    seed: int
    ended: str
    why: str
    settled_at: float
    result: Result
    breaches: tuple[Breach, ...]


class Line(Struct, frozen=True):
    """One strategy of a comparison, over all seeds. `kept`: all objectives in all runs, and every plan ended as it
    should (None: nothing was asked)."""

    strategy: str
    trials: tuple[Trial, ...]
    lost: Figure
    longest_outage: Figure
    duration: Figure
    kept: bool | None

    @property
    def failed(self) -> bool:
        """Some run's plan did not come to its end."""
        return any(trial.ended != "done" for trial in self.trials)

    @property
    def typical(self) -> Trial:
        """The run to show when only one is shown: that of median loss (the lower of two)."""
        ordered = sorted(self.trials, key=lambda trial: (trial.result.lost, trial.seed))
        return ordered[(len(ordered) - 1) // 2]


class Comparison(Struct, frozen=True):
    """Best strategy first."""

    scenario: str
    rank: Rank
    window: float
    lines: tuple[Line, ...]


Sinks = Callable[[str, int], Sequence[Sink]]
"""Where the records of a strategy's run with a seed go."""

Told = Callable[[str, int, float], None]
"""Told of progress: strategy, seed, share of its plan's steps that have ended."""


def compare(
    loaded: Loaded,
    planners: Mapping[str, Planner],
    seeds: Sequence[int],
    rank: Rank = "lost",
    sinks: Sinks = lambda strategy, seed: (),
    progress: Told = lambda strategy, seed, share: None,
) -> Comparison:
    """Run every strategy with every seed. All strategies of one seed are measured over the same window: the longest of
    them, plus the time until its cluster has settled."""
    trials: dict[str, list[Trial]] = {strategy: [] for strategy in planners}
    longest = 0.0
    for seed in seeds:
        runs = {}
        for strategy, planner in planners.items():
            progress(strategy, seed, 0.0)
            told = partial(progress, strategy, seed)
            runs[strategy] = run(loaded, seed, planner, sinks(strategy, seed), told)
        window = max(done.settled_at for done in runs.values())
        longest = max(longest, window)
        for strategy, done in runs.items():
            trials[strategy].append(_trial(done, seed, window))
    lines = [_line(strategy, tried, bool(loaded.scenario.slo)) for strategy, tried in trials.items()]
    lines.sort(key=lambda line: _order(line, rank))
    return Comparison(loaded.name, rank, longest, tuple(lines))


def _trial(run: Run, seed: int, window: float) -> Trial:
    result = run.finish(window)
    ended = "unfinished" if run.unfinished else "failed" if run.aborted else "done"
    slo = run.simulation.loaded.scenario.slo
    return Trial(seed, ended, run.aborted, run.settled_at, result, breaches(result, slo))


def _line(strategy: str, trials: Sequence[Trial], asked: bool) -> Line:
    durations = [
        t.result.cost.duration if t.result.cost.duration is not None else t.result.window for t in trials
    ]
    kept = all(t.ended == "done" and not t.breaches for t in trials) if asked else None
    return Line(
        strategy,
        tuple(trials),
        figure([t.result.lost for t in trials]),
        figure([t.result.longest_outage for t in trials]),
        figure(durations),
        kept,
    )


def _order(line: Line, rank: Rank) -> tuple[bool, float, float, float, str]:
    """Plans that did not end come last; then by the rank asked for, ties by the others in their usual order."""
    keys = {"lost": round(line.lost.median, 3), "outage": round(line.longest_outage.median, 3)}
    keys["duration"] = round(line.duration.median, 3)
    first, second, third = [keys[rank], *(keys[r] for r in RANKS if r != rank)]
    return (line.failed, first, second, third, line.strategy)
