"""What a command must not do to the user's files, and what it refuses before it begins."""

from pathlib import Path

from tests.cli.conftest import WEB, Simkube


def test_a_plan_does_not_replace_what_it_was_made_from(simkube: Simkube) -> None:
    error = simkube("plan", "web.yaml", "--strategy", "rolling", "-o", "web.yaml").error
    assert error.startswith("web.yaml: would be overwritten")
    assert Path("web.yaml").read_text() == WEB


def test_a_trace_does_not_replace_its_scenario_or_a_folder(simkube: Simkube) -> None:
    assert "would be overwritten" in simkube("run", "scenario.yaml", "--trace", "scenario.yaml").error
    assert "is a folder" in simkube("run", "scenario.yaml", "--trace", ".").error


def test_a_grace_period_that_healthy_nodes_would_miss_is_refused(simkube: Simkube) -> None:
    """1.1, 1.2: renewals come up to 10.4 s apart, and one is noticed up to 5 s late."""
    text = Path("scenario.yaml").read_text()
    Path("scenario.yaml").write_text(text + "timings: {node-monitor-grace-period: 15s}\n")
    assert "write more than 15.4s" in simkube("run", "scenario.yaml").error
    Path("scenario.yaml").write_text(text + "timings: {node-monitor-grace-period: 16s}\n")
    assert simkube("run", "scenario.yaml").code == 0


def test_a_budget_of_more_than_all_is_refused(simkube: Simkube) -> None:
    budget = (
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n"
        "spec: {minAvailable: 120%, selector: {matchLabels: {app: web}}}\n"
    )
    Path("budget.yaml").write_text(budget)
    assert "120%, more than all" in simkube("run", "web.yaml", "budget.yaml").error
