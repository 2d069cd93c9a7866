"""Starting one container (behaviour 8.4): its image, and the waits of CrashLoopBackOff and ImagePullBackOff."""

from simkube.machines import events
from simkube.machines.backoff import Backoff, next_backoff, remaining
from simkube.machines.container import Container
from simkube.machines.pod_end import PodEnd
from simkube.machines.prober import Prober
from simkube.machines.recipe import Kind
from simkube.machines.stage import Stage
from simkube.machines.status import restarts

PULL = "pull of "  # prefix of an image's name among the backoffs


class ContainerStart(PodEnd):
    """The part of a pod's worker that starts containers. `round`: when the pod began to start (again); `backoffs` by
    container, and by image."""

    __slots__ = ("backoffs", "fetched", "round")

    backoffs: dict[str, Backoff] | None
    fetched: str  # the container whose image has just been pulled
    round: float

    def observe(self) -> None:
        """A sync of the pod: the kubelet sees what runs, and acts on it."""
        raise NotImplementedError

    def prober(self, container: Container) -> Prober | None:
        return None if self.probers is None else self.probers.get(container.recipe.name)

    def of_this_round(self, container: Container) -> bool:
        return (container.started_at or 0.0) >= self.round

    def end_by_itself(self) -> None:
        """All main containers have exited for good."""
        self.grace = self.recipe.grace
        self.begin_stop()

    def must_wait(self, container: Container) -> bool:
        """CrashLoopBackOff."""
        name, kubelet = container.recipe.name, self.kubelet
        backoff = (self.backoffs or {}).get(name)
        if backoff is None or container.finished_at is None:
            return False
        timings, now = kubelet.rules.timings, kubelet.clock.now
        event = self._since(container)
        wait = remaining(backoff, event, now, timings.crash_loop_reset)
        if wait <= 0.0:
            return False
        self.waits(name, "CrashLoopBackOff", events.crash_loop_message(name, self.pod, backoff.wait))
        if kubelet.tells_events:
            self.event("Warning", "BackOff", events.crash_loop(name, self.pod))
        longest = timings.crash_loop_look_again
        self._look_again(min(wait, longest) if kubelet.rules.relooks_at_expiry else longest)
        return True

    def _since(self, container: Container) -> float:
        """From when a restart's wait counts: the exit; of a container killed for its probes, the exit before it, hence
        about its start (the kill and the new start are one sync)."""
        prober = self.prober(container)
        if prober is not None and prober.killing:
            return container.started_at or 0.0
        return container.finished_at or 0.0

    def _look_again(self, wait: float) -> None:
        """Sync the pod again after an error, at the next tick of the kubelet's loop."""
        self.wake_at(self.kubelet.loop_tick(self.kubelet.clock.now + self.stretched(wait)))

    def stretched(self, wait: float) -> float:
        """The wait before a sync that is tried again: up to half as long again [pod_workers.go `completeWork`]."""
        kubelet, tally = self.kubelet, self.recipe.tally
        tally.looks += 1
        unit = kubelet.randoms.unit("look", tally.name, tally.looks)
        return wait * (1.0 + kubelet.rules.timings.sync_jitter * unit)

    def try_start(self, container: Container) -> bool:
        """Start it if nothing stands in the way."""
        if not self._has_image(container):
            return False
        kubelet, recipe = self.kubelet, container.recipe
        name = recipe.name
        if container.finished_at is not None:
            if self.stage == Stage.STARTING and recipe.kind == Kind.INIT and self.of_this_round(container):
                if not restarts(container):
                    self.end_by_itself()
                    return False
                if self.must_wait(container):
                    return False
            timings = kubelet.rules.timings
            backoffs = self.backoffs = self.backoffs or {}
            backoffs[name] = next_backoff(
                backoffs.get(name),
                self._since(container),
                kubelet.clock.now,
                timings.crash_loop_initial,
                timings.crash_loop_max,
                timings.crash_loop_reset,
            )
        if self.waiting:
            self.waiting.pop(name, None)
        self.fetched = ""
        container.start()
        if kubelet.tells_events:
            self.event("Normal", "Created", events.created(kubelet.rules, name))
            self.event("Normal", "Started", events.started(kubelet.rules, name))
        return True

    def _has_image(self, container: Container) -> bool:
        """The image is there; else it is on its way, or cannot be had for now."""
        recipe, kubelet = container.recipe, self.kubelet
        image = recipe.image
        if self.fetched == recipe.name:
            return True
        here = image in kubelet.machine.images
        if here and recipe.pull != "Always":
            if kubelet.tells_events:
                self.event("Normal", "Pulled", events.present(kubelet.rules, image))
            return True
        if recipe.pull == "Never":
            message = f'Container image "{image}" is not present with pull policy of Never'
            self.waits(recipe.name, "ErrImageNeverPull", message)
            self.event("Warning", "ErrImageNeverPull", message)
            self._look_again(kubelet.rules.timings.kubelet_error_backoff)
            return False
        backoff = (self.backoffs or {}).get(PULL + image)
        timings = kubelet.rules.timings
        longest = timings.image_pull_backoff_max
        if backoff is not None and remaining(backoff, backoff.tried, kubelet.clock.now, 2 * longest) > 0.0:
            message = f'Back-off pulling image "{image}"'
            self.waits(recipe.name, "ImagePullBackOff", message)
            self.event("Normal", "BackOff", message)
            self._look_again(timings.kubelet_error_backoff)
            return False
        self.event("Normal", "Pulling", f'Pulling image "{image}"')

        def pulled(_: str, there: bool, took: float, waited: float) -> None:
            self._pulled(container, there, took, waited)

        kubelet.puller.pull(image, pulled)
        return False

    def _pulled(self, container: Container, there: bool, took: float, waited: float) -> None:
        if self.stage > Stage.RUNNING:
            return
        recipe, kubelet = container.recipe, self.kubelet
        image = recipe.image
        if there:
            self.fetched = recipe.name
            if kubelet.tells_events:
                known = kubelet.machine.fleet.catalogue.get(image)
                size = known.size if known is not None else 0
                self.event("Normal", "Pulled", events.pulled(kubelet.rules, image, took, waited, size))
            kubelet.node.post_later()
            self.observe()
            return
        timings, now = kubelet.rules.timings, kubelet.clock.now
        longest = timings.image_pull_backoff_max
        backoffs = self.backoffs = self.backoffs or {}
        backoffs[PULL + image] = next_backoff(
            backoffs.get(PULL + image),
            now,
            now,
            timings.image_pull_backoff_initial,
            longest,
            2 * longest,
        )
        message = events.refused(image)
        self.waits(recipe.name, "ErrImagePull", message)
        self.event("Warning", "Failed", message)
        self.event("Warning", "Failed", "Error: ErrImagePull")
        self.post()
        self._look_again(timings.kubelet_error_backoff)
