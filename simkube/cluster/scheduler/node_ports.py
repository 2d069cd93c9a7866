"""NodePorts: two pods on a node cannot have the same host port."""

from collections.abc import Iterable

import numpy as np

from simkube.cluster.scheduler.nodes import Bools, Nodes, Window
from simkube.cluster.scheduler.plugin import Ask, Event, Filter, Happening, Plugin
from simkube.cluster.scheduler.state import State
from simkube.cluster.scheduler.tallies import LabelClass, Mark
from simkube.kube.objects import Pod
from simkube.kube.template import Template
from simkube.timings import Timings

ANY_ADDRESS = "0.0.0.0"

HostPort = tuple[str, int, str]  # protocol, port, address


def host_ports(template: Template) -> tuple[HostPort, ...]:
    """Of containers and sidecars [pkg/scheduler/util/utils.go `GetHostPorts`]."""
    containers = (*template.sidecars, *template.spec.containers)
    ports = (port for container in containers for port in container.ports)
    return tuple((p.protocol, p.host_port, p.host_ip or ANY_ADDRESS) for p in ports if p.host_port)


def conflict(wanted: Iterable[HostPort], used: Iterable[HostPort]) -> bool:
    """[kube-scheduler framework/types.go `HostPortInfo.CheckConflict`]"""
    used = list(used)
    return any(a[:2] == b[:2] and (ANY_ADDRESS in (a[2], b[2]) or a[2] == b[2]) for a in wanted for b in used)


class NodePorts(Plugin):
    """[plugins/nodeports/node_ports.go]"""

    name = "NodePorts"
    wakes_on = Happening.NODE_ADDED | Happening.POD_REMOVED

    def __init__(self, state: State, timings: Timings) -> None:
        super().__init__(state, timings)
        self._used: dict[tuple[str, int], dict[int, dict[str, int]]] = {}  # port -> slot -> address -> pods

    def filter(self, ask: Ask) -> Filter | None:
        wanted = host_ports(ask.template)
        return _Free(self.state.nodes, wanted, self._used) if wanted else None

    def mark(self, template: Template, label_class: LabelClass) -> Mark | None:
        ports = host_ports(template)
        if not ports:
            return None

        def count(slot: int, pods: int) -> None:
            for protocol, port, address in ports:
                used = self._used.setdefault((protocol, port), {}).setdefault(slot, {})
                used[address] = used.get(address, 0) + pods

        return count

    def wakes(self, event: Event, ask: Ask, pod: Pod) -> bool:
        if event.what is Happening.NODE_ADDED:
            return True
        return conflict(host_ports(ask.template), host_ports(event.old.template))


class _Free(Filter):
    plugin = NodePorts.name
    reason = "node(s) didn't have free ports for the requested pod ports"
    resolvable = True

    def __init__(
        self,
        nodes: Nodes,
        wanted: tuple[HostPort, ...],
        used: dict[tuple[str, int], dict[int, dict[str, int]]],
    ) -> None:
        self._nodes = nodes
        self._wanted = wanted
        self._used = used

    def passes(self, window: Window) -> Bools | None:
        nodes = self._nodes
        free = np.ones(nodes.count, np.bool_)
        for protocol, port, address in self._wanted:
            for slot, addresses in self._used.get((protocol, port), {}).items():
                if any(n and (address in (a, ANY_ADDRESS) or a == ANY_ADDRESS) for a, n in addresses.items()):
                    free[nodes.at[slot]] = False
        return free[window]
