"""Running one case in this process, and saying what is wrong with how it ended."""

import io
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType

from simkube.cli.app import call
from tests.fuzz.inputs import Case

LIMIT = 10.0  # seconds that a case may take
GOOD = (0, 1, 2)


class TooLong(BaseException):
    """The case takes longer than `LIMIT`."""


def problem(case: Case, folder: Path) -> str:
    """What is wrong with how the program ended ("" if nothing is), its files written into the folder."""
    for name, data in case.files.items():
        (folder / name).write_bytes(data)
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    try:
        with _inside(folder), _limited(), redirect_stdout(out), redirect_stderr(err):
            code = call(case.arguments)
    except TooLong:
        return f"took longer than {LIMIT:g} s"
    except BaseException as error:
        return f"raised {type(error).__name__}: {error}"
    out.flush()
    err.flush()
    told = err.buffer.getvalue().decode("utf-8", "replace")
    return wrong(code, told)


def wrong(code: int, told: str) -> str:
    """What is wrong with an exit code and what stood on stderr."""
    if code not in GOOD:
        return f"exit code {code}: {told}"
    if "Traceback" in told:
        return f"a traceback: {told}"
    errors = [line for line in told.split("\n") if line.startswith("error: ")]
    if code == 2 and (len(errors) != 1 or not told.endswith(f"{errors[0]}\n")):
        return f"not one line that says what is wrong: {told}"
    if code != 2 and errors:
        return f"an error with exit code {code}: {told}"
    if not all(character.isprintable() or character == "\n" for character in told):
        return f"control characters in a message: {told!r}"
    return ""


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _limited() -> Iterator[None]:
    def too_long(signum: int, frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
