"""Selectors. Cases: [apimachinery pkg/labels/selector_test.go; component-helpers nodeaffinity_test.go]."""

from typing import Any

import pytest
from pydantic import ValidationError

from simkube.kube.errors import BadValue
from simkube.kube.selector import (
    LabelSelector,
    NodeSelector,
    compile_labels,
    compile_selector,
    resolve_int_or_percent,
)

IN = {"key": "x", "operator": "In", "values": ["abc", "def"]}
NOT_IN = {"key": "x", "operator": "NotIn", "values": ["abc"]}
EXISTS = {"key": "x", "operator": "Exists"}
ABSENT = {"key": "x", "operator": "DoesNotExist"}


@pytest.mark.parametrize(
    ("selector", "labels", "verdict"),
    [
        ({}, {}, True),
        ({}, {"x": "y"}, True),
        ({"matchLabels": {"x": "y"}}, {"x": "y", "z": "w"}, True),
        ({"matchLabels": {"x": "y"}}, {"x": "z"}, False),
        ({"matchLabels": {"x": "y", "z": "w"}}, {"x": "y"}, False),
        ({"matchLabels": {"x": ""}}, {"x": ""}, True),
        ({"matchLabels": {"x": ""}}, {}, False),
        ({"matchExpressions": [IN]}, {"x": "def"}, True),
        ({"matchExpressions": [IN]}, {"x": "ghi"}, False),
        ({"matchExpressions": [IN]}, {}, False),
        ({"matchExpressions": [NOT_IN]}, {"x": "def"}, True),
        ({"matchExpressions": [NOT_IN]}, {"x": "abc"}, False),
        ({"matchExpressions": [NOT_IN]}, {}, True),  # NotIn holds where the key is absent
        ({"matchExpressions": [EXISTS]}, {"x": ""}, True),
        ({"matchExpressions": [EXISTS]}, {"y": ""}, False),
        ({"matchExpressions": [ABSENT]}, {"y": ""}, True),
        ({"matchExpressions": [ABSENT]}, {"x": "1"}, False),
        ({"matchLabels": {"a": "b"}, "matchExpressions": [IN]}, {"a": "b", "x": "abc"}, True),
        ({"matchLabels": {"a": "b"}, "matchExpressions": [IN]}, {"a": "c", "x": "abc"}, False),
        ({"matchExpressions": [IN, NOT_IN]}, {"x": "abc"}, False),
    ],
)
def test_label_selector(selector: dict[str, Any], labels: dict[str, str], verdict: bool) -> None:
    model = LabelSelector.model_validate(selector)
    assert model.matches(labels) is verdict
    assert compile_selector(model).matches(labels) is verdict


def test_absent_selects_nothing_and_empty_everything() -> None:
    assert not compile_selector(None).matches({"x": "y"})
    assert not compile_selector(None).is_everything
    assert compile_selector(LabelSelector()).is_everything


def test_map_of_labels() -> None:
    assert compile_labels({"a": "b"}).matches({"a": "b", "c": "d"})
    assert not compile_labels({"a": "b"}).matches({"c": "d"})


def test_equal_selectors_are_one_key() -> None:
    one = LabelSelector(match_labels={"a": "b", "c": "d"}).compiled
    other = LabelSelector(match_labels={"c": "d", "a": "b"}).compiled
    assert {one: 1}[other] == 1


@pytest.mark.parametrize(
    "requirement",
    [
        {"key": "x", "operator": "In", "values": []},
        {"key": "x", "operator": "NotIn"},
        {"key": "x", "operator": "Exists", "values": ["y"]},
        {"key": "x", "operator": "DoesNotExist", "values": ["y"]},
        {"key": "x", "operator": "Gt", "values": ["1"]},  # for nodes only
        {"key": "x", "operator": "in", "values": ["y"]},
        {"operator": "Exists"},
    ],
)
def test_requirements_that_kubernetes_refuses(requirement: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LabelSelector.model_validate({"matchExpressions": [requirement]})


def gt(value: str) -> dict[str, Any]:
    return {"key": "cores", "operator": "Gt", "values": [value]}


def lt(value: str) -> dict[str, Any]:
    return {"key": "cores", "operator": "Lt", "values": [value]}


NAME = {"key": "metadata.name", "operator": "In", "values": ["node-1"]}
NOT_NAME = {"key": "metadata.name", "operator": "NotIn", "values": ["node-1"]}


@pytest.mark.parametrize(
    ("terms", "labels", "verdict"),
    [
        ([], {"x": "abc"}, False),
        ([{}], {"x": "abc"}, False),  # an empty term matches no node
        ([{}, {"matchExpressions": [IN]}], {"x": "abc"}, True),
        ([{"matchExpressions": [IN]}], {"x": "abc"}, True),
        ([{"matchExpressions": [IN]}], {"x": "no"}, False),
        ([{"matchExpressions": [IN]}, {"matchExpressions": [EXISTS]}], {"x": "no"}, True),  # terms: or
        ([{"matchExpressions": [IN, gt("4")]}], {"x": "abc", "cores": "4"}, False),  # requirements: and
        ([{"matchExpressions": [gt("4")]}], {"cores": "5"}, True),
        ([{"matchExpressions": [gt("4")]}], {"cores": "10"}, True),  # as numbers, not as text
        ([{"matchExpressions": [gt("4")]}], {"cores": "many"}, False),
        ([{"matchExpressions": [gt("4")]}], {}, False),
        ([{"matchExpressions": [lt("4")]}], {"cores": "-3"}, True),
        ([{"matchExpressions": [lt("4")]}], {"cores": "4"}, False),
        ([{"matchFields": [NAME]}], {}, True),
        ([{"matchFields": [NOT_NAME]}], {}, False),
        ([{"matchFields": [NAME], "matchExpressions": [EXISTS]}], {}, False),
        ([{"matchFields": [NOT_NAME]}, {"matchFields": [NAME]}], {}, True),
    ],
)
def test_node_selector(terms: list[dict[str, Any]], labels: dict[str, str], verdict: bool) -> None:
    selector = NodeSelector.model_validate({"nodeSelectorTerms": terms})
    assert selector.matches(labels, "node-1") is verdict


@pytest.mark.parametrize(
    "term",
    [
        {"matchExpressions": [{"key": "cores", "operator": "Gt", "values": ["1", "2"]}]},
        {"matchExpressions": [{"key": "cores", "operator": "Lt", "values": ["few"]}]},
        {"matchFields": [{"key": "metadata.namespace", "operator": "In", "values": ["a"]}]},
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["a", "b"]}]},
        {"matchFields": [{"key": "metadata.name", "operator": "Exists"}]},
    ],
)
def test_node_terms_that_kubernetes_refuses(term: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NodeSelector.model_validate({"nodeSelectorTerms": [term]})


@pytest.mark.parametrize(
    ("value", "total", "up", "down"),
    [
        (3, 10, 3, 3),
        ("0%", 10, 0, 0),
        ("25%", 4, 1, 1),
        ("25%", 3, 1, 0),
        ("50%", 7, 4, 3),
        ("100%", 7, 7, 7),
    ],
)
def test_percentages_round_as_told(value: int | str, total: int, up: int, down: int) -> None:
    assert resolve_int_or_percent(value, total, round_up=True) == up
    assert resolve_int_or_percent(value, total, round_up=False) == down


def test_text_without_percent_sign_is_refused() -> None:
    with pytest.raises(BadValue, match="percentage"):
        resolve_int_or_percent("25", 4, round_up=True)
