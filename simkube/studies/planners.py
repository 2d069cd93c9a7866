"""Whose plan is carried out: what the user asked for, over what the scenario says."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from simkube.kube.errors import BadValue, InputError, KeyPath, among
from simkube.maintenance.drain_filters import DrainOptions
from simkube.maintenance.node_steps import AddNode
from simkube.maintenance.plan import Plan
from simkube.maintenance.plan_file import plan_of, read_plan
from simkube.scenario.load import Loaded
from simkube.scenario.source import Source
from simkube.strategies import registry
from simkube.strategies.strategy import Draining, Strategy
from simkube.studies.choices import Choice, parse_choices

if TYPE_CHECKING:
    from simkube.studies.run import Planner

NONE = "none"  # as a strategy's name: no plan, only the faults


class Planned(NamedTuple):
    """What a run carries out: its name for people, and who makes the plan (None: there is none)."""

    name: str
    planner: "Planner | None"


def planners(loaded: Loaded, text: str = "") -> "dict[str, Planner]":
    """The strategies of `--strategies` by the names to show; if it is empty all, but for those with a required option
    that the scenario does not give. Raises `InputError`."""
    _check(loaded)
    if not text:
        return {
            name: _planner(loaded, strategy_of(loaded, Choice(name), ""))
            for name in registry.names()
            if name in loaded.scenario.strategies or not registry.needs_options(name)
        }
    return {
        choice.label: _planner(loaded, strategy_of(loaded, choice, "--strategies"))
        for choice in _parsed(text, "--strategies")
    }


def planner_for(loaded: Loaded, strategy: str = "", plan: Path | None = None) -> Planned:
    """What `--plan` or `--strategy` says, else the scenario's steps, else its strategy. Raises `InputError`."""
    _check(loaded)
    source = loaded.source
    if plan is not None:
        return _given(loaded, read_plan(plan), str(plan), Source(str(plan), _text(plan)), ("plan",))
    if not strategy and loaded.scenario.steps:
        steps = plan_of(loaded.scenario.steps, source.file, source.text)
        return _given(loaded, steps, "steps", source, ())
    if strategy:
        return _one(loaded, strategy, "--strategy")
    try:
        return _one(loaded, loaded.scenario.strategy or NONE, "")
    except InputError as error:
        raise source.error(("strategy",), error.message, error.fix) from None


def _one(loaded: Loaded, text: str, option: str) -> Planned:
    choices = _parsed(text, option)
    if len(choices) > 1:
        raise InputError("a run carries out one strategy", key=option, fix="`simkube compare` takes several")
    (choice,) = choices
    if choice.name == NONE:
        return Planned("", None)
    return Planned(choice.label, _planner(loaded, strategy_of(loaded, choice, option)))


def _parsed(text: str, option: str) -> list[Choice]:
    try:
        return parse_choices(text)
    except BadValue as error:
        raise InputError(error.message, key=option, fix=error.fix) from None


# -- strategies ---------------------------------------------------------------------------------------------------


def _check(loaded: Loaded) -> None:
    """The sections `strategies:` and `drain:` of the scenario, where they stand."""
    scenario, source = loaded.scenario, loaded.source
    source.parse(DrainOptions, scenario.drain, ("drain",))
    known = registry.names()
    for name, options in scenario.strategies.items():
        if name not in known:
            fix = among(name, known, "strategy")
            raise source.error(("strategies", name), f"there is no strategy {name}", fix)
        registry.make(name, options, file=source.file, text=source.text, at=("strategies", name))


def strategy_of(loaded: Loaded, choice: Choice, option: str) -> Strategy:
    """A strategy with the scenario's options, and those of the choice over them."""
    scenario = loaded.scenario
    try:
        strategy = registry.find(choice.name)
        options = _merged(scenario.strategies.get(choice.name, {}), choice.options)
        if issubclass(strategy, Draining):
            options = _merged({"drain": scenario.drain}, options)
        return registry.make(choice.name, options)
    except InputError as error:
        key = ": ".join(part for part in (option, error.key) if part)
        raise InputError(error.message, key=key, fix=error.fix) from None


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings within are merged, anything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        inner = merged.get(key)
        if isinstance(inner, Mapping) and isinstance(value, Mapping):
            value = _merged(inner, value)
        merged[key] = value
    return merged


def _planner(loaded: Loaded, strategy: Strategy) -> "Planner":
    return lambda view: strategy.plan(view, loaded.scenario.maintenance)


# -- plans that are given -----------------------------------------------------------------------------------------


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig")


def _given(loaded: Loaded, plan: Plan, name: str, source: Source, at: KeyPath) -> Planned:
    _check_nodes(loaded, plan, source, at)
    return Planned(plan.strategy or name, lambda view: plan)


def _check_nodes(loaded: Loaded, plan: Plan, source: Source, at: KeyPath) -> None:
    """Each step is on a node that there is, or that the plan adds."""
    known = dict.fromkeys(obj.meta.name for obj in loaded.objects if obj.kind == "Node")
    steps = [(path, leaf.step) for path, leaf in plan.leaves()]
    known |= dict.fromkeys(step.node for _, step in steps if isinstance(step, AddNode))
    for path, step in steps:
        for key in ("node", "like"):
            name = getattr(step, key, "")
            if name and name not in known:
                where = (*at, *_key_path(path), key)
                raise source.error(where, f"there is no node {name}", among(name, known, "node"))


def _key_path(path: str) -> KeyPath:
    """Where a step stands in a file: "0/!1" is steps[0].otherwise[1]."""
    found: list[str | int] = []
    for part in path.split("/"):
        found += ["otherwise" if part.startswith("!") else "steps", int(part.removeprefix("!"))]
    return tuple(found)
