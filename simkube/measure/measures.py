"""All measures of one run, folded together, and over a whole trace afterwards."""

from collections.abc import Callable, Iterable, Mapping

from simkube.measure.cost import Costs
from simkube.measure.recovery import Recoveries
from simkube.measure.result import BudgetResult, Result
from simkube.measure.services import Services, Traffic
from simkube.measure.success import Service
from simkube.measure.workloads import Budgets, Workloads
from simkube.trace.record import Record


class Measures:
    """A `Sink` that folds every record; `close(end)` gives the `Result` of the window [start, end]."""

    def __init__(
        self,
        traffic: Mapping[Service, Traffic] | None = None,
        calls: Mapping[Service, Iterable[Service]] | None = None,
        default: Traffic = Traffic(),  # noqa: B008
        start: float = 0.0,
    ) -> None:
        self.services = Services(traffic or {}, calls or {}, default, start)
        self.workloads = Workloads(start)
        self.budgets = Budgets(start)
        self.costs = Costs(start)
        self.recoveries = Recoveries(start)
        self._start = start
        self._rules: dict[str, list[Callable[[Record], object]]] = {}
        for fold in (self.workloads, self.services, self.budgets, self.costs, self.recoveries):
            for what, rule in fold.rules.items():
                self._rules.setdefault(what, []).append(rule)

    def __call__(self, record: Record) -> None:
        for rule in self._rules.get(record.what, ()):
            rule(record)

    def close(self, end: float) -> Result:
        return Result(
            window=end - self._start,
            services=self.services.close(end),
            workloads=self.workloads.close(end),
            budgets=tuple(
                BudgetResult(ns, name, below) for (ns, name), below in self.budgets.close(end).items()
            ),
            cost=self.costs.close(end),
            recovery=self.recoveries.close(end),
        )


def measure(records: Iterable[Record], end: float, measures: Measures) -> Result:
    """Fold a trace's records up to `end`."""
    for record in records:
        if record.t <= end:
            measures(record)
    return measures.close(end)
