"""What is wrong with an input is said in one line, with exit code 2, before anything is simulated or written."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import SCENARIO, WEB, Simkube

BUDGET = """---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  minAvailable: 1
  selector: {matchLabels: {app: webb}}
"""
LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))


def test_a_missing_file(simkube: Simkube) -> None:
    assert simkube("compare", "nope.yaml").error == "nope.yaml: there is no such file; check the path"


def test_a_missing_manifest_of_a_scenario(simkube: Simkube) -> None:
    Path("web.yaml").unlink()
    assert simkube("run", "scenario.yaml").error == "web.yaml: there is no such file; check the path"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1\nb: 2\n", "broken YAML"),
        (LAUGHS, "aliases expand"),
        ("\x7fELF\0\0\0", "binary"),
        ("a" * 10_000, "is not a Kubernetes object"),
        ("", "no Kubernetes object"),
        ("[" * 100_000, "nesting depth"),
        ("kind: Deployment\n", "apiVersion is missing"),
    ],
)
def test_what_is_no_manifest(simkube: Simkube, text: str, says: str) -> None:
    Path("web.yaml").write_text(text)
    error = simkube("compare", "web.yaml").error
    assert error.startswith("web.yaml")
    assert says in error


def test_a_folder_without_manifests(simkube: Simkube) -> None:
    Path("empty").mkdir()
    error = simkube("compare", "empty").error
    assert error.startswith("empty: there are no manifests in this folder")


def test_an_unknown_key(simkube: Simkube) -> None:
    Path("scenario.yaml").write_text(SCENARIO.replace("cluster", "clutser"))
    error = simkube("compare", "scenario.yaml").error
    assert error == "scenario.yaml:1: clutser: unknown key clutser; did you mean cluster?"


def test_a_quantity(simkube: Simkube) -> None:
    Path("web.yaml").write_text(WEB.replace("128Mi", "4Gb"))
    assert simkube("compare", "web.yaml").error == (
        "web.yaml:13: spec.template.spec.containers[0].resources.requests.memory: "
        '"4Gb" is not a quantity: unknown suffix "Gb"; write 4Gi or 4G'
    )


def test_a_negative_duration(simkube: Simkube) -> None:
    Path("scenario.yaml").write_text(SCENARIO.replace("at: 5s", "at: -5s"))
    assert simkube("run", "scenario.yaml").error == (
        'scenario.yaml:5: faults[0].at: "-5s" is a negative duration; write 5s'
    )


def test_a_budget_that_selects_nothing(simkube: Simkube) -> None:
    Path("web.yaml").write_text(WEB + BUDGET)
    assert simkube("compare", "web.yaml").error == (
        "web.yaml:25: spec.selector: the budget selects no pod: it protects nothing; of app: did you mean web?"
    )


def test_a_pod_that_fits_nowhere(simkube: Simkube) -> None:
    Path("web.yaml").write_text(WEB.replace("cpu: 100m", "cpu: 64"))
    assert simkube("compare", "web.yaml", "--node", "cpu=8").error == (
        "web.yaml:13: spec.template.spec.containers[0].resources.requests.cpu: Deployment web: the pod asks for 64 of "
        "cpu, and the largest node that it may run on (worker-1) has 8; ask for less, or add a larger node under "
        "cluster.nodes"
    )


def test_ten_million_replicas(simkube: Simkube) -> None:
    Path("web.yaml").write_text(WEB.replace("replicas: 2", "replicas: 10000000"))
    assert simkube("compare", "web.yaml").error.startswith(
        "web.yaml:5: spec.replicas: 10000000 is more than 1000000"
    )


def test_a_name_that_is_too_long(simkube: Simkube) -> None:
    assert "File name too long" in simkube("compare", "a" * 3000).error


def test_a_file_that_may_not_be_read(simkube: Simkube) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    Path("web.yaml").chmod(0)
    assert "Permission denied" in simkube("compare", "web.yaml").error


def test_a_scenario_beside_manifests(simkube: Simkube) -> None:
    error = simkube("compare", "web.yaml", "scenario.yaml").error
    assert error.startswith(
        "scenario.yaml: this is a scenario; nothing may stand beside it; name manifests with"
    )


def test_a_manifest_is_no_scenario(simkube: Simkube) -> None:
    """Also one that lacks its kind: it is read as what it looks like."""
    Path("web.yaml").write_text(WEB.replace("kind: Deployment\n", ""))
    assert simkube("compare", "web.yaml").error == "web.yaml:1: kind is missing; add kind"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--nodes", "0"], "Invalid value for '--nodes': Input should be greater"),
        (["--nodes", "many"], "Invalid value for '--nodes'"),
        (["--node", "cpu"], '--node: "cpu" is not a resource and an amount; write resource=amount'),
        (["--node", "cpu=4,cpu=8"], "--node: cpu is given twice"),
        (["--node", "memory=4Gb"], '--node: "4Gb" is not a quantity'),
        (["--node", "cpu=-1"], "--node:"),
        (
            ["--kubernetes", "1.99"],
            "--kubernetes: Kubernetes v1.99.0 is not supported; simkube knows 1.28 to 1.37",
        ),
        (["--kubernetes", "new"], '--kubernetes: "new" is not a Kubernetes version'),
        (["--seed", "-1"], "Invalid value for '--seed'"),
        (["--strategies", "roling"], "--strategies: there is no strategy roling; did you mean rolling?"),
        (["--strategies", "rolling,"], "--strategies: there is nothing after the last comma"),
        (["--strategies", "rolling(maxUnavailable=2"], "--strategies:"),
        (["--strategies", "rolling(maxUnavailabel=2)"], "did you mean maxUnavailable?"),
        (
            ["--strategies", "rolling(maxUnavailable=0)"],
            "--strategies: maxUnavailable: 0 is no number of nodes",
        ),
        (["--strategies", "rolling(drain.forse=true)"], "did you mean force?"),
        (["--strategies", "rolling,rolling"], "--strategies: rolling is given twice"),
        (["--rank", "best"], "Invalid value for '--rank'"),
        (["--runs", "0"], "Invalid value for '--runs'"),
        (["--colour"], "No such option: --colour"),
    ],
)
def test_options_of_compare(simkube: Simkube, arguments: list[str], error: str) -> None:
    assert error in simkube("compare", "web.yaml", *arguments).error


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["compare"], "Missing argument"),
        (["cmopare"], "No such command 'cmopare'"),
        (["run", "scenario.yaml", "--nodes", "3"], "--nodes: this is for bare manifests"),
        (["run", "scenario.yaml", "--strategy", "rolling", "--plan", "p.yaml"], "exclude each other"),
        (["run", "scenario.yaml", "--follow", "--json"], "exclude each other"),
        (
            ["run", "scenario.yaml", "--strategy", "rolling,surge"],
            "--strategy: a run carries out one strategy",
        ),
        (["run", "scenario.yaml", "--plan", "nope.yaml"], "nope.yaml: there is no such file"),
        (["run", "scenario.yaml", "--plan", "web.yaml"], "web.yaml"),
        (["plan", "scenario.yaml"], "--strategy: no strategy"),
        (["explain", "nope.jsonl", "web"], "nope.jsonl: there is no such trace"),
        (["explain", "web.yaml", "web"], "web.yaml:1: not a simkube trace"),
        (["schema", "plans"], "Invalid value"),
        (["timings", "--kubernetes", "1.20"], "--kubernetes: Kubernetes v1.20.0 is not supported"),
    ],
)
def test_commands(simkube: Simkube, arguments: list[str], error: str) -> None:
    assert error in simkube(*arguments).error


SECTIONS = {
    "strategies: {roling: {}}": "scenario.yaml:6: strategies.roling: there is no strategy roling; did you mean",
    "strategies: {rolling: {maxUnavailable: none}}": "scenario.yaml:6: strategies.rolling.maxUnavailable:",
    "strategies: {rolling: {drainTimeout: -5m}}": "scenario.yaml:6: strategies.rolling.drainTimeout:",
    "drain: {forse: true}": "scenario.yaml:6: drain.forse: unknown key forse; did you mean force?",
    "drain: {gracePeriod: 5s}": "scenario.yaml:6: drain.gracePeriod:",
    "strategy: roling": "scenario.yaml:6: strategy: there is no strategy roling; did you mean rolling?",
    "steps: [{do: drian, node: worker-1}]": 'scenario.yaml:6: steps[0].do: there is no step "drian"; did',
    "steps: [{do: drain, node: wroker-1}]": "scenario.yaml:6: steps[0].node: there is no node wroker-1; did you mean",
    "steps: [{do: drain, node: worker-1, timeout: 5}, 7]": "scenario.yaml:6: steps[1]: 7 is not a mapping",
}


@pytest.mark.parametrize("section", SECTIONS)
def test_sections_that_strategies_read(simkube: Simkube, section: str) -> None:
    Path("scenario.yaml").write_text(f"{SCENARIO}{section}\n")
    assert simkube("run", "scenario.yaml").error.startswith(SECTIONS[section])


def test_a_plan_for_another_cluster(simkube: Simkube) -> None:
    Path("plan.yaml").write_text(
        "schema: simkube/plan/v1\nplan:\n  steps:\n    - steps: [{do: cordon, node: worker-1}]\n"
        "      otherwise:\n        - {do: uncordon, node: node-7}\n"
    )
    assert simkube("run", "scenario.yaml", "--plan", "plan.yaml").error == (
        "plan.yaml:6: plan.steps[0].otherwise[0].node: there is no node node-7; "
        "there are control-plane, worker-1, worker-2"
    )


def test_nothing_is_written(simkube: Simkube) -> None:
    Path("web.yaml").write_text(WEB + BUDGET)
    before = sorted(Path().iterdir())
    assert simkube("compare", "web.yaml", "--out", "results").code == 2
    assert simkube("run", "web.yaml", "--trace", "trace.jsonl").code == 2
    assert simkube("plan", "web.yaml", "--strategy", "rolling", "-o", "plan.yaml").code == 2
    assert sorted(Path().iterdir()) == before
