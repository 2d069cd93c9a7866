"""What if cordoning were thought to be enough?"""

from typing import ClassVar

from simkube.maintenance.node_steps import Cordon, Uncordon
from simkube.maintenance.plan import Block, Leaf
from simkube.strategies.node_steps import maintain, then_ready
from simkube.strategies.reboot_in_place import RebootInPlace
from simkube.strategies.site import Site


class CordonOnly(RebootInPlace):
    """Cordon, maintain and uncordon the workers a few at a time, without draining: their pods go down with them."""

    name: ClassVar[str] = "cordon-only"

    def in_place(self, site: Site, node: str) -> Block:
        steps = (
            Leaf(Cordon(node=node)),
            *maintain(site, node),
            Leaf(Uncordon(node=node)),
            *then_ready(self, site),
        )
        return Block(node, steps)
