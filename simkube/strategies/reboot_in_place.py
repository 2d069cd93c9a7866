"""What if nobody drained?"""

from typing import ClassVar

from pydantic import Field

from simkube.maintenance.plan import Block
from simkube.strategies.amounts import NodeAmount
from simkube.strategies.node_steps import maintain, then_ready
from simkube.strategies.site import Site, share
from simkube.strategies.strategy import Strategy


class RebootInPlace(Strategy):
    """Maintain the workers a few at a time without draining: back in five minutes, pods are too."""

    name: ClassVar[str] = "reboot-in-place"

    max_unavailable: NodeAmount = Field(
        1, description="Workers at a time: a number, or a percentage, rounded down"
    )

    def block(self, site: Site) -> Block:
        parallel = share(self.max_unavailable, len(site.workers))
        return Block(self.name, site.windows(site.workers, parallel, lambda node: self.in_place(site, node)))

    def in_place(self, site: Site, node: str) -> Block:
        return Block(node, (*maintain(site, node), *then_ready(self, site)))
