"""One look at a Deployment: what it does to its ReplicaSets, and what its status says then (behaviour 4.2)
[pkg/controller/deployment/deployment_controller.go `syncDeployment`, sync.go, rolling.go, recreate.go].

It writes the Deployment once, at its end, where Kubernetes may write it two or three times.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from simkube.cluster.api import Client
from simkube.cluster.errors import ApiError
from simkube.cluster.workloads import rollout, rollout_status
from simkube.cluster.workloads.deployment_revisions import (
    REVISION,
    TemplateHashes,
    last_revision,
    new_replicaset,
    resized,
    with_revision,
)
from simkube.cluster.workloads.rollout import Scale
from simkube.cluster.workloads.rollout_status import (
    NO_DEADLINE,
    PROGRESSING,
    condition_of,
    is_complete,
    with_condition,
)
from simkube.kube.objects import Condition, Pod, Workload, WorkloadStatus

KIND = "Deployment"
REPLICASET = "ReplicaSet"


def pods_of(client: Client, replicasets: Iterable[Workload]) -> Iterator[Pod]:
    """The pods that ReplicaSets own, in any phase."""
    for replicaset in replicasets:
        yield from (obj for obj in client.owned_by(replicaset.meta.uid).values() if type(obj) is Pod)


class DeploymentSync:
    """`deployment` is what it is while `run` goes on, and what is stored after it; `new` the ReplicaSet of its
    template, if there is one; `rolls_out` says that it was neither deleting, paused nor scaling."""

    def __init__(
        self,
        client: Client,
        now: float,
        hashes: TemplateHashes,
        deployment: Workload,
        replicasets: Sequence[Workload],
    ) -> None:
        self.deployment = deployment
        self.rolls_out = False
        self._client = client
        self._now = now
        self._hashes = hashes
        self._has_deadline = deployment.spec.progress_deadline_seconds != NO_DEADLINE
        self._least = rollout.least_available(deployment.spec)
        self.new = hashes.find_new(deployment, replicasets)
        self._olds = [replicaset for replicaset in replicasets if replicaset is not self.new]

    def run(self) -> None:
        """Raises `ApiError` where a write fails; what was done until then stays."""
        spec = self.deployment.spec
        if self.deployment.meta.deletion_timestamp is None:
            pause = rollout_status.pause_condition(self.deployment, self._now)
            if pause is not None:
                self._note(pause)
        self._keep_revision()
        if self.deployment.meta.deletion_timestamp is not None:
            self._write(rollout_status.counted(*self._state()))
        elif spec.paused or rollout.is_scaled(spec, self._all()):
            self._scale(rollout.scaling(spec, self.deployment.status, self.new, self._olds))
            if spec.paused:
                self._clean_up()
            self._write(rollout_status.counted(*self._state()))
        else:
            self.rolls_out = True
            if spec.strategy.type == "Recreate":
                self._recreate()
            else:
                self._roll()
            status = rollout_status.rolled_out(*self._state())
            if is_complete(self.deployment, status):
                self._clean_up()
            self._write(status)

    @property
    def is_settled(self) -> bool:
        """The rollout asks for nothing more, whatever becomes of its pods; asked after `run`."""
        spec = self.deployment.spec
        return (
            self.rolls_out
            and self.new is not None
            and self.new.spec.replicas == spec.replicas
            and not rollout.active(self._olds)
            and len(self._olds) <= spec.revision_history_limit
            and rollout_status.is_over(self.deployment)
        )

    def _all(self) -> list[Workload]:
        return self._olds if self.new is None else [*self._olds, self.new]

    def _state(self) -> tuple[Workload, Workload | None, list[Workload], int, float]:
        return self.deployment, self.new, self._olds, self._least, self._now

    def _write(self, status: WorkloadStatus) -> None:
        """Write the Deployment if it differs from what is stored."""
        meta = self.deployment.meta
        stored: Workload = self._client.get(KIND, meta.name, meta.namespace)
        if status != stored.status or meta != stored.meta:
            self.deployment = self._client.update(replace(self.deployment, status=status))

    def _note(self, condition: Condition) -> None:
        status = self.deployment.status
        status = replace(status, conditions=with_condition(status.conditions, condition))
        self.deployment = replace(self.deployment, status=status)

    def _roll(self) -> None:
        """[`rolloutRolling`]"""
        new = self.new or self._create_new()
        self._scale(rollout.rolling_step(self.deployment.spec, new, self._olds))

    def _recreate(self) -> None:
        """[`rolloutRecreate`]"""
        if self._scale(rollout.stop_all(self._olds)) or self._old_pods_run():
            return
        new = self.new or self._create_new()
        self._scale([Scale(new, self.deployment.spec.replicas)])

    def _old_pods_run(self) -> bool:
        """Some old pod is not in a terminal phase, be it terminating on a dead node [`oldPodsRunning`]."""
        if any(old.status.replicas > 0 for old in self._olds):
            return True
        return any(not pod.is_finished for pod in pods_of(self._client, self._olds))

    # -- its ReplicaSets ------------------------------------------------------------------------------------------

    def _keep_revision(self) -> None:
        """The new ReplicaSet has the highest revision, and the Deployment shows it."""
        if self.new is None:
            return
        current = with_revision(self.deployment, self.new, last_revision(self._olds) + 1)
        if current is not self.new:
            self.new = self._client.update(current)
        self._show_revision(self.new)
        if self._has_deadline and condition_of(self.deployment.status, PROGRESSING) is None:
            text = f'Found new replica set "{self.new.meta.name}"'
            self._note(Condition(PROGRESSING, "True", self._now, "FoundNewReplicaSet", text, self._now))

    def _show_revision(self, new: Workload) -> None:
        meta = self.deployment.meta
        revision = new.meta.annotations.get(REVISION, "")
        if meta.annotations.get(REVISION) != revision:
            meta = replace(meta, annotations={**meta.annotations, REVISION: revision})
            self.deployment = replace(self.deployment, meta=meta)

    def _create_new(self) -> Workload:
        """Raises what the API answers; the Deployment then says so."""
        deployment, spec = self.deployment, self.deployment.spec
        hashed = self._hashes.of(deployment.template)
        replicas = rollout.grow(spec, 0, rollout.size(self._olds))
        wanted = new_replicaset(deployment, hashed, replicas, last_revision(self._olds) + 1)
        try:
            self.new = self._client.create(wanted)
        except ApiError as error:
            text = f'Failed to create new replica set "{wanted.meta.name}": {error.message}'
            if self._has_deadline and self._client.reachable:
                self._note(
                    Condition(PROGRESSING, "False", self._now, "ReplicaSetCreateError", text, self._now)
                )
                self._write(self.deployment.status)
            self._client.event(deployment, "Warning", "ReplicaSetCreateError", text)
            raise
        name = self.new.meta.name
        if replicas > 0:
            text = f"Scaled up replica set {name} from 0 to {replicas}"
            self._client.event(deployment, "Normal", "ScalingReplicaSet", text)
        self._show_revision(self.new)
        if self._has_deadline:
            text = f'Created new replica set "{name}"'
            self._note(Condition(PROGRESSING, "True", self._now, "NewReplicaSetCreated", text, self._now))
        return self.new

    def _scale(self, steps: list[Scale]) -> bool:
        """Write the new sizes; True if there were any."""
        scaled = False
        for replicaset, replicas, forced in steps:
            current = self._client.get(REPLICASET, replicaset.meta.name, replicaset.meta.namespace)
            before = current.spec.replicas
            if before == replicas and not forced:
                continue
            wanted = resized(self.deployment, current, replicas)
            if wanted is current:
                continue
            self._replace(self._client.update(wanted))
            if before != replicas:
                scaled = True
                way = "up" if before < replicas else "down"
                text = f"Scaled {way} replica set {wanted.meta.name} from {before} to {replicas}"
                self._client.event(self.deployment, "Normal", "ScalingReplicaSet", text)
        return scaled

    def _replace(self, replicaset: Workload) -> None:
        if self.new is not None and self.new.meta.uid == replicaset.meta.uid:
            self.new = replicaset
        else:
            self._olds = [replicaset if old.meta.uid == replicaset.meta.uid else old for old in self._olds]

    def _clean_up(self) -> None:
        """Delete the oldest revisions beyond the limit, unless they have pods [`cleanupDeployment`]."""
        alive = [old for old in self._olds if old.meta.deletion_timestamp is None]
        surplus = len(alive) - self.deployment.spec.revision_history_limit
        if surplus <= 0:
            return
        by_revision = sorted(rollout.by_age(alive), key=lambda old: last_revision([old]))
        for old in by_revision[:surplus]:
            seen = old.meta.generation <= old.status.observed_generation
            if old.status.replicas == old.spec.replicas == 0 and seen:
                self._client.delete(REPLICASET, old.meta.name, old.meta.namespace)
