"""Truth about one container: when its process runs, when it answers, how it ends."""

from typing import TYPE_CHECKING

from simkube.clock import Timer
from simkube.machines.recipe import ContainerRecipe, Kind
from simkube.machines.termination import KILLED, TERMINATED, end

if TYPE_CHECKING:
    from simkube.machines.sandbox import Sandbox

LOST = 255  # exit code of a container whose machine lost power, as containerd finds it after the boot
NEVER = float("inf")


class Container:
    """A container of a pod on a machine, through all its restarts.

    `answers`: its process answers requests and probes now; `answers_at`: when it begins to, if nothing comes between;
    `ends_at`: when it is gone, once that is settled. `stopping` is "", "hook" (preStop runs) or "term" (SIGTERM sent).
    """

    __slots__ = (
        "_end",
        "_wake",
        "_window",
        "answers",
        "answers_at",
        "ends_at",
        "exit_code",
        "finished_at",
        "hung",
        "reason",
        "recipe",
        "restarts",
        "running",
        "sandbox",
        "started_at",
        "stopping",
    )

    def __init__(self, sandbox: "Sandbox", recipe: ContainerRecipe) -> None:
        self.sandbox = sandbox
        self.recipe = recipe
        self.running = self.answers = self.hung = False
        self.answers_at = self.ends_at = NEVER
        self.started_at: float | None = None
        self.finished_at: float | None = None
        self.exit_code: int | None = None
        self.reason = ""
        self.restarts = 0
        self.stopping = ""
        self._wake: Timer | None = None
        self._end: Timer | None = None
        self._window = 0.0

    # -- starting -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Its process starts; it answers after its start-up time."""
        sandbox, recipe = self.sandbox, self.recipe
        fleet = sandbox.machine.fleet
        now = fleet.clock.now
        again = self.started_at is not None
        if again:
            self.restarts += 1
        self.running = True
        self.hung = False
        self.started_at, self.finished_at, self.exit_code, self.reason = now, None, None, ""
        self.answers_at = self.ends_at = NEVER
        sandbox.record("container.restarting" if again else "container.started", self.recipe.name)
        tally = sandbox.recipe.tally
        crash = recipe.crash
        if recipe.duration is not None:
            what = "init" if recipe.kind == Kind.INIT else "job"
            self._end_after(
                recipe.duration.draw(fleet.randoms, what, tally.name, recipe.name, sandbox.ordinal), 0
            )
        if crash is not None and (crash.times is None or self.restarts < crash.times):
            self._end_after(crash.after, crash.exit_code)
        if recipe.kind == Kind.INIT or recipe.never_ready:
            return
        if again:
            sandbox.ordinal = tally.starts
            tally.starts += 1
        delay = recipe.startup.draw(fleet.randoms, "startup", tally.name, recipe.name, sandbox.ordinal)
        self.answers_at = now + delay
        if delay <= 0.0:
            self._answer()
        elif recipe.answers or recipe.probed:
            self._wake = fleet.clock.after(delay, self._answer)

    def run_already(self, since: float) -> None:
        """It has been running and answering since then: the state in which a run begins."""
        self.running = True
        self.started_at = self.answers_at = since
        self.answers = self.recipe.kind != Kind.INIT and not self.recipe.never_ready
        if self.recipe.duration is not None:
            fleet = self.sandbox.machine.fleet
            name = self.sandbox.recipe.tally.name
            what = (fleet.randoms, "job", name, self.recipe.name, self.sandbox.ordinal)
            self._end_after(self.recipe.duration.draw(*what), 0)

    def done_already(self) -> None:
        """It has run and succeeded: an init container in the state in which a run begins."""
        now = self.sandbox.machine.fleet.clock.now
        self.started_at = self.finished_at = now
        self.exit_code = 0
        self.reason = "Completed"

    def _answer(self) -> None:
        machine = self.sandbox.machine
        if machine.frozen:
            machine.hold(self._answer)
            return
        self._wake = None
        if self.running and not self.hung and not self.answers:
            self.answers = True
            self.sandbox.answering(self)

    # -- faults -------------------------------------------------------------------------------------------------

    def hang(self) -> None:
        """Its process stays but no longer answers, nor heeds SIGTERM."""
        if self.running and not self.hung:
            self.hung = True
            self.answers = False
            self.sandbox.silent(self)

    def recover(self) -> None:
        """A process that hung goes on."""
        if self.running and self.hung:
            self.hung = False
            if self.answers_at <= self.sandbox.machine.fleet.clock.now and self.stopping != "term":
                self._answer()

    def kill(self) -> None:
        """SIGKILL, by whoever."""
        if self.running:
            self._exit(KILLED, "Error")

    # -- stopping -----------------------------------------------------------------------------------------------

    def stop(self, hook: float, window: float) -> None:
        """The kubelet stops it: preStop hook for `hook` seconds, SIGTERM, and SIGKILL `window` seconds later. If it is
        being stopped already it gets the shorter of both."""
        if not self.running:
            return
        clock = self.sandbox.machine.fleet.clock
        if self.stopping == "term":
            if clock.now + window < self.ends_at:
                self._end_after(window, KILLED)
            return
        self._window = window
        if hook > 0.0:
            self.stopping = "hook"
            self._cancel_end()
            self._end = clock.after(hook, self._hook_done)
        else:
            self.terminate(window)

    def terminate(self, window: float) -> None:
        """SIGTERM now, SIGKILL after `window` seconds."""
        if not self.running or self.stopping == "term":
            return
        self.stopping = "term"
        fleet = self.sandbox.machine.fleet
        recipe, tally = self.recipe, self.sandbox.recipe.tally
        tally.exits += 1
        time = recipe.exit.draw(fleet.randoms, "exit", tally.name, recipe.name, tally.exits)
        ending = end("ignore" if self.hung else recipe.on_term, time, window)
        code = KILLED if ending.killed else 0 if recipe.restart == "Always" else TERMINATED
        self._end_after(ending.after, code)
        if not ending.answers:
            self.answers_at = NEVER
            self._silence()

    def abandon_stop(self) -> None:
        """The kubelet is gone: a hook leads to nothing; after SIGTERM a process ends all the same."""
        if self.stopping == "hook":
            self.stopping = ""
            self._cancel_end()

    def power_lost(self) -> None:
        """Gone with its machine, without a word."""
        if self.running:
            self._gone(LOST, "Unknown")

    # -- ending -------------------------------------------------------------------------------------------------

    def _end_after(self, delay: float, code: int) -> None:
        """It is gone after `delay` seconds, unless it goes before."""
        clock = self.sandbox.machine.fleet.clock
        self._cancel_end()
        self.ends_at = clock.now + delay
        self.exit_code = code  # pending until then
        if delay <= 0.0 and self.stopping:
            self._ended()
        else:
            self._end = clock.after(delay, self._ended)

    def _hook_done(self) -> None:
        machine = self.sandbox.machine
        if machine.frozen:
            machine.hold(self._hook_done)
            return
        self._end = None
        self.terminate(self._window)

    def _ended(self) -> None:
        machine = self.sandbox.machine
        if machine.frozen:
            machine.hold(self._ended)
            return
        self._end = None
        if self.running:
            code = self.exit_code or 0
            self._exit(code, "Completed" if code == 0 else "Error")

    def _exit(self, code: int, reason: str) -> None:
        self._gone(code, reason)
        self.sandbox.record("container.exited", self.recipe.name, code)
        self.sandbox.exited(self)

    def _gone(self, code: int, reason: str) -> None:
        self.running = False
        self.finished_at = self.sandbox.machine.fleet.clock.now
        self.exit_code, self.reason = code, reason
        self.ends_at = self.answers_at = NEVER
        self.stopping = ""
        self._cancel_end()
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        self.answers = False

    def _silence(self) -> None:
        if self.answers:
            self.answers = False
            self.sandbox.silent(self)

    def _cancel_end(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None

    @property
    def succeeded(self) -> bool:
        """It has run and exited 0."""
        return not self.running and self.finished_at is not None and self.exit_code == 0
