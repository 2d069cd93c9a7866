"""What a strategy is: options (its fields) and a plan made of them.

class Mine(Strategy):
    "One line that says what it does."
    batch: int = Field(2, description="Nodes at a time")

    def block(self, site: Site) -> Block: ...
"""

from abc import abstractmethod
from typing import ClassVar, Literal

from pydantic import Field

from simkube.maintenance.drain_filters import DrainOptions
from simkube.maintenance.model import Model, Span, span_text
from simkube.maintenance.plan import Block, Plan
from simkube.maintenance.step import View
from simkube.maintenance.waiting_steps import READY_TIMEOUT
from simkube.scenario.scenario import Maintenance
from simkube.strategies.site import Site
from simkube.strategies.warnings import warnings

OnNode = Literal["abort", "skip", "force"]


class Strategy(Model):
    """Base of all strategies, with the options that all have. The first line of the docstring is the summary."""

    name: ClassVar[str]

    order: Literal["name", "zones"] = Field(
        "name", description="Nodes by name; or zones whole: all of one zone before the next"
    )
    control_plane: bool = Field(
        False, description="Maintain the control-plane nodes too: first, one at a time, in their places"
    )
    wait_for_ready: bool = Field(
        False, description="After each node wait until all workloads have their pods Ready again"
    )
    ready_timeout: Span = Field(READY_TIMEOUT, description="Time for waitForReady and surgePods; 0: no end")

    def plan(self, view: View, maintenance: Maintenance) -> Plan:
        """The plan for the cluster as it is now. It should have settled: what lacks pods now is not waited for."""
        site = Site(view, maintenance, self.order)
        block = self.block(site)
        done = {
            "reboot": maintenance.reboot,
            "work": span_text(maintenance.work),
            "upgradeTo": maintenance.upgrade_to,
        }
        options = self.model_dump(mode="json", by_alias=True)
        inputs = {"maintenance": done, "options": options}
        steps = block.steps
        if self.control_plane and site.control_plane:
            steps = (
                Block("control plane", tuple(self.in_place(site, node) for node in site.control_plane)),
                *steps,
            )
        root = Block(self.name, steps, block.parallel, block.otherwise)
        return Plan(root, self.name, inputs, warnings(site, self.moves_pods))

    @property
    def moves_pods(self) -> bool:
        """It scales workloads up and down: somebody else may scale them back."""
        return False

    @abstractmethod
    def block(self, site: Site) -> Block:
        """What is done with the workers."""

    @abstractmethod
    def in_place(self, site: Site, node: str) -> Block:
        """What is done with one node that stays: a control-plane node, or a worker."""


class Draining(Strategy):
    """Base of the strategies that drain, with the options of a drain. Each has its own limit of time."""

    drain: DrainOptions = Field(DrainOptions(), description="kubectl drain's flags")
    force_after: Span = Field(
        0.0,
        description="Evict for this long, then delete past the budgets; 0: only evict, until drainTimeout",
    )
    surge_pods: bool = Field(
        False,
        description="Bring up the replacements of Deployments' pods before the old ones go, by scaling up and down",
    )

    @property
    def moves_pods(self) -> bool:
        return self.surge_pods
