"""The arrays and counts that follow the store are what a scheduler would find that comes anew."""

from random import Random
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from simkube.cluster.scheduler.diagnosis import diagnose
from simkube.cluster.scheduler.plugin import Feasible
from simkube.cluster.scheduler.scheduler import Scheduler
from simkube.kube.objects import Image, NodeResources, Pod, Taint
from tests.cluster.scheduler.bed import HOSTNAME, MIB, ZONE, Bed, requests
from tests.cluster.scheduler.test_affinity import apart, has, near, prefer, security
from tests.cluster.scheduler.test_spread import spread

PLUGINS = (
    "TaintToleration",
    "NodeAffinity",
    "NodeResourcesFit",
    "NodeResourcesBalancedAllocation",
    "PodTopologySpread",
    "InterPodAffinity",
    "ImageLocality",
)
SPECS: list[dict[str, Any]] = [
    {},
    {"containers": [requests("300m", 1 << 30)]},
    {"containers": [{**requests("100m", 1 << 28, **{"example.com/gpu": 1}), "image": "img1"}]},
    {"containers": [{"name": "main", "ports": [{"containerPort": 1, "hostPort": 80}]}]},
    {"affinity": apart(has("foo", ZONE))},
    {"affinity": near(has("foo", ZONE))},
    {"affinity": prefer([(5, security("S1", ZONE))], [(3, security("S2", HOSTNAME))])},
    {"topologySpreadConstraints": [spread(ZONE, 2), spread(HOSTNAME, soft=True)]},
    {"topologySpreadConstraints": [spread(ZONE, nodeTaintsPolicy="Honor")], "nodeSelector": {"disk": "ssd"}},
]
LABELS = [("foo",), ("security=S1",), ("security=S2", "foo"), ("app=web",)]


class Mess(Bed):
    """Random things happen."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.dice = Random(seed)
        self.made = 0
        self.scheduler.stop()  # only what it knows is looked at
        self.service("web")
        self.templates = [
            self.template(labels=dict(label.partition("=")[::2] for label in labels), **spec)
            for spec in SPECS
            for labels in LABELS
        ]

    def happen(self) -> None:
        self.dice.choice(
            [
                self.new_node,
                self.new_pod,
                self.new_pod,
                self.new_pod,
                self.pod_goes,
                self.node_changes,
                self.node_goes,
            ]
        )()

    def new_node(self) -> None:
        self.made += 1
        size: dict[str, Any] = {"extended": {"example.com/gpu": self.dice.randrange(3)}}
        labels = {HOSTNAME: f"n{self.made}"} | self._labels()
        self.bare_node(f"n{self.made}", labels, cpu=self.dice.choice([0, 1000, 4000]), **size)

    def _labels(self) -> dict[str, str]:
        labels = {ZONE: self.dice.choice("abc")} if self.dice.random() < 0.9 else {}
        return labels | ({"disk": "ssd"} if self.dice.random() < 0.5 else {})

    def new_pod(self) -> None:
        self.made += 1
        node = f"n{self.dice.randrange(1, self.made + 1)}"  # which may not be there
        namespace = self.dice.choice(["default", "default", "other"])
        self.pod(
            f"p{self.made}", self.dice.choice(self.templates), node=node, phase="Running", namespace=namespace
        )

    def pod_goes(self) -> None:
        pods = list(self.store.table("Pod").values())
        if pods:
            pod: Pod = self.dice.choice(pods)
            how = self.dice.randrange(4)
            if how == 0 and not pod.is_finished:
                self.set_pod(pod, phase=self.dice.choice(["Failed", "Succeeded"]))
            elif how == 1 and not pod.is_terminating:
                self.change_meta(pod, labels={**pod.meta.labels, "foo": str(self.made)})
            else:
                grace = None if how == 2 else 0
                self.hand.delete("Pod", pod.meta.name, pod.meta.namespace, grace=grace)

    def node_changes(self) -> None:
        nodes = list(self.store.table("Node").values())
        if nodes:
            node = self.dice.choice(nodes)
            how = self.dice.randrange(5)
            if how == 0:
                self.change(node, unschedulable=not node.unschedulable)
            elif how == 1:
                effect = self.dice.choice(["NoSchedule", "PreferNoSchedule"])
                self.change(node, taints=() if node.taints else (Taint("t", effect, self.dice.choice("xy")),))
            elif how == 2:
                self.change_meta(node, labels={HOSTNAME: node.meta.name} | self._labels())
            elif how == 3:
                images = tuple(Image(f"img{i}", 300 * MIB) for i in range(3) if self.dice.random() < 0.5)
                self.change(node, status=replace(node.status, images=images))
            else:
                size = NodeResources(
                    2000, self.dice.choice([0, 8 << 30]), extended=node.status.allocatable.extended
                )
                self.change(node, status=replace(node.status, allocatable=size))

    def node_goes(self) -> None:
        nodes = list(self.store.table("Node").values())
        if len(nodes) > 3:
            self.hand.delete("Node", self.dice.choice(nodes).meta.name)


def opinion(bed: Bed, scheduler: Scheduler, asking: Pod) -> dict[str, Any]:
    """Everything that a scheduler says of each node, by name."""
    nodes = scheduler.state.nodes
    nodes.arrange()
    ask = scheduler.cycle.ask(asking)
    names = [nodes.info(i).node.meta.name for i in range(nodes.count)]
    said: dict[str, Any] = {}
    for i, name in enumerate(names):
        verdict, _ = diagnose(nodes, ask.filters, np.array([i]))
        said[name] = [dict(verdict.reasons), verdict.resolvable.size]
    everywhere = Feasible(slice(0, len(names)), len(names), np.zeros(0, np.intp))
    for _, score in ask.scores:
        points = score.points(everywhere)
        for i, name in enumerate(names):
            said[name].append(None if points is None else (score.plugin, int(points[i])))
    return said


@pytest.mark.parametrize("seed", range(12))
def test_what_is_followed_is_what_is_there(seed: int) -> None:
    mess = Mess(seed)
    for _ in range(4):
        mess.new_node()
    askings = [mess.asking(*mess.dice.choice(LABELS), **spec) for spec in SPECS]
    for step in range(150):
        mess.happen()
        if step % 5 == 0:  # what is cached is asked for in between
            opinion(mess, mess.scheduler, mess.dice.choice(askings))
        if step % 30 == 29:
            anew = Scheduler(mess.clock, mess.client("anew"), mess.timings, Random(1))
            anew.stop()
            for asking in askings:
                assert opinion(mess, mess.scheduler, asking) == opinion(mess, anew, asking)
            assert mess.scheduler.state.priorities == anew.state.priorities


def test_pretending_leaves_no_trace() -> None:
    mess = Mess(99)
    for _ in range(60):
        mess.happen()
    state = mess.scheduler.state
    node = next(name for name in state.nodes.by_name if mess.store.pods_on(name))
    pods = {key: pod for key, pod in mess.store.pods_on(node).items() if not pod.is_finished}
    askings = [mess.asking("foo", **spec) for spec in SPECS]
    before = [opinion(mess, mess.scheduler, asking) for asking in askings]
    revision = state.revision
    with state.pretend(pods, node, -1):
        assert state.nodes.by_name[node].pods == 0
    assert [opinion(mess, mess.scheduler, asking) for asking in askings] == before
    assert state.revision == revision
