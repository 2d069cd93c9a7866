"""One run: build the cluster, carry out a plan (or only the scenario's faults), let it settle, measure."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from simkube.maintenance.plan import Plan
from simkube.measure import Result
from simkube.scenario.load import Loaded
from simkube.sim import DAY, PATIENCE, Simulation
from simkube.trace.record import Sink
from simkube.worlds.simulated import SimulatedView, SimulatedWorld

Planner = Callable[[SimulatedView], Plan]
"""Makes the plan from what the cluster looks like at time 0."""

MAX_PLAN = 30 * DAY  # a plan that has not ended after this long never will


Progress = Callable[[float], None]
"""Told which share of the plan's steps has ended, now and then."""

TELL = 5000  # timers between two tellings
RINGS = 200_000  # so many more objects, some 30 MiB, and the garbage collector looks for rings


class Run:
    """A run that has settled and can go on to a common window. `ended_at`: when its plan ended (None: it had none, or
    it never ended: `unfinished`); `aborted`: why the plan ended early, else ""."""

    def __init__(
        self, simulation: Simulation, planner: Planner | None, progress: Progress = lambda share: None
    ) -> None:
        """Carry out the plan in a simulation that has been built."""
        self.simulation = simulation
        self.plan: Plan | None = None
        self.ended_at: float | None = None
        self.aborted = ""
        self.unfinished = False
        if planner is not None:
            view = SimulatedView(simulation, simulation.api.client("planner"))
            self.plan = planner(view)
            self._carry_out(SimulatedWorld(simulation, self.plan), self.plan, progress)
        self.settled_at = self._settle()

    def _carry_out(self, world: SimulatedWorld, plan: Plan, progress: Progress) -> None:
        clock, driver = self.simulation.clock, world.driver
        total = max(1, sum(1 for _ in plan.leaves()))
        timers = 0
        gc.freeze()  # what has been built stays: the collector need not go through it again and again
        try:
            while not driver.finished and clock.next_due <= MAX_PLAN:
                clock.step()
                timers += 1
                if timers % TELL == 0:
                    progress(len(driver.log.outcomes) / total)
        finally:
            gc.unfreeze()
        self.ended_at = clock.now if driver.finished else None
        self.unfinished = not driver.finished
        self.aborted = driver.aborted

    def _settle(self) -> float:
        simulation = self.simulation
        scenario = simulation.loaded.scenario
        if scenario.until is not None and self.plan is None:
            simulation.run_until(scenario.until)
            return scenario.until
        faults = max((fault.at + (fault.for_ or 0.0) for fault in scenario.faults), default=0.0)
        limit = max(simulation.clock.now, faults) + PATIENCE
        settled = simulation.settle(limit, lambda: simulation.clock.now < faults)
        return max(settled, self.ended_at or 0.0)

    def finish(self, window: float) -> Result:
        """Go on to the end of the window, and measure [0, window]."""
        self.simulation.run_until(window)
        return self.simulation.measures.close(window)


def run(
    loaded: Loaded,
    seed: int,
    planner: Planner | None,
    sinks: Sequence[Sink] = (),
    progress: Progress = lambda share: None,
) -> Run:
    """Build the cluster, and carry out the plan in it."""
    with _few_rings():
        simulation = Simulation(loaded, seed, sinks)
        simulation.build()
        return Run(simulation, planner, progress)


@contextmanager
def _few_rings() -> Iterator[None]:
    """Nearly nothing in a run points back at itself, so nearly all is freed without the garbage collector. To have it
    look as often as it does by itself takes a seventh of a large run, and a tenth of building it. It looks through
    what is old soon all the same: a simulation that is over is one large ring."""
    before = gc.get_threshold()
    gc.set_threshold(RINGS, 2, 2)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def single(
    loaded: Loaded,
    seed: int,
    planner: Planner | None,
    sinks: Sequence[Sink] = (),
    progress: Progress = lambda share: None,
) -> tuple[Run, Result]:
    """A run by itself, measured over the time until it has settled."""
    done = run(loaded, seed, planner, sinks, progress)
    return done, done.finish(max(done.settled_at, 1e-3))
