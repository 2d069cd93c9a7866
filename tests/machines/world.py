"""A tiny world with machines: that of the controllers' tests, and a fleet whose records are kept.

world = Machines(startup="0s")
world.machine("n1")
pod = world.pod("a", node="n1")
world.run(2)
assert world.times("pod.serving") == [...]
"""

from collections.abc import Mapping
from typing import Any

from simkube.kube.objects import NOTHING, Node, Pod, Taint
from simkube.machines.fleet import Fleet
from simkube.machines.machine import Machine
from simkube.randoms import Randoms
from simkube.scenario.behaviour import Behaviour
from simkube.trace.record import Record
from tests.cluster.harness import World

LATENCY = 0.01  # of the API, as the harness has it
POD_START = 1.0  # sandbox and network of a new pod
POD_STOP = 0.5

EXACT: dict[str, Any] = {
    "startup": "0s",
    "exit": "1s",
    "boot": "30s",
    "shutdown": "10s",
    "images": 0,
    "podStart": "1s",
    "podStop": "500ms",
    "kubeletStart": "1500ms",
    "networkSetup": "10s",
}
"""Behaviour without chance; tests change what they are about."""


class Machines(World):
    """A world whose behaviour is `EXACT` but for what is given (keys as a scenario writes them)."""

    def __init__(
        self, version: str = "v1.36.3", timings: Mapping[str, str | float] | None = None, **behaviour: Any
    ) -> None:
        super().__init__(version, timings)
        self.records: list[Record] = []
        self.reasons: list[tuple[float, str]] = []  # when an Event was posted, and its reason
        post = self.api.event_sink
        assert post is not None

        def keep(obj: Any, type_: str, reason: str, message: str, by: str) -> None:
            self.reasons.append((self.clock.now, reason))
            post(obj, type_, reason, message, by)

        self.api.event_sink = keep
        self.fleet = Fleet(
            self.clock,
            self.api,
            self.timings,
            Randoms(1),
            Behaviour.model_validate({**EXACT, **behaviour}),
            self.records.append,
        )

    def machine(
        self,
        name: str = "n1",
        version: str = "",
        labels: Mapping[str, str] = NOTHING,
        taints: tuple[Taint, ...] = (),
        **resources: Any,
    ) -> Machine:
        """A machine that is up, and its Ready node."""
        node: Node = self.node(name, labels, taints=taints, **resources)
        machine = self.fleet.join(node)
        if version:
            machine.install_kubelet(version)
            self.run(3)
        machine.kubelet.node.post()
        return machine

    def bound(self, name: str, node: str = "n1", **spec: Any) -> Pod:
        """A pod of one container (image "app:1", there already) on a node; `spec` are fields of its spec."""
        spec.setdefault("containers", [{"name": "main", "image": "app:1"}])
        for machine in self.fleet.machines.values():
            for container in (*spec["containers"], *spec.get("init_containers", ())):
                image = self.fleet.catalogue.get(container["image"])
                if image is not None and not container["image"].startswith("absent"):
                    machine.images.add(image)
        return self.pod(name, self.template(name, **spec), node=node)

    def delete(self, pod: Pod, grace: int | None = None) -> None:
        """A plain DELETE, by a user."""
        self.hand.delete("Pod", pod.meta.name, pod.meta.namespace, grace=grace)

    def told(self, what: str, name: str | None = None) -> list[Record]:
        """The records of something (about an object), in order."""
        return [r for r in self.records if r.what == what and (name is None or r.name == name)]

    def times(self, what: str, name: str | None = None) -> list[float]:
        """When it was told, to the microsecond."""
        return [round(r.t, 6) for r in self.told(what, name)]
