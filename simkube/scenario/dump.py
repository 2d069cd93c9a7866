"""What a dump (`kubectl get -o yaml`) brings that a manifest does not: objects that a cluster makes by itself, pods
that are bound, owners known by their UIDs. What is there stays where it is and belongs to whom it belonged."""

from collections.abc import Collection
from contextlib import suppress

from msgspec.structs import replace

from simkube.kube.errors import BadValue, among
from simkube.kube.manifests import Manifest
from simkube.kube.objects import NOTHING, Node, Object, OwnerReference, Pod, Resource
from simkube.kube.version import Version
from simkube.scenario.pieces import Piece, Pieces
from simkube.scenario.scenario import Scenario
from simkube.scenario.units import supported

# Made anew by a run's own controllers and kubelets.
DERIVED = frozenset(
    (
        "Binding",
        "ComponentStatus",
        "Endpoints",
        "EndpointSlice",
        "Event",
        "Lease",
        "NodeMetrics",
        "PodMetrics",
        "VolumeAttachment",
    )
)

MIRROR = "kubernetes.io/config.mirror"  # annotation of a static pod's image in the API: its kubelet makes it

# What makes pods, and the resource that kubectl gets it by.
_MAKERS = {
    "ReplicaSet": "replicasets",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
    "Job": "jobs",
}

# Annotations of a claim that is bound [component-helpers storage/volume].
_BINDING = ("pv.kubernetes.io/", "volume.kubernetes.io/selected-node")

Identity = tuple[str, str, str]  # kind, namespace, name


def is_state(manifest: Manifest) -> bool:
    """The object describes what a run starts from: the cluster does not derive it, and it is not on its way out."""
    metadata = manifest.metadata
    derived = manifest.kind in DERIVED or MIRROR in metadata.annotations
    return not derived and metadata.deletion_timestamp is None


def of_the_kubelets_version(scenario: Scenario, pieces: Pieces, warnings: list[str]) -> Scenario:
    """Where nobody says the cluster's version, it is that of the newest kubelet among the manifests' nodes: an API
    server is never older."""
    if "version" in scenario.cluster.model_fields_set:
        return scenario
    versions = []
    for _, obj in pieces:
        if isinstance(obj, Node):
            with suppress(BadValue):
                versions.append(Version.parse(supported(obj.status.kubelet_version)))
    if not versions:
        return scenario
    newest = str(max(versions))
    warnings.append(f"the cluster is taken to be {newest}, as the nodes' kubelets are")
    cluster = scenario.cluster.model_copy(update={"version": newest})
    return scenario.model_copy(update={"cluster": cluster})


def with_owners(pieces: Pieces) -> list[Piece]:
    """The pieces, each owner known by its UID. Owners are found by UID, else by kind and name: where the owner brings
    no UID of its own (its manifest is from git), it gets the one that what it owns knows it by. Raises `InputError` for
    a pod whose owner is not there: it would be made a second time, or nobody would make it again."""
    by_uid = {obj.meta.uid for _, obj in pieces if obj.meta.uid}
    by_name = {_identity(obj): number for number, (_, obj) in enumerate(pieces)}
    result = list(pieces)
    for number, piece in enumerate(pieces):
        owner = piece.obj.meta.controller
        if owner is None or owner.uid in by_uid:
            continue
        if not owner.uid:
            fix = "remove ownerReferences: a controller finds its pods by their labels"
            raise piece.error(
                ("metadata", "ownerReferences"), f"the owner {owner.kind} {owner.name} has no uid", fix
            )
        found = by_name.get(_owner_identity(owner, piece.obj))
        if found is None:
            result[number] = _without(piece, owner)
        elif result[found].obj.meta.uid:
            result[number] = _owned(piece, owner, result[found].obj.meta.uid)
        else:
            manifest, obj = result[found]
            result[found] = Piece(manifest, replace(obj, meta=replace(obj.meta, uid=owner.uid)))
            by_uid.add(owner.uid)
    return result


def on_known_nodes(pieces: Pieces, nodes: Collection[str], warnings: list[str]) -> list[Piece]:
    """The pieces, with pods of a dump unbound whose nodes are not in the cluster. Raises `InputError` for such a pod
    that was written by hand."""
    result, unbound = [], []
    for piece in pieces:
        obj = piece.obj
        if isinstance(obj, Pod) and obj.node and obj.node not in nodes:
            if not obj.meta.uid:
                fix = among(obj.node, nodes, "node")
                raise piece.error(("spec", "nodeName"), f"there is no node {obj.node}", fix)
            unbound.append(obj)
            piece = Piece(piece.manifest, replace(obj, node=""))
        result.append(piece)
    if unbound:
        pod = unbound[0]
        also = f" and {len(unbound) - 1} more pods" if len(unbound) > 1 else ""
        warnings.append(
            f"{pod.meta.name}{also} were on nodes that are not given ({pod.node}): scheduled anew"
        )
    return result


def with_volumes(pieces: Pieces) -> list[Piece]:
    """The pieces, with claims unbound whose volumes are not there: they get new ones."""
    there = {obj.meta.name for _, obj in pieces if obj.kind == "PersistentVolume"}
    return [
        Piece(manifest, _unclaimed(obj) if isinstance(obj, Resource) and _is_lost(obj, there) else obj)
        for manifest, obj in pieces
    ]


def _is_lost(obj: Resource, volumes: Collection[str]) -> bool:
    if obj.kind != "PersistentVolumeClaim":
        return False
    return bool(obj.spec.volume_name) and obj.spec.volume_name not in volumes


def _unclaimed(obj: Resource) -> Resource:
    annotations = {key: value for key, value in obj.meta.annotations.items() if not key.startswith(_BINDING)}
    spec = obj.spec.model_copy(update={"volume_name": ""})
    meta = replace(obj.meta, annotations=annotations)
    return replace(obj, meta=meta, spec=spec, status=NOTHING)


def _identity(obj: Object) -> Identity:
    return (obj.kind, *obj.key)


def _owner_identity(owner: OwnerReference, obj: Object) -> Identity:
    return (owner.kind, "" if owner.kind == "Node" else obj.meta.namespace, owner.name)


def _without(piece: Piece, owner: OwnerReference) -> Piece:
    """The piece whose owner is not there. One of a kind that is not modelled stays in its metadata."""
    obj = piece.obj
    resource = _MAKERS.get(owner.kind)
    if resource is not None and isinstance(obj, Pod) and not obj.is_finished:
        message = f"its owner {owner.kind} {owner.name} is not among the manifests"
        fix = f"dump it too: kubectl get -A -o yaml {resource},... ; or leave the pods out"
        raise piece.error(("metadata", "ownerReferences"), message, fix)
    if resource is None and owner.kind not in ("Deployment", "CronJob"):
        return piece
    owners = tuple(other for other in obj.meta.owners if other is not owner)
    return Piece(piece.manifest, replace(obj, meta=replace(obj.meta, owners=owners)))


def _owned(piece: Piece, owner: OwnerReference, uid: str) -> Piece:
    owners = tuple(replace(other, uid=uid) if other is owner else other for other in piece.obj.meta.owners)
    return Piece(piece.manifest, replace(piece.obj, meta=replace(piece.obj.meta, owners=owners)))
