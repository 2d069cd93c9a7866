"""The claims and volumes of a pod, as the scheduler reads them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from simkube.cluster.api import Client
from simkube.cluster.scheduler.nodes import Bools, Nodes, Window
from simkube.cluster.scheduler.state import State
from simkube.kube.objects import Key, Node, Pod, Resource
from simkube.kube.quantity import bytes_of
from simkube.kube.selector import NodeSelectorRequirement, NodeSelectorTerm, compile_selector
from simkube.kube.storage import StorageClass, TopologySelectorTerm, claim_class

CLAIM, VOLUME, CLASS = "PersistentVolumeClaim", "PersistentVolume", "StorageClass"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
NO_PROVISIONER = "kubernetes.io/no-provisioner"


class ClaimOfPod(NamedTuple):
    """`ephemeral`: the claim is made for the pod, of its volume's template."""

    name: str
    ephemeral: bool


def claims_of(pod: Pod) -> list[ClaimOfPod]:
    """In the order of the pod's volumes; a generic ephemeral volume's claim is named after pod and volume."""
    found = [ClaimOfPod(name, False) for name in pod.template.claims]
    ephemeral = (v.name for v in pod.template.spec.volumes if v.ephemeral is not None)
    return found + [ClaimOfPod(f"{pod.meta.name}-{name}", True) for name in ephemeral]


def is_bound(claim: Resource) -> bool:
    """Fully: the volume controller has said so."""
    said = BIND_COMPLETED in claim.meta.annotations or claim.status.get("phase") == "Bound"
    return bool(claim.spec.volume_name) and said


def class_of(client: Client, claim: Resource) -> StorageClass | None:
    name = claim_class(dict(claim.meta.annotations), claim.spec)
    found = client.get(CLASS, name) if name else None
    return None if found is None else found.spec


def waits_for_consumer(client: Client, claim: Resource) -> bool:
    """Its class binds only once a pod is scheduled [component-helpers `IsDelayBindingMode`]."""
    storage_class = class_of(client, claim)
    return storage_class is not None and storage_class.volume_binding_mode == "WaitForFirstConsumer"


def refers_to(volume: Resource, claim: Resource) -> bool:
    """The volume is reserved for this claim [component-helpers `IsVolumeBoundToClaim`]."""
    reference: Mapping[str, Any] = volume.spec.claim_ref or {}
    named: Key = (reference.get("namespace", ""), reference.get("name", ""))
    return named == claim.key and reference.get("uid", claim.meta.uid) in ("", claim.meta.uid)


def could_bind(volume: Resource, claim: Resource) -> bool:
    """The volume is free for the claim, large enough and of its kind, whatever the node
    [component-helpers `FindMatchingVolume`]."""
    has, wants = volume.spec, claim.spec
    if volume.meta.deletion_timestamp is not None or has.volume_mode != wants.volume_mode:
        return False
    if bytes_of(has.capacity.get("storage", 0)) < bytes_of(wants.resources.requests.get("storage", 0)):
        return False
    if has.claim_ref is not None:
        return refers_to(volume, claim)
    if volume.status.get("phase", "Available") != "Available":
        return False
    if wants.selector is not None and not compile_selector(wants.selector).matches(volume.meta.labels):
        return False
    wanted_class = claim_class(dict(claim.meta.annotations), wants) or ""
    return has.storage_class_name == wanted_class and set(wants.access_modes) <= set(has.access_modes)


def reachable(state: State, volume: Resource, window: Window) -> Bools | None:
    """The nodes that the volume's node affinity allows; None: all."""
    affinity = volume.spec.node_affinity
    if affinity is None or affinity.required is None:
        return None
    return _any(_matches(state, term, window) for term in affinity.required.node_selector_terms)


def provisionable(state: State, terms: tuple[TopologySelectorTerm, ...], window: Window) -> Bools | None:
    """The nodes in one of a StorageClass's allowed topologies; None: all."""
    if not terms:
        return None
    return _any(
        _all(
            [_among(state, e.key, e.values, window) for e in term.match_label_expressions],
            state.nodes,
            window,
        )
        for term in terms
    )


def nowhere(nodes: Nodes, window: Window) -> Bools:
    return np.zeros_like(nodes.schedulable[window])


def _matches(state: State, term: NodeSelectorTerm, window: Window) -> Bools:
    """In-requirements are answered from the topologies, for there may be a volume with its own for each node."""
    requirements = term.match_expressions
    if not requirements and not term.match_fields:
        return nowhere(state.nodes, window)
    masks = [_among(state, r.key, r.values, window) for r in requirements if r.operator == "In"]
    others = tuple(r for r in requirements if r.operator != "In")
    if others or term.match_fields:
        masks.append(_holding(state, others, term.match_fields)[window])
    return _all(masks, state.nodes, window)


def _holding(
    state: State,
    expressions: tuple[NodeSelectorRequirement, ...],
    fields: tuple[NodeSelectorRequirement, ...],
) -> Bools:
    term = NodeSelectorTerm(match_expressions=expressions, match_fields=fields)

    def holds(node: Node) -> bool:
        return term.matches(node.meta.labels, node.meta.name)

    return state.node_sets.of(("volume", term.model_dump_json()), holds).mask


def _among(state: State, key: str, values: tuple[str, ...], window: Window) -> Bools:
    topology = state.topologies.of(key)
    codes = topology.codes[window]
    wanted = [topology.values[value] for value in values if value in topology.values]
    found: Bools = codes == wanted[0] if len(wanted) == 1 else np.isin(codes, wanted)
    return found


def _all(masks: list[Bools], nodes: Nodes, window: Window) -> Bools:
    found: Bools = np.logical_and.reduce(masks) if masks else np.ones_like(nodes.schedulable[window])
    return found


def _any(masks: Any) -> Bools:
    found: Bools = np.logical_or.reduce(list(masks))
    return found
