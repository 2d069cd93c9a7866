"""Strategies are found by entry point; what is wrong with a name or an option is said with the nearest one."""

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from simkube.kube.errors import InputError
from simkube.strategies import registry
from simkube.strategies.registry import BUILT_IN, find, make, names, options, summary
from simkube.strategies.rolling import Rolling

DOCS = Path(__file__).parents[2] / "docs" / "strategies.md"


def installed(monkeypatch: pytest.MonkeyPatch, **points: str) -> None:
    found = [
        EntryPoint(name.replace("_", "-"), value, "simkube.strategies") for name, value in points.items()
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: found)


def test_the_built_in_ones_are_there_without_being_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch)
    assert names() == [
        "all-at-once",
        "rolling",
        "surge",
        "blue-green",
        "gray",
        "reboot-in-place",
        "cordon-only",
    ]
    assert {find(name).name for name in names()} == set(names())


def test_the_package_names_the_same_ones_as_entry_points() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["simkube.strategies"] == BUILT_IN


def test_others_come_after_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(
        monkeypatch,
        zebra="simkube.strategies.rolling:Rolling",
        ant="simkube.strategies.gray:Gray",
        rolling=BUILT_IN["rolling"],
    )
    assert names() == [*BUILT_IN, "ant", "zebra"]
    assert find("zebra") is Rolling


def test_an_unknown_name_is_told_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch)
    with pytest.raises(InputError, match=r"there is no strategy roling; did you mean rolling\?"):
        find("roling")
    with pytest.raises(InputError, match="there is no strategy xyz; there are all-at-once, rolling"):
        find("xyz")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no_such_module:X", "cannot be loaded: ModuleNotFoundError"),
        ("simkube.strategies.rolling:Roling", "cannot be loaded: AttributeError"),
        (
            "simkube.strategies.site:share",
            "is no Strategy; derive it from simkube.strategies.strategy.Strategy",
        ),
    ],
)
def test_a_package_that_is_broken_is_named(monkeypatch: pytest.MonkeyPatch, value: str, said: str) -> None:
    installed(monkeypatch, mine=value)
    with pytest.raises(InputError, match="strategy mine") as caught:
        find("mine")
    assert said in str(caught.value) and value in str(caught.value)
    assert find("rolling") is Rolling


def test_two_of_one_name_are_an_error_and_no_lottery(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, rolling="elsewhere:Rolling")
    with pytest.raises(InputError, match=r"two strategies are named rolling: .* and elsewhere:Rolling"):
        names()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"maxUnavailble": 1}, "maxUnavailble: unknown key maxUnavailble; did you mean maxUnavailable?"),
        (
            {"max_unavailable": 1},
            "max_unavailable: unknown key max_unavailable; did you mean maxUnavailable?",
        ),
        ({"maxUnavailable": 0}, "maxUnavailable: 0 is no number of nodes; write 1 or more"),
        ({"maxUnavailable": "0%"}, 'maxUnavailable: "0%" is no number of nodes'),
        ({"maxUnavailable": "101%"}, 'maxUnavailable: "101%" is no number of nodes'),
        ({"maxUnavailable": -1}, "maxUnavailable: -1 is negative"),
        ({"maxUnavailable": "a few"}, 'maxUnavailable: "a few" is neither a '),
        ({"onTimeout": "kill"}, 'onTimeout: "kill" is not one of abort, skip, force'),
        ({"drainTimeout": "soon"}, 'drainTimeout: "soon" is not a duration'),
        ({"drain": {"frce": True}}, "drain.frce: unknown key frce; did you mean force?"),
        ({"surgePods": "maybe"}, "surgePods: "),
    ],
)
def test_what_is_wrong_with_an_option(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        make("rolling", given)
    assert said in str(caught.value)


def test_the_place_of_an_option_is_its_line_in_the_scenario() -> None:
    text = "strategies:\n  rolling:\n    maxUnavailble: 2\n"
    with pytest.raises(InputError, match=r"^shop\.yaml:3: strategies\.rolling\.maxUnavailble: unknown key"):
        make("rolling", {"maxUnavailble": 2}, file="shop.yaml", text=text, at=("strategies", "rolling"))


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_strategy_has_a_line_and_a_table(name: str) -> None:
    strategy = find(name)
    assert summary(strategy).endswith(".") and len(summary(strategy)) <= 120
    rows = options(strategy)
    assert all(row.name and row.default and row.description for row in rows)
    assert {"order", "controlPlane", "waitForReady"} <= {row.name for row in rows}
    make(name, {})


def test_defaults_are_written_as_people_write_them() -> None:
    rows = {row.name: row.default for row in options(Rolling)}
    assert (
        rows["drainTimeout"] == "15m"
        and rows["drain.ignoreDaemonsets"] == "true"
        and rows["maxUnavailable"] == "1"
    )
    assert next(iter(rows)) == "maxUnavailable"


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_documentation_has_every_strategy_with_all_its_own_defaults(name: str) -> None:
    section = DOCS.read_text().split(f"## {name}\n")[1].split("\n## ")[0]
    assert summary(find(name)) in section.replace("\n", " ")
    common = {row.name for row in options(find("all-at-once"))} | {"forceAfter", "surgePods"}
    for row in options(find(name)):
        if row.name not in common and not row.name.startswith("drain."):
            assert f"| `{row.name}` | {row.default} |" in section, row


def test_the_example_of_the_documentation_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from simkube.scenario.scenario import Maintenance
    from tests.strategies.test_strategies import did, world_of

    source = DOCS.read_text().split("```python\n")[1].split("```")[0]
    assert len(source.splitlines()) < 60
    (tmp_path / "my_strategies.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    installed(monkeypatch, canary="my_strategies:Canary")
    world = world_of(3)
    plan = make("canary", {"canary": "w2", "look": "5m"}).plan(world.view, Maintenance())
    driver = world.run(plan)
    assert driver.finished and driver.failures == []
    assert [node for _, node in did(world, "reboot")] == ["w2", "w1", "w3"]
