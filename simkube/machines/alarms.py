"""The few things that a kubelet as a whole waits for, by name; they stand still with its machine and end with it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simkube.clock import Timer

if TYPE_CHECKING:
    from simkube.machines.machine import Machine


class Alarms:
    """At most one alarm a name."""

    __slots__ = ("_due", "_machine")

    def __init__(self, machine: "Machine") -> None:
        self._machine = machine
        self._due: dict[str, Timer] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._due

    def at(self, name: str, time: float, call: Callable[[], None]) -> None:
        """Call `call` at `time`, instead of what was to be called under this name."""
        self.cancel(name)

        def ring() -> None:
            if self._machine.frozen:
                self._machine.hold(ring)
            elif self._due.get(name) is timer:
                del self._due[name]
                call()

        timer = self._due[name] = self._machine.fleet.clock.at(time, ring)

    def cancel(self, name: str) -> None:
        timer = self._due.pop(name, None)
        if timer is not None:
            timer.cancel()

    def stop(self) -> None:
        """The kubelet is gone."""
        for name in list(self._due):
            self.cancel(name)
