"""A kubelet's probes of one container (behaviour 8.4): when their verdicts fall, from what the container does."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simkube.clock import Timer
from simkube.machines.container import NEVER, Container
from simkube.machines.probes import ProbePlan, Ticks
from simkube.machines.rules import Rules
from simkube.machines.stage import Stage

if TYPE_CHECKING:
    from simkube.machines.pod_worker import PodWorker


class Prober:
    """`started` and `ready` as the container's status will say, of the start at `since`; `killing`: it is being stopped
    for a probe. Probes run on the grid of their worker, which begins with the first sync of the pod (`begun`); the
    first readiness probe comes out of turn, as soon as the kubelet sees the container run [prober_manager.go
    `UpdatePodStatus`]."""

    __slots__ = (
        "_lethal",
        "_readiness_ticks",
        "_verdict",
        "_worker",
        "begun",
        "container",
        "killing",
        "ready",
        "since",
        "started",
    )

    def __init__(self, worker: "PodWorker", container: Container, begun: float) -> None:
        self.container = container
        self.started = self.ready = self.killing = False
        self.since: float | None = None
        self.begun = begun
        self._worker = worker
        self._readiness_ticks = Ticks(begun, begun, 1.0)
        self._verdict: Timer | None = None  # of the readiness probe, or of the startup probe before
        self._lethal: Timer | None = None  # failure of the liveness or startup probe

    # -- beginning ----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The kubelet sees a container that has just been started."""
        self.stop()
        self.started = self.ready = self.killing = False
        self.since = self.container.started_at
        plan = self.container.recipe.startup_probe
        if plan is None:
            self._go()
        else:
            self._await_startup(plan)

    def resume(self, ready: bool) -> None:
        """The kubelet has restarted and finds the container running. `ready`: it stays so until a probe says otherwise;
        a container that had started needs no startup probe again."""
        self.stop()
        self.since = self.container.started_at
        self._go(ready)

    def known_ready(self) -> None:
        """Everything about it is well: the state in which a run begins."""
        self.started = self.ready = True
        self.since = self.container.started_at
        plan = self.container.recipe.readiness
        if plan is not None:
            grid = self._grid(plan)
            self._readiness_ticks = Ticks(grid, grid, plan.period)

    def stop(self) -> None:
        """No more verdicts."""
        if self._verdict is not None:
            self._verdict.cancel()
            self._verdict = None
        if self._lethal is not None:
            self._lethal.cancel()
            self._lethal = None

    def pod_ends(self) -> None:
        """Liveness and startup probes stop; readiness goes on."""
        if self._lethal is not None:
            self._lethal.cancel()
            self._lethal = None

    # -- what the container does --------------------------------------------------------------------------------

    def answering(self) -> None:
        """From now on probes succeed."""
        if self._lethal is not None:
            self._lethal.cancel()
            self._lethal = None
        recipe = self.container.recipe
        now = self._now
        if not self.started:
            if recipe.startup_probe is not None:
                plan = recipe.startup_probe
                at = self._grid_ticks(plan).at_or_after(max(now, self._allowed(plan)))
                self._set_verdict(at, self._startup_succeeded)
        elif self.ready:
            self._set_verdict(NEVER, self._readiness_succeeded)
        elif recipe.readiness is not None:
            plan = recipe.readiness
            at = self._readiness_ticks.nth(max(now, self._allowed(plan)), plan.successes)
            self._set_verdict(at, self._readiness_succeeded)

    def silent(self) -> None:
        """From now on probes fail."""
        container, recipe = self.container, self.container.recipe
        timeout = 0.0
        if not self.started:
            if recipe.startup_probe is not None:
                self._await_startup(recipe.startup_probe)
            return
        plan = recipe.readiness
        if plan is not None:
            timeout = plan.timeout if container.hung else 0.0
            at = NEVER
            if self.ready and not (
                container.stopping and plan.is_exec and self._rules.exec_probes_end_with_the_pod
            ):
                at = self._readiness_ticks.nth(self._now, plan.failures) + timeout
            self._set_verdict(at if at < container.ends_at else NEVER, self._readiness_failed)
        self._watch_liveness()

    # -- verdicts -----------------------------------------------------------------------------------------------

    def _go(self, ready: bool = False) -> None:
        """The container counts as started: readiness and liveness probes begin."""
        self.started = True
        container = self.container
        plan = container.recipe.readiness
        if plan is None:
            self.ready = True
        else:
            self.ready = ready
            now, grid = self._now, self._grid(plan)
            first = now if now > grid else grid
            base = first if self._rules.resets_probe_ticker else grid
            ticks = self._readiness_ticks = Ticks(first, base, plan.period)
            if container.answers:
                if not ready:
                    at = ticks.nth(max(first, self._allowed(plan)), plan.successes)
                    if at <= now:
                        self.ready = True
                    else:
                        self._set_verdict(at, self._readiness_succeeded)
            elif ready:
                self._set_verdict(ticks.nth(first, plan.failures), self._readiness_failed)
        self._watch_liveness()

    def _await_startup(self, plan: ProbePlan) -> None:
        ticks = self._grid_ticks(plan)
        first = ticks.at_or_after(max(self._now, self._allowed(plan)))
        self._set_verdict(NEVER, self._startup_succeeded)
        if self.container.answers:
            self._set_verdict(first, self._startup_succeeded)
        else:
            self._set_lethal(ticks.nth(first, plan.failures))

    def _watch_liveness(self) -> None:
        """A container that does not answer is killed after so many failures, if it does not answer until then."""
        container, plan = self.container, self.container.recipe.liveness
        if plan is None or container.answers or container.stopping or self._worker.stage >= Stage.STOPPING:
            return
        ticks = self._grid_ticks(plan)
        at = ticks.nth(max(self._now, self._allowed(plan)), plan.failures)
        self._set_lethal(at + (plan.timeout if container.hung else 0.0))

    def _set_verdict(self, at: float, call: Callable[[], None]) -> None:
        if self._verdict is not None:
            self._verdict.cancel()
            self._verdict = None
        if at < NEVER:
            self._verdict = self._worker.kubelet.clock.at(at, call)

    def _set_lethal(self, at: float) -> None:
        """`at`: when the last of the failures falls. A container that answers before is spared."""
        if self._lethal is not None:
            self._lethal.cancel()
            self._lethal = None
        if at < self.container.answers_at or self.container.hung:
            self._lethal = self._worker.kubelet.clock.at(at, self._failed_for_good)

    def _startup_succeeded(self) -> None:
        if self._held(self._startup_succeeded):
            return
        self._verdict = None
        self._go()
        self._worker.probed(self.container)

    def _readiness_succeeded(self) -> None:
        if self._held(self._readiness_succeeded):
            return
        self._verdict = None
        self.ready = True
        self._worker.probed(self.container)

    def _readiness_failed(self) -> None:
        if self._held(self._readiness_failed):
            return
        self._verdict = None
        self.ready = False
        self._worker.unhealthy(self.container, "Readiness", self.container.recipe.readiness)
        self._worker.probed(self.container)

    def _failed_for_good(self) -> None:
        if self._held(self._failed_for_good):
            return
        self._lethal = None
        recipe = self.container.recipe
        probe, plan = ("Liveness", recipe.liveness) if self.started else ("Startup", recipe.startup_probe)
        self._worker.unhealthy(self.container, probe, plan)
        self._worker.kill(self.container, probe, plan)

    # -- small helps --------------------------------------------------------------------------------------------

    @property
    def _now(self) -> float:
        return self._worker.kubelet.clock.now

    def _allowed(self, plan: ProbePlan) -> float:
        """When the initial delay is over."""
        return (self.container.started_at or 0.0) + plan.delay

    def _grid(self, plan: ProbePlan) -> float:
        """When a probe's worker begins: with the first sync of the pod, or a random part of its period later if the
        kubelet is younger than that [prober/worker.go `run`]."""
        kubelet = self._worker.kubelet
        if self.begun - kubelet.started_at >= plan.period:
            return self.begun
        meta, name = self._worker.pod.meta, self.container.recipe.name
        return self.begun + plan.period * kubelet.randoms.unit(
            "probe", meta.namespace, meta.name, name, kubelet.starts
        )

    def _grid_ticks(self, plan: ProbePlan) -> Ticks:
        grid = self._grid(plan)
        return Ticks(grid, grid, plan.period)

    @property
    def _rules(self) -> Rules:
        return self._worker.kubelet.rules

    def _held(self, call: Callable[[], None]) -> bool:
        machine = self._worker.kubelet.machine
        if machine.frozen:
            machine.hold(call)
            return True
        return False
