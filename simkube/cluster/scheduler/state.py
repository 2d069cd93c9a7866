"""What the scheduler believes: nodes, the pods assigned to them, and counts over both, following the store.

A pod counts from its binding (or from when the scheduler assumes it) until it is gone or finished; terminating pods
still hold what they requested [pkg/scheduler/eventhandlers.go, backend/cache/cache.go].
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from simkube.cluster.api import Client
from simkube.cluster.scheduler.node_sets import NodeSets
from simkube.cluster.scheduler.nodes import NodeInfo, Nodes
from simkube.cluster.scheduler.tallies import LabelClass, Mark, Tallies
from simkube.cluster.scheduler.topology import Topologies
from simkube.kube.objects import NOTHING, Key, Node, Pod
from simkube.kube.template import Template


class NodeFollower(Protocol):
    """Keeps something of its own about nodes."""

    def node_changed(self, info: NodeInfo, old: Node | None, new: Node | None) -> None:
        """A node came (`old` None), changed, or goes (`new` None)."""


class State:
    """Changes only through the methods below; `revision` rises with each change that may alter a verdict."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.revision = 0
        self.nodes = Nodes()
        self.node_sets = NodeSets(self.nodes)
        self.topologies = Topologies(self.nodes)
        self.tallies = Tallies(self.namespace_labels)
        self.priorities: dict[int, int] = {}  # of assigned pods: priority -> how many
        self.assumed: dict[Key, tuple[Pod, str]] = {}  # pods whose binding is under way, and their nodes
        self.nominated: dict[
            str, dict[Key, Pod]
        ] = {}  # node -> pods that preempted there and wait for the room
        self.markers: list[Callable[[Template, LabelClass], Mark | None]] = []
        self.followers: list[NodeFollower] = []

    def namespace_labels(self, namespace: str) -> Mapping[str, str]:
        """With the label that the API gives every namespace."""
        found = self.client.get("Namespace", namespace)
        labels = NOTHING if found is None else found.meta.labels
        return {"kubernetes.io/metadata.name": namespace, **labels}

    # -- nodes --------------------------------------------------------------------------------------------------

    def add_node(self, node: Node) -> None:
        """A node, with the pods that are bound to it already."""
        info = self.nodes.add(node)
        self._tell(info, None, node)
        self._label(info)
        self._put_all(info, 1)

    def remove_node(self, node: Node) -> None:
        info = self.nodes.by_name[node.meta.name]
        self._put_all(info, -1)
        self.topologies.unlabel(info.slot)
        self._tell(info, node, None)
        self.nodes.remove(info)
        self.revision += 1

    def change_node(self, old: Node, node: Node) -> None:
        """Where the change alters what its pods count for, they are taken out and put back."""
        info = self.nodes.by_name[node.meta.name]
        relabelled = old.meta.labels != node.meta.labels
        recount = relabelled or (self.node_sets.follow_taints and old.taints != node.taints)
        if recount:
            self._put_all(info, -1)
        self.nodes.change(info, node)
        self._tell(info, old, node)
        if recount:
            self.topologies.unlabel(info.slot)
            self._label(info)
            self._put_all(info, 1)
        self.revision += 1

    def _label(self, info: NodeInfo) -> None:
        self.topologies.label(info.slot, info.node.meta.labels)
        self.node_sets.update(info)

    def _tell(self, info: NodeInfo, old: Node | None, new: Node | None) -> None:
        for follower in self.followers:
            follower.node_changed(info, old, new)

    def _put_all(self, info: NodeInfo, pods: int) -> None:
        name = info.node.meta.name
        for pod in self.client.pods_on(name).values():
            if not pod.is_finished and pod.key not in self.assumed:
                self._put(pod, info, pods)
        for pod, node in self.assumed.values():
            if node == name:
                self._put(pod, info, pods)

    # -- pods ---------------------------------------------------------------------------------------------------

    def assign(self, pod: Pod, node: str) -> None:
        """The pod counts on the node."""
        info = self.nodes.by_name.get(node)
        if info is not None:
            self._put(pod, info, 1)

    def release(self, pod: Pod, node: str) -> None:
        """The pod no longer counts on the node; `pod` as it was when it did."""
        info = self.nodes.by_name.get(node)
        if info is not None:
            self._put(pod, info, -1)

    def leave(self, pod: Pod, node: str) -> None:
        """The pod on the node has begun to terminate."""
        info = self.nodes.by_name.get(node)
        if info is not None:
            self.tallies.class_of(pod).leave(info.slot)
            self.revision += 1

    def assume(self, pod: Pod, node: str) -> None:
        """Count the pod on the node before it is bound."""
        self.assumed[pod.key] = (pod, node)
        self.assign(pod, node)

    def forget(self, key: Key) -> None:
        """The assumed pod was not bound after all."""
        pod, node = self.assumed.pop(key)
        self.release(pod, node)

    def nominate(self, pod: Pod, node: str) -> None:
        """The pod waits for room on the node ("": on none)."""
        key = pod.key
        for name, waiting in list(self.nominated.items()):
            if waiting.pop(key, None) is not None:
                self.revision += 1
                if not waiting:
                    del self.nominated[name]
        if node:
            self.nominated.setdefault(node, {})[key] = pod
            self.revision += 1

    @contextmanager
    def pretend(self, pods: Mapping[Key, Pod], node: str, count: int) -> Iterator[None]:
        """Within, the pods count `count` times more on the node (-1: no more)."""
        info = self.nodes.by_name[node]
        revision = self.revision
        for pod in pods.values():
            self._put(pod, info, count)
        yield
        for pod in pods.values():
            self._put(pod, info, -count)
        self.revision = revision

    def _put(self, pod: Pod, info: NodeInfo, count: int) -> None:
        template = pod.template
        self.revision += 1
        self.nodes.account(info, template, count)
        label_class = self.tallies.class_of(pod)
        label_class.put(info.slot, count, pod.meta.deletion_timestamp is not None)
        marks = label_class.marks.get(template)
        if marks is None:
            marks = self._marks(template, label_class)
        for mark in marks:
            mark(info.slot, count)
        priority = template.priority
        left = self.priorities.get(priority, 0) + count
        if left:
            self.priorities[priority] = left
        else:
            del self.priorities[priority]

    def _marks(self, template: Template, label_class: LabelClass) -> tuple[Mark, ...]:
        marks = [mark for marker in self.markers if (mark := marker(template, label_class)) is not None]
        found = label_class.marks[template] = tuple(marks)
        return found
