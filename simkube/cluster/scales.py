"""How many pods the controllers of some pods want: what a budget's percentages are shares of (behaviour 5.1)
[pkg/controller/disruption/disruption.go `getExpectedScale`]."""

from collections.abc import Iterable

from simkube.cluster.api import Client
from simkube.kube.objects import Other, OwnerReference, Pod, Workload

WITHOUT_SCALE = {"DaemonSet": "daemonsets.apps", "Job": "jobs.batch", "Node": "nodes"}


class NoScale(Exception):
    """A controller that is not there, or has no scale."""


def expected_scale(client: Client, pods: Iterable[Pod]) -> tuple[int, list[str]]:
    """(sum of the replicas of the pods' distinct controllers, names of pods without one). Raises `NoScale`."""
    scales: dict[str, int] = {}  # UID of what has the scale -> its replicas
    seen: set[str] = set()  # UIDs of the pods' controllers
    unmanaged: list[str] = []
    owners: tuple[OwnerReference, ...] | None = None
    for pod in pods:
        if pod.meta.owners is owners:  # shared by the pods of one controller
            continue
        controller = pod.meta.controller
        if controller is None:
            unmanaged.append(pod.meta.name)
            continue
        owners = pod.meta.owners
        if controller.uid not in seen:
            seen.add(controller.uid)
            uid, replicas = _scale(client, pod, controller)
            scales[uid] = replicas
    return sum(scales.values()), unmanaged


def _scale(client: Client, pod: Pod, controller: OwnerReference) -> tuple[str, int]:
    """(UID, spec.replicas) of a pod's controller; of a ReplicaSet's Deployment, if it has one."""
    plural = WITHOUT_SCALE.get(controller.kind)
    if plural is not None:
        raise NoScale(f"{plural} does not implement the scale subresource")
    namespace = pod.meta.namespace
    owner: Workload | Other | None = client.get(controller.kind, controller.name, namespace)
    if owner is None or owner.meta.uid != controller.uid:
        raise NoScale(f'found no controllers for pod "{pod.meta.name}"')
    above = owner.meta.controller
    if owner.kind == "ReplicaSet" and above is not None and above.kind == "Deployment":
        deployment: Workload | None = client.get("Deployment", above.name, namespace)
        if deployment is not None and deployment.meta.uid == above.uid:
            owner = deployment
    return owner.meta.uid, _replicas(owner)


def _replicas(owner: Workload | Other) -> int:
    """Of a kind that is not modelled, what stands where CRDs with a scale have it."""
    if isinstance(owner, Workload):
        return int(owner.spec.replicas)
    spec = owner.extra.get("spec")
    replicas = spec.get("replicas") if isinstance(spec, dict) else None
    if not isinstance(replicas, int):
        group = owner.api_version.rpartition("/")[0]
        resource = f"{owner.kind.lower()}s.{group}".removesuffix(".")
        raise NoScale(f"{resource} does not implement the scale subresource")
    return replicas
