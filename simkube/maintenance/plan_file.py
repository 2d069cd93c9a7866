"""The plan file (schema `simkube/plan/v1`): YAML that a person reads, edits and keeps in git.

    schema: simkube/plan/v1
    strategy: rolling
    inputs: {maintenance: {reboot: true}, options: {maxUnavailable: 1}}
    warnings: []
    plan:
      name: rolling
      parallel: 1
      steps:
        - name: worker-1
          steps:
            - {do: drain, node: worker-1}
            - {do: uncordon, node: worker-1, always: true}
          otherwise: []

What stands at its default is left out when a plan is written. What a step needs before, and what it waits for, stands
in comments beside it: they follow from the step, and are not read back.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, TypeAdapter

from simkube.kube.errors import InputError, KeyPath, nearest, shown
from simkube.kube.files import read_text
from simkube.kube.parse import parse, wrong
from simkube.kube.yaml import read_documents
from simkube.maintenance.model import Model
from simkube.maintenance.plan import Block, Leaf, Plan
from simkube.maintenance.steps import STEPS, AnyStep

SCHEMA: Literal["simkube/plan/v1"] = "simkube/plan/v1"
MAX_DEPTH = 20  # blocks in blocks


class _File(Model):
    """The whole file; `plan` is read by itself."""

    schema_: Literal["simkube/plan/v1"] = Field(SCHEMA, alias="schema")
    strategy: str = Field("", description="The strategy that made the plan; none: somebody wrote it")
    inputs: dict[str, Any] = Field(default_factory=dict, description="What the strategy was given")
    warnings: tuple[str, ...] = Field((), description="What to look out for")
    plan: dict[str, Any] = Field(description="The outermost block")


class _Block(Model):
    """Steps and blocks that belong together."""

    name: str = Field("", description="For people")
    parallel: int = Field(1, ge=1, description="How many of the steps run at a time; 1: one after the other")
    steps: tuple[Any, ...] = Field(description="Steps (with `do`) and blocks (with `steps`)")
    otherwise: tuple[Any, ...] = Field(
        (), description="The way back, when something in the block aborted the plan"
    )


# -- reading --------------------------------------------------------------------------------------------------------


def read_plan(path: Path) -> Plan:
    """The plan in a file. Raises `InputError` with file, line, key and the way out."""
    text, file = read_text(path), str(path)
    documents = list(read_documents(text, file))
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        what = "is empty" if not documents else "is no mapping"
        what = "holds more than one document" if len(documents) > 1 else what
        raise InputError(f"the plan {what}", file=file, fix=f"start with `schema: {SCHEMA}` and `plan:`")
    return parse_plan(documents[0].value, file, text)


def parse_plan(value: Mapping[str, Any], file: str = "", text: str = "") -> Plan:
    """The plan that a mapping describes; `text` is that of the file, to find lines. Raises `InputError`."""
    whole = parse(_File, value, file=file, text=text)
    root = _Reader(file, text).block(whole.plan, ("plan",), MAX_DEPTH)
    return Plan(root, whole.strategy, whole.inputs, whole.warnings)


def plan_of(
    steps: list[Any] | tuple[Any, ...], file: str = "", text: str = "", at: KeyPath = ("steps",)
) -> Plan:
    """A plan of steps as a scenario lists them under `steps:`, one after the other. Raises `InputError`."""
    return Plan(Block("steps", _Reader(file, text).children(steps, at, MAX_DEPTH)))


class _Reader:
    """Reads blocks and steps, and knows where it is in the file."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text = file, text

    def block(self, value: Any, at: KeyPath, depth: int) -> Block:
        if depth == 0:
            raise self.wrong(f"blocks are nested deeper than {MAX_DEPTH} levels", "flatten them", at)
        block = parse(_Block, value, file=self.file, text=self.text, at=at)
        steps = self.children(block.steps, (*at, "steps"), depth - 1)
        otherwise = self.children(block.otherwise, (*at, "otherwise"), depth - 1)
        return Block(block.name, steps, block.parallel, otherwise)

    def children(self, values: Any, at: KeyPath, depth: int) -> tuple[Leaf | Block, ...]:
        return tuple(self.child(value, (*at, index), depth) for index, value in enumerate(values))

    def child(self, value: Any, at: KeyPath, depth: int) -> Leaf | Block:
        if not isinstance(value, dict):
            raise self.wrong(
                "this is neither a step nor a block", "write a mapping with `do:` or `steps:`", at
            )
        if "do" not in value:
            if "steps" in value:
                return self.block(value, at, depth)
            fix = next(filter(None, (nearest(str(key), ("do", "steps")) for key in value)), "")
            raise self.wrong("neither a step (no `do`) nor a block (no `steps`)", fix or "add `do:`", at)
        do = value["do"]
        step = STEPS.get(do) if isinstance(do, str) else None
        if step is None:
            fix = nearest(str(do), STEPS) or f"known are {', '.join(STEPS)}"
            raise self.wrong(f"there is no step {shown(do)}", fix, (*at, "do"))
        known = {"always", *(field.alias or name for name, field in step.model_fields.items())}
        for key in value:
            if key not in known:
                fix = nearest(key, known) or f"known here: {', '.join(sorted(known))}"
                raise self.wrong(f"unknown key {key}", fix, (*at, key))
        always = value.get("always", False)
        if not isinstance(always, bool):
            raise self.wrong(f"{shown(always)} is not true or false", "write `always: true`", (*at, "always"))
        rest = {key: item for key, item in value.items() if key != "always"}
        return Leaf(parse(step, rest, file=self.file, text=self.text, at=at), always)

    def wrong(self, message: str, fix: str, at: KeyPath) -> InputError:
        return wrong(message, fix, file=self.file, text=self.text, at=at)


# -- writing --------------------------------------------------------------------------------------------------------


def plan_text(plan: Plan) -> str:
    """The text of the plan's file."""
    lines = [f"schema: {SCHEMA}", f"strategy: {_flow(plan.strategy)}", f"inputs: {_flow(plan.inputs)}"]
    if plan.warnings:
        lines += ["warnings:", *(f"  - {_flow(warning)}" for warning in plan.warnings)]
    return "\n".join([*lines, "plan:", *_block_lines(plan.root, "  ")]) + "\n"


def _leaf_data(leaf: Leaf) -> dict[str, Any]:
    step = leaf.step
    if not isinstance(step, Model) or STEPS.get(getattr(step, "do", "")) is not type(step):
        raise TypeError(f"{step.title}: a {type(step).__name__} has no form in a plan file")
    data = {"do": step.do, **step.model_dump(mode="json", by_alias=True, exclude_defaults=True)}  # type: ignore[attr-defined]
    return {**data, "always": True} if leaf.always else data


def _block_lines(block: Block, indent: str) -> Iterator[str]:
    yield f"{indent}name: {_flow(block.name)}"
    if block.parallel != 1:
        yield f"{indent}parallel: {block.parallel}"
    for key, children in (("steps", block.steps), ("otherwise", block.otherwise)):
        if children:
            yield f"{indent}{key}:"
            for child in children:
                yield from _child_lines(child, indent)
        elif key == "steps":
            yield f"{indent}steps: []"


def _child_lines(child: Leaf | Block, indent: str) -> Iterator[str]:
    """The lines of one child; the dash takes the place of the last blanks before its first key."""
    if isinstance(child, Leaf):
        for label, said in (("needs", child.step.needs), ("waits until", child.step.waits)):
            if said:
                yield f"{indent}  # {label}: {''.join(c if c.isprintable() else ' ' for c in said)}"
        lines: Iterator[str] = (
            f"{indent}    {key}: {_flow(value)}" for key, value in _leaf_data(child).items()
        )
    else:
        lines = _block_lines(child, f"{indent}    ")
    first = next(lines)
    yield f"{indent}  - {first[len(indent) + 4 :]}"
    yield from lines


def _flow(value: Any) -> str:
    """A value on one line: YAML's flow style. Text that needs no quotes has none."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(str(key))}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, str):
        return value if _is_plain(value) else _quoted(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))  # YAML's 2.0 is 2, as kubectl reads it
    return json.dumps(value)


def _quoted(text: str) -> str:
    """In double quotes, everything but printable characters escaped as YAML has it."""
    return (
        '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() else f"\\U{ord(c):08x}") for c in text) + '"'
    )


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_WORD = re.compile(r"[A-Za-z][-A-Za-z0-9_./]*|([0-9]+(\.[0-9]+)?(ms|s|m|h))+", re.ASCII)
_RESERVED = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))  # of YAML 1.1


def _is_plain(text: str) -> bool:
    """A word or a duration, which YAML reads back as this text without quotes."""
    return _WORD.fullmatch(text) is not None and text.lower() not in _RESERVED


# -- schema ---------------------------------------------------------------------------------------------------------


def plan_schema() -> dict[str, Any]:
    """The JSON Schema of the file."""
    step = TypeAdapter(AnyStep).json_schema(by_alias=True, ref_template="#/$defs/{model}")
    definitions: dict[str, Any] = step.pop("$defs")
    for name in [choice["$ref"].rpartition("/")[2] for choice in step["oneOf"]]:
        always = {
            "type": "boolean",
            "default": False,
            "description": "Runs even when an earlier step was skipped",
        }
        definitions[name]["properties"]["always"] = always
        definitions[name]["required"] = ["do", *definitions[name].get("required", ())]
    children = {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/Step"}, {"$ref": "#/$defs/Block"}]}}
    block = _Block.model_json_schema(by_alias=True)
    for key in ("steps", "otherwise"):
        block["properties"][key] = {**children, "description": block["properties"][key]["description"]}
    schema = _File.model_json_schema(by_alias=True)
    schema["properties"]["plan"] = {"$ref": "#/$defs/Block"}
    schema["title"], schema["description"] = "simkube plan", "A plan of maintenance steps"
    schema["$defs"] = {**definitions, "Step": step, "Block": {**block, "title": "Block"}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
