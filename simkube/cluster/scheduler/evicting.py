"""What a preemption does: the victims are deleted, and pods of lower priority that were to come there look elsewhere.

[pkg/scheduler/framework/preemption/executor.go `PreparePodPreemption`]
"""

from collections.abc import Callable

from msgspec.structs import replace

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.errors import ApiError
from simkube.cluster.scheduler.preemption import BY_PREEMPTION, Candidate
from simkube.cluster.scheduler.state import State
from simkube.kube.objects import Condition, Key, Pod
from simkube.timings import Timings

SPARES_TERMINATING_SINCE = 35  # since this minor victims that terminate already are not deleted again


class Evictor:
    """Carries out preemptions for the scheduler `name`; `again` is told of pods that may be tried again."""

    def __init__(
        self,
        clock: Clock,
        client: Client,
        timings: Timings,
        state: State,
        name: str,
        again: Callable[[Key], None],
    ) -> None:
        self._clock = clock
        self._client = client
        self._spares_terminating = timings.version.minor >= SPARES_TERMINATING_SINCE
        self._state = state
        self._message = f"{name}: preempting to accommodate a higher priority pod"
        self._again = again

    def evict(self, preemptor: Pod, candidate: Candidate) -> None:
        """Make room for the preemptor."""
        priority = preemptor.template.priority
        for pod in list(self._state.nominated.get(candidate.node, {}).values()):
            if pod.template.priority < priority:
                self._state.nominate(pod, "")
                self._clear_nomination(pod)
        for victim in candidate.victims:
            current = self._client.get("Pod", victim.meta.name, victim.meta.namespace)
            if current is None or current.meta.uid != victim.meta.uid:
                continue
            if current.is_terminating and self._spares_terminating:
                continue
            try:
                self._delete(current, preemptor, candidate.node)
            except ApiError:
                self._again(preemptor.key)
                return

    def _delete(self, victim: Pod, preemptor: Pod, node: str) -> None:
        client = self._client
        condition = Condition("DisruptionTarget", "True", self._clock.now, BY_PREEMPTION, self._message)
        client.update(replace(victim, status=replace(victim.status, disrupted=condition)))
        client.delete("Pod", victim.meta.name, victim.meta.namespace, uid=victim.meta.uid)
        client.event(victim, "Normal", "Preempted", f"Preempted by pod {preemptor.meta.uid} on node {node}")

    def _clear_nomination(self, pod: Pod) -> None:
        current = self._client.get("Pod", pod.meta.name, pod.meta.namespace)
        if current is None or current.node:
            return
        try:
            self._client.update(replace(current, status=replace(current.status, nominated_node="")))
        except ApiError:
            return
        self._again(pod.key)
