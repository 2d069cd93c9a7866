"""A kubelet's work on one pod: start its containers in order, restart them, probe them (behaviour 8.3, 8.4)."""

from typing import TYPE_CHECKING

from simkube.kube.objects import Pod
from simkube.machines.container import Container
from simkube.machines.container_start import ContainerStart
from simkube.machines.prober import Prober
from simkube.machines.probes import ProbePlan
from simkube.machines.recipe import Kind, Recipe
from simkube.machines.sandbox import Sandbox
from simkube.machines.stage import Stage
from simkube.machines.status import restarts
from simkube.machines.termination import stop

if TYPE_CHECKING:
    from simkube.machines.kubelet import Kubelet


class PodWorker(ContainerStart):
    """A pod that the kubelet has taken. `index` counts the containers that have had their turn to start in the round
    that began at `round`."""

    __slots__ = ("index",)

    def __init__(self, kubelet: "Kubelet", pod: Pod, recipe: Recipe) -> None:
        self.kubelet, self.pod, self.recipe = kubelet, pod, recipe
        self.stage = Stage.WAITING
        self.taken = True
        self.gone = False
        self.sandbox = self.probers = self.timer = None
        self.waiting = self.backoffs = self.final = self.ended = None
        self.fetched = ""
        self.round = self.due = self.stopping_since = 0.0
        self.grace = self.index = 0

    # -- beginning ----------------------------------------------------------------------------------------------

    def begin(self, delay: float) -> None:
        """Start the pod, `delay` seconds from now."""
        kubelet, tally = self.kubelet, self.recipe.tally
        start = self.round = kubelet.clock.now + delay
        if kubelet.waits.must_wait(self):
            return
        took = self.recipe.pod_start.draw(kubelet.randoms, "podStart", tally.name, tally.starts)
        self.wake_at(start + took)

    def run_already(self, since: float) -> None:
        """The pod has been running and Ready since then: the state in which a run begins."""
        sandbox = self._new_sandbox(self.kubelet.clock.now)
        self.index = len(sandbox.containers)
        self.stage = Stage.RUNNING
        machine = self.kubelet.machine
        for container in sandbox.containers:
            image = machine.fleet.catalogue.get(container.recipe.image)
            if image is not None:
                machine.images.add(image)
            if container.recipe.kind == Kind.INIT:
                container.done_already()
            else:
                container.run_already(since)
        for prober in (self.probers or {}).values():
            prober.known_ready()
        sandbox.look()
        self.post()

    def take_over(self, sandbox: Sandbox, ready: bool) -> None:
        """The kubelet has restarted and finds the pod's containers running, or what is left of them. `ready`: what the
        API says; the newer kubelets let it stand."""
        kubelet = self.kubelet
        self.watch(sandbox, kubelet.clock.now)
        if not sandbox.alive:
            self._start_in_place()
            return
        containers = sandbox.containers
        while self.index < len(containers) and self._has_begun(containers[self.index]):
            if containers[self.index].recipe.kind == Kind.INIT and containers[self.index].running:
                break
            self.index += 1
        self.stage = Stage.RUNNING if self.index == len(containers) else Stage.STARTING
        for container in containers:
            prober = self.prober(container)
            if prober is not None and container.running:
                if container.answers and kubelet.trusts(container):
                    prober.resume(ready)
                else:
                    prober.begin()
        self.observe()

    def _start_in_place(self) -> None:
        """The machine has booted: the same pod starts anew, with a new sandbox and address; init containers run again.
        Where the restart policy permits nothing to start, the pod ends [`computePodActions`]."""
        sandbox = self.sandbox
        assert sandbox is not None
        mains = [c for c in sandbox.containers if c.recipe.kind == Kind.MAIN]
        if all(c.started_at is not None and not restarts(c) for c in mains):
            self.begin_stop()
            return
        self.stage = Stage.RUNNING
        self.post()  # terminated, not Ready
        self.stage = Stage.WAITING
        self.event("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
        self.begin(0.0)

    def _new_sandbox(self, begun: float) -> Sandbox:
        meta = self.pod.meta
        machine = self.kubelet.machine
        sandbox = Sandbox(machine, meta.uid, meta.namespace, meta.name, self.recipe)
        machine.sandboxes[meta.uid] = sandbox
        self.watch(sandbox, begun)
        return sandbox

    def watch(self, sandbox: Sandbox, begun: float) -> None:
        """The pod runs (or ran) in this sandbox; its probe workers begin with the pod's first sync, at `begun`."""
        self.sandbox = sandbox
        sandbox.watcher = self
        if self.recipe.probed:
            self.probers = {
                c.recipe.name: Prober(self, c, begun)
                for c in sandbox.containers
                if c.recipe.kind != Kind.INIT
            }

    # -- what is due --------------------------------------------------------------------------------------------

    def wake(self) -> None:
        machine = self.kubelet.machine
        if machine.frozen:
            machine.hold(self.wake)
            return
        self.timer = None
        stage = self.stage
        if stage == Stage.WAITING:
            self._sandbox_ready()
        elif stage <= Stage.RUNNING:
            self.observe()
        elif stage == Stage.ASKED:
            self.begin_stop()
        elif stage == Stage.STOPPING:
            self.stop_next_sidecar(all_at_once=True)
        elif stage == Stage.STOPPED:
            self.cleaned()
        else:
            self.confirm_gone()

    def _sandbox_ready(self) -> None:
        self.stage = Stage.STARTING
        if self.sandbox is None:
            self._new_sandbox(self.round)
        else:
            self.sandbox.renew()
            self.index = 0
            for prober in (self.probers or {}).values():
                prober.begun = self.round
        self._advance()

    def observe(self) -> None:
        """A sync of the pod: the kubelet sees what runs, and acts on it."""
        if self.stage == Stage.STARTING:
            self._advance()
        elif self.stage == Stage.RUNNING:
            self._sync()

    def _advance(self) -> None:
        """Start containers in order: init containers one after the other, sidecars before what follows them."""
        sandbox = self.sandbox
        assert sandbox is not None
        containers = sandbox.containers
        while self.index < len(containers):
            container = containers[self.index]
            kind = container.recipe.kind
            if not self._has_begun(container):
                if not self.try_start(container):
                    if self.stage == Stage.STARTING:
                        self.post()
                    return
                if kind == Kind.INIT:
                    self.post()
                    return
            elif kind == Kind.INIT and container.running:
                return
            if kind == Kind.SIDECAR and not self._sidecar_started(container):
                self.post()
                return
            self.index += 1
        self.stage = Stage.RUNNING
        self._look_again_at_what_started()

    def _has_begun(self, container: Container) -> bool:
        """It needs no start (any more) in this round."""
        if container.running:
            return True
        if container.recipe.kind == Kind.INIT:
            return container.succeeded and self.of_this_round(container)
        return container.finished_at is not None and not restarts(container)

    def _sidecar_started(self, container: Container) -> bool:
        if self.probers is None:
            return True
        if container.running:
            self._begin_probes()
        return self.probers[container.recipe.name].started

    def _sync(self) -> None:
        sandbox = self.sandbox
        assert sandbox is not None
        if self.probers is not None:
            self._begin_probes()
        exited = [c for c in sandbox.containers if not c.running and c.recipe.kind != Kind.INIT]
        if not exited:
            self.post()
            return
        if all(not c.running and not restarts(c) for c in sandbox.containers if c.recipe.kind == Kind.MAIN):
            self.end_by_itself()
            return
        due = [c for c in exited if restarts(c) and not self.must_wait(c)]
        self.post()
        started = [self.try_start(container) for container in due]
        if any(started):
            self._look_again_at_what_started()
        elif due:
            self.post()

    def _look_again_at_what_started(self) -> None:
        """Containers have been started: the kubelet sees them run now, or at its next look at the runtime."""
        if self.kubelet.rules.sees_starts_at_once:
            if self.probers is not None:
                self._begin_probes()
            self.post()
        else:
            self.wake_at(self.kubelet.next_relist())

    # -- told by the runtime and by probes ------------------------------------------------------------------------

    def exited(self, container: Container) -> None:
        prober = self.prober(container)
        if prober is not None:
            prober.stop()
        if self.stage == Stage.STOPPING:
            self.stopped_one()
        elif self.stage in (Stage.STARTING, Stage.RUNNING):
            if prober is not None and prober.killing:
                self.observe()
            else:
                self.wake_at(self.kubelet.next_relist())

    def answering(self, container: Container) -> None:
        prober = self.prober(container)
        if prober is not None and prober.since == container.started_at:
            prober.answering()

    def silent(self, container: Container) -> None:
        prober = self.prober(container)
        if prober is not None and prober.since == container.started_at:
            prober.silent()

    def _begin_probes(self) -> None:
        sandbox = self.sandbox
        assert sandbox is not None
        for container in sandbox.containers:
            prober = self.prober(container)
            if prober is not None and container.running and prober.since != container.started_at:
                prober.begin()

    def probed(self, container: Container) -> None:
        """A verdict has changed what the pod's status says."""
        if self.stage == Stage.STARTING:
            self._advance()
        else:
            self.post()

    def unhealthy(self, container: Container, probe: str, plan: ProbePlan | None) -> None:
        """A probe has failed as often as it may."""
        if self.kubelet.tells_events and plan is not None and self.sandbox is not None:
            output = plan.failure.replace("{ip}", self.sandbox.ip)
            if container.hung:
                output = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            self.event("Warning", "Unhealthy", f"{probe} probe failed: {output}")

    def kill(self, container: Container, probe: str, plan: ProbePlan | None) -> None:
        """Stop a container for its liveness or startup probe, and start it again if its policy says so."""
        prober = self.prober(container)
        if prober is not None:
            prober.killing = True
        name = container.recipe.name
        again = ", will be restarted" if container.recipe.restart != "Never" else ""
        self.event("Normal", "Killing", f"Container {name} failed {probe.lower()} probe{again}")
        grace = plan.grace if plan is not None and plan.grace is not None else self.recipe.grace
        minimum = self.kubelet.rules.timings.minimum_sigterm_window
        container.stop(*stop(self.hook_of(container), grace, minimum))
