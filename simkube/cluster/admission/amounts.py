"""Exact amounts of resources, written as Kubernetes writes them, and what a pod asks for in all.

[apimachinery pkg/api/resource/quantity.go; component-helpers resource/helpers.go]
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from simkube.kube.container import Container
from simkube.kube.pod import PodSpec
from simkube.kube.quantity import NANO, parse_quantity, quantity_text


class Amount(NamedTuple):
    """A quantity in billionths, exactly. `binary`: it was written in Ki, Mi ..., and is so again."""

    nanos: int
    binary: bool = False

    def __str__(self) -> str:
        return quantity_text(self.nanos, self.binary)


Amounts: TypeAlias = dict[str, Amount]
"""By name of the resource; a name that is missing was not written."""

NONE = Amount(0)
ONE = Amount(NANO)


@lru_cache(maxsize=4096)
def amount(quantity: str | float) -> Amount:
    """Of a quantity as written."""
    binary = isinstance(quantity, str) and quantity.endswith("i")
    return Amount(int(parse_quantity(quantity) * NANO), binary)


def amounts(quantities: Mapping[str, Any]) -> Amounts:
    return {name: amount(quantity) for name, quantity in quantities.items()}


def plus(one: Amount, other: Amount) -> Amount:
    """The sum; it is written as the first of them, unless that is 0 [`Quantity.Add`]."""
    return Amount(one.nanos + other.nanos, one.binary if one.nanos else other.binary)


def requests_of(container: Container) -> Amounts:
    """Of a container; a limit without a request is the request [`SetDefaults_Pod`]."""
    return {**amounts(container.resources.limits), **amounts(container.resources.requests)}


def limits_of(container: Container) -> Amounts:
    return amounts(container.resources.limits)


def in_all(spec: PodSpec, of: Callable[[Container], Amounts]) -> Amounts:
    """Containers and sidecars together, or what an init container needs beside the sidecars before it, if that is more
    [`AggregateContainerRequests`, `AggregateContainerLimits`]."""
    total: Amounts = {}
    for container in spec.containers:
        _add(total, of(container))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.init_containers:
        if container.restart_policy == "Always":
            _add(total, of(container))
            _add(sidecars, of(container))
            _raise(peak, sidecars)
        else:
            both = of(container)
            _add(both, sidecars)
            _raise(peak, both)
    _raise(total, peak)
    return total


def pod_requests(spec: PodSpec) -> Amounts:
    """With the overhead [`PodRequests`]."""
    total = in_all(spec, requests_of)
    _add(total, amounts(spec.overhead))
    return total


def pod_limits(spec: PodSpec) -> Amounts:
    """With the overhead, where there is a limit [`PodLimits`]."""
    total = in_all(spec, limits_of)
    _add(total, {name: more for name, more in amounts(spec.overhead).items() if total.get(name, NONE).nanos})
    return total


def _add(total: Amounts, more: Amounts) -> None:
    for name, value in more.items():
        total[name] = plus(total[name], value) if name in total else value


def _raise(total: Amounts, least: Amounts) -> None:
    for name, value in least.items():
        if name not in total or value.nanos > total[name].nanos:
            total[name] = value
