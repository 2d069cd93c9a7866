"""A scheduler over a tiny world, and ways to ask it what it thinks of each node."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import numpy as np

from simkube.cluster.scheduler import Scheduler
from simkube.cluster.scheduler.diagnosis import diagnose
from simkube.cluster.scheduler.plugin import Ask, Feasible
from simkube.kube.objects import (
    NOTHING,
    Image,
    Meta,
    Node,
    NodeResources,
    NodeStatus,
    Object,
    OwnerReference,
    Pod,
)
from simkube.kube.template import Template
from tests.cluster.harness import World

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
MIB = 1 << 20


def requests(cpu: str | int = 0, memory: str | int = 0, **more: str | int) -> dict[str, Any]:
    """A container that requests this."""
    asked = {"cpu": cpu, "memory": memory, **more}
    return {"name": "main", "image": "", "resources": {"requests": {k: str(v) for k, v in asked.items()}}}


class Bed(World):
    """`points` and `rejected` say what the scheduler thinks of nodes; pods that are created get scheduled."""

    def __init__(self, version: str = "v1.37.2", seed: int = 1) -> None:
        super().__init__(version)
        timings = self.timings
        client = self.api.client(
            "kube-scheduler", timings.scheduler_client_qps, timings.scheduler_client_burst
        )
        self.scheduler = Scheduler(self.clock, client, timings, Random(seed))
        self.nodes = self.scheduler.state.nodes

    def bare_node(
        self,
        name: str,
        labels: Mapping[str, str] = NOTHING,
        cpu: int = 4000,
        memory: int = 16 << 30,
        pods: int = 110,
        images: Mapping[str, int] = NOTHING,
        **fields: Any,
    ) -> Node:
        """A node with no labels but these; images by name and size in bytes."""
        size = NodeResources(cpu, memory, pods, **fields)
        there = tuple(Image(image, bytes_) for image, bytes_ in images.items())
        return self.hand.create(
            Node(meta=Meta(name, labels=labels), status=NodeStatus(size, size, images=there))
        )

    def put(
        self, node: str, *labels: str, count: int = 1, namespace: str = "default", **spec: Any
    ) -> list[Pod]:
        """Pods bound to a node, with labels that have no value (or `key=value`)."""
        pairs = dict(label.partition("=")[::2] for label in labels)
        template = self.template(labels=pairs, **spec)
        start = len(self.store.table("Pod"))
        return [
            self.pod(f"p{start + i}", template, node=node, phase="Running", namespace=namespace)
            for i in range(count)
        ]

    def asking(
        self, *labels: str, owner: Object | None = None, namespace: str = "default", **spec: Any
    ) -> Pod:
        """A pod that is not created: only asked about."""
        pairs = dict(label.partition("=")[::2] for label in labels)
        template: Template = self.template(labels=pairs, **spec)
        owners: tuple[OwnerReference, ...] = ()
        if owner is not None:
            owners = (OwnerReference(owner.kind, owner.meta.name, owner.meta.uid, owner.api_version),)
        return Pod(meta=Meta("asking", namespace, labels=template.labels, owners=owners), template=template)

    def ask(self, pod: Pod) -> Ask:
        self.nodes.arrange()
        return self.scheduler.cycle.ask(pod)

    def names(self) -> list[str]:
        """Nodes in the order in which the scheduler looks at them."""
        self.nodes.arrange()
        return [self.nodes.info(i).node.meta.name for i in range(self.nodes.count)]

    def points(self, plugin: str, pod: Pod, infeasible: Sequence[str] = ()) -> dict[str, int] | None:
        """A plugin's normalised points for each feasible node; None: the same for all. Asked in two ways."""
        score = next((s for _, s in self.ask(pod).scores if s.plugin == plugin), None)
        if score is None:
            return None
        names = self.names()
        good = np.array([i for i, name in enumerate(names) if name not in infeasible])
        bad = np.array([i for i, name in enumerate(names) if name in infeasible], np.intp)
        answers = []
        for feasible in (Feasible(slice(0, len(names)), len(names), bad), Feasible(good, len(good), bad[:0])):
            points = score.points(feasible)
            at = good if isinstance(feasible.window, slice) else np.arange(len(good))
            answers.append(None if points is None else [int(p) for p in points[at]])
        assert answers[0] == answers[1]
        return None if answers[0] is None else dict(zip((names[i] for i in good), answers[0], strict=True))

    def rejected(self, pod: Pod) -> dict[str, str]:
        """Reasons against each node that is rejected; preemption might help where they end with "(U)"."""
        found = {}
        filters = self.scheduler.cycle.filters(self.ask(pod), pod)
        for position, name in enumerate(self.names()):
            said, _ = diagnose(self.nodes, filters, np.array([position]))
            if said.reasons:
                found[name] = ", ".join(said.reasons) + (" (U)" if len(said.resolvable) else "")
        return found

    def where(self, name: str, namespace: str = "default") -> str:
        """The node of a pod, "" while it has none."""
        return str(self.get("Pod", name, namespace).node)
