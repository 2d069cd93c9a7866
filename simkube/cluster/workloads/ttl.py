"""TTL after finished: deletes a Job `ttlSecondsAfterFinished` after its end.

[pkg/controller/ttlafterfinished/ttlafterfinished_controller.go]
"""

from collections.abc import Hashable
from typing import cast

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.errors import NotFound
from simkube.cluster.store import Change, Did
from simkube.cluster.workloads.job_status import finished
from simkube.kube.objects import Key, Workload

KIND = "Job"


class TtlAfterFinishedController(Controller):
    """`ttl-after-finished-controller`. Keys are those of Jobs."""

    def __init__(self, clock: Clock, client: Client) -> None:
        super().__init__(clock, client)
        client.watch(KIND, self._changed, Did.ADDED | Did.SPEC | Did.STATUS)
        self._look_at_everything()

    def start(self) -> None:
        super().start()
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        for key in self.client.table(KIND):
            self.enqueue(key)

    def _changed(self, change: Change) -> None:
        if expiry(change.new) is not None:
            self.enqueue(change.new.key)

    def reconcile(self, key: Hashable) -> None:
        namespace, name = cast(Key, key)
        job: Workload | None = self.client.get(KIND, name, namespace)
        expires = expiry(job) if job is not None and job.meta.deletion_timestamp is None else None
        if expires is None:
            return
        if expires > self.clock.now:
            self.enqueue_at(key, expires)
            return
        try:
            live: Workload = self.client.read(KIND, name, namespace)
            if expiry(live) == expires:
                self.client.delete(KIND, name, namespace, uid=live.meta.uid)
        except NotFound:
            return


def expiry(job: Workload) -> float | None:
    """When the Job is to be deleted; None if it has not ended or is kept."""
    end, ttl = finished(job), job.spec.ttl_seconds_after_finished
    return None if end is None or ttl is None else end.since + float(ttl)
