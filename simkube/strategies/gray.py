"""A few nodes first, then a look, then the rest."""

from typing import ClassVar

from pydantic import Field

from simkube.maintenance.machine_steps import InstallKubelet
from simkube.maintenance.model import Span
from simkube.maintenance.node_steps import Uncordon
from simkube.maintenance.plan import Block, Leaf
from simkube.maintenance.waiting_steps import Gate
from simkube.scenario.units import Percent
from simkube.strategies.amounts import NodeAmount
from simkube.strategies.rolling import Rolling
from simkube.strategies.site import Site, share


class Gray(Rolling):
    """Maintain a share of the workers first, soak and look; then the rest, or back.

    Each share is maintained as `rolling` does it, with its options and defaults. No managed provider has this; the soak
    is as long as that of GKE's blue-green upgrade, the share as large as AKS's maxSurge. The way back puts the
    earlier kubelet on those that have the new one, without draining (containers go on), and uncordons.
    """

    name: ClassVar[str] = "gray"

    share: NodeAmount = Field(
        "10%", description="Workers that come first: a number, or a percentage, rounded up"
    )
    soak: Span = Field(3600.0, description="Time between the first workers and the verdict")
    health: bool = Field(True, description="The verdict asks that all nodes and workloads are healthy")
    slo: Percent | None = Field(
        None, description="Share of requests that each service must serve during the soak"
    )

    def block(self, site: Site) -> Block:
        count = share(self.share, len(site.workers), up=True)
        first, rest = site.workers[:count], site.workers[count:]
        slo = {} if self.slo is None else {"*": self.slo}
        gate = Leaf(Gate(soak=self.soak, health=self.health, slo=slo, but=site.unhealthy))
        back = Block("back", tuple(self._back(site, node) for node in first))
        trial = Block("first share", (*self._rolling(site, first), gate), otherwise=(back,))
        return Block(self.name, (trial, *self._rolling(site, rest)))

    def _rolling(self, site: Site, nodes: tuple[str, ...]) -> tuple[Block, ...]:
        parallel = share(self.max_unavailable, len(site.workers))
        return site.windows(nodes, parallel, lambda node: self.in_place(site, node))

    def _back(self, site: Site, node: str) -> Block:
        earlier = site.version_of(node)
        uncordon = Leaf(Uncordon(node=node))
        if not site.maintenance.upgrade_to or not earlier:
            return Block(node, (uncordon,))
        return Block(node, (Leaf(InstallKubelet(node=node, version=earlier)), uncordon))
