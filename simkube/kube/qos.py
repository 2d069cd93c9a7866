"""The quality of service class of a pod [pkg/apis/core/v1/helper/qos/qos.go `ComputePodQOS`]."""

from collections.abc import Mapping
from typing import Any

from simkube.kube.container import ResourceRequirements
from simkube.kube.pod import PodSpec
from simkube.kube.quantity import parse_quantity
from simkube.kube.template import Template

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"
COMPUTE = ("cpu", "memory")


def qos_class(spec: PodSpec) -> str:
    """Guaranteed: every container limits cpu and memory, to what it requests; BestEffort: none says anything of them;
    else Burstable. A limit without a request is the request. Resources of the pod as a whole, where given, decide."""
    whole = spec.resources or ResourceRequirements()
    asked, limits = whole.requests, whole.limits
    if limits:
        asked = {**limits, **_asked_by_containers(spec), **asked}  # [`defaultPodRequests`]
    if asked:
        return _class(asked, limits)
    classes = {
        _class({**container.resources.limits, **container.resources.requests}, container.resources.limits)
        for container in (*spec.init_containers, *spec.containers)
    }
    return classes.pop() if len(classes) == 1 else BURSTABLE if classes else BEST_EFFORT


def _asked_by_containers(spec: PodSpec) -> dict[str, Any]:
    together = Template(spec.model_copy(update={"overhead": {}})).requests
    requests = {"cpu": f"{together.cpu}m", "memory": together.memory}
    return {name: requests[name] for name in COMPUTE if getattr(together, name)}


def _class(requests: Mapping[str, Any], limits: Mapping[str, Any]) -> str:
    shapes = {_shape(requests.get(name, 0), limits.get(name, 0)) for name in COMPUTE}
    return shapes.pop() if len(shapes) == 1 else BURSTABLE


def _shape(request: Any, limit: Any) -> str:
    asked = parse_quantity(request)
    if asked != parse_quantity(limit):
        return BURSTABLE
    return GUARANTEED if asked else BEST_EFFORT
