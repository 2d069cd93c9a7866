"""What an object uses of a quota [pkg/quota/v1/evaluator/core; apiserver pkg/quota/v1/generic/evaluator.go]."""

from collections.abc import Mapping
from typing import Any

from simkube.cluster.admission.amounts import (
    ONE,
    Amount,
    Amounts,
    amount,
    limits_of,
    pod_limits,
    pod_requests,
    requests_of,
)
from simkube.cluster.admission.names import resource_of
from simkube.kube.affinity import PodAffinityTerm
from simkube.kube.container import Container
from simkube.kube.objects import Object
from simkube.kube.pod import PodSpec
from simkube.kube.quantity import NANO
from simkube.kube.storage import claim_class

COMPUTE = ("cpu", "memory", "ephemeral-storage")
REQUIRED = frozenset(("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"))
"""A quota for one of these demands it of every container [`validationSet`]."""
ALIASES = {
    "ConfigMap": "configmaps",
    "ReplicationController": "replicationcontrollers",
    "ResourceQuota": "resourcequotas",
    "Secret": "secrets",
}
"""Kinds that are counted under a name from before `count/...` too."""
OF_CLASS = ".storageclass.storage.k8s.io/"


def living_pod(spec: PodSpec) -> Amounts:
    """What a pod uses until it has finished."""
    return {"pods": ONE, **_compute(pod_requests(spec), pod_limits(spec))}


def usage_of(obj: Object) -> Amounts:
    """What any object uses for being there; of a pod, beside what a living one does."""
    used = {f"count/{resource_of(obj.api_version, obj.kind)}": ONE}
    if obj.kind in ALIASES:
        used[ALIASES[obj.kind]] = ONE
    elif obj.kind == "PersistentVolumeClaim":
        used |= _claim(obj)
    elif obj.kind == "Service":
        used |= _service(obj)
    return used


def _compute(requests: Amounts, limits: Amounts) -> Amounts:
    """[`podComputeUsageHelper`]"""
    used: Amounts = {}
    for name, value in requests.items():
        if name in COMPUTE or name.startswith("hugepages-"):
            used[name] = value
        if name in COMPUTE or "/" in name or name.startswith("hugepages-"):
            used[f"requests.{name}"] = value
    for name, value in limits.items():
        if name in COMPUTE:
            used[f"limits.{name}"] = value
    return used


def _claim(claim: Any) -> Amounts:
    used = {"persistentvolumeclaims": ONE}
    size = claim.spec.resources.requests.get("storage")
    if size is not None:
        exact = amount(size)
        used["requests.storage"] = Amount(-(-exact.nanos // NANO) * NANO, exact.binary)
    if class_ := claim_class(claim.meta.annotations, claim.spec):
        used |= {f"{class_}{OF_CLASS}{name}": value for name, value in used.items()}
    return used


def _service(service: Any) -> Amounts:
    spec = service.spec
    ports = 0
    if spec.type in ("NodePort", "LoadBalancer"):
        ports = len(spec.ports)
    if spec.type == "LoadBalancer" and (spec.model_extra or {}).get("allocateLoadBalancerNodePorts") is False:
        ports = sum(1 for port in spec.ports if port.node_port)
    return {
        "services": ONE,
        "services.loadbalancers": Amount(NANO * (spec.type == "LoadBalancer")),
        "services.nodeports": Amount(NANO * ports),
    }


def unstated(spec: PodSpec, demanded: frozenset[str]) -> str:
    """`must specify limits.cpu for: a,b; ...`, or "" [`podEvaluator.Constraints`]."""
    missing: dict[str, set[str]] = {}
    for container in (*spec.containers, *spec.init_containers):
        for name in demanded.difference(_stated(container)):
            missing.setdefault(name, set()).add(container.name)
    parts = (f"{name} for: {','.join(sorted(containers))}" for name, containers in sorted(missing.items()))
    return f"must specify {'; '.join(parts)}" if missing else ""


def _stated(container: Container) -> Amounts:
    return _compute(requests_of(container), limits_of(container))


def in_scope(scope: Mapping[str, Any], spec: PodSpec) -> bool:
    """A pod is of this scope: a match expression of a scope selector [`podMatchesScopeFunc`]."""
    match scope["scopeName"]:
        case "Terminating":
            return spec.active_deadline_seconds is not None
        case "NotTerminating":
            return spec.active_deadline_seconds is None
        case "BestEffort":
            return _best_effort(spec)
        case "NotBestEffort":
            return not _best_effort(spec)
        case "PriorityClass":
            return _of_class(scope, spec.priority_class_name)
        case "CrossNamespacePodAffinity":
            return _crosses(spec)
    return False


def _of_class(scope: Mapping[str, Any], name: str) -> bool:
    values = scope.get("values") or ()
    match scope.get("operator"):
        case "In":
            return name in values
        case "NotIn":
            return name not in values
        case "DoesNotExist":
            return not name
    return bool(name)


def _best_effort(spec: PodSpec) -> bool:
    """No container asks for cpu or memory [pkg/apis/core/v1/helper/qos]."""
    return not any(
        of(container).get(name, Amount(0)).nanos
        for container in (*spec.containers, *spec.init_containers)
        for of in (requests_of, limits_of)
        for name in ("cpu", "memory")
    )


def _crosses(spec: PodSpec) -> bool:
    """Some term of pod affinity names namespaces [`usesCrossNamespacePodAffinity`]."""
    affinity = spec.affinity
    if affinity is None:
        return False
    terms: list[PodAffinityTerm] = []
    for side in (affinity.pod_affinity, affinity.pod_anti_affinity):
        if side is not None:
            terms += side.required_during_scheduling_ignored_during_execution
            terms += [
                weighted.pod_affinity_term
                for weighted in side.preferred_during_scheduling_ignored_during_execution
            ]
    return any(term.namespaces or term.namespace_selector is not None for term in terms)
