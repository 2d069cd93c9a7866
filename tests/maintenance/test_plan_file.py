"""The plan file: what is written is read back, what is wrong is named with file, line, key and the way out."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simkube.kube.errors import InputError
from simkube.kube.yaml import read_documents
from simkube.maintenance.drain import Drain
from simkube.maintenance.drain_filters import DrainOptions
from simkube.maintenance.machine_steps import InstallKubelet, PowerOff, PowerOn, Reboot
from simkube.maintenance.node_steps import AddNode, Cordon, RemoveNode, Uncordon
from simkube.maintenance.plan import Block, Leaf, Plan
from simkube.maintenance.plan_file import parse_plan, plan_of, plan_schema, plan_text, read_plan
from simkube.maintenance.steps import STEPS
from simkube.maintenance.surge_pods import SurgePods
from simkube.maintenance.waiting_steps import Gate, Wait, WaitReady
from tests.maintenance.test_driver import Nap

WRITTEN = """\
schema: simkube/plan/v1
strategy: rolling
inputs: {maintenance: {reboot: true}, options: {maxUnavailable: "10%"}}
warnings:
  - "shop/web: an autoscaler"
plan:
  name: rolling
  parallel: 2
  steps:
    - name: worker-1
      steps:
        # needs: node worker-1 is in the API; no pod on it that kubectl drain refuses
        # waits until: its pods are gone, budgets permitting, 30m at most (skip)
        - do: drain
          node: worker-1
          timeout: 30m
          onTimeout: skip
        # needs: node worker-1
        - do: uncordon
          node: worker-1
          always: true
  otherwise:
    # waits until: 1m30s have passed
    - do: wait
      for: 1m30s
"""

PLAN = Plan(
    Block(
        "rolling",
        (
            Block(
                "worker-1",
                (
                    Leaf(Drain(node="worker-1", timeout=1800, on_timeout="skip")),
                    Leaf(Uncordon(node="worker-1"), always=True),
                ),
            ),
        ),
        2,
        (Leaf(Wait(for_=90)),),
    ),
    "rolling",
    {"maintenance": {"reboot": True}, "options": {"maxUnavailable": "10%"}},
    ("shop/web: an autoscaler",),
)


def test_a_plan_as_a_person_reads_it() -> None:
    assert plan_text(PLAN) == WRITTEN


def test_it_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(WRITTEN)
    assert read_plan(tmp_path / "plan.yaml") == PLAN


# -- round trip -----------------------------------------------------------------------------------------------------

NODES = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,10}[a-z0-9])?", fullmatch=True)
SPANS = st.integers(0, 10**11).map(lambda ms: ms / 1000)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
GIVE_UP = st.sampled_from(["abort", "skip"])
OPTIONS = st.builds(
    DrainOptions,
    ignore_daemonsets=st.booleans(),
    force=st.booleans(),
    pod_selector=st.sampled_from(["", "app=web,tier in (a,b)"]),
    disable_eviction=st.booleans(),
    grace_period=st.integers(-1, 600),
    skip_wait_for_delete_timeout=st.integers(0, 600),
)
ANY_STEP = st.one_of(
    *(st.builds(kind, node=NODES) for kind in (Cordon, Uncordon, RemoveNode, PowerOff)),
    *(st.builds(kind, node=NODES, timeout=SPANS, on_timeout=GIVE_UP) for kind in (PowerOn, SurgePods)),
    st.builds(Reboot, node=NODES, work=SPANS, timeout=SPANS, on_timeout=GIVE_UP),
    st.builds(InstallKubelet, node=NODES, version=st.sampled_from(["v1.37.2", "1.36", "v1.37.0-rc.1"])),
    st.builds(AddNode, node=NODES, like=NODES, version=st.sampled_from(["", "v1.37.2"]), timeout=SPANS),
    st.builds(
        Drain,
        node=NODES,
        options=OPTIONS,
        timeout=SPANS,
        on_timeout=st.sampled_from(["abort", "skip", "force"]),
        force_after=SPANS,
        kubectl=st.sampled_from(["v1.34.4", "1.37"]),
    ),
    st.builds(Wait, for_=SPANS),
    st.builds(WaitReady, but=st.lists(TEXTS, max_size=3).map(tuple), timeout=SPANS, on_timeout=GIVE_UP),
    st.builds(
        Gate, soak=SPANS, health=st.booleans(), slo=st.dictionaries(TEXTS, st.floats(0, 1), max_size=3)
    ),
)
CHILDREN: Any = st.deferred(lambda: st.builds(Leaf, ANY_STEP, st.booleans()) | BLOCKS)
BLOCKS: Any = st.builds(
    Block,
    TEXTS,
    st.lists(CHILDREN, max_size=3).map(tuple),
    st.integers(1, 9),
    st.lists(CHILDREN, max_size=2).map(tuple),
)
PLAIN = st.recursive(
    st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
INPUTS = st.dictionaries(TEXTS, PLAIN, max_size=3)
PLANS = st.builds(Plan, BLOCKS, TEXTS, INPUTS, st.lists(TEXTS, max_size=3).map(tuple))


@given(PLANS)
def test_whatever_is_written_is_read_back_the_same(plan: Plan) -> None:
    text = plan_text(plan)
    (document,) = read_documents(text, "plan.yaml")
    again = parse_plan(document.value, "plan.yaml", text)
    assert again == plan
    assert plan_text(again) == text


VALIDATOR = jsonschema.Draft202012Validator(plan_schema())


def written(plan: Plan) -> Any:
    """What a plan's file says, as plain data."""
    (document,) = read_documents(plan_text(plan), "plan.yaml")
    return document.value


@settings(max_examples=30)
@given(PLANS)
def test_whatever_is_written_obeys_the_published_schema(plan: Plan) -> None:
    data = written(plan)
    VALIDATOR.validate(data)
    warnings = ["warnings"] if plan.warnings else []
    assert list(data) == ["schema", "strategy", "inputs", *warnings, "plan"]


def test_all_steps_take_part_in_the_round_trip() -> None:
    assert {step.__name__ for step in STEPS.values()} == {
        "Cordon", "Uncordon", "Drain", "Reboot", "PowerOff", "PowerOn", "InstallKubelet", "AddNode", "RemoveNode",
        "SurgePods", "Wait", "WaitReady", "Gate",
    }  # fmt: skip


def test_a_step_of_somebody_elses_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="a Nap has no form in a plan file"):
        plan_text(Plan(Block("b", (Leaf(Nap("own")),))))


# -- the schema -----------------------------------------------------------------------------------------------------


def test_the_schema_is_one_and_refuses_what_reading_refuses() -> None:
    jsonschema.Draft202012Validator.check_schema(plan_schema())
    VALIDATOR.validate(written(PLAN))
    for step in (
        {"do": "drian", "node": "a"},
        {"do": "drain"},
        {"node": "a"},
        {"do": "drain", "node": "a", "nodes": "b"},
        {"do": "drain", "node": "a", "onTimeout": "wait"},
        {"steps": [], "parallel": 0},
    ):
        bad = {"schema": "simkube/plan/v1", "plan": {"steps": [step]}}
        assert not VALIDATOR.is_valid(bad), step
        with pytest.raises(InputError):
            parse_plan(bad)


# -- what is wrong --------------------------------------------------------------------------------------------------


def text_of(steps: str) -> str:
    return f"schema: simkube/plan/v1\nplan:\n  steps:\n{steps}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "plan.yaml: the plan is empty; start with `schema: simkube/plan/v1` and `plan:`"),
        ("- a\n", "plan.yaml: the plan is no mapping; start with"),
        ("plan: {}\n---\nplan: {}\n", "plan.yaml: the plan holds more than one document"),
        (
            "plan: {steps: []}\nstrategie: x\n",
            "plan.yaml:2: strategie: unknown key strategie; did you mean strategy?",
        ),
        (
            "schema: simkube/plan/v2\nplan: {steps: []}\n",
            'plan.yaml:1: schema: "simkube/plan/v2" is not one of',
        ),
        ("schema: simkube/plan/v1\n", "plan.yaml:1: plan: is missing; add plan"),
        ("plan:\n  step: []\n", "plan.yaml:2: plan.step: unknown key step; did you mean steps?"),
        ("plan:\n  name: a\n", "plan.yaml:1: plan.steps: is missing; add steps"),
        ("plan:\n  steps: 3\n", "plan.yaml:2: plan.steps: 3 is not a list"),
        ("plan:\n  steps: []\n  parallel: 0\n", "plan.yaml:3: plan.parallel: 0"),
        (text_of("  - drain w1\n"), "plan.yaml:4: plan.steps[0]: this is neither a step nor a block"),
        (text_of("  - node: w1\n"), "plan.yaml:4: plan.steps[0]: neither a step (no `do`) nor a block"),
        (text_of("  - {stepps: []}\n"), "did you mean steps?"),
        (
            text_of("  - {do: cordon, node: w1}\n  - do: drian\n    node: w1\n"),
            'plan.yaml:5: plan.steps[1].do: there is no step "drian"; did you mean drain?',
        ),
        (
            text_of("  - {do: 7}\n"),
            "plan.yaml:4: plan.steps[0].do: there is no step 7; known are cordon, uncordon",
        ),
        (
            text_of("  - do: drain\n    node: w1\n    time_out: 5m\n"),
            "plan.yaml:6: plan.steps[0].time_out: unknown key time_out; did you mean timeout?",
        ),
        (
            text_of("  - do: uncordon\n    node: w1\n    alway: true\n"),
            "plan.yaml:6: plan.steps[0].alway: unknown key alway; did you mean always?",
        ),
        (
            text_of("  - {do: uncordon, node: w1, always: 1}\n"),
            "plan.steps[0].always: 1 is not true or false",
        ),
        (
            text_of("  - do: drain\n    node: w1\n    options:\n      ignoreDaemonSet: true\n"),
            "plan.yaml:7: plan.steps[0].options.ignoreDaemonSet: unknown key ignoreDaemonSet; "
            "did you mean ignoreDaemonsets?",
        ),
        (
            text_of("  - do: drain\n    node: w1\n    timeout: 5 min\n"),
            'plan.yaml:6: plan.steps[0].timeout: "5 min" is not a duration',
        ),
        (text_of("  - {do: wait, for: -5s}\n"), 'plan.steps[0].for: "-5s" is a negative duration; write 5s'),
        (text_of("  - {do: drain}\n"), "plan.yaml:4: plan.steps[0].node: is missing; add node"),
        (text_of("  - {do: drain, node: 'w1; rm -rf'}\n"), "cannot be a node's name; write lower-case"),
        (text_of("  - {do: drain, node: w1, kubectl: latest}\n"), '"latest" is not a Kubernetes version'),
        (
            text_of("  - {do: drain, node: w1, options: {podSelector: 'a b'}}\n"),
            '"a b" is not a label selector',
        ),
        (
            text_of(
                "  - name: a\n    steps:\n      - steps: []\n        otherwise:\n          - {do: wait}\n"
            ),
            "plan.yaml:8: plan.steps[0].steps[0].otherwise[0].for: is missing; add for",
        ),
        (text_of("  - {do: gate, slo: 99}\n"), "plan.steps[0].slo: 99 is not a share between 0 and 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_the_way_out(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_plan(path)
    assert said in str(caught.value).replace(str(path), "plan.yaml")


def test_deep_nesting_ends_with_a_message_and_no_traceback() -> None:
    value: Any = {"steps": []}
    for _ in range(30):
        value = {"steps": [value]}
    with pytest.raises(InputError, match="nested deeper than 20 levels"):
        parse_plan({"schema": "simkube/plan/v1", "plan": value})


def test_the_steps_of_a_scenario() -> None:
    steps = [
        {"do": "drain", "node": "w1", "timeout": "5m"},
        {"steps": [{"do": "wait", "for": "10s"}], "parallel": 2},
    ]
    plan = plan_of(steps)
    assert plan.root.steps == (Leaf(Drain(node="w1", timeout=300)), Block("", (Leaf(Wait(for_=10)),), 2))
    with pytest.raises(InputError, match=r"shop.yaml: steps\[0\]\.do: there is no step"):
        plan_of([{"do": "reload"}], "shop.yaml")
