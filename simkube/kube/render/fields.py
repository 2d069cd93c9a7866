"""The fields of a spec as the API server prints them: what was read, with the defaults that it writes in.

[pkg/apis/core/v1, apps/v1, batch/v1, storage/v1: defaults.go and zz_generated.defaults.go, 1.37]

A model's default is the API's, so that most defaults follow from the models. Here stands where it is otherwise: values
that Go prints although they are zero (pointers), defaults that only mean something and are not written, and fields that
are carried without a model.
"""

from collections.abc import Mapping
from typing import Any

from simkube.kube.affinity import Toleration, TopologySpreadConstraint
from simkube.kube.container import Container, ContainerPort, GRPCAction
from simkube.kube.content import CARRIED, default_pull_policy
from simkube.kube.model import KubeModel, kubernetes_name
from simkube.kube.network import ServiceSpec
from simkube.kube.pod import HostPathVolumeSource, PodSpec, Volume
from simkube.kube.policy import LimitRangeItem
from simkube.kube.storage import PersistentVolumeClaimTemplate
from simkube.kube.workloads import (
    CronJobSpec,
    DaemonSetUpdateStrategy,
    JobSpec,
    RollingUpdateDaemonSet,
    RollingUpdateStatefulSet,
    StatefulSetUpdateStrategy,
)

_ZERO_IS_PRINTED = {
    (Container, "resources"),
    (CronJobSpec, "suspend"),
    (GRPCAction, "service"),
    (HostPathVolumeSource, "type"),
    (JobSpec, "suspend"),
    (RollingUpdateDaemonSet, "max_surge"),
    (RollingUpdateStatefulSet, "partition"),
    (Volume, "empty_dir"),
}
_NOT_WRITTEN_IN = {
    (ContainerPort, "host_port"),  # in pods only, see `simkube.kube.render.pod`
    (Toleration, "operator"),
    (TopologySpreadConstraint, "node_affinity_policy"),
    (TopologySpreadConstraint, "node_taints_policy"),
}
_CARRIED: dict[type[KubeModel], Mapping[str, Any]] = {
    Container: {name: CARRIED[name] for name in ("terminationMessagePath", "terminationMessagePolicy")},
    JobSpec: {"manualSelector": False},
    PersistentVolumeClaimTemplate: {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "status": {"phase": "Pending"},
    },
    PodSpec: {name: CARRIED[name] for name in ("dnsPolicy", "securityContext")},
}
_WITH_MODE = ("configMap", "secret", "projected", "downwardAPI")  # sources of volumes
_CLIENT_IP_TIMEOUT = 10800  # seconds [`DefaultClientIPServiceAffinitySeconds`]


def fields(model: KubeModel) -> dict[str, Any]:
    """The model's fields, as plain data under Kubernetes' names."""
    given, kind = model.model_fields_set, type(model)
    result: dict[str, Any] = {}
    for attribute in kind.model_fields:
        value = getattr(model, attribute)
        if value is None or not (attribute in given or _is_written_in(model, attribute)):
            continue
        shown = plain(value)
        if shown or attribute in given or (kind, attribute) in _ZERO_IS_PRINTED:
            result[kubernetes_name(attribute)] = shown
    result.update((name, plain(value)) for name, value in (model.model_extra or {}).items())
    for name, value in _CARRIED.get(kind, {}).items():
        result.setdefault(name, plain(value))
    _complete(model, result)
    return result


def plain(value: Any) -> Any:
    """Dicts, lists and scalars that nobody else holds, each `fieldRef` with its default."""
    if isinstance(value, KubeModel):
        return fields(value)
    if isinstance(value, Mapping):
        copy = {name: plain(item) for name, item in value.items()}
        if isinstance(copy.get("fieldRef"), dict):
            copy["fieldRef"].setdefault("apiVersion", "v1")
        return copy
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _is_written_in(model: KubeModel, attribute: str) -> bool:
    """The API server writes the default of this field, which was not given, into the object."""
    match model, attribute:
        case DaemonSetUpdateStrategy(), "rolling_update":
            return model.type == "RollingUpdate"
        case StatefulSetUpdateStrategy(), "rolling_update":
            return "type" not in model.model_fields_set
        case ServiceSpec(), "external_traffic_policy":
            return _is_external(model)
        case ServiceSpec(), "internal_traffic_policy":
            return model.type != "ExternalName"
    return (type(model), attribute) not in _NOT_WRITTEN_IN


def _is_external(service: ServiceSpec) -> bool:
    """[pkg/api/service/util.go `ExternallyAccessible`]."""
    extra = service.model_extra or {}
    return service.type in ("LoadBalancer", "NodePort") or (
        service.type == "ClusterIP" and bool(extra.get("externalIPs"))
    )


def _complete(model: KubeModel, result: dict[str, Any]) -> None:
    """Write the defaults in that depend on other fields."""
    match model:
        case Container(image=image) if image:
            result.setdefault("imagePullPolicy", default_pull_policy(image))
        case PodSpec(service_account_name=account) if account:
            result["serviceAccount"] = account
        case Volume():
            for source in _WITH_MODE:
                if isinstance(result.get(source), dict):
                    result[source].setdefault("defaultMode", CARRIED["defaultMode"])
        case ServiceSpec():
            if model.type == "LoadBalancer":
                result.setdefault("allocateLoadBalancerNodePorts", True)
            if model.session_affinity == "ClientIP":
                timeout = {"clientIP": {"timeoutSeconds": _CLIENT_IP_TIMEOUT}}
                result.setdefault("sessionAffinityConfig", timeout)
        case LimitRangeItem(type="Container"):
            result["default"], result["defaultRequest"] = plain(model.defaults), plain(model.default_requests)
