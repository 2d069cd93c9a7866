"""Results written by hand."""

from collections.abc import Sequence

from simkube.measure import BudgetResult, Cost, Interval, Result, ServiceResult, WorkloadResult
from simkube.studies.compare import Comparison, Line, Trial
from simkube.studies.intervals import figure
from simkube.studies.slo import Breach

WINDOW = 600.0
Failed = tuple[float, float, float]  # from, to, share of requests that succeed


def service(name: str, *failed: Failed, rps: float = 10.0, namespace: str = "shop") -> ServiceResult:
    """A service that failed so often, with causes "why 1", "why 2" ..."""
    points = [(0.0, 1.0)]
    for start, end, s in failed:
        points += [(start, s), (end, 1.0)]
    intervals = tuple(
        Interval(start, end, "out" if s == 0 else "degraded", s, f"why {n}")
        for n, (start, end, s) in enumerate(failed, 1)
    )
    out = [end - start for start, end, s in failed if s == 0]
    missing = sum((end - start) * (1 - s) for start, end, s in failed)
    return ServiceResult(
        namespace=namespace,
        name=name,
        rps=rps,
        outage_total=sum(out),
        outage_longest=max(out, default=0.0),
        degraded=sum(end - start for start, end, s in failed if s > 0),
        sent=rps * WINDOW,
        lost=rps * missing,
        availability_time=1 - sum(out) / WINDOW,
        availability_requests=1 - missing / WINDOW,
        intervals=intervals,
        points=tuple(points),
    )


def result(*services: ServiceResult, cost: Cost = Cost(duration=300.0, evictions=4)) -> Result:  # noqa: B008
    return Result(
        window=WINDOW,
        services=services,
        workloads=(
            WorkloadResult(
                kind="Deployment", namespace="shop", name="web", desired=2, shortfall=7.5, lowest=1
            ),
        ),
        budgets=(BudgetResult("shop", "web", 3.0),),
        cost=cost,
    )


def trial(seed: int, *services: ServiceResult, ended: str = "done", breaches: Sequence[Breach] = ()) -> Trial:
    why = "drain worker-1: no" if ended == "failed" else ""
    return Trial(seed, ended, why, 320.0, result(*services), tuple(breaches))


def line(strategy: str, *trials: Trial, kept: bool | None = None) -> Line:
    return Line(
        strategy,
        trials,
        figure([t.result.lost for t in trials]),
        figure([t.result.longest_outage for t in trials]),
        figure([t.result.cost.duration or WINDOW for t in trials]),
        kept,
    )


def comparison(*lines: Line) -> Comparison:
    return Comparison("a shop", "lost", WINDOW, lines)


WEB = service("web", (10.0, 31.0, 0.0), (100.0, 148.0, 0.75))
SOUND = service("api")
BREACHES = (
    Breach("shop", "web", "availability of 99.9 % asked", "94.5 %", WEB.intervals[0]),
    Breach("shop", "web", "no outage over 5 s asked", "one of 21.0 s", WEB.intervals[0]),
)
BOTH = comparison(
    line("surge", trial(1, service("web"), SOUND), kept=True),
    line("rolling", trial(1, WEB, SOUND, breaches=BREACHES), kept=False),
)
