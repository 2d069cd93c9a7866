"""Virtual time: timers on a SimPy environment. Everything that happens later in a run happens through here."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from simpy import Environment
from simpy.core import EmptySchedule
from simpy.events import NORMAL, Event


def _nothing() -> None:
    """What a timer does that was cancelled."""


class Timer(Event):
    """A call that is due at a time; `cancel` makes it not happen."""

    __slots__ = ("call",)

    def __init__(self, env: Environment, delay: float, call: Callable[[], Any]) -> None:
        self.env = env
        self.call = call
        # env.schedule, without the calls that it takes: a run makes a dozen timers for each pod
        heappush(env._queue, (env._now + delay, NORMAL, next(env._eid), self))

    def cancel(self) -> None:
        """Harmless on a timer that has fired or was cancelled."""
        self.call = _nothing


class Clock:
    """The time of a run, in seconds, and what is due. It can be stepped from outside. `now` is the time."""

    def __init__(self, start: float = 0.0) -> None:
        self.env = Environment(start)
        self.now = float(start)

    def after(self, delay: float, call: Callable[[], Any]) -> Timer:
        """Call `call` `delay` seconds from now (0: at this same time, after what is already due)."""
        return Timer(self.env, delay, call)

    def at(self, time: float, call: Callable[[], Any]) -> Timer:
        """Call `call` at `time`, or at once if that has passed."""
        delay = time - self.now
        return Timer(self.env, delay if delay > 0.0 else 0.0, call)

    @property
    def next_due(self) -> float:
        """When the next timer falls; infinity if there is none."""
        return self.env.peek()

    def step(self) -> None:
        """Run the next timer. Raises `simpy.core.EmptySchedule` if there is none."""
        env = self.env
        try:
            self.now, _, _, timer = heappop(env._queue)
        except IndexError:
            raise EmptySchedule from None
        env._now = self.now
        timer.call()  # type: ignore[attr-defined]  # there are no events but timers

    def run_until(self, time: float) -> None:
        """Run everything due up to and including `time`; the clock then shows `time`."""
        while self.env.peek() <= time:
            self.step()
        if self.now < time:
            self.now = self.env._now = time  # SimPy's run(until) would leave undone what is due then
