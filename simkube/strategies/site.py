"""The cluster as a strategy sees it: which nodes are maintained, in which order, what is wrong with it already."""

import re
from collections.abc import Callable, Iterable
from functools import cached_property
from math import ceil, floor
from typing import Literal

from simkube.kube.errors import BadValue
from simkube.kube.objects import Node
from simkube.kube.version import Version
from simkube.maintenance.health import not_ready, short
from simkube.maintenance.model import same_version
from simkube.maintenance.plan import Block
from simkube.maintenance.step import View
from simkube.scenario.scenario import DEFAULT_VERSION, Maintenance

ZONE = "topology.kubernetes.io/zone"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


MAX_BASE = 240  # characters of a node's name that its successor's keeps; a name has 253 at most


class Site:
    """Read-only facts about a cluster and the maintenance that it gets, worked out once."""

    def __init__(
        self, view: View, maintenance: Maintenance, order: Literal["name", "zones"] = "name"
    ) -> None:
        self.view = view
        self.maintenance = maintenance
        self.order = order

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """All nodes by name, in order: worker-2 before worker-10."""
        return {
            node.meta.name: node
            for node in sorted(self.view.nodes(), key=lambda node: _natural(node.meta.name))
        }

    @cached_property
    def workers(self) -> tuple[str, ...]:
        """The workers that need maintenance, in order; with order "zones" a zone's nodes stand together."""
        found = [node for node in self.nodes.values() if not _is_control_plane(node) and self._needs(node)]
        if self.order == "zones":
            found.sort(key=_zone)  # stable: by name within a zone
        return tuple(node.meta.name for node in found)

    @cached_property
    def control_plane(self) -> tuple[str, ...]:
        """The control-plane nodes that need maintenance, in order."""
        return tuple(
            name for name, node in self.nodes.items() if _is_control_plane(node) and self._needs(node)
        )

    @cached_property
    def short(self) -> tuple[str, ...]:
        """Workloads that lack Ready pods already."""
        return tuple(short(self.view))

    @cached_property
    def unhealthy(self) -> tuple[str, ...]:
        """Workloads that lack Ready pods, and nodes that are not Ready already: no gate counts them."""
        return (*self.short, *not_ready(self.view))

    @cached_property
    def kubectl(self) -> str:
        """The version of kubectl to drain with: the newest that a node has."""
        versions = filter(None, map(self.version_of, self.nodes))
        return max(versions, key=Version.parse, default=DEFAULT_VERSION)

    def version_of(self, node: str) -> str:
        """The kubelet version that a node reports, "" if that is none."""
        version = self.nodes[node].status.kubelet_version
        try:
            Version.parse(version)
        except BadValue:
            return ""
        return version

    def windows(self, nodes: Iterable[str], parallel: int, make: Callable[[str], Block]) -> tuple[Block, ...]:
        """A block for each node, `parallel` of them at a time; with order "zones" one zone after the other."""
        return tuple(
            Block(
                f"zone {zone}" if zone else "nodes",
                tuple(make(node) for node in group),
                min(parallel, len(group)),
            )
            for zone, group in self.groups(nodes).items()
        )

    def groups(self, nodes: Iterable[str]) -> dict[str, list[str]]:
        """The nodes by zone with order "zones", else all of them as one group ""."""
        found: dict[str, list[str]] = {}
        for node in nodes:
            found.setdefault(_zone(self.nodes[node]) if self.order == "zones" else "", []).append(node)
        return found

    @cached_property
    def new_names(self) -> dict[str, str]:
        """For each worker the name of the machine that takes its place: worker-1-new, then worker-1-new-2 ..."""
        found: dict[str, str] = {}
        taken = set(self.nodes)
        for node in self.workers:
            base = re.sub(r"-new(-[0-9]+)?$", "", node)[:MAX_BASE].rstrip("-.") + "-new"
            name, number = base, 2
            while name in taken:
                name, number = f"{base}-{number}", number + 1
            taken.add(name)
            found[node] = name
        return found

    def _needs(self, node: Node) -> bool:
        """Something is done on the node. An upgrade to what it has already is nothing."""
        done = self.maintenance
        if done.reboot or done.work or not done.upgrade_to:
            return True
        return not same_version(node.status.kubelet_version, done.upgrade_to)


def share(amount: int | str, of: int, up: bool = False) -> int:
    """A number, or a percentage of the nodes, rounded down (or up); at least 1. As Deployments and Cluster API's
    MachineDeployments round: maxUnavailable down, maxSurge up."""
    if isinstance(amount, int):
        return max(1, amount)
    part = of * int(amount[:-1]) / 100
    return max(1, ceil(part) if up else floor(part))


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    return tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"[0-9]+|[^0-9]+", name)
    )


def _zone(node: Node) -> str:
    return node.meta.labels.get(ZONE, "")


def _is_control_plane(node: Node) -> bool:
    return CONTROL_PLANE in node.meta.labels
