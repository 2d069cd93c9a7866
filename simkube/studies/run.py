"""One run: build the cluster, carry out a plan (or only the scenario's faults), let it settle, measure."""

from collections.abc import Callable, Sequence
from typing import Protocol

from simkube.maintenance.plan import Plan
from simkube.measure import Result
from simkube.scenario.load import Loaded
from simkube.sim import DAY, PATIENCE, Simulation
from simkube.trace.record import Sink
from simkube.worlds.simulated import SimulatedView, SimulatedWorld

Planner = Callable[[SimulatedView], Plan]
"""Makes the plan from what the cluster looks like at time 0."""

MAX_PLAN = 30 * DAY  # a plan that has not ended after this long never will


class Progress(Protocol):
    """Told how far a run is: share of its plan's steps that have ended, and the virtual time."""

    def __call__(self, share: float, now: float) -> None: ...


class Run:
    """A run that has settled and can go on to a common window. `ended_at`: when its plan ended (None: it had none);
    `aborted`: why the plan ended early, else ""; `unfinished`: it never ended."""

    def __init__(
        self,
        loaded: Loaded,
        seed: int,
        planner: Planner | None = None,
        sinks: Sequence[Sink] = (),
        progress: Progress | None = None,
    ) -> None:
        self.simulation = Simulation(loaded, seed, sinks)
        self.plan: Plan | None = None
        self.world: SimulatedWorld | None = None
        self.ended_at: float | None = None
        self.aborted = ""
        self.unfinished = False
        self.simulation.build()
        if planner is not None:
            view = SimulatedView(self.simulation, self.simulation.api.client("planner"))
            self.plan = planner(view)
            self.world = SimulatedWorld(self.simulation, self.plan)
            self._carry_out(self.world, self.plan, progress)
        until = loaded.scenario.until
        if until is not None and planner is None:
            self.simulation.run_until(until)
            self.settled_at = until
        else:
            faults = max((fault.at + (fault.for_ or 0.0) for fault in loaded.scenario.faults), default=0.0)
            begin = max(self.simulation.clock.now, faults)
            settled = self.simulation.settle(begin + PATIENCE, lambda: self.simulation.clock.now < faults)
            self.settled_at = max(settled, self.ended_at or 0.0)

    def _carry_out(self, world: SimulatedWorld, plan: Plan, progress: Progress | None) -> None:
        clock, driver = self.simulation.clock, world.driver
        total = sum(1 for _ in plan.leaves()) if progress is not None else 0
        steps = 0
        while not driver.finished and clock.next_due <= MAX_PLAN:
            clock.step()
            steps += 1
            if progress is not None and steps % 2000 == 0:
                progress(len(driver.log.outcomes) / max(total, 1), clock.now)
        self.ended_at = clock.now if driver.finished else None
        self.unfinished = not driver.finished
        self.aborted = driver.aborted

    def finish(self, window: float) -> Result:
        """Go on to the end of the window, and measure [0, window]."""
        self.simulation.run_until(window)
        return self.simulation.measures.close(window)


def single(
    loaded: Loaded, seed: int, planner: Planner | None, sinks: Sequence[Sink] = ()
) -> tuple[Run, Result]:
    """A run by itself, measured over the time until it has settled."""
    run = Run(loaded, seed, planner, sinks)
    return run, run.finish(max(run.settled_at, 1e-3))
