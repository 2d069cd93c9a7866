"""What the node lifecycle controller remembers of nodes, and when a node's silence has lasted too long (behaviour 1.2).

Its memory ends with its process.
"""

from simkube.cluster.api import Client
from simkube.cluster.nodes.leases import NAMESPACE, renewed_at
from simkube.cluster.nodes.monitor_grid import MonitorGrid
from simkube.cluster.nodes.node_conditions import ready_status
from simkube.kube.objects import Lease, Node
from simkube.timings import Timings

NEVER = float("inf")


class NodeHealth:
    """`probe`: the pass on which it first noticed the node (one of which nothing was ever heard: its creation).
    `sign`: the last heartbeat in the node's status. `ready`: status of Ready as of the last pass, None: never posted.
    """

    __slots__ = ("probe", "ready", "sign")

    def __init__(self, probe: float) -> None:
        self.probe = probe
        self.sign = float("-inf")
        self.ready: str | None = None


class NodeHealthMap:
    """Health by node. Renewals of Leases are not in it: they are implied, and looked up when they matter."""

    def __init__(self, client: Client, timings: Timings, grid: MonitorGrid) -> None:
        self._client = client
        self._timings = timings
        self._grid = grid
        self._nodes: dict[str, NodeHealth] = {}
        self._amnesty = float("-inf")

    def get(self, name: str) -> NodeHealth | None:
        """None until a pass has seen the node. A node that is gone is remembered."""
        return self._nodes.get(name)

    def is_down(self, name: str) -> bool:
        """Ready was posted, and was not True on the last pass."""
        health = self._nodes.get(name)
        return health is not None and health.ready not in (None, "True")

    def seen(self, node: Node, now: float) -> NodeHealth:
        """A pass sees the node as it is at `now`."""
        health = self._nodes.get(node.meta.name)
        ready = ready_status(node)
        if health is None:
            heard = ready is not None or self._lease(node.meta.name) is not None
            health = self._nodes[node.meta.name] = NodeHealth(now if heard else node.meta.created)
        health.ready = ready
        return health

    def heard(self, node: Node, now: float) -> None:
        """Someone else wrote the node's status: a heartbeat in its condition Ready, if it has that."""
        health = self._nodes.get(node.meta.name)
        if health is not None and (health.ready is not None or ready_status(node) is not None):
            health.sign = now

    def lease_gone(self, lease: Lease, now: float) -> None:
        """The Lease was deleted; what it said last still counts."""
        health = self._nodes.get(lease.meta.name)
        if health is not None:
            health.sign = max(health.sign, renewed_at(lease, now))

    def pardon(self, now: float) -> None:
        """All nodes count as heard at `now`."""
        self._amnesty = now

    def grace_over(self, name: str) -> float:
        """When the node's silence will have lasted for its grace; `NEVER` while its Lease is renewed.

        Silence counts from the pass that noticed the last sign of life, not from the sign.
        """
        health = self._nodes.get(name)
        lease = self._lease(name)
        if health is None or (lease is not None and lease.live):
            return NEVER
        noticed = max(health.probe, self._amnesty)
        sign = health.sign if lease is None else max(health.sign, lease.renew_time)
        if sign > noticed:
            noticed = self._grid.first_from(sign)
        timings = self._timings
        never_posted = health.ready is None
        return noticed + (
            timings.node_startup_grace_period if never_posted else timings.node_monitor_grace_period
        )

    def _lease(self, name: str) -> Lease | None:
        found: Lease | None = self._client.get("Lease", name, NAMESPACE)
        return found
