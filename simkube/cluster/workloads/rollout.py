"""How many pods each ReplicaSet of a Deployment should have next (behaviour 4.2): arithmetic only.

[DR: pkg/controller/deployment/rolling.go, sync.go; DU: pkg/controller/deployment/util/deployment_util.go]
"""

from collections.abc import Sequence
from math import floor
from typing import NamedTuple

from simkube.kube.objects import Workload, WorkloadStatus
from simkube.kube.selector import resolve_int_or_percent
from simkube.kube.workloads import DeploymentSpec

DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"


class Scale(NamedTuple):
    """Give a ReplicaSet this size. `forced`: write its annotations even if the size is right already."""

    replicaset: Workload
    replicas: int
    forced: bool = False


def max_surge(spec: DeploymentSpec) -> int:
    """Pods beyond the wanted number that a rollout may make; rounded up."""
    return _fenceposts(spec)[0]


def max_unavailable(spec: DeploymentSpec) -> int:
    """Pods below it that a rollout may cause; rounded down; at least 1 if it may not surge, at most all."""
    return min(_fenceposts(spec)[1], spec.replicas)


def least_available(spec: DeploymentSpec) -> int:
    """Pods that have to be available for the Deployment to be."""
    return spec.replicas - max_unavailable(spec)


def _fenceposts(spec: DeploymentSpec) -> tuple[int, int]:
    """[`ResolveFenceposts`]"""
    update = spec.strategy.rolling_update
    if update is None:
        return 0, 0
    surge = resolve_int_or_percent(update.max_surge, spec.replicas, round_up=True)
    unavailable = resolve_int_or_percent(update.max_unavailable, spec.replicas, round_up=False)
    return surge, unavailable if surge or unavailable else 1


def by_age(replicasets: Sequence[Workload]) -> list[Workload]:
    """Oldest first; created within the same second, by name [`ReplicaSetsByCreationTimestamp`]."""
    return sorted(replicasets, key=_age)


def _age(replicaset: Workload) -> tuple[int, str]:
    return floor(replicaset.meta.created), replicaset.meta.name


def size(replicasets: Sequence[Workload]) -> int:
    """Pods wanted of them all; terminating ones do not count."""
    return sum(replicaset.spec.replicas for replicaset in replicasets)


def active(replicasets: Sequence[Workload]) -> list[Workload]:
    """Those that want pods."""
    return [replicaset for replicaset in replicasets if replicaset.spec.replicas > 0]


# -- rolling update and Recreate ----------------------------------------------------------------------------------


def rolling_step(spec: DeploymentSpec, new: Workload, olds: Sequence[Workload]) -> list[Scale]:
    """The next step: the new one up if there is room, else old ones down as far as availability lets."""
    replicas: int = new.spec.replicas
    if replicas != spec.replicas:
        grown = grow(spec, replicas, size((new, *olds)))
        if grown != replicas:
            return [Scale(new, grown)]
    return shrink(spec, new, olds)


def grow(spec: DeploymentSpec, replicas: int, total: int) -> int:
    """Size of a new ReplicaSet that has `replicas` of the `total` pods of all [`NewRSNewReplicas`]."""
    if replicas >= spec.replicas or spec.strategy.type == "Recreate":
        return spec.replicas
    room = spec.replicas + max_surge(spec) - total
    return min(spec.replicas, replicas + max(0, room))


def shrink(spec: DeploymentSpec, new: Workload, olds: Sequence[Workload]) -> list[Scale]:
    """Old ReplicaSets down, oldest first: their unavailable pods, then what availability can spare. Nothing more while
    one of them still counts more available pods than it was last given [`reconcileOldReplicaSets`]."""
    olds = by_age(active(olds))
    if not olds:
        return []
    least = least_available(spec)
    pending = new.spec.replicas - new.status.available
    budget = size((new, *olds)) - least - pending
    if budget <= 0:
        return []
    steps: list[Scale] = []
    sizes = {old.meta.uid: old.spec.replicas for old in olds}
    for old in olds:
        if budget == 0:
            break
        unhealthy = min(budget, sizes[old.meta.uid] - old.status.available)
        if unhealthy < 0:
            return steps
        if unhealthy > 0:
            budget -= unhealthy
            sizes[old.meta.uid] -= unhealthy
            steps.append(Scale(old, sizes[old.meta.uid]))
    spare = new.status.available + sum(old.status.available for old in olds) - least
    for old in olds:
        fewer = min(sizes[old.meta.uid], spare)
        if fewer > 0:
            spare -= fewer
            sizes[old.meta.uid] -= fewer
            steps.append(Scale(old, sizes[old.meta.uid]))
    return steps


def stop_all(olds: Sequence[Workload]) -> list[Scale]:
    """Recreate begins with this."""
    return [Scale(old, 0) for old in active(olds)]


# -- scaling ------------------------------------------------------------------------------------------------------


def is_scaled(spec: DeploymentSpec, replicasets: Sequence[Workload]) -> bool:
    """Somebody changed the Deployment's replicas since its ReplicaSets were last sized [`isScalingEvent`]."""
    for replicaset in active(replicasets):
        desired = number(replicaset, DESIRED_REPLICAS)
        if desired is not None and desired != spec.replicas:
            return True
    return False


def scaling(
    spec: DeploymentSpec, status: WorkloadStatus, new: Workload | None, olds: Sequence[Workload]
) -> list[Scale]:
    """New sizes after a change of replicas, or while paused: one active ReplicaSet takes all, several keep their
    proportions [sync.go `scale`]."""
    replicasets = [*olds, *([new] if new is not None else [])]
    candidates = active(replicasets) or ([new] if new is not None else by_age(olds)[-1:])
    if len(candidates) == 1:
        return [Scale(candidates[0], spec.replicas)]
    if new is not None and _is_saturated(spec, new):
        return stop_all(olds)
    return _proportional(spec, status, candidates) if spec.strategy.type == "RollingUpdate" else []


def _is_saturated(spec: DeploymentSpec, new: Workload) -> bool:
    sizes = {new.spec.replicas, new.status.available, number(new, DESIRED_REPLICAS)}
    return sizes == {spec.replicas}


def _proportional(
    spec: DeploymentSpec, status: WorkloadStatus, replicasets: Sequence[Workload]
) -> list[Scale]:
    limit = spec.replicas + max_surge(spec) if spec.replicas > 0 else 0
    to_add = limit - size(replicasets)
    ordered = sorted(replicasets, key=_age, reverse=to_add > 0)
    ordered.sort(key=lambda replicaset: -replicaset.spec.replicas)
    added = 0
    sizes = []
    for replicaset in ordered:
        share = _share(spec, status, replicaset) if to_add else 0
        left = to_add - added
        share = (min(share, left) if to_add > 0 else max(share, left)) if left else 0
        added += share
        sizes.append(replicaset.spec.replicas + share)
    if sizes:
        sizes[0] = max(0, sizes[0] + to_add - added)
    return [
        Scale(replicaset, replicas, forced=True) for replicaset, replicas in zip(ordered, sizes, strict=True)
    ]


def _share(spec: DeploymentSpec, status: WorkloadStatus, replicaset: Workload) -> int:
    """What a ReplicaSet would grow by, keeping its share of the total at its last sizing [`getReplicaSetFraction`]."""
    replicas: int = replicaset.spec.replicas
    if spec.replicas == 0:
        return -replicas
    before = number(replicaset, MAX_REPLICAS) or status.replicas
    if before == 0:
        return 0
    return floor(replicas * (spec.replicas + max_surge(spec)) / before + 0.5) - replicas


def number(replicaset: Workload, annotation: str) -> int | None:
    """A count that an annotation holds; None if there is none, or it is not one."""
    text = replicaset.meta.annotations.get(annotation, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None
