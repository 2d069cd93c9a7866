"""What a LimitRange demands of requests and limits [plugin/pkg/admission/limitranger/admission.go].

Each function gives the complaint, "" if there is none.
"""

from collections.abc import Callable, Iterator, Sequence

from simkube.cluster.admission.amounts import NONE, Amount, Amounts, amounts, in_all, limits_of, requests_of
from simkube.kube.model import Resources
from simkube.kube.pod import PodSpec
from simkube.kube.policy import LimitRangeItem

Constraint = Callable[[str, str, Amount, Amounts, Amounts], str]


def at_least(type_: str, resource: str, least: Amount, requests: Amounts, limits: Amounts) -> str:
    """[`minConstraint`]"""
    start = f"minimum {resource} usage per {type_} is {least}"
    request, limit = requests.get(resource), limits.get(resource)
    if request is None:
        return f"{start}.  No request is specified"
    if request.nanos < least.nanos:
        return f"{start}, but request is {request}"
    if limit is not None and limit.nanos < least.nanos:
        return f"{start}, but limit is {limit}"
    return ""


def at_most(type_: str, resource: str, most: Amount, requests: Amounts, limits: Amounts) -> str:
    """[`maxConstraint`]"""
    start = f"maximum {resource} usage per {type_} is {most}"
    request, limit = requests.get(resource), limits.get(resource)
    if limit is None:
        return f"{start}.  No limit is specified"
    if limit.nanos > most.nanos:
        return f"{start}, but limit is {limit}"
    if request is not None and request.nanos > most.nanos:
        return f"{start}, but request is {request}"
    return ""


def request_at_most(type_: str, resource: str, most: Amount, requests: Amounts, _: Amounts) -> str:
    """[`maxRequestConstraint`]"""
    start = f"maximum {resource} usage per {type_} is {most}"
    request = requests.get(resource)
    if request is None:
        return f"{start}.  No request is specified"
    return f"{start}, but request is {request}" if request.nanos > most.nanos else ""


def ratio_at_most(type_: str, resource: str, most: Amount, requests: Amounts, limits: Amounts) -> str:
    """[`limitRequestRatioConstraint`]"""
    start = f"{resource} max limit to request ratio per {type_} is {most}"
    request, limit = requests.get(resource, NONE).nanos, limits.get(resource, NONE).nanos
    if not request:
        return f"{start}, but no request is specified or request is 0"
    if not limit:
        return f"{start}, but no limit is specified or limit is 0"
    ratio = limit / request
    return f"{start}, but provided ratio is {ratio:.6f}" if ratio * 1e9 > most.nanos else ""


def pod_errors(items: Sequence[LimitRangeItem], spec: PodSpec) -> list[str]:
    """What one LimitRange has against a pod [`PodValidateLimitFunc`]."""
    found: list[str] = []
    for item in items:
        if item.type == "Container":
            for container in (*spec.containers, *spec.init_containers):
                found += _complaints(item, requests_of(container), limits_of(container))
        elif item.type == "Pod":
            found += _complaints(item, in_all(spec, requests_of), in_all(spec, limits_of))
    return found


def claim_errors(items: Sequence[LimitRangeItem], requested: Resources) -> list[str]:
    """What one LimitRange has against a claim [`PersistentVolumeClaimValidateLimitFunc`]."""
    requests = amounts(requested)
    return [
        error
        for item in items
        if item.type == "PersistentVolumeClaim"
        for error in (
            *_check(at_least, item.type, item.min, requests, {}),
            *_check(request_at_most, item.type, item.max, requests, {}),
        )
    ]


def _complaints(item: LimitRangeItem, requests: Amounts, limits: Amounts) -> Iterator[str]:
    yield from _check(at_least, item.type, item.min, requests, limits)
    yield from _check(at_most, item.type, item.max, requests, limits)
    yield from _check(ratio_at_most, item.type, item.max_limit_request_ratio, requests, limits)


def _check(
    constraint: Constraint, type_: str, bounds: Resources, requests: Amounts, limits: Amounts
) -> Iterator[str]:
    """By name of the resource; Kubernetes goes through them in any order."""
    for resource, bound in sorted(amounts(bounds).items()):
        if error := constraint(type_, resource, bound, requests, limits):
            yield error
