"""The usual way: node by node."""

from typing import ClassVar

from pydantic import Field

from simkube.maintenance.model import Span
from simkube.maintenance.plan import Block
from simkube.strategies.amounts import NodeAmount
from simkube.strategies.node_steps import drained_and_maintained
from simkube.strategies.site import Site, share
from simkube.strategies.strategy import Draining, OnNode


class Rolling(Draining):
    """Drain, maintain and uncordon the workers, a few at a time.

    Defaults: those of an EKS managed node group's update [EKS user guide, "Understand each phase of node updates"]: one
    node at a time; if its pods have not left within 15 minutes the update fails (PodEvictionFailure), or deletes them
    if it is forced. AKS: 30 minutes, then the upgrade fails, with `undrainableNodeBehavior: Schedule` as skip here.
    """

    name: ClassVar[str] = "rolling"

    max_unavailable: NodeAmount = Field(
        1, description="Workers at a time: a number, or a percentage, rounded down"
    )
    drain_timeout: Span = Field(15 * 60.0, description="Time for draining a node; 0: no end")
    on_timeout: OnNode = Field(
        "abort",
        description="When a node cannot be drained: abort (it stays cordoned), skip (uncordon it, go on, say so at the "
        "end), or force (after drainTimeout delete what is left, past the budgets)",
    )

    def block(self, site: Site) -> Block:
        parallel = share(self.max_unavailable, len(site.workers))
        return Block(self.name, site.windows(site.workers, parallel, lambda node: self.in_place(site, node)))

    def in_place(self, site: Site, node: str) -> Block:
        return drained_and_maintained(self, site, node, self.drain_timeout, self.on_timeout)
