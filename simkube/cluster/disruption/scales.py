"""How many pods a pod's controller wants: what a budget's percentages are shares of (behaviour 5.1)
[pkg/controller/disruption/disruption.go `getExpectedScale`]."""

from collections.abc import Iterable

from simkube.cluster.api import Client
from simkube.cluster.store import Change, Did
from simkube.kube.objects import Other, OwnerReference, Workload

FOLLOWED = ("Deployment", "ReplicaSet", "StatefulSet")
WITHOUT_SCALE = {"DaemonSet": "daemonsets.apps", "Job": "jobs.batch", "Node": "nodes"}


class NoScale(Exception):
    """A controller without a scale."""


class NoController(NoScale):
    """A controller that is not there."""

    def __init__(self, controller: OwnerReference) -> None:
        super().__init__(f"{controller.kind} {controller.name} is not there")
        self.controller = controller


class ScaleWatch:
    """Counts the `changes` after which a scale may be another, as far as scales rest on `FOLLOWED` kinds alone."""

    def __init__(self, client: Client) -> None:
        self.changes = 0
        for kind in FOLLOWED:
            client.watch(kind, self._changed, Did.ADDED | Did.REMOVED | Did.META | Did.SPEC)

    def _changed(self, change: Change) -> None:
        self.changes += 1


def expected_scale(client: Client, namespace: str, controllers: Iterable[OwnerReference]) -> int:
    """The sum of the replicas of these controllers of pods; the ReplicaSets of one Deployment count once, as that.
    Raises `NoScale`."""
    return sum(dict(_scale(client, namespace, controller) for controller in controllers).values())


def _scale(client: Client, namespace: str, controller: OwnerReference) -> tuple[str, int]:
    """(UID, spec.replicas) of a controller; of a ReplicaSet's Deployment, if it has one."""
    plural = WITHOUT_SCALE.get(controller.kind)
    if plural is not None:
        raise NoScale(f"{plural} does not implement the scale subresource")
    owner: Workload | Other | None = client.get(controller.kind, controller.name, namespace)
    if owner is None or owner.meta.uid != controller.uid:
        raise NoController(controller)
    if owner.kind == "ReplicaSet":
        above = owner.meta.controller
        if above is not None and above.kind == "Deployment":
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
