"""What the models of Kubernetes objects have in common: names, nulls, unknown fields, types of fields.

An attribute is the Kubernetes name in snake_case, its default is the API's, null is the same as absent (as
Kubernetes reads JSON), and fields that are not modelled are kept. `to_dict` gives back what was read.
"""

import re
from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, Strict, model_validator

from simkube.kube.errors import BadValue, shown
from simkube.kube.quantity import parse_quantity

MAX_COUNT = 1_000_000  # replicas, completions ...: more than any cluster runs

_PERCENT = re.compile(r"[0-9]{1,6}%")
_INITIALS = {
    "ip": "IP",
    "ips": "IPs",
    "cidr": "CIDR",
    "cidrs": "CIDRs",
    "id": "ID",
    "pid": "PID",
    "ipc": "IPC",
}


@cache
def kubernetes_name(attribute: str) -> str:
    """`cluster_ip` -> `clusterIP`, `pod_management_policy` -> `podManagementPolicy`."""
    first, *rest = attribute.split("_")
    return first + "".join(_INITIALS.get(word) or word.capitalize() for word in rest)


class KubeModel(BaseModel):
    """Base of all models of Kubernetes objects. Frozen; unknown fields are kept under their own names."""

    model_config = ConfigDict(
        frozen=True, extra="allow", alias_generator=kubernetes_name, populate_by_name=True
    )

    also_known: ClassVar[frozenset[str]] = frozenset()  # fields of the API that are carried, not modelled

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        if isinstance(data, dict) and None in data.values():
            return {name: value for name, value in data.items() if value is not None}
        return data

    def _derive(self, attribute: str, value: Any) -> None:
        """Set a default that depends on other fields. It stays out of `to_dict`, like any default."""
        if attribute not in self.model_fields_set:
            self.__dict__[attribute] = value

    def to_dict(self) -> dict[str, Any]:
        """What was read, under Kubernetes' names, without the defaults."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _quantity(value: Any) -> Any:
    if parse_quantity(value) < 0:
        raise BadValue(f"{shown(value)} is negative", "write 0 or more")
    return value


def _int_or_string(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadValue(f"{shown(value)} is neither a whole number nor text", "write a number or a text")
    return value


def _int_or_percent(value: Any) -> Any:
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue(f"{shown(value)} is neither a whole number nor a percentage", 'write 1 or "25%"')
    return _non_negative(value)


def _count(value: int) -> int:
    if value < 0:
        raise BadValue(f"{value} is negative", "write 0 or more")
    if value > MAX_COUNT:
        raise BadValue(
            f"{value} is more than {MAX_COUNT}, the most that can be simulated", f"write {MAX_COUNT} or less"
        )
    return value


def _non_negative(value: int) -> int:
    if value < 0:
        raise BadValue(f"{value} is negative", "write 0 or more")
    return value


Int = Annotated[int, Strict()]
Bool = Annotated[bool, Strict()]
Seconds = Annotated[int, Strict(), AfterValidator(_non_negative)]
Count = Annotated[int, Strict(), AfterValidator(_count)]
IntOrString = Annotated[int | str, PlainValidator(_int_or_string)]
IntOrPercent = Annotated[int | str, PlainValidator(_int_or_percent)]
Quantity = Annotated[str | int | float, PlainValidator(_quantity)]
Resources = dict[str, Quantity]  # resource name -> quantity as written
Labels = dict[str, str]


def empty_dict() -> Any:
    """Field with an empty mapping as default."""
    return Field(default_factory=dict)


def names(text: str) -> frozenset[str]:
    """Field names, separated by blanks."""
    return frozenset(text.split())
