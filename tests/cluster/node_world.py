"""A world with nodes that beat, fall silent and come back, and the controllers that watch them.

Passes fall on 0, 5, 10 ... and looks at the taint queues on 0.0, 0.1 ..., unless a test asks for another phase.
Leases are renewed every 10 s from `renewed` on. Pods get the default tolerations.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from msgspec.structs import replace

from simkube.cluster.admission.admission_tolerations import DefaultTolerationSeconds
from simkube.cluster.nodes.leases import start_renewing, stop_renewing
from simkube.cluster.nodes.node_lifecycle import NodeLifecycle
from simkube.cluster.nodes.taint_eviction import TaintEviction
from simkube.kube.objects import Condition, Node, Taint
from tests.cluster.harness import World

ZONE = "topology.kubernetes.io/zone"


class Phase(Random):
    """Chance that always says the same."""

    def __init__(self, value: float) -> None:
        super().__init__(0)
        self._value = value

    def random(self) -> float:
        return self._value


class NodeWorld(World):
    def __init__(
        self,
        version: str = "v1.36.3",
        timings: Mapping[str, str | float] | None = None,
        phase: float = 0.0,
        qps: float = 0.0,
    ) -> None:
        super().__init__(version, timings)
        self.api.admission["Pod"] = [DefaultTolerationSeconds(self.timings)]
        client = self.api.client("node-controller", qps, 30)
        self.lifecycle = NodeLifecycle(self.clock, client, self.timings, Phase(phase))
        self.eviction = TaintEviction(self.clock, self.client("taint-eviction-controller"), self.timings)

    def join(self, name: str, zone: str = "", pods: int = 0, renewed: float = 0.0, **fields: Any) -> Node:
        """A Ready node with a live Lease and some running pods."""
        labels = {ZONE: zone} if zone else {}
        node = self.node(name, labels={**labels, **fields.pop("labels", {})}, **fields)
        start_renewing(self.client(f"kubelet-{name}"), name, 10.0, renewed)
        for number in range(pods):
            self.pod(f"{name}-{number}", self.template(), node=name, phase="Running", ready=True)
        return node

    def crash(self, *names: str) -> None:
        """The nodes send nothing any more."""
        for name in names:
            stop_renewing(self.client(f"kubelet-{name}"), name)

    def beat(self, name: str) -> None:
        """The node's Lease is renewed from now on."""
        start_renewing(self.client(f"kubelet-{name}"), name, 10.0)

    def post(self, name: str, ready: str = "True", **conditions: str) -> None:
        """The node's kubelet posts a status."""
        node = self.get("Node", name)
        found = {condition.type: condition for condition in node.status.conditions}
        for type_, status in {"Ready": ready, **conditions}.items():
            if type_ not in found or found[type_].status != status:
                found[type_] = Condition(type_, status, self.clock.now)
        status = replace(node.status, conditions=tuple(found.values()))
        self.client(f"kubelet-{name}").update(replace(node, status=status))

    def recover(self, name: str) -> None:
        """The node is back: Lease and status."""
        self.beat(name)
        self.post(name)

    def until(self, time: float) -> None:
        """Let time pass up to and including `time`."""
        self.clock.run_until(time)

    def ready(self, name: str) -> str | None:
        """Status of the node's condition Ready."""
        condition = self.get("Node", name).condition("Ready")
        return None if condition is None else condition.status

    def taints(self, name: str, effect: str) -> list[str]:
        """Keys of the node's taints with an effect, without their common prefix."""
        taints: tuple[Taint, ...] = self.get("Node", name).taints
        return [taint.key.removeprefix("node.kubernetes.io/") for taint in taints if taint.effect == effect]

    def no_execute(self, *names: str) -> list[list[str]]:
        return [self.taints(name, "NoExecute") for name in names]

    def events_of(self, reason: str) -> list[tuple[str, str]]:
        """(name, message) of the events with this reason."""
        return [(name, message) for name, r, message in self.events if r == reason]
