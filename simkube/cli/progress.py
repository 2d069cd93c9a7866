"""Progress on stderr, for runs of over a second: one line that is rewritten on a terminal, a line now and then else."""

import sys
from time import monotonic

from simkube.cli.output import note

FIRST = 1.0  # seconds before anything is shown
AGAIN = 5.0  # seconds between lines where stderr is no terminal
WIPE = "\r\x1b[K"


class Progress:
    """Use as a context: what was shown on a terminal is wiped at the end."""

    def __init__(self) -> None:
        self._started = monotonic()
        self._last = 0.0
        self._terminal = sys.stderr.isatty()
        self._shown = False

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown and self._terminal:
            note(WIPE, end="")

    def __call__(self, text: str) -> None:
        """Show what is being done now."""
        now = monotonic()
        if now - self._started < FIRST or now - self._last < (0.1 if self._terminal else AGAIN):
            return
        self._last = now
        self._shown = True
        note(*((WIPE + text, "") if self._terminal else (text,)))
