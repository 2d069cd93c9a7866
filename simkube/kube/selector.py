"""Label selectors, node selector terms, and numbers that may be percentages.

Models as the API has them, each compiled once into something with a fast `matches` [apimachinery
pkg/labels/selector.go, pkg/apis/meta/v1 `LabelSelectorAsSelector`, pkg/util/intstr; component-helpers
scheduling/corev1/nodeaffinity].
"""

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Literal

from msgspec import Struct
from pydantic import model_validator

from simkube.kube.errors import BadValue
from simkube.kube.model import KubeModel, Labels, empty_dict

Test = tuple[str, str, frozenset[str], int]  # key, operator, values, the integer of Gt and Lt


class Selector(Struct, frozen=True):
    """A compiled label selector: all of `equal` and all of `tests` hold. `never` marks the one that selects nothing."""

    equal: tuple[tuple[str, str], ...] = ()
    tests: tuple[Test, ...] = ()
    never: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Does an object with these labels belong to the selection?"""
        if self.never:
            return False
        for key, value in self.equal:
            if labels.get(key) != value:
                return False
        return not self.tests or all(_holds(test, labels) for test in self.tests)

    @property
    def is_everything(self) -> bool:
        """No requirement at all."""
        return not (self.equal or self.tests or self.never)


EVERYTHING = Selector()
NOTHING = Selector(never=True)


class LabelSelectorRequirement(KubeModel):
    """`matchExpressions[]`."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _values_fit(self) -> "LabelSelectorRequirement":
        _check_values(self.key, self.operator, self.values)
        return self


class LabelSelector(KubeModel):
    """`{matchLabels, matchExpressions}`; empty it selects everything, absent (None) nothing."""

    match_labels: Labels = empty_dict()
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()

    @cached_property
    def compiled(self) -> Selector:
        """Ready to match."""
        tests = tuple(_test(r.key, r.operator, r.values) for r in self.match_expressions)
        return Selector(tuple(sorted(self.match_labels.items())), tests)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Does an object with these labels belong to the selection?"""
        return self.compiled.matches(labels)


def compile_selector(selector: LabelSelector | None) -> Selector:
    """The compiled selector; None selects nothing."""
    return NOTHING if selector is None else selector.compiled


def compile_labels(labels: Mapping[str, str]) -> Selector:
    """A map of labels (a Service's selector, a pod's nodeSelector) as a selector; an empty map selects everything."""
    return Selector(tuple(sorted(labels.items())))


class NodeSelectorRequirement(KubeModel):
    """`matchExpressions[]` or `matchFields[]` of a node selector term."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _values_fit(self) -> "NodeSelectorRequirement":
        _check_values(self.key, self.operator, self.values)
        return self


class NodeSelectorTerm(KubeModel):
    """All requirements must hold; a term without any matches no node."""

    match_expressions: tuple[NodeSelectorRequirement, ...] = ()
    match_fields: tuple[NodeSelectorRequirement, ...] = ()

    @model_validator(mode="after")
    def _fields_known(self) -> "NodeSelectorTerm":
        for field in self.match_fields:
            if (
                field.key != "metadata.name"
                or field.operator not in ("In", "NotIn")
                or len(field.values) != 1
            ):
                raise BadValue(
                    "matchFields takes only metadata.name, operator In or NotIn, and one value",
                    "write {key: metadata.name, operator: In, values: [NODE]}",
                )
        return self

    @cached_property
    def _compiled(self) -> tuple[tuple[Test, ...], tuple[Test, ...]]:
        return (
            tuple(_test(r.key, r.operator, r.values) for r in self.match_expressions),
            tuple(_test(r.key, r.operator, r.values) for r in self.match_fields),
        )

    def matches(self, labels: Mapping[str, str], name: str) -> bool:
        """Does the node with these labels and this name satisfy the term?"""
        expressions, fields = self._compiled
        if not (expressions or fields):
            return False
        return all(_holds(t, labels) for t in expressions) and all(
            _holds(t, {"metadata.name": name}) for t in fields
        )


class NodeSelector(KubeModel):
    """`nodeSelectorTerms`, of which one must match."""

    node_selector_terms: tuple[NodeSelectorTerm, ...]

    def matches(self, labels: Mapping[str, str], name: str) -> bool:
        """Does the node with these labels and this name satisfy one of the terms?"""
        return any(term.matches(labels, name) for term in self.node_selector_terms)


@lru_cache(maxsize=4096)
def resolve_int_or_percent(value: int | str, total: int, round_up: bool) -> int:
    """`3` is 3; `"25%"` is a quarter of `total`, rounded up or down [`GetScaledValueFromIntOrPercent`]."""
    if isinstance(value, int):
        return value
    if not value.endswith("%"):
        raise BadValue(f'"{value}" is neither a number nor a percentage', 'write 1 or "25%"')
    scaled = int(value[:-1]) * total
    return -(-scaled // 100) if round_up else scaled // 100


def _check_values(key: str, operator: str, values: tuple[str, ...]) -> None:
    if operator in ("In", "NotIn") and not values:
        raise BadValue(f"operator {operator} of {key} needs values", "add values: [...]")
    if operator in ("Exists", "DoesNotExist") and values:
        raise BadValue(f"operator {operator} of {key} takes no values", "remove values, or use In or NotIn")
    if operator in ("Gt", "Lt") and (len(values) != 1 or _integer(values[0]) is None):
        raise BadValue(f"operator {operator} of {key} takes one whole number", 'write values: ["4"]')


def _test(key: str, operator: str, values: Iterable[str]) -> Test:
    values = tuple(values)
    number = _integer(values[0]) if operator in ("Gt", "Lt") else None
    return (key, operator, frozenset(values), 0 if number is None else number)


def _holds(test: Test, labels: Mapping[str, str]) -> bool:
    key, operator, values, number = test
    value = labels.get(key)
    match operator:
        case "In":
            return value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    have = _integer(value) if value is not None else None
    return have is not None and (have > number if operator == "Gt" else have < number)


def _integer(text: str) -> int | None:
    """As Go's `ParseInt(text, 10, 64)`: an optional sign and digits, within 64 bits."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit()) or len(text) > 40:
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None
