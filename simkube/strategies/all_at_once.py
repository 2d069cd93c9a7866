"""The fastest way, and the loudest."""

from typing import ClassVar

from simkube.maintenance.plan import Block
from simkube.strategies.node_steps import maintain, then_ready
from simkube.strategies.site import Site
from simkube.strategies.strategy import Strategy


class AllAtOnce(Strategy):
    """Maintain every worker at the same time, without draining: all are down together."""

    name: ClassVar[str] = "all-at-once"

    def block(self, site: Site) -> Block:
        return Block(
            self.name, site.windows(site.workers, len(site.workers), lambda node: self.in_place(site, node))
        )

    def in_place(self, site: Site, node: str) -> Block:
        return Block(node, (*maintain(site, node), *then_ready(self, site)))
