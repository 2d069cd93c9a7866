"""What pods of a dump that came from one template have in common: their spec without what is each one's own."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from simkube.kube.objects import Meta
from simkube.kube.pod import PodSpec

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
INDEX = "batch.kubernetes.io/job-completion-index"  # annotation of the pods of an Indexed Job
_TOKEN = "kube-api-access-"  # volume that admission adds, with a random suffix [plugin/pkg/admission/serviceaccount]


def shared_spec(written: Mapping[str, Any], meta: Meta, only: str) -> dict[str, Any]:
    """A pod's spec, as written, without its node, the hostname that its controller gave it, and the token's volume;
    with `only` (see `only_node`) also without the affinity to that node."""
    shared = {key: value for key, value in written.items() if key != "nodeName"}
    if shared.get("hostname") == own_hostname(meta):
        shared.pop("hostname", None)
    for key in ("containers", "initContainers"):
        if isinstance(shared.get(key), list):
            shared[key] = [_without_token(container, "volumeMounts") for container in shared[key]]
    shared = _without_token(shared, "volumes")
    if only:
        shared["affinity"] = _unpinned(written["affinity"])
    return shared


def own_hostname(meta: Meta) -> str:
    """The hostname that the pod's controller gives it [pkg/controller/statefulset/stateful_set_utils.go `initIdentity`;
    pkg/controller/job/job_controller.go `manageJob`]; "" if it does not."""
    owner = meta.controller
    if owner is not None and owner.kind == "StatefulSet":
        return meta.name
    if owner is not None and owner.kind == "Job" and INDEX in meta.annotations:
        return f"{owner.name}-{meta.annotations[INDEX]}"
    return ""


def pinned_to(node: str, affinity: Mapping[str, Any]) -> dict[str, Any]:
    """A pod's affinity, as written, with the one node that the DaemonSet controller allows it instead of what was
    required before [pkg/controller/daemon/util `ReplaceDaemonSetPodNodeNameNodeAffinity`]."""
    fields = [{"key": "metadata.name", "operator": "In", "values": [node]}]
    required = {"nodeSelectorTerms": [{"matchFields": fields}]}
    return {**affinity, "nodeAffinity": {**affinity.get("nodeAffinity", {}), REQUIRED: required}}


@lru_cache(maxsize=8192)
def generated_from(base: str) -> Mapping[str, Any]:
    """`Meta.extra` of an object whose name was generated; one mapping for all of the same base."""
    return MappingProxyType({"generateName": base})


def _unpinned(affinity: Mapping[str, Any]) -> dict[str, Any]:
    left = {kind: terms for kind, terms in affinity["nodeAffinity"].items() if kind != REQUIRED}
    others = {kind: terms for kind, terms in affinity.items() if kind != "nodeAffinity"}
    return {**others, "nodeAffinity": left} if left else others


def only_node(spec: PodSpec) -> str:
    """The node that required affinity on metadata.name leaves, as the DaemonSet controller writes it; "" if none
    [pkg/controller/daemon/util `ReplaceDaemonSetPodNodeNameNodeAffinity`]."""
    affinity = spec.affinity.node_affinity if spec.affinity is not None else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity is not None else None
    if required is None or len(required.node_selector_terms) != 1:
        return ""
    fields = required.node_selector_terms[0].match_fields
    return fields[0].values[0] if len(fields) == 1 and fields[0].operator == "In" else ""


def _without_token(holder: dict[str, Any], key: str) -> dict[str, Any]:
    items = holder.get(key)
    if not isinstance(items, list):
        return holder
    return {**holder, key: [item for item in items if not _is_token(item)]}


def _is_token(item: Any) -> bool:
    return isinstance(item, dict) and str(item.get("name", "")).startswith(_TOKEN)
