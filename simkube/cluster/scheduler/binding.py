"""Binding a pod to the node chosen for it: at once, when the rate limit allows, or once its volumes are bound.

A pod whose binding takes time is assumed on its node meanwhile, so the scheduler goes on to the next
[pkg/scheduler/schedule_one.go `bindingCycle`, plugins/volumebinding/binder.go `BindPodVolumes`].
"""

from collections import deque
from collections.abc import Callable
from math import floor

from msgspec.structs import replace

from simkube.clock import Clock, Timer
from simkube.cluster.api import Client
from simkube.cluster.errors import ApiError, NotFound
from simkube.cluster.scheduler.claims import BOUND_BY_CONTROLLER, CLAIM, SELECTED_NODE, is_bound
from simkube.cluster.scheduler.cycle import Choice
from simkube.cluster.scheduler.queue import Queued
from simkube.cluster.scheduler.state import State
from simkube.cluster.scheduler.volume_binding import Plan
from simkube.kube.objects import Key, Pod, Resource
from simkube.timings import Timings

POLL = 1.0  # between two looks at the claims [binder.go, a literal in `BindPodVolumes`]
NOMINATES_SINCE = 35  # since this minor nominatedNodeName tells of a binding that waits for volumes

Failed = Callable[[Queued, Pod, str], None]
"""Told that a pod could not be bound: the pod as it was, and the message."""


class Binder:
    """Binds pods; `bound` is told of each that is, `failed` of each that is not and still exists."""

    def __init__(
        self,
        clock: Clock,
        client: Client,
        timings: Timings,
        state: State,
        bound: Callable[[Pod, str], None],
        failed: Failed,
    ) -> None:
        self._clock = clock
        self._client = client
        self._timings = timings
        self._state = state
        self._bound = bound
        self._failed = failed
        self._throttled: deque[tuple[Queued, Pod, str]] = deque()
        self._wake: Timer | None = None
        self._volumes: dict[Key, Timer] = {}  # pods whose volumes are being bound

    def bind(self, queued: Queued, pod: Pod, choice: Choice) -> None:
        """Bind the pod, now or later."""
        node, plan = choice
        if plan is not None and (plan.static or plan.provision):
            self._state.assume(pod, node)
            self._bind_volumes(queued, pod, node, plan)
        elif self._throttled or self._client.wait() > 0.0:
            self._state.assume(pod, node)
            self._throttled.append((queued, pod, node))
            self._resume()
        else:
            self._bind(queued, pod, node)

    def cancel(self, key: Key) -> bool:
        """The assumed pod is gone; True if it was one."""
        timer = self._volumes.pop(key, None)
        if timer is not None:
            timer.cancel()
        if key not in self._state.assumed:
            return False
        self._state.forget(key)
        return True

    def stop(self) -> None:
        """The process is gone, and with it what was under way."""
        self._throttled.clear()
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        for key in list(self._state.assumed):
            self.cancel(key)

    def _bind(self, queued: Queued, pod: Pod, node: str) -> None:
        try:
            self._client.bind(pod, node)
        except NotFound:
            self.cancel(pod.key)
        except ApiError as error:
            self._fail(queued, pod, f'running Bind plugin "DefaultBinder": {error.message}')
        else:
            self._bound(pod, node)

    def _fail(self, queued: Queued, pod: Pod, message: str) -> None:
        self.cancel(pod.key)
        self._failed(queued, pod, message)

    # -- waiting for the rate limit -----------------------------------------------------------------------------

    def _resume(self) -> None:
        if self._wake is None:
            self._wake = self._clock.after(self._client.wait(), self._work)

    def _work(self) -> None:
        self._wake = None
        while self._throttled:
            if self._client.wait() > 0.0:
                self._resume()
                return
            queued, pod, node = self._throttled.popleft()
            assumed = self._state.assumed.get(pod.key)
            if assumed is not None and assumed[0] is pod:
                self._bind(queued, pod, node)

    # -- waiting for volumes ------------------------------------------------------------------------------------

    def _bind_volumes(self, queued: Queued, pod: Pod, node: str, plan: Plan) -> None:
        try:
            if self._timings.version.minor >= NOMINATES_SINCE and pod.status.nominated_node != node:
                pod = self._client.update(replace(pod, status=replace(pod.status, nominated_node=node)))
                self._state.assumed[pod.key] = (pod, node)
            for volume, claim in plan.static:
                self._client.update(_reserved(volume, claim))
            for claim in plan.provision:
                self._client.update(_selected(claim, node))
        except ApiError as error:
            self._fail(queued, pod, f'running PreBind plugin "VolumeBinding": {error.message}')
            return
        self._look_later(queued, pod, node, plan, self._clock.now)

    def _look_later(self, queued: Queued, pod: Pod, node: str, plan: Plan, began: float) -> None:
        looks = floor((self._clock.now - began) / POLL + 1e-9) + 1
        self._volumes[pod.key] = self._clock.at(
            began + looks * POLL, lambda: self._look(queued, pod, node, plan, began)
        )

    def _look(self, queued: Queued, pod: Pod, node: str, plan: Plan, began: float) -> None:
        """Are all claims bound? [`checkBindings`]"""
        del self._volumes[pod.key]
        claims = [claim for _, claim in plan.static]
        problem = next((p for claim in plan.provision if (p := self._lost(claim, node))), "")
        if not problem and all(self._is_bound(claim) for claim in (*claims, *plan.provision)):
            self._throttled.append((queued, pod, node))
            self._work()
            return
        if not problem and self._clock.now - began >= self._timings.bind_timeout:
            problem = "context deadline exceeded"
        if problem:
            self._fail(queued, pod, f'running PreBind plugin "VolumeBinding": binding volumes: {problem}')
        else:
            self._look_later(queued, pod, node, plan, began)

    def _is_bound(self, claim: Resource) -> bool:
        current = self._client.get(CLAIM, claim.meta.name, claim.meta.namespace)
        return current is not None and is_bound(current)

    def _lost(self, claim: Resource, node: str) -> str:
        """The provisioner gave up, or the claim is gone."""
        current = self._client.get(CLAIM, claim.meta.name, claim.meta.namespace)
        if current is None:
            return f'failed to check provisioning pvc: could not find v1.PersistentVolumeClaim "{"/".join(claim.key)}"'
        if current.meta.annotations.get(SELECTED_NODE) != node:
            return f'provisioning failed for PVC "{claim.meta.name}"'
        return ""


def _reserved(volume: Resource, claim: Resource) -> Resource:
    """The volume with a reference to the claim [component-helpers `GetBindVolumeToClaim`]."""
    reference = {
        "apiVersion": claim.api_version,
        "kind": CLAIM,
        "namespace": claim.meta.namespace,
        "name": claim.meta.name,
        "uid": claim.meta.uid,
    }
    annotations = {**volume.meta.annotations, BOUND_BY_CONTROLLER: "yes"}
    spec = volume.spec.model_copy(update={"claim_ref": reference})
    return replace(volume, spec=spec, meta=replace(volume.meta, annotations=annotations))


def _selected(claim: Resource, node: str) -> Resource:
    annotations = {**claim.meta.annotations, SELECTED_NODE: node}
    return replace(claim, meta=replace(claim.meta, annotations=annotations))
