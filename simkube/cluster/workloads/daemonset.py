"""DaemonSet controller: a pod on every node that fits, bound by the scheduler (behaviour, 4.4).

A reconcile looks only at the nodes where something changed; where Kubernetes goes through nodes in random order, this
goes in order of their creation [pkg/controller/daemon/daemon_controller.go].
"""

from collections.abc import Hashable, Iterable
from typing import NamedTuple, cast
from weakref import WeakKeyDictionary

from msgspec.structs import replace

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.store import Change, Did
from simkube.cluster.workloads.daemon_fleet import Fleet
from simkube.cluster.workloads.daemon_nodes import NOTHING, Todo, daemon_spec
from simkube.cluster.workloads.pod_control import create_pod, delete_pod
from simkube.cluster.workloads.pods import generated_name, new_pod, owned_by
from simkube.cluster.workloads.revisions import REVISION_LABEL, Revisions
from simkube.kube.objects import Key, Node, Pod, Workload
from simkube.kube.template import Template
from simkube.timings import Timings

KIND = "DaemonSet"


class _Failures(NamedTuple):
    """Backoff of failed pods on one node: the last deletion and the wait after it, in seconds."""

    at: float
    wait: float


class _Memory:
    """What the controller knows of one set. Names of pods and nodes that changed wait in `pods` and `nodes`."""

    def __init__(self) -> None:
        self.uid = ""
        self.fleet: Fleet | None = None
        self.pods: dict[str, str] = {}  # name -> node that it was made for
        self.nodes: dict[str, None] = {}
        self.failures: dict[str, _Failures] = {}


class DaemonSetController(Controller):
    """`daemon-set-controller`. Keys are those of the sets."""

    def __init__(self, clock: Clock, client: Client, timings: Timings) -> None:
        super().__init__(clock, client)
        self._timings = timings
        self._revisions = Revisions(client)
        self._memories: dict[Key, _Memory] = {}
        self._templates: WeakKeyDictionary[Template, dict[str, Template]] = WeakKeyDictionary()
        client.watch(KIND, self._set_changed, Did.ADDED | Did.REMOVED | Did.SPEC | Did.META | Did.TERMINATING)
        client.watch("Node", self._node_changed, Did.ADDED | Did.REMOVED | Did.META | Did.SPEC)
        interest = Did.ADDED | Did.REMOVED | Did.META | Did.BOUND | Did.TERMINATING | Did.READY | Did.PHASE
        client.watch("Pod", self._pod_changed, interest, owner=KIND)
        self._look_at_everything()

    def stop(self) -> None:
        super().stop()
        for key in list(self._memories):
            self._forget(key)

    def start(self) -> None:
        super().start()
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        for key in self.client.table(KIND):
            self.enqueue(key)

    # -- what happened ------------------------------------------------------------------------------------------

    def _memory(self, key: Key) -> _Memory:
        memory = self._memories.get(key)
        if memory is None:
            memory = self._memories[key] = _Memory()
        return memory

    def _set_changed(self, change: Change) -> None:
        self.enqueue(change.object.key)

    def _node_changed(self, change: Change) -> None:
        name = change.object.meta.name
        for key in self.client.table(KIND):
            self._memory(key).nodes[name] = None
            self.enqueue(key)

    def _pod_changed(self, change: Change) -> None:
        pod: Pod = change.object
        owner = pod.meta.controller
        if owner is not None and owner.kind == KIND:
            self._mark((pod.meta.namespace, owner.name), pod)
        elif owner is None and change.new is not None and change.did & (Did.ADDED | Did.META):
            for key, daemonset in self.client.table(KIND).items():
                if key[0] == pod.meta.namespace and _selects(daemonset, pod):
                    self._mark(key, pod)
        if change.old is not None and change.old.meta.owners != pod.meta.owners:
            before = change.old.meta.controller
            if before is not None and before.kind == KIND:
                self._mark((pod.meta.namespace, before.name), pod)

    def _mark(self, key: Key, pod: Pod) -> None:
        if key in self._memories or self.client.get(KIND, key[1], key[0]) is not None:
            self._memory(key).pods[pod.meta.name] = target(pod)
            self.enqueue(key)

    # -- reconciling --------------------------------------------------------------------------------------------

    def reconcile(self, key: Hashable) -> None:
        namespace, name = place = cast(Key, key)
        daemonset: Workload | None = self.client.get(KIND, name, namespace)
        if daemonset is None:
            self._forget(place)
            return
        if daemonset.meta.deletion_timestamp is not None:
            return
        memory = self._memory(place)
        fleet = self._fleet(daemonset, memory)
        try:
            if not self._manage(daemonset, memory, fleet) and not memory.nodes:
                self._update(daemonset, fleet)
        finally:
            self._report(daemonset, fleet)
            if fleet.due:
                self.enqueue_at(place, min(fleet.due.values()))

    def _forget(self, key: Key) -> None:
        memory = self._memories.pop(key, None)
        if memory is not None:
            self._revisions.forget(memory.uid)

    def _fleet(self, daemonset: Workload, memory: _Memory) -> Fleet:
        """The set's pods as they are now; built anew when the set changed."""
        uid, spec = daemonset.meta.uid, daemonset.spec
        fresh = memory.fleet is None or memory.uid != uid
        name = self._revisions.of(daemonset, self._shown(daemonset) if fresh else "")
        template = self._template(daemonset, name.removeprefix(f"{daemonset.meta.name}-"))
        fleet = memory.fleet
        if fleet is None or memory.uid != uid or fleet.spec is not spec or fleet.template is not template:
            if fleet is not None and memory.uid == uid and fleet.template is not template:
                self._truncate(daemonset, name)
            fleet = Fleet(spec, template, template.labels[REVISION_LABEL])
            memory.fleet, memory.uid = fleet, uid
            memory.failures.clear()
            for pod in self._owned(daemonset):
                fleet.put(pod.meta.name, target(pod), pod)
            memory.nodes = dict.fromkeys([node for _, node in self.client.table("Node")])
            memory.nodes |= dict.fromkeys(fleet.pods)
        for pod_name, node in memory.pods.items():
            fleet.put(pod_name, node, self._member(daemonset, pod_name))
            memory.nodes[node] = None
        memory.pods.clear()
        for node in [node for node, at in fleet.due.items() if at <= self.clock.now]:
            memory.nodes[node] = None
        return fleet

    def _template(self, daemonset: Workload, revision: str) -> Template:
        """The template of the pods: with the added tolerations and the label of the revision; always the same one."""
        variants = self._templates.setdefault(daemonset.template, {})
        template = variants.get(revision)
        if template is None:
            base = daemonset.template
            labels = {**base.labels, REVISION_LABEL: revision}
            template = variants[revision] = Template(daemon_spec(base.spec), labels, base.annotations)
        return template

    def _owned(self, daemonset: Workload) -> Iterable[Pod]:
        owned = self.client.owned_by(daemonset.meta.uid).values()
        return [obj for obj in owned if isinstance(obj, Pod)]

    def _shown(self, daemonset: Workload) -> str:
        """The revision that all pods from before say they are of, if it is one and the same."""
        hashes = {pod.meta.labels.get(REVISION_LABEL, "") for pod in self._owned(daemonset)}
        return f"{daemonset.meta.name}-{hashes.pop()}" if len(hashes) == 1 and "" not in hashes else ""

    def _member(self, daemonset: Workload, name: str) -> Pod | None:
        """The set's pod of this name; one without a controller that has the set's labels is adopted [`ClaimPods`]."""
        pod: Pod | None = self.client.get("Pod", name, daemonset.meta.namespace)
        if pod is None:
            return None
        owner = pod.meta.controller
        if owner is None and not pod.is_terminating and _selects(daemonset, pod):
            meta = replace(pod.meta, owners=(*pod.meta.owners, *owned_by(daemonset)))
            return self.client.update(replace(pod, meta=meta))
        return pod if owner is not None and owner.uid == daemonset.meta.uid else None

    # -- acting -------------------------------------------------------------------------------------------------

    def _manage(self, daemonset: Workload, memory: _Memory, fleet: Fleet) -> bool:
        """Put right the nodes that changed; True if anything was done (the rolling update then waits for a next
        sync). Where the client's rate limit makes a call wait, the rest of the nodes is left for later."""
        done = 0
        for name in list(memory.nodes):
            node: Node | None = self.client.get("Node", name)
            todo = fleet.look(name, node, self.clock.now)
            if todo != NOTHING and (
                done >= self._timings.daemonset_burst_replicas or self._must_wait(daemonset)
            ):
                break
            done += self._do(daemonset, memory, fleet, name, todo)
            del memory.nodes[name]
        return done > 0

    def _must_wait(self, daemonset: Workload) -> bool:
        """The client's rate limit would make the next call wait; the set is then looked at again afterwards."""
        if self.client.wait() <= 0.0:
            return False
        self.enqueue(daemonset.key)
        return True

    def _do(self, daemonset: Workload, memory: _Memory, fleet: Fleet, node: str, todo: Todo) -> int:
        if todo.create:
            self._create(daemonset, fleet, node)
        for pod in todo.delete:
            if pod.status.phase == "Succeeded":
                self._found("Normal", "Succeeded", "delete", daemonset, pod, node)
            delete_pod(self.client, daemonset, pod)
        killed = sum(self._failed(daemonset, memory, pod, node) for pod in todo.failed)
        return todo.create + len(todo.delete) + killed

    def _create(self, daemonset: Workload, fleet: Fleet, node: str) -> None:
        name = generated_name(daemonset.meta.name, self.client.api.suffix())
        create_pod(self.client, daemonset, new_pod(daemonset, fleet.template, name, node_affinity_name=node))

    def _failed(self, daemonset: Workload, memory: _Memory, pod: Pod, node: str) -> bool:
        """Delete a failed pod unless its node is in backoff, 1 s to 15 min; forgotten after twice that
        [client-go util/flowcontrol/backoff.go]."""
        now, most = self.clock.now, self._timings.daemonset_failed_pod_backoff_max
        last = memory.failures.get(node)
        if last is not None and now - last.at > 2 * most:
            last = None
        if last is not None and now - last.at < last.wait:
            self.clock.after(last.wait, lambda: self._again(daemonset.key, node))
            return False
        first = self._timings.daemonset_failed_pod_backoff_initial
        memory.failures[node] = _Failures(now, first if last is None else min(2 * last.wait, most))
        self._found("Warning", "Failed", "kill", daemonset, pod, node)
        delete_pod(self.client, daemonset, pod)
        return True

    def _again(self, key: Key, node: str) -> None:
        if key in self._memories:
            self._memories[key].nodes[node] = None
            self.enqueue(key)

    def _found(self, type_: str, phase: str, verb: str, daemonset: Workload, pod: Pod, node: str) -> None:
        where = f"{pod.meta.namespace}/{pod.meta.name} on node {node}"
        message = f"Found {phase.lower()} daemon pod {where}, will try to {verb} it"
        self.client.event(daemonset, type_, f"{phase}DaemonPod", message)

    def _update(self, daemonset: Workload, fleet: Fleet) -> None:
        """One step of the rolling update."""
        if daemonset.spec.update_strategy.type != "RollingUpdate" or not fleet.is_rolling:
            return
        step = fleet.step()
        for node in step.create:
            if self._must_wait(daemonset):
                return
            self._create(daemonset, fleet, node)
        for pod in step.delete:
            if self._must_wait(daemonset):
                return
            delete_pod(self.client, daemonset, pod)

    def _truncate(self, daemonset: Workload, current: str) -> None:
        prefix = daemonset.meta.name
        hashes = (pod.meta.labels.get(REVISION_LABEL, "") for pod in self._owned(daemonset))
        self._revisions.truncate(daemonset, {current, *(f"{prefix}-{shown}" for shown in hashes)})

    # -- reporting ----------------------------------------------------------------------------------------------

    def _report(self, daemonset: Workload, fleet: Fleet) -> None:
        current: Workload | None = self.client.get(KIND, daemonset.meta.name, daemonset.meta.namespace)
        if current is not None and current.meta.uid == daemonset.meta.uid:
            status = fleet.status(daemonset.meta.generation)
            if status != current.status:
                self.client.update(replace(current, status=status))


def target(pod: Pod) -> str:
    """The node that a daemon pod runs on or is made for."""
    return pod.node or pod.pinned


def _selects(daemonset: Workload, pod: Pod) -> bool:
    selector = daemonset.spec.selector
    return selector is not None and selector.matches(pod.meta.labels)
