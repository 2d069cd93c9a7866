"""Virtual time: timers on a SimPy environment. Everything that happens later in a run happens through here."""

from collections.abc import Callable
from typing import Any

from simpy import Environment
from simpy.events import NORMAL, Event


class Timer(Event):
    """A call that is due at a time; `cancel` makes it not happen."""

    __slots__ = ("call",)

    def __init__(self, env: Environment, delay: float, call: Callable[[], Any]) -> None:
        self.env = env
        self.callbacks = [self._fire]
        self._value = None
        self._ok = True
        self._defused = False
        self.call = call
        env.schedule(self, NORMAL, delay)

    def _fire(self, _: Event) -> None:
        self.call()

    def cancel(self) -> None:
        """Harmless on a timer that has fired or was cancelled."""
        if self.callbacks is not None:
            self.callbacks.clear()


class Clock:
    """The time of a run, in seconds, and what is due. It can be stepped from outside."""

    def __init__(self, start: float = 0.0) -> None:
        self.env = Environment(start)

    @property
    def now(self) -> float:
        return float(self.env.now)

    def after(self, delay: float, call: Callable[[], Any]) -> Timer:
        """Call `call` `delay` seconds from now (0: at this same time, after what is already due)."""
        return Timer(self.env, delay, call)

    def at(self, time: float, call: Callable[[], Any]) -> Timer:
        """Call `call` at `time`, or at once if that has passed."""
        return Timer(self.env, max(0.0, time - self.env.now), call)

    @property
    def next_due(self) -> float:
        """When the next timer falls; infinity if there is none."""
        return float(self.env.peek())

    def step(self) -> None:
        """Run the next timer. Raises `simpy.core.EmptySchedule` if there is none."""
        self.env.step()

    def run_until(self, time: float) -> None:
        """Run everything due up to and including `time`; the clock then shows `time`."""
        env = self.env
        while env.peek() <= time:
            env.step()
        if env.now < time:
            env._now = time  # SimPy's own run(until) would leave what is due at `time` itself undone
