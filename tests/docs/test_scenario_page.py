"""docs/scenario.md names exactly the keys that a scenario has, and its example is one."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from simkube.scenario.behaviour import Behaviour, Crash, Traffic
from simkube.scenario.scenario import (
    Cluster,
    Fault,
    Maintenance,
    NodePool,
    NodeTaint,
    Objective,
    Override,
    Scenario,
)

PAGE = (Path(__file__).parents[2] / "docs" / "scenario.md").read_text()
TABLES: list[tuple[str, type[BaseModel]]] = [
    ("## The whole", Scenario),
    ("## cluster", Cluster),
    ("Each pool:", NodePool),
    ("Each taint:", NodeTaint),
    ("## overrides", Override),
    ("## behaviour", Behaviour),
    ("Each of `traffic`:", Traffic),
    ("Each of `crashes`:", Crash),
    ("## maintenance", Maintenance),
    ("## faults", Fault),
    ("## slo", Objective),
]


def table_after(heading: str) -> list[str]:
    """The keys in the first column of the first table below a line."""
    below = PAGE.partition(f"\n{heading}\n")[2]
    assert below, heading
    rows = re.search(r"\|---.*\n((?:\|.*\n)+)", below)
    assert rows is not None
    return re.findall(r"^\| \[?`([^`]+)`", rows[1], re.MULTILINE)


@pytest.mark.parametrize(("heading", "model"), TABLES)
def test_every_key_stands_in_its_table(heading: str, model: type[BaseModel]) -> None:
    keys = [field.alias or to_camel(name) for name, field in model.model_fields.items()]
    assert sorted(table_after(heading)) == sorted(keys)


def test_the_examples_are_scenarios() -> None:
    for text in re.findall(r'```yaml title="[^"]*"\n(.*?)```', PAGE, re.DOTALL):
        Scenario.model_validate(yaml.safe_load(text), by_alias=True, by_name=False)
