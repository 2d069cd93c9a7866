"""What the API says of nodes and workloads: who lacks Ready pods, which nodes are not Ready."""

from collections.abc import Collection, Iterator, Mapping

from simkube.kube.objects import Key, Workload
from simkube.maintenance.step import View

KINDS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")


def desired(workload: Workload) -> int:
    """Pods that a workload should have; a DaemonSet as its controller counted them."""
    return workload.status.replicas if workload.kind == "DaemonSet" else int(workload.spec.replicas)


def name_of(workload: Workload) -> str:
    """`Deployment shop/frontend`."""
    return f"{workload.kind} {workload.meta.namespace}/{workload.meta.name}"


def find(view: View, name: str) -> Workload | None:
    """The workload of such a name, if it is still there."""
    kind, _, key = name.partition(" ")
    namespace, _, own = key.partition("/")
    found: Workload | None = view.get(kind, own, namespace)
    return found


def is_short(workload: Workload) -> bool:
    """Fewer of its pods are Ready than it should have."""
    return workload.status.ready < desired(workload)


def short(view: View, but: Collection[str] = ()) -> list[str]:
    """The workloads that lack Ready pods, without those named in `but`; of a Deployment's ReplicaSets only itself."""
    return [name for name in (name_of(w) for w in _workloads(view) if is_short(w)) if name not in but]


def not_ready(view: View, but: Collection[str] = ()) -> list[str]:
    """The nodes that are not Ready, without those named in `but`."""
    return [n.meta.name for n in view.nodes() if not n.is_ready and n.meta.name not in but]


def below(success: Mapping[Key, float], least: Mapping[str, float]) -> list[str]:
    """The services below what is asked of them: `least` by name, namespace/name, or * for every service."""
    found = []
    for (namespace, name), share in success.items():
        asked = least.get(f"{namespace}/{name}", least.get(name, least.get("*", 0.0)))
        if share < asked:
            found.append(
                f"service {namespace}/{name}: {share:.6g} of its requests succeeded, asked are {asked:.6g}"
            )
    return found


def _workloads(view: View) -> Iterator[Workload]:
    for kind in KINDS:
        for workload in view.table(kind).values():
            if kind != "ReplicaSet" or workload.meta.controller is None:
                yield workload
