"""Every command, as a user calls it: what stands on stdout, what on stderr, and the exit code."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from simkube.report.schemas import schema_of
from tests.cli.conftest import SCENARIO, WEB, Simkube

SMALL = "rolling,cordon-only"


def valid(text: str, of: str) -> Any:
    """The JSON of a text that holds nothing else, valid by our schema."""
    value = json.loads(text)
    jsonschema.Draft202012Validator(schema_of(of)).validate(value)
    return value


# -- compare ------------------------------------------------------------------------------------------------------


def test_compare_prints_one_table_best_first(simkube: Simkube) -> None:
    ended = simkube("compare", "web.yaml", "--strategies", SMALL)
    assert (ended.code, ended.err) == (0, "")
    rows = re.findall(r"^(\d)\. +(\S+)", ended.out, re.MULTILINE)
    assert sorted(name for _, name in rows) == sorted(SMALL.split(","))
    assert [number for number, _ in rows] == ["1", "2"]


def test_compare_takes_options_of_strategies(simkube: Simkube) -> None:
    both = "rolling,rolling(maxUnavailable=2,drainTimeout=5m)"
    ended = simkube("compare", "web.yaml", "--strategies", both, "--json")
    names = {line["strategy"] for line in valid(ended.out, "results")["strategies"]}
    assert names == {"rolling", "rolling(maxUnavailable=2,drainTimeout=5m)"}


def test_compare_takes_manifests_with_a_cluster_of_options(simkube: Simkube) -> None:
    """`compare manifests/ --nodes 4 --node ... --zones ...`, a folder and a file."""
    Path("manifests").mkdir()
    Path("web.yaml").rename("manifests/web.yaml")
    cluster = ("--nodes", "4", "--node", "cpu=2,memory=4Gi,pods=10", "--zones", "a,b", "--kubernetes", "1.33")
    ended = simkube("run", "manifests", *cluster, "--trace", "t.jsonl")
    assert ended.code == 0
    lines = [json.loads(line) for line in Path("t.jsonl").read_text().splitlines()]
    assert lines[0]["version"] == "v1.33.0"
    nodes = [line["value"] for line in lines if line.get("what") == "node.added"]
    workers = [node for node in nodes if node["role"] == "worker"]
    assert [node["zone"] for node in workers] == ["a", "b", "a", "b"]
    assert {(node["cpu"], node["memory"]) for node in workers} == {(2000, 4 * 2**30)}


def test_compare_with_other_manifests(simkube: Simkube) -> None:
    """The scenario's cluster; names that the other manifests do not have are warnings."""
    Path("other.yaml").write_text(WEB.replace("web", "api"))
    Path("scenario.yaml").write_text(SCENARIO + "slo: {web: {availability: 99%}}\n")
    ended = simkube("compare", "scenario.yaml", "--manifests", "other.yaml", "--strategies", SMALL, "--json")
    assert ended.code == 0
    assert ended.err == "warning: scenario.yaml: names that are not in these manifests: web\n"
    services = valid(ended.out, "results")["strategies"][0]["trials"][0]["result"]["services"]
    assert [service["name"] for service in services] == ["api"]


def test_compare_ranks_as_asked(simkube: Simkube) -> None:
    """Rebooting all at once is over first, and loses most."""
    arguments = ("compare", "web.yaml", "--strategies", "rolling,all-at-once", "--json")
    best = {rank: valid(simkube(*arguments, "--rank", rank).out, "results") for rank in ("lost", "duration")}
    assert best["lost"]["strategies"][0]["strategy"] == "rolling"
    assert best["duration"]["strategies"][0]["strategy"] == "all-at-once"


def test_compare_with_many_runs(simkube: Simkube) -> None:
    ended = simkube("compare", "web.yaml", "--strategies", "rolling", "--runs", "3", "--seed", "7", "--json")
    trials = valid(ended.out, "results")["strategies"][0]["trials"]
    assert [trial["seed"] for trial in trials] == [7, 8, 9]


def test_compare_into_a_folder(simkube: Simkube) -> None:
    ended = simkube("compare", "web.yaml", "--strategies", "rolling", "--out", "results", "--json")
    assert ended.code == 0
    assert "results, traces and plots are in results" in ended.err
    assert json.loads(Path("results/results.json").read_text()) == valid(ended.out, "results")
    with gzip.open("results/traces/rolling-1.jsonl.gz", "rt") as trace:
        check = jsonschema.Draft202012Validator(schema_of("trace"))
        assert all(check.is_valid(json.loads(line)) for line in trace)
    assert {path.suffix for path in Path("results").iterdir()} == {".json", "", ".png", ".svg"}
    assert not list(Path().glob(".results*"))


@pytest.mark.parametrize("out", ["web.yaml", "web.yaml/below"])
def test_compare_into_what_is_no_folder(simkube: Simkube, out: str) -> None:
    assert out in simkube("compare", "web.yaml", "--strategies", "cordon-only", "--out", out).error
    assert sorted(path.name for path in Path().iterdir()) == ["scenario.yaml", "web.yaml"]
    assert Path("web.yaml").read_text() == WEB


# -- run ----------------------------------------------------------------------------------------------------------


def test_run_tells_what_happened_in_order(simkube: Simkube) -> None:
    ended = simkube("run", "scenario.yaml")
    assert (ended.code, ended.err) == (0, "")
    times = re.findall(r"^(\d\d:\d\d:\d\d) ", ended.out, re.MULTILINE)
    assert times == sorted(times)
    assert "00:00:05" in times  # the crash


def test_run_ends_with_1_if_an_objective_is_missed(simkube: Simkube) -> None:
    Path("scenario.yaml").write_text(SCENARIO + "slo: {web: {maxLost: 0}}\n")
    ended = simkube("run", "scenario.yaml")
    assert ended.code == 1
    assert "missed: web" in ended.out


def test_run_ends_with_1_if_the_plan_fails(simkube: Simkube) -> None:
    bare = (
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: bare}\nspec: {containers: [{name: a, image: b}]}\n"
    )
    Path("web.yaml").write_text(WEB + bare)
    ended = simkube("run", "web.yaml", "--strategy", "rolling", "--json")
    assert ended.code == 1
    assert "cannot delete" in valid(ended.out, "results")["why"]


def test_run_with_json_prints_nothing_else(simkube: Simkube) -> None:
    ended = simkube("run", "scenario.yaml", "--strategy", "none", "--json")
    assert valid(ended.out, "results")["ended"] == ""


@pytest.mark.parametrize("name", ["trace.jsonl", "trace.jsonl.gz"])
def test_run_writes_a_trace_and_explain_reads_it(simkube: Simkube, name: str) -> None:
    ended = simkube("run", "scenario.yaml", "--trace", name)
    assert ended.err == f"the trace is in {name}\n"
    told = simkube("explain", name, "web")
    assert told.code == 0
    assert "web" in told.out
    valid(simkube("explain", name, "Node/worker-1", "--json").out, "account")


def test_explain_of_what_is_not_in_the_trace(simkube: Simkube) -> None:
    simkube("run", "scenario.yaml", "--trace", "trace.jsonl")
    assert "webb" in simkube("explain", "trace.jsonl", "webb").error


def test_run_follow_prints_records_as_they_happen(simkube: Simkube) -> None:
    check = jsonschema.Draft202012Validator(schema_of("trace"))
    ended = simkube("run", "scenario.yaml", "--follow")
    records = [json.loads(line) for line in ended.out.splitlines()]
    assert all(check.is_valid(record) for record in records)
    assert [record["t"] for record in records] == sorted(record["t"] for record in records)
    assert records[0]["t"] >= 0.0


def test_the_same_seed_is_the_same_trace(simkube: Simkube) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        simkube("run", "scenario.yaml", "--strategy", "rolling", "--seed", "3", "--trace", name)
    assert Path("a.jsonl").read_bytes() == Path("b.jsonl").read_bytes()


# -- plan ---------------------------------------------------------------------------------------------------------


def test_a_plan_that_is_written_does_what_its_strategy_does(simkube: Simkube) -> None:
    ended = simkube("plan", "web.yaml", "--strategy", "rolling(maxUnavailable=2)", "-o", "plan.yaml")
    assert (ended.code, ended.out, ended.err) == (0, "", "the plan is in plan.yaml\n")
    told = [simkube("run", "web.yaml", *how, "--json").out for how in (
        ("--plan", "plan.yaml"),
        ("--strategy", "rolling(maxUnavailable=2)"),
    )]  # fmt: skip
    first, second = (json.loads(text) for text in told)
    assert first["result"] == second["result"]


def test_a_plan_on_stdout(simkube: Simkube) -> None:
    import yaml

    ended = simkube("plan", "web.yaml", "--strategy", "surge")
    jsonschema.Draft202012Validator(schema_of("plan")).validate(yaml.safe_load(ended.out))
    assert ended.err == ""


def test_a_plan_where_nothing_may_be_written(simkube: Simkube) -> None:
    assert (
        "nope/plan.yaml: cannot write"
        in simkube("plan", "web.yaml", "--strategy", "rolling", "-o", "nope/plan.yaml").error
    )


# -- the others ---------------------------------------------------------------------------------------------------


def test_strategies_and_timings(simkube: Simkube) -> None:
    assert "rolling: " in simkube("strategies").out
    rows = json.loads(simkube("strategies", "--json").out)
    assert {"name", "summary", "options"} == rows[0].keys()
    assert "node-monitor-grace-period" in simkube("timings").out
    rows = json.loads(simkube("timings", "--kubernetes", "1.36", "--json").out)
    grace = [row["value"] for row in rows if row["name"] == "node-monitor-grace-period"]
    assert grace == [50.0]  # 40 s before 1.32


@pytest.mark.parametrize("of", ["scenario", "plan", "trace", "results", "account"])
def test_schemas_are_published(simkube: Simkube, of: str) -> None:
    """`schemas/` holds what the command prints: python -m simkube schema X > schemas/X.json"""
    published = Path(__file__).parents[2] / "schemas" / f"{of}.json"
    assert simkube("schema", of).out == published.read_text()


def test_version_and_help(simkube: Simkube) -> None:
    assert simkube("--version").out.startswith("simkube ")
    for arguments in ((), ("--help",), ("-h",)):
        ended = simkube(*arguments)
        assert ended.code == 0
        assert "compare" in ended.out
    for command in ("compare", "run", "plan", "explain", "strategies", "timings", "schema"):
        assert "--help" in simkube(command, "--help").out
