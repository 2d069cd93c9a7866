"""What the user asks for counts over what the scenario says, and that over the defaults."""

from pathlib import Path
from typing import Any

import pytest

from simkube.kube.errors import InputError
from simkube.scenario.load import Loaded
from simkube.scenario.nodes import make_nodes
from simkube.scenario.scenario import Scenario
from simkube.strategies import registry
from simkube.strategies.rolling import Rolling
from simkube.strategies.strategy import Strategy
from simkube.studies.choices import Choice
from simkube.studies.planners import planner_for, planners, strategy_of


def loaded(**more: Any) -> Loaded:
    scenario = Scenario.model_validate({"cluster": {"nodes": [{"count": 2}]}, **more}, by_alias=True)
    return Loaded(scenario, tuple(make_nodes(scenario.cluster)), (), "test")


def made(scenario: Loaded, options: dict[str, Any] | None = None, name: str = "rolling") -> Strategy:
    return strategy_of(scenario, Choice(name, options or {}), "--strategy")


def test_options_of_the_command_line_over_those_of_the_scenario() -> None:
    scenario = loaded(strategies={"rolling": {"maxUnavailable": 2, "drainTimeout": "5m"}})
    strategy = made(scenario, {"maxUnavailable": "50%"})
    assert isinstance(strategy, Rolling)
    assert (strategy.max_unavailable, strategy.drain_timeout) == ("50%", 300.0)


def test_flags_of_the_drain_are_merged_one_by_one() -> None:
    """`drain:` is for every strategy, a strategy's own counts more, the command line most."""
    scenario = loaded(
        drain={"force": True, "gracePeriod": 7, "deleteEmptydirData": False},
        strategies={"rolling": {"drain": {"gracePeriod": 9, "deleteEmptydirData": True}}},
    )
    strategy = made(scenario, {"drain": {"deleteEmptydirData": False}})
    assert isinstance(strategy, Rolling)
    drain = strategy.drain
    assert (drain.force, drain.grace_period, drain.delete_emptydir_data) == (True, 9, False)


def test_strategies_that_drain_nothing_take_no_flags() -> None:
    made(loaded(drain={"force": True}), name="cordon-only")


def test_all_strategies_or_those_named() -> None:
    assert list(planners(loaded())) == registry.names()
    assert list(planners(loaded(), "surge,rolling(maxUnavailable=2)")) == [
        "surge",
        "rolling(maxUnavailable=2)",
    ]


@pytest.mark.parametrize(
    ("scenario", "asked", "name"),
    [
        ({}, "", ""),
        ({}, "none", ""),
        ({"strategy": "rolling"}, "", "rolling"),
        ({"strategy": "rolling(maxUnavailable=2)"}, "", "rolling(maxUnavailable=2)"),
        ({"strategy": "rolling"}, "none", ""),
        ({"strategy": "rolling"}, "surge", "surge"),
        ({"steps": [{"do": "cordon", "node": "worker-1"}]}, "", "steps"),
        ({"steps": [{"do": "cordon", "node": "worker-1"}]}, "surge", "surge"),
        ({"steps": [{"do": "cordon", "node": "worker-1"}]}, "none", ""),
    ],
)
def test_what_a_run_carries_out(scenario: dict[str, Any], asked: str, name: str) -> None:
    planned = planner_for(loaded(**scenario), asked)
    assert planned.name == name
    assert (planned.planner is None) == (not name)


def test_a_plan_counts_before_the_scenario(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("schema: simkube/plan/v1\nplan: {steps: [{do: cordon, node: worker-2}]}\n")
    planned = planner_for(loaded(strategy="rolling"), plan=path)
    assert planned.name == str(path)
    assert planned.planner is not None
    plan = planned.planner(None)  # type: ignore[arg-type]
    assert [leaf.step.title for _, leaf in plan.leaves()] == ["cordon worker-2"]


def test_nodes_that_a_plan_adds_are_known() -> None:
    add = {"do": "add-node", "node": "fresh", "like": "worker-1"}
    planner_for(loaded(steps=[add, {"do": "cordon", "node": "fresh"}]))
    with pytest.raises(InputError, match=r"steps\[0\]\.like: there is no node worker-9"):
        planner_for(loaded(steps=[{**add, "like": "worker-9"}]))
