"""What the scheduler alone costs: processor time for each pod it schedules, of all that it does in the meantime.

    python -m benchmarks.scheduler [NODES ...] [--profile]

A full cluster of 30 pods a node in workloads of 30, each with a Service; then node after node is cordoned, its pods are
deleted, and as many new ones are scheduled elsewhere.
"""

import argparse
import cProfile
import pstats
from collections.abc import Callable
from random import Random
from time import process_time
from typing import Any

from msgspec.structs import replace

from benchmarks.yardstick import seconds_per_pod
from simkube.clock import Clock
from simkube.cluster.api import Api
from simkube.cluster.nodes.node_taints import UNSCHEDULABLE
from simkube.cluster.scheduler import Scheduler
from simkube.cluster.store import Store
from simkube.kube.network import ServiceSpec
from simkube.kube.objects import (
    Image,
    Meta,
    Node,
    NodeResources,
    NodeStatus,
    OwnerReference,
    Pod,
    Resource,
    Workload,
)
from simkube.kube.pod import PodSpec
from simkube.kube.template import Template
from simkube.kube.workloads import ReplicaSetSpec
from simkube.timings import Timings

PODS = 30
REPLICAS = 30
MIB = 1 << 20


class Bench:
    """A cluster, its scheduler, and the time spent in the scheduler."""

    def __init__(self, nodes: int, version: str = "v1.37.2") -> None:
        self.clock = Clock()
        self.store = Store()
        timings = Timings.for_version(version)
        self.api = Api(self.store, self.clock, Random(1), timings)
        self.hand = self.api.client("bench")
        self.spent = 0.0
        self.scheduled = self.made = 0
        self.templates = [self._template(i) for i in range(-(-nodes * PODS // REPLICAS))]
        for i in range(nodes):
            self._node(i)
        self.owners = [self._workload(i, template) for i, template in enumerate(self.templates)]
        self.scheduler = Scheduler(self.clock, self.api.client("kube-scheduler"), timings, Random(2))
        self._time()

    def _template(self, i: int) -> Template:
        requests = {"cpu": f"{50 + 10 * (i % 7)}m", "memory": f"{64 + 32 * (i % 5)}Mi"}
        container = {"name": "main", "image": f"app-{i % 40}:1", "resources": {"requests": requests}}
        return Template(PodSpec.model_validate({"containers": [container]}), {"app": f"app-{i}"})

    def _node(self, i: int) -> None:
        size = NodeResources(4000, 16 << 30, 110)
        images = tuple(Image(f"app-{j}:1", (50 + 10 * j) * MIB) for j in range(40) if (i + j) % 3)
        status = NodeStatus(size, size, images=images)
        labels = {"kubernetes.io/hostname": f"n{i}", "topology.kubernetes.io/zone": "abc"[i % 3]}
        self.hand.create(Node(meta=Meta(f"n{i}", labels=labels), status=status))

    def _workload(self, i: int, template: Template) -> tuple[OwnerReference, ...]:
        selector = {"matchLabels": dict(template.labels)}
        spec = ReplicaSetSpec.model_validate({"replicas": REPLICAS, "selector": selector})
        made = self.hand.create(
            Workload(kind="ReplicaSet", meta=Meta(f"app-{i}", "default"), spec=spec, template=template)
        )
        service = ServiceSpec.model_validate({"selector": dict(template.labels)})
        self.hand.create(
            Resource(api_version="v1", kind="Service", meta=Meta(f"app-{i}", "default"), spec=service)
        )
        return (OwnerReference("ReplicaSet", made.meta.name, made.meta.uid),)

    def _time(self) -> None:
        """Have the store and the clock call the scheduler through a stopwatch."""
        for watchers in self.store._watchers.values():
            for index, (did, owner, watcher) in enumerate(watchers):
                if getattr(watcher, "__self__", None) is self.scheduler:
                    watchers[index] = (did, owner, self._timed(watcher))
        self.scheduler._work = self._timed(self.scheduler._work)  # type: ignore[method-assign]

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any) -> Any:
            if self._inside:
                return call(*args)
            self._inside = True
            start = process_time()
            try:
                return call(*args)
            finally:
                self.spent += process_time() - start
                self._inside = False

        return timed

    _inside = False

    def create(self, workload: int, count: int) -> None:
        template = self.templates[workload]
        for _ in range(count):
            name = f"app-{workload}-{self.made}"
            self.made += 1
            self.scheduled += 1
            meta = Meta(name, "default", labels=template.labels, owners=self.owners[workload])
            self.hand.create(Pod(meta=meta, template=template))

    def settle(self) -> None:
        self.clock.run_until(self.clock.now + 1.0)

    def fill(self) -> None:
        for workload in range(len(self.templates)):
            self.create(workload, REPLICAS)
            self.settle()

    def move(self, nodes: int) -> None:
        """Empty that many nodes, one after the other."""
        for name in [node.meta.name for node in list(self.store.table("Node").values())[:nodes]]:
            node = self.store.get("Node", name)
            self.hand.update(replace(node, unschedulable=True))
            node = self.store.get("Node", name)
            self.hand.update(replace(node, taints=(UNSCHEDULABLE,)))
            for pod in list(self.store.pods_on(name).values()):
                self.hand.delete("Pod", pod.meta.name, "default")
                self.create(int(pod.meta.labels["app"].removeprefix("app-")), 1)
                self.settle()
                self.hand.delete("Pod", pod.meta.name, "default", grace=0)
            node = self.store.get("Node", name)
            self.hand.update(replace(node, unschedulable=False, taints=()))

    def lap(self) -> float:
        """Microseconds for each pod scheduled since the last lap."""
        each = self.spent / max(self.scheduled, 1) * 1e6
        self.spent, self.scheduled = 0.0, 0
        return each


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scheduler")
    parser.add_argument("nodes", type=int, nargs="*", default=[50, 500, 5000])
    parser.add_argument("--profile", action="store_true", help="where the time goes, for the moves")
    parser.add_argument("--moves", type=int, default=50, help="nodes to empty")
    options = parser.parse_args()
    for nodes in options.nodes:
        bench = Bench(nodes)
        bench.fill()
        filled = bench.lap()
        profile = cProfile.Profile() if options.profile else None
        if profile:
            profile.enable()
        bench.move(min(options.moves, nodes // 2))
        if profile:
            profile.disable()
            pstats.Stats(profile).sort_stats("tottime").print_stats(35)
        moved, base = bench.lap(), seconds_per_pod(20_000) * 1e6
        unbound = sum(not pod.node for pod in bench.store.table("Pod").values())
        print(
            f"{nodes} nodes: filling {filled:.0f} us a pod, moving {moved:.0f} us a pod ({filled / base:.1f} and "
            f"{moved / base:.1f} times the yardstick, {base:.0f} us); {unbound} left unbound"
        )


if __name__ == "__main__":
    main()
