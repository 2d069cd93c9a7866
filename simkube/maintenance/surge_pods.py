"""Bring the replacements up before the old pods go: what people ask of Kubernetes and do not get.

For each Deployment or ReplicaSet with pods on a node: scale it up by their number, wait until as many more are Ready,
mark the node's pods as the cheapest to delete (`controller.kubernetes.io/pod-deletion-cost`, behaviour 4.1), scale it
down again. The ReplicaSet then deletes the marked ones. The node must be cordoned. StatefulSets cannot be moved so.
"""

from collections import Counter
from math import inf
from typing import Any, Literal, NamedTuple

from pydantic import Field

from simkube.kube.objects import Pod, Workload
from simkube.maintenance import acts
from simkube.maintenance.health import desired, find, name_of
from simkube.maintenance.model import POLL, NodeStep, OnTimeout, Span, once, span_text
from simkube.maintenance.step import Decision, Do, Done, Failed, Journal, Note, View, WaitUntil
from simkube.maintenance.waiting_steps import READY_TIMEOUT

COST = "controller.kubernetes.io/pod-deletion-cost"
CHEAPEST = str(-(2**31))  # the annotation is an int32
SCALED = ("Deployment", "ReplicaSet")


class Owner(NamedTuple):
    """A workload with pods on the node: how many, and how many of all its pods were not Ready at the start."""

    name: str  # `Deployment shop/frontend`
    pods: int
    short: int


class SurgePods(NodeStep):
    """Move the pods of Deployments and ReplicaSets off a node by scaling up, and down again."""

    do: Literal["surge-pods"] = "surge-pods"
    timeout: Span = Field(READY_TIMEOUT, description="Time for the additional pods to be Ready; 0: no end")
    on_timeout: OnTimeout = Field(
        "abort", description="After the timeout the workloads are scaled back in any case"
    )

    @property
    def title(self) -> str:
        return f"surge the pods of {self.node}"

    @property
    def needs(self) -> str:
        return f"node {self.node}, cordoned; nobody else scales its workloads"

    @property
    def waits(self) -> str:
        limit = f", {span_text(self.timeout)} at most ({self.on_timeout})" if self.timeout else ""
        return f"as many more pods are Ready elsewhere{limit}; then marks its pods and scales down again"

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        noted = journal.noted("owners")
        if noted is None:
            return Do((Note("owners", [list(owner) for owner in owners_on(view, self.node)]),))
        owners = [Owner(*owner) for owner in noted]
        if journal.noted("ready") is None:
            for owner in owners:
                step = self._scale(owner, "up", view, journal, now)
                if step is not None:
                    return step
            return self._wait(owners, view, journal, now)
        if journal.noted("ready"):
            marking = self._mark(owners, view, journal, now)
            if marking is not None:
                return marking
        for owner in owners:
            step = self._scale(owner, "down", view, journal, now)
            if step is not None:
                return step
        if not journal.noted("ready"):
            return Failed(
                f"the additional pods are not Ready within {span_text(self.timeout)}", self.on_timeout
            )
        return Done(f"{sum(owner.pods for owner in owners)} pods moved off {self.node}")

    def _scale(
        self, owner: Owner, way: Literal["up", "down"], view: View, journal: Journal, now: float
    ) -> Decision | None:
        """Scale by the number of the pods, from what the workload has now: others may scale it at the same time. What
        is asked is noted before, so that it is asked for once."""
        workload, note = find(view, owner.name), f"{way} {owner.name}"
        if workload is None:
            return None
        asked = journal.noted(note)
        more = owner.pods if way == "up" else -owner.pods
        replicas = max(0, desired(workload) + more) if asked is None else asked
        act = acts.Scale(workload.kind, workload.meta.namespace, workload.meta.name, replicas, way)
        return Do((Note(note, replicas), act)) if asked is None else once(journal, act, now)

    def _wait(self, owners: list[Owner], view: View, journal: Journal, now: float) -> Decision:
        late = []
        for owner in owners:
            workload = find(view, owner.name)
            if workload is not None and workload.status.ready < desired(workload) - owner.short:
                late.append(owner.name)
        if not late:
            return Do((Note("ready", True),))
        if self.timeout and now >= journal.started + self.timeout:
            return Do((Note("ready", False),))
        return WaitUntil(now + POLL, None, f"more pods of {', '.join(late)} to be Ready")

    def _mark(self, owners: list[Owner], view: View, journal: Journal, now: float) -> Decision | None:
        """Mark the owners' pods that are still on the node; a pod that is gone by now needs no mark."""
        names = {owner.name for owner in owners}
        wake = inf
        for pod in view.pods_on(self.node):
            owner = owner_of(view, pod)
            if owner is None or name_of(owner) not in names or pod.meta.annotations.get(COST) == CHEAPEST:
                continue
            mark = acts.Annotate(pod.meta.namespace, pod.meta.name, pod.meta.uid, {COST: CHEAPEST})
            entry = journal.last("annotate", mark.target)
            if (
                entry is not None
                and entry.answer is not None
                and (entry.answer.ok or entry.answer.code == 404)
            ):
                continue
            undone = once(journal, mark, now)
            if isinstance(undone, WaitUntil):
                wake = min(wake, undone.time)
            elif undone is not None:
                return undone
        return WaitUntil(wake, None, f"pods of {self.node} to be marked") if wake < inf else None


def owner_of(view: View, pod: Pod) -> Workload | None:
    """The Deployment or ReplicaSet that replaces a pod, found through its owners; None for any other."""
    return _scaled(view, pod, pod.meta.namespace)


def owners_on(view: View, node: str) -> list[Owner]:
    """The workloads whose active pods on the node can be moved by scaling, in order of name."""
    found: dict[str, Workload] = {}
    pods: Counter[str] = Counter()
    for pod in view.pods_on(node):
        workload = owner_of(view, pod) if pod.is_active else None
        if workload is not None:
            found[name_of(workload)] = workload
            pods[name_of(workload)] += 1
    return [
        Owner(name, pods[name], max(0, desired(found[name]) - found[name].status.ready))
        for name in sorted(found)
    ]


def _scaled(view: View, owned: Any, namespace: str) -> Workload | None:
    reference = owned.meta.controller
    if reference is None or reference.kind not in SCALED:
        return None
    workload: Workload | None = view.get(reference.kind, reference.name, namespace)
    if workload is None or workload.meta.uid != reference.uid:
        return None
    return workload if workload.meta.controller is None else _scaled(view, workload, namespace)
