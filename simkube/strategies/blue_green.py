"""A whole new pool beside the old one, with a way back."""

from collections.abc import Iterable
from typing import ClassVar, Literal

from pydantic import Field

from simkube.maintenance.model import Span
from simkube.maintenance.node_steps import AddNode, Cordon, RemoveNode, Uncordon
from simkube.maintenance.plan import Block, Leaf
from simkube.maintenance.step import Step
from simkube.maintenance.waiting_steps import Gate, Wait
from simkube.scenario.units import Percent
from simkube.strategies.amounts import NodeAmount
from simkube.strategies.node_steps import drain_step, drained_and_maintained, empty, then_ready
from simkube.strategies.site import Site, share
from simkube.strategies.strategy import Draining


class BlueGreen(Draining):
    """Make a whole new pool, move the pods over in batches, soak, and remove the old one; back while that stands.

    Defaults: those of GKE's blue-green upgrade [GKE, "Node upgrade strategies"; BlueGreenSettings]: batches of one
    node, no soak between them, an hour of soak at the end; budgets are respected for an hour at most. GKE leaves the
    verdict to people; here a gate gives it, and the way back is taken if the drain or the gate fails.
    """

    name: ClassVar[str] = "blue-green"

    batch: NodeAmount = Field(
        1, description="Old nodes drained at a time: a number, or a percentage, rounded up"
    )
    batch_soak: Span = Field(0.0, description="Time after each batch")
    soak: Span = Field(3600.0, description="Time after the last batch, before the old nodes are removed")
    slo: Percent | None = Field(
        None, description="Share of requests that each service must serve during the soak"
    )
    drain_timeout: Span = Field(3600.0, description="Time for draining a node; 0: no end")
    on_timeout: Literal["abort", "force"] = Field(
        "force",
        description="When a node cannot be drained: abort (go back), or force (after drainTimeout delete what is left, "
        "past the budgets)",
    )

    def block(self, site: Site) -> Block:
        old = site.workers
        new = site.new_names
        version = site.maintenance.upgrade_to
        batch = share(self.batch, len(old), up=True)
        move = Block(
            "move to the new pool",
            (
                _together("new nodes", (AddNode(node=new[node], like=node, version=version) for node in old)),
                _together("cordon the old nodes", (Cordon(node=node) for node in old)),
                Block("drain the old nodes", tuple(self._batches(site, old, batch))),
                Leaf(self._gate(site)),
            ),
            otherwise=(
                _together("uncordon the old nodes", (Uncordon(node=node) for node in old)),
                self._removed(site, new.values(), batch),
            ),
        )
        return Block(
            self.name, (move, _together("remove the old nodes", (RemoveNode(node=node) for node in old)))
        )

    def _batches(self, site: Site, old: tuple[str, ...], batch: int) -> Iterable[Leaf | Block]:
        batches = [
            group[start : start + batch]
            for group in site.groups(old).values()
            for start in range(0, len(group), batch)
        ]
        for number, nodes in enumerate(batches, 1):
            yield Block(f"batch {number}", tuple(self._emptied(site, node) for node in nodes), len(nodes))
            if self.batch_soak:
                yield Leaf(Wait(for_=self.batch_soak))

    def _emptied(self, site: Site, node: str) -> Block:
        steps = empty(self, site, node, self.drain_timeout, self.on_timeout)
        return Block(node, (*steps, *then_ready(self, site, self.on_timeout)))

    def _gate(self, site: Site) -> Gate:
        return Gate(soak=self.soak, slo={} if self.slo is None else {"*": self.slo}, but=site.unhealthy)

    def _removed(self, site: Site, nodes: Iterable[str], batch: int) -> Block:
        """Drain the new nodes, as far as they have joined and can be drained, and give them back."""
        blocks = []
        for node in nodes:
            drain = drain_step(self, site, node, self.drain_timeout, "skip")
            blocks.append(Block(node, (drain, Leaf(RemoveNode(node=node), always=True))))
        return Block("give the new nodes back", tuple(blocks), batch)

    def in_place(self, site: Site, node: str) -> Block:
        return drained_and_maintained(self, site, node, self.drain_timeout, self.on_timeout)


def _together(name: str, steps: Iterable[Step]) -> Block:
    leaves = tuple(Leaf(step) for step in steps)
    return Block(name, leaves, max(1, len(leaves)))
