"""docs/cli.md names exactly the commands, options and exit codes that there are."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from simkube.cli import app
from simkube.cli.schema import Schema

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
COMMANDS: dict[str, Any] = typer.main.get_command(app.app).commands  # type: ignore[attr-defined]
SHARED = {f"--{name}" for name in ("manifests", "nodes", "node", "zones", "kubernetes", "seed")}


def options(command: Any) -> set[str]:
    """The options of a command, by their long names."""
    flags = (flag for parameter in command.params for flag in parameter.opts)
    return {flag for flag in flags if flag.startswith("--")} - {"--help"}


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def first_column(text: str) -> set[str]:
    return set(re.findall(r"^\| \[?`?([^`|]+?)`?[],| ]", text, re.MULTILINE)) - {"option", "command", "code"}


def test_every_command_is_listed() -> None:
    listed = first_column(PAGE.partition("\n## ")[0])
    assert listed == set(COMMANDS)


@pytest.mark.parametrize("name", ["compare", "run", "plan", "explain"])
def test_every_option_of_a_command(name: str) -> None:
    told = set(re.findall(r"^\| `(--[a-z]+)`", section(name), re.MULTILINE))
    assert told == options(COMMANDS[name]) - SHARED


def test_every_option_of_what_to_run_on() -> None:
    told = set(re.findall(r"^\| `(--[a-z]+)`", section("What to run on"), re.MULTILINE))
    assert told == SHARED
    for name in ("compare", "run", "plan"):
        assert told <= options(COMMANDS[name])


def test_every_schema() -> None:
    told = re.search(r"^`schema` takes (.*);", PAGE, re.MULTILINE)
    assert told is not None
    assert re.findall(r"`(\w+)`", told[1]) == [one.value for one in Schema]


def test_every_exit_code() -> None:
    codes = {app.DONE, app.NO, app.BAD_INPUT, app.OUR_FAULT, app.CLUSTER_FAILED, app.INTERRUPTED}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", section("Exit codes"), re.MULTILINE)} == codes
