"""Every way of ending: interrupted, nobody reads, the disk is full, a fault of ours."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simkube import sim
from simkube.cli import main
from tests.cli.conftest import SCENARIO, Simkube

ROOT = Path(__file__).parents[2]


def interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def start(*arguments: str, **more: Any) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "simkube", *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["run", "scenario.yaml"], "interrupted: nothing was written\n"),
        (["run", "scenario.yaml", "--trace", "t.jsonl"], "interrupted: t.jsonl was not written\n"),
        (["compare", "web.yaml", "--out", "results"], "interrupted: results is as it was before\n"),
        (["plan", "web.yaml", "--strategy", "rolling", "-o", "p.yaml"], "interrupted: nothing was written\n"),
    ],
)
def test_ctrl_c(simkube: Simkube, monkeypatch: pytest.MonkeyPatch, arguments: list[str], kept: str) -> None:
    """While it simulates: 130, what was kept, and nothing half-written."""
    before = sorted(Path().iterdir())
    monkeypatch.setattr(sim.Simulation, "build", interrupt)
    ended = simkube(*arguments)
    assert (ended.code, ended.out, ended.err) == (130, "", kept)
    assert sorted(Path().iterdir()) == before


def test_ctrl_c_in_a_real_process(simkube: Simkube) -> None:
    """Sent as a terminal does, once the run tells its records."""
    text = SCENARIO.replace("behaviour: {", "behaviour: {crashes: {web: {after: 1s}}, ")
    Path("scenario.yaml").write_text(f"{text}until: 1000000h\n")
    process = start("run", "scenario.yaml", "--follow", "--trace", "t.jsonl")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"interrupted: t.jsonl was not written\n")
    assert not list(Path().glob("t.jsonl*"))


def test_nobody_reads(simkube: Simkube) -> None:
    """`simkube timings | head -1`"""
    process = start("timings")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_the_disk_is_full(simkube: Simkube) -> None:
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "simkube", "timings"]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        ended = subprocess.run(command, env=env, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (2, b"error: No space left on device\n")


def test_a_fault_of_ours(simkube: Simkube, monkeypatch: pytest.MonkeyPatch) -> None:
    """3, one line that says what and where, one on how to report it; the traceback only if asked for."""

    def fault(*_: Any) -> None:
        raise ZeroDivisionError("a line\nand another")

    monkeypatch.setattr(sim.Simulation, "build", fault)
    ended = simkube("run", "scenario.yaml")
    assert (ended.code, ended.out) == (3, "")
    first, second = ended.err.splitlines()
    assert first.startswith("error: a fault of simkube: ZeroDivisionError at test_endings.py:")
    assert first.endswith(": a line and another")
    assert second.startswith("please report it")
    monkeypatch.setenv("SIMKUBE_TRACEBACK", "1")
    assert "Traceback (most recent call last)" in simkube("run", "scenario.yaml").err


def test_letters_that_the_terminal_has_not(tmp_path: Path) -> None:
    """They are written as escapes; the program goes on."""
    (tmp_path / "web.yaml").write_text("kind: \u4e2d\u6587\n")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "simkube", "compare", "\u4e2d.yaml"]
    ended = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert b"\\u4e2d.yaml: there is no such file" in ended.stderr


Exit = Callable[..., int]


def test_main_leaves_with_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["simkube", "nope"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
