"""Steps on Node objects, and on which nodes there are."""

from typing import Literal

from pydantic import Field

from simkube.maintenance import acts
from simkube.maintenance.model import (
    POLL,
    PROVISION,
    NodeName,
    NodeStep,
    OnTimeout,
    Span,
    end_of,
    is_ready,
    not_in_time,
    once,
    span_text,
)
from simkube.maintenance.step import Decision, Done, Journal, View, WaitUntil
from simkube.scenario.units import VersionText


class Cordon(NodeStep):
    """Mark a node unschedulable: what runs on it stays, nothing new comes."""

    do: Literal["cordon"] = "cordon"

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        node = view.node(self.node)
        if journal.last("cordon", self.node) is None:
            if node is None:
                return self.not_found
            if node.unschedulable:
                return Done(f"node/{self.node} already cordoned")
        return once(journal, acts.Cordon(self.node), now) or Done(f"node/{self.node} cordoned")


class Uncordon(NodeStep):
    """Let pods be scheduled to a node again. Nothing moves back by itself."""

    do: Literal["uncordon"] = "uncordon"

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        node = view.node(self.node)
        if journal.last("uncordon", self.node) is None:
            if node is None:
                return self.not_found
            if not node.unschedulable:
                return Done(f"node/{self.node} already uncordoned")
        return once(journal, acts.Uncordon(self.node), now) or Done(f"node/{self.node} uncordoned")


class AddNode(NodeStep):
    """Make a new machine and wait until its node is Ready."""

    do: Literal["add-node"] = "add-node"
    like: NodeName = Field(description="Name of the machine that the new one resembles: size, zone, labels")
    version: VersionText = Field("", description="Version of its kubelet; that of `like` if not given")
    timeout: Span = Field(PROVISION, description="Time to become Ready; 0: no end")
    on_timeout: OnTimeout = "abort"

    @property
    def needs(self) -> str:
        return f"a machine {self.like} to copy; no node {self.node} yet"

    @property
    def waits(self) -> str:
        return f"node {self.node} is Ready" + (f", {span_text(self.timeout)} at most" if self.timeout else "")

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        begun = journal.started
        late = not_in_time(begun, self.timeout, self.on_timeout, now, f"node {self.node} is not Ready")
        undone = once(journal, acts.AddNode(self.node, self.like, self.version), now)
        if undone is None and is_ready(view, self.node):
            return Done(f"node/{self.node} is Ready")
        wait = WaitUntil(end_of(begun, self.timeout), self.node, f"node {self.node} to be Ready", begun, POLL)
        return late or undone or wait


class RemoveNode(NodeStep):
    """Delete the Node object and give the machine back. What still runs on it is lost."""

    do: Literal["remove-node"] = "remove-node"

    @property
    def needs(self) -> str:
        return f"node {self.node}, drained"

    @property
    def waits(self) -> str:
        return ""

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        return once(journal, acts.RemoveNode(self.node), now) or Done(f'node "{self.node}" deleted')
