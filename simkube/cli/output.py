"""Where words go: the answer to stdout, everything else to stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO


class Closed(Exception):
    """Nobody reads stdout any more (`simkube ... | head`)."""


class Interrupted(Exception):
    """Ctrl-C; the text says what was kept."""


def answer(text: str) -> None:
    """Print what the user asked for. Raises `Closed`."""
    try:
        _write(sys.stdout, text if text.endswith("\n") else f"{text}\n")
    except BrokenPipeError:
        raise Closed from None


def note(text: str, end: str = "\n") -> None:
    """Tell something beside the answer: a warning, progress, where a file is."""
    with suppress(BrokenPipeError):
        _write(sys.stderr, text + end)


class Kept:
    """What Ctrl-C leaves behind, in words; it changes as a command goes on."""

    def __init__(self, text: str) -> None:
        self.text = text


@contextmanager
def keeping(text: str) -> Iterator[Kept]:
    """If Ctrl-C comes while this runs, this is what was kept."""
    kept = Kept(text)
    try:
        yield kept
    except KeyboardInterrupt:
        raise Interrupted(kept.text) from None


def _write(stream: TextIO, text: str) -> None:
    """Characters that the terminal's encoding lacks are written as escapes."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "utf-8"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
