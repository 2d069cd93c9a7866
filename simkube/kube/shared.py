"""What pods of a dump that came from one template have in common: their spec without what is each one's own."""

from collections.abc import Mapping
from typing import Any

from simkube.kube.pod import PodSpec

_PER_POD = ("nodeName", "hostname", "subdomain")
_TOKEN = "kube-api-access-"  # volume that admission adds, with a random suffix [plugin/pkg/admission/serviceaccount]


def shared_spec(written: Mapping[str, Any], only: str) -> dict[str, Any]:
    """A pod's spec, as written, without its node, its own names, and the token's volume; with `only` (see `only_node`)
    also without the affinity to that node."""
    shared = {key: value for key, value in written.items() if key not in _PER_POD}
    for key in ("containers", "initContainers"):
        if isinstance(shared.get(key), list):
            shared[key] = [_without_token(container, "volumeMounts") for container in shared[key]]
    shared = _without_token(shared, "volumes")
    if only:
        shared["affinity"] = {
            kind: terms for kind, terms in written["affinity"].items() if kind != "nodeAffinity"
        }
    return shared


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
