"""What the small kinds print: EndpointSlice, Lease, budgets, and plain statuses."""

from typing import Any

from simkube.kube.objects import Endpoint, EndpointSlice, Lease, PodDisruptionBudget, Resource
from simkube.kube.render.fields import plain
from simkube.kube.render.metadata import condition
from simkube.kube.render.times import micro_time_text, time_text

_CRONJOB_TIMES = ("lastScheduleTime", "lastSuccessfulTime")


def slice_content(endpoint_slice: EndpointSlice) -> dict[str, Any]:
    """Ports belong to the service and zones to the nodes: the slice does not hold them."""
    endpoints = endpoint_slice.endpoints
    is_ipv6 = bool(endpoints) and ":" in endpoints[0].address
    namespace = endpoint_slice.meta.namespace
    return {
        "addressType": "IPv6" if is_ipv6 else "IPv4",
        "endpoints": [_endpoint(endpoint, namespace) for endpoint in endpoints],
    }


def _endpoint(endpoint: Endpoint, namespace: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "addresses": [endpoint.address],
        "conditions": {
            "ready": endpoint.ready,
            "serving": endpoint.serving,
            "terminating": endpoint.terminating,
        },
        "targetRef": {"kind": "Pod", "namespace": namespace, "name": endpoint.pod, "uid": endpoint.uid},
    }
    return {**result, "nodeName": endpoint.node} if endpoint.node else result


def lease_spec(lease: Lease, epoch: float) -> dict[str, Any]:
    """A node's lease is held by the node [component-helpers apimachinery/lease/controller.go `newLease`]."""
    return {"holderIdentity": lease.meta.name, "renewTime": micro_time_text(lease.renew_time, epoch)}


def budget_status(budget: PodDisruptionBudget, epoch: float) -> dict[str, Any]:
    """The condition is always of the generation that was counted [`UpdateDisruptionAllowedCondition`]."""
    status = budget.status
    result: dict[str, Any] = {
        "disruptionsAllowed": status.disruptions_allowed,
        "currentHealthy": status.current_healthy,
        "desiredHealthy": status.desired_healthy,
        "expectedPods": status.expected_pods,
    }
    if status.observed_generation:
        result["observedGeneration"] = status.observed_generation
    if status.disrupted_pods:
        result["disruptedPods"] = {pod: time_text(at, epoch) for pod, at in status.disrupted_pods.items()}
    if status.condition is not None:
        shown = condition(status.condition, epoch, observedGeneration=status.observed_generation)
        result["conditions"] = [{"reason": "", "message": "", **shown}]  # metav1.Condition prints both always
    return result


def resource_status(resource: Resource, epoch: float) -> dict[str, Any]:
    """As it is held; the times and Jobs of a CronJob as the API shows them."""
    status: dict[str, Any] = plain(resource.status)
    if resource.kind == "CronJob":
        for name in _CRONJOB_TIMES:
            if name in status:
                status[name] = time_text(status[name], epoch)
        status["active"] = [
            {"apiVersion": "batch/v1", "kind": "Job", **job} for job in status.get("active", ())
        ]
    return {name: value for name, value in status.items() if value != []}
