"""How a pod ends on its node (behaviour 8.5): hooks, SIGTERM, SIGKILL, the last status, and the confirmation."""

from simkube.clock import Timer
from simkube.machines.container import Container
from simkube.machines.pod_report import PodReport
from simkube.machines.recipe import Kind
from simkube.machines.sandbox import Sandbox
from simkube.machines.stage import Stage
from simkube.machines.termination import MINIMUM_GRACE, stop


class PodEnd(PodReport):
    """The part of a pod's worker that ends it. `timer` is the one thing that the worker waits for, due at `due`."""

    __slots__ = ("due", "gone", "grace", "stopping_since", "timer")

    timer: Timer | None
    due: float
    grace: int
    gone: bool  # the API no longer has the pod
    stopping_since: float

    # -- waiting ------------------------------------------------------------------------------------------------

    def wake_at(self, time: float) -> None:
        """Go on at `time`, or before if something else is due before."""
        if self.timer is not None:
            if self.due <= time:
                return
            self.timer.cancel()
        self.due = time
        self.timer = self.kubelet.clock.at(time, self.wake)

    def rest(self) -> None:
        """Wait for nothing any more."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def wake(self) -> None:
        """What was waited for is due."""
        raise NotImplementedError

    # -- being asked --------------------------------------------------------------------------------------------

    def asked_to_stop(self, grace: int | None = None) -> None:
        """The API marked the pod as deleted (or moved its deadline); None: with the pod's own grace."""
        if self.stage == Stage.CLEAN:
            self.wake_at(self.kubelet.clock.now + self.kubelet.latency)
        elif self.stage < Stage.STOPPED:
            asked = self.recipe.grace if grace is None else grace
            self.grace = asked if self.stage < Stage.ASKED else min(self.grace, asked)
            if self.stage < Stage.ASKED:
                self.rest()
                self.stage = Stage.ASKED
                self.wake_at(self.kubelet.clock.now + self.kubelet.latency)
            elif self.stage == Stage.STOPPING:
                self.kubelet.clock.after(self.kubelet.latency, self._hurry)

    def _hurry(self) -> None:
        """The pod gets less time than it was given before."""
        if self.stage == Stage.STOPPING:
            self._stop_containers()

    def removed(self) -> None:
        """The API has forgotten the pod: if it was deleted by force, its containers get the least grace there is."""
        self.gone = True
        if self.stage == Stage.CLEAN or (self.sandbox is None and self.stage < Stage.STOPPED):
            self.rest()
            self.kubelet.release(self)
            self.kubelet.forget(self)
        else:
            self.asked_to_stop(MINIMUM_GRACE)

    def end_now(self, grace: int) -> None:
        """The node itself ends the pod."""
        if self.stage < Stage.STOPPING:
            self.grace = grace
            self.begin_stop()
        elif self.stage == Stage.STOPPING and grace < self.grace:
            self.grace = grace
            self._stop_containers()

    # -- ending -------------------------------------------------------------------------------------------------

    def begin_stop(self) -> None:
        """Stop whatever runs of the pod."""
        self.rest()
        self.stage = Stage.STOPPING
        self.stopping_since = self.kubelet.clock.now
        sandbox = self.sandbox
        if sandbox is None or not sandbox.running:
            self.stopped()
            return
        if self.probers is not None:
            for prober in self.probers.values():
                prober.pod_ends()
        if self.kubelet.tells_events:
            for container in sandbox.containers:
                if container.running:
                    self.event("Normal", "Killing", f"Stopping container {container.recipe.name}")
        self._stop_containers()

    def _stop_containers(self) -> None:
        sandbox = self.sandbox
        assert sandbox is not None
        if self.recipe.has_sidecars:
            self.wake_at(self.stopping_since + max(MINIMUM_GRACE, self.grace))  # then nobody waits for a turn
        minimum = self.kubelet.rules.timings.minimum_sigterm_window
        for container in sandbox.containers:
            if container.running and container.recipe.kind != Kind.SIDECAR:
                container.stop(*stop(self.hook_of(container), self.grace, minimum))
        if self.stage == Stage.STOPPING and self.recipe.has_sidecars:
            self.stop_next_sidecar()

    def hook_of(self, container: Container) -> float | None:
        """How long the container's preStop hook takes this time."""
        hook = container.recipe.pre_stop
        if hook is None:
            return None
        tally = self.recipe.tally
        return hook.draw(self.kubelet.randoms, "preStop", tally.name, container.recipe.name, tally.exits)

    def stop_next_sidecar(self, all_at_once: bool = False) -> None:
        """Sidecars end after the main containers, the last first; each has what is left of the grace
        [kuberuntime_container.go, kuberuntime_termination_order.go]."""
        sandbox = self.sandbox
        assert sandbox is not None
        if not all_at_once and self.main_containers_run():
            return
        waited = self.kubelet.clock.now - self.stopping_since
        minimum = self.kubelet.rules.timings.minimum_sigterm_window
        for container in reversed(sandbox.containers):
            if container.running and container.recipe.kind == Kind.SIDECAR:
                if not container.stopping:
                    hook = max(0.0, (self.hook_of(container) or 0.0) - waited)
                    left = max(0, self.grace - int(waited))
                    container.stop(min(hook, float(left)), max(minimum, left - int(hook)))
                if not all_at_once and container.running:
                    return

    def stopped_one(self) -> None:
        """A container of a pod that is being stopped has gone."""
        sandbox = self.sandbox
        assert sandbox is not None
        if sandbox.running:
            if self.recipe.has_sidecars:
                self.stop_next_sidecar()
        else:
            self.stopped()

    def stopped(self) -> None:
        """Nothing of the pod runs: the last status is sent, and the rest cleaned up."""
        if self.stage >= Stage.STOPPED:
            return
        self.rest()
        if self.probers is not None:
            for prober in self.probers.values():
                prober.stop()
            self.probers = None
        self.stage = Stage.STOPPED
        self.kubelet.release(self)
        self.ended = self.status()
        if not self.gone:
            self.write(self.ended)
        if self.sandbox is None:
            self.cleaned()
        else:
            tally = self.recipe.tally
            took = self.recipe.pod_stop.draw(self.kubelet.randoms, "podStop", tally.name, tally.exits)
            self.wake_at(self.kubelet.clock.now + took)

    def has_ended(self, sandbox: Sandbox | None) -> None:
        """A former life of the kubelet has told the pod's end; only cleaning up and the confirmation are left."""
        self.sandbox = sandbox
        self.taken = False
        self.stage = Stage.STOPPED
        self.ended = self.pod.status
        self.wake_at(self.kubelet.clock.now + self.kubelet.latency)

    def cleaned(self) -> None:
        """Volumes and sandbox are gone too; the API may forget the pod."""
        self.stage = Stage.CLEAN
        sandbox = self.sandbox
        if sandbox is not None:
            self.sandbox = None
            self.kubelet.machine.remove_sandbox(sandbox)
            by_itself = not self.gone and not self.pod.is_terminating
            if self.recipe.data and not (by_itself and self.pod.status.phase == "Succeeded"):
                sandbox.record("data.lost")
        if self.gone:
            self.kubelet.forget(self)
        else:
            self.confirm_gone()
