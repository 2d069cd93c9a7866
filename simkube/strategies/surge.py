"""New nodes instead of old ones, a few at a time."""

from typing import ClassVar

from pydantic import Field

from simkube.maintenance.model import Span
from simkube.maintenance.node_steps import AddNode, RemoveNode
from simkube.maintenance.plan import Block, Leaf
from simkube.strategies.amounts import NodeAmount
from simkube.strategies.node_steps import drained_and_maintained, empty, then_ready
from simkube.strategies.site import Site, share
from simkube.strategies.strategy import Draining, OnNode


class Surge(Draining):
    """Replace the workers by new ones, a few at a time: a new node joins before an old one is drained and removed.

    Defaults: those of GKE's surge upgrade [GKE, "Node upgrade strategies"; NodePool.UpgradeSettings]: maxSurge 1,
    maxUnavailable 0; budgets and grace periods are respected for an hour at most, then pods are deleted. AKS: maxSurge
    10%, rounded up, 30 minutes, then the upgrade fails; its `undrainableNodeBehavior: Cordon` is skip here.
    """

    name: ClassVar[str] = "surge"

    max_surge: NodeAmount = Field(1, description="New nodes at a time: a number, or a percentage, rounded up")
    drain_timeout: Span = Field(3600.0, description="Time for draining a node; 0: no end")
    on_timeout: OnNode = Field(
        "force",
        description="When a node cannot be drained: abort, skip (it stays, cordoned, beside the new one), or force "
        "(after drainTimeout delete what is left, past the budgets)",
    )

    def block(self, site: Site) -> Block:
        parallel = share(self.max_surge, len(site.workers), up=True)
        return Block(self.name, site.windows(site.workers, parallel, lambda node: self._replace(site, node)))

    def _replace(self, site: Site, node: str) -> Block:
        steps = (
            Leaf(AddNode(node=site.new_names[node], like=node, version=site.maintenance.upgrade_to)),
            *empty(self, site, node, self.drain_timeout, self.on_timeout),
            Leaf(RemoveNode(node=node)),
            *then_ready(self, site, self.on_timeout),
        )
        return Block(node, steps)

    def in_place(self, site: Site, node: str) -> Block:
        return drained_and_maintained(self, site, node, self.drain_timeout, self.on_timeout)
