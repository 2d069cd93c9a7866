"""What a run of a plan remembers, so that another can take it up."""

from typing import NamedTuple

from simkube.maintenance.step import Entry, Journal


class Outcome(NamedTuple):
    """How a step ended: "done", "skipped" (never begun) or "failed" (`then` says what that did to the plan), when, and
    what it said."""

    result: str
    time: float
    message: str = ""
    then: str = ""


class Log:
    """Memory of a run: the journals of the steps that have begun and not ended, and the outcomes of the others, by
    path. A world that must survive a kill overrides `write` to put every line on disk before going on, and fills a new
    `Log` from what it finds there."""

    def __init__(self) -> None:
        self.journals: dict[str, Journal] = {}
        self.outcomes: dict[str, Outcome] = {}

    def write(self, path: str, line: Entry | Outcome | float) -> None:
        """Keep a line: a float is the time when the step began."""

    def settle(self, path: str, outcome: Outcome) -> None:
        """The step has ended: nobody asks for its journal any more."""
        self.outcomes[path] = outcome
        self.journals.pop(path, None)

    def begun(self) -> set[str]:
        """The paths of all steps that have begun, and of the blocks around them."""
        found: set[str] = set()
        ended = (path for path, outcome in self.outcomes.items() if outcome.result != "skipped")
        for path in (*self.journals, *ended):
            while path and path not in found:
                found.add(path)
                path = path.rpartition("/")[0]
        return found
