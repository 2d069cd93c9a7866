"""What the models of Kubernetes objects have in common: names, nulls, unknown fields, and the types of their fields.

An attribute is the Kubernetes name in snake_case, its default is the API's, `None` in a mapping is the same as absent
(as Kubernetes reads JSON), and fields that are not modelled are kept. `to_dict` gives back what was read.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, model_validator

from simkube.kube.errors import BadValue, shown
from simkube.kube.quantity import parse_quantity

MAX_COUNT = 1_000_000  # replicas, completions ...: more than any cluster runs

_INITIALS = {
    "ip": "IP",
    "ips": "IPs",
    "cidr": "CIDR",
    "cidrs": "CIDRs",
    "id": "ID",
    "pid": "PID",
    "ipc": "IPC",
}


def kubernetes_name(attribute: str) -> str:
    """`cluster_ip` -> `clusterIP`, `pod_management_policy` -> `podManagementPolicy`."""
    first, *rest = attribute.split("_")
    return first + "".join(_INITIALS.get(word) or word.capitalize() for word in rest)


class KubeModel(BaseModel):
    """Base of all models of Kubernetes objects. Frozen; unknown fields are kept as attributes of their own name."""

    model_config = ConfigDict(
        frozen=True, extra="allow", alias_generator=kubernetes_name, populate_by_name=True
    )

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


def _non_negative_quantity(value: str | float) -> str | int | float:
    if parse_quantity(value) < 0:
        raise BadValue(f"{shown(value)} is negative", "write 0 or more")
    return value


def _int_or_percent(value: int | str) -> int | str:
    if isinstance(value, str) and not (value.endswith("%") and value[:-1].isascii() and value[:-1].isdigit()):
        raise BadValue(f"{shown(value)} is neither a number nor a percentage", 'write 1 or "25%"')
    if isinstance(value, int) and value < 0:
        raise BadValue(f"{value} is negative", "write 0 or more")
    if isinstance(value, str) and len(value) > 8:
        raise BadValue(f"{shown(value)} is too large a percentage", 'write "100%" or less')
    return value


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
IntOrString = Annotated[int, Strict()] | str
IntOrPercent = Annotated[Annotated[int, Strict()] | str, AfterValidator(_int_or_percent)]
Quantity = Annotated[
    str | Annotated[int, Strict()] | Annotated[float, Strict()], AfterValidator(_non_negative_quantity)
]
Resources = dict[str, Quantity]  # resource name -> quantity as written
Labels = dict[str, str]


def empty_dict() -> Any:
    """Field with an empty mapping as default."""
    return Field(default_factory=dict)
