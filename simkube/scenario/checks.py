"""What cannot be meant, found before anything runs: a budget about nothing, a pod that no node could hold, more pods
than can be simulated. Raises `InputError` for the first; what may be meant is a warning."""

from collections import Counter
from collections.abc import Iterator, Sequence

from simkube.kube.errors import nearest
from simkube.kube.kinds import KINDS
from simkube.kube.objects import Node, Pod, PodDisruptionBudget
from simkube.kube.selector import LabelSelector, Selector, compile_labels, compile_selector
from simkube.scenario.label_sets import LabelSets
from simkube.scenario.pieces import Made, Piece, Pieces, made_by
from simkube.scenario.room import amount_text, obstacle

MAX_PODS = 1_000_000
MAX_NAMED = 5  # objects that one warning names

# Kinds without a model that lose nothing by it here.
_CARRIED = frozenset(
    (
        "ClusterRole",
        "ClusterRoleBinding",
        "ConfigMap",
        "ControllerRevision",
        "CustomResourceDefinition",
        "Namespace",
        "Role",
        "RoleBinding",
        "Secret",
        "ServiceAccount",
    )
)
_MODELLED = frozenset(kind.name for kind in KINDS)

Maker = tuple[Piece, Made]


def check(pieces: Pieces, nodes: Sequence[Node]) -> Iterator[str]:
    """Warnings, one line each. Raises `InputError`."""
    makers = [(piece, made) for piece in pieces if (made := made_by(piece.obj, len(nodes))) is not None]
    top = [maker for maker in makers if maker[0].obj.meta.controller is None]
    _check_number(top)
    labels = LabelSets()
    for piece, made in makers:
        own = piece.obj.meta.labels if isinstance(piece.obj, Pod) else made.template.labels
        labels.add(piece.obj.meta.namespace, own)
    for piece in pieces:
        if isinstance(piece.obj, PodDisruptionBudget):
            _check_budget(piece, piece.obj.spec.selector, labels)
    yield from _check_room(top, nodes)
    yield from _overload(top, nodes)
    yield from _services(pieces, labels)
    yield from _unmodelled(pieces)


def _check_number(makers: Sequence[Maker]) -> None:
    total = sum(made.pods for _, made in makers)
    if total > MAX_PODS:
        piece, made = max(makers, key=lambda maker: maker[1].pods)
        message = f"{total} pods in all, {made.pods} of them of {piece.name}"
        raise piece.error(
            ("spec", "replicas"), message, f"simkube takes {MAX_PODS} at most: lower the replicas"
        )


def _check_budget(piece: Piece, selector: LabelSelector | None, labels: LabelSets) -> None:
    namespace = piece.obj.meta.namespace
    compiled = compile_selector(selector)
    if not labels.any(namespace, compiled):
        at = ("spec",) if selector is None else ("spec", "selector")
        fix = _selector_fix(compiled, namespace, labels)
        raise piece.error(at, "the budget selects no pod: it protects nothing", fix)


def _selector_fix(selector: Selector, namespace: str, labels: LabelSets) -> str:
    """The label that is meant, if one of those there is near."""
    there = labels.inside(namespace)
    for key, value in selector.equal:
        values = dict.fromkeys(one[key] for one in there if key in one)
        if value not in values:
            known = values or dict.fromkeys(name for one in there for name in one)
            hint = nearest(value if values else key, known)
            if hint:
                return f"of {key}: {hint}" if values else hint
    return "make it match the labels of a pod template in its namespace, or remove the budget"


def _check_room(makers: Sequence[Maker], nodes: Sequence[Node]) -> Iterator[str]:
    """A pod that no node could ever hold is refused; a DaemonSet without a node is legal."""
    for piece, made in makers:
        obj = piece.obj
        if not made.pods or (isinstance(obj, Pod) and (obj.node or obj.is_finished)):
            continue
        found = obstacle(made.template, nodes)
        if found is None:
            continue
        at, message, fix = found
        error = piece.error((*made.at, *at), f"{piece.name}: {message}", fix)
        if obj.kind != "DaemonSet":
            raise error
        yield str(error)


def _overload(makers: Sequence[Maker], nodes: Sequence[Node]) -> Iterator[str]:
    """More than all nodes together can hold: legal, and then pods stay Pending."""
    asked = [(made.pods, made.template.requests) for _, made in makers]
    sizes = [node.status.allocatable for node in nodes if not node.unschedulable]
    for what, wanted, there in (
        ("pods", sum(count for count, _ in asked), sum(size.pods for size in sizes)),
        ("cpu", sum(count * need.cpu for count, need in asked), sum(size.cpu for size in sizes)),
        ("memory", sum(count * need.memory for count, need in asked), sum(size.memory for size in sizes)),
    ):
        if wanted > there:
            noun = "room for pods" if what == "pods" else what
            yield (
                f"all pods together ask for {amount_text(what, wanted)} of {noun}, the nodes have "
                f"{amount_text(what, there)}: some pods will stay Pending"
            )


def _services(pieces: Pieces, labels: LabelSets) -> Iterator[str]:
    """Services that no pod will answer: legal, so they are only told of."""
    lost = [piece for piece in pieces if piece.obj.kind == "Service" and not _selects(piece, labels)]
    if lost:
        what = "Service selects" if len(lost) == 1 else "Services select"
        yield f"{lost[0].place}: {len(lost)} {what} no pod of these manifests: {_named(lost)}"


def _selects(piece: Piece, labels: LabelSets) -> bool:
    """The service selects some pod, or is not about selecting."""
    spec = getattr(piece.obj, "spec", None)
    wanted = getattr(spec, "selector", None)
    if not wanted or getattr(spec, "type", "") == "ExternalName":
        return True
    return labels.any(piece.obj.meta.namespace, compile_labels(wanted))


def _unmodelled(pieces: Pieces) -> Iterator[str]:
    counted = Counter(piece.obj.kind for piece in pieces if piece.obj.kind not in _MODELLED | _CARRIED)
    if counted:
        yield f"not modelled, kept without effect: {', '.join(f'{n} {kind}' for kind, n in counted.items())}"


def _named(pieces: Pieces) -> str:
    names = ", ".join(piece.obj.meta.name for piece in pieces[:MAX_NAMED])
    return names + (f" and {len(pieces) - MAX_NAMED} more" if len(pieces) > MAX_NAMED else "")
