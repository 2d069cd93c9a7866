"""What programs read is what the published schemas say."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from simkube.report.account import Account, Entry
from simkube.report.results import results_json, run_json
from simkube.report.schemas import schema_of
from simkube.trace.file import TraceWriter, header
from simkube.trace.record import Record
from tests.report.made import BOTH, BREACHES, WEB, comparison, line, result, service, trial


def check(of: str, made: Any) -> None:
    schema = schema_of(of)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(made, schema, jsonschema.Draft202012Validator)


MANY = comparison(
    line("rolling", *(trial(seed, service("web", (10.0, 10.0 + seed, 0.0))) for seed in range(8))),
    line("reboot-in-place", trial(1, WEB, ended="failed"), trial(2, WEB, ended="unfinished")),
)


@pytest.mark.parametrize("made", [BOTH, MANY, comparison()])
def test_a_comparison(made: Any) -> None:
    check("results", json.loads(results_json(made)))


@pytest.mark.parametrize(
    ("plan", "aborted", "unfinished", "ended"),
    [
        (None, "", False, ""),
        ("rolling", "", False, "done"),
        ("rolling", "a drain was refused", False, "failed"),
        ("rolling", "", True, "unfinished"),
    ],
)
def test_a_run(plan: str | None, aborted: str, unfinished: bool, ended: str) -> None:
    run: Any = SimpleNamespace(plan=plan, aborted=aborted, unfinished=unfinished)
    made = json.loads(run_json("a shop", 7, run, result(WEB), BREACHES))
    check("results", made)
    assert (made["ended"], made["seed"], made["why"]) == (ended, 7, aborted)
    assert made["breaches"][0]["worst"]["cause"] == "why 1"


def test_what_is_no_result_is_refused() -> None:
    made = json.loads(results_json(BOTH))
    del made["strategies"][0]["trials"]
    with pytest.raises(jsonschema.ValidationError):
        check("results", made)
    with pytest.raises(jsonschema.ValidationError):
        check("results", {**json.loads(results_json(BOTH)), "schema": "simkube/results/v9"})


def test_the_figures_of_a_comparison() -> None:
    """21 s of outage and 48 s with a quarter lost, at 10 requests a second: 210 + 120."""
    rolling = json.loads(results_json(BOTH))["strategies"][1]
    assert rolling["lost"] == {"median": 330.0, "low": 330.0, "high": 330.0, "kind": "exact"}
    assert rolling["trials"][0]["result"]["services"][0]["points"][1] == [10.0, 0.0]


def test_every_line_of_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    with TraceWriter(path, header("shop", "v1.37.2", "rolling", 7)) as writer:
        writer(Record(0.5, "pod.terminating", "Pod", "shop", "web-1", "u", "n", "kubectl", "r", "m", 30))
        writer(Record(1.0, "slice.changed", value=[["u", "web-1", "n", True, True, False]]))
    for text in path.read_text().splitlines():
        check("trace", json.loads(text))


def test_an_account() -> None:
    entries = (Entry(1.5, "evicted", ("why", "why that")), Entry(2.0, "refused", times=3, until=12.0))
    made = Account(kind="Pod", namespace="shop", name="web-1", summary=("once",), entries=entries)
    check("account", json.loads(made.json()))
    assert json.loads(made.json())["entries"][1] == {
        "t": 2.0,
        "text": "refused",
        "because": [],
        "times": 3,
        "until": 12.0,
    }


@pytest.mark.parametrize("of", ["trace", "results", "account"])
def test_the_published_files_are_up_to_date(of: str) -> None:
    """`simkube schema OF > schemas/OF.json` brings them up to date."""
    path = Path(__file__).parents[2] / "schemas" / f"{of}.json"
    assert json.loads(path.read_text()) == json.loads(json.dumps(schema_of(of)))
