"""Steps on machines, as somebody with ssh or a console does them. A machine is back when it was started anew, its
kubelet runs, and the API believes that the node is Ready (which it may never have stopped to believe)."""

from typing import Literal

from pydantic import Field

from simkube.maintenance import acts
from simkube.maintenance.model import (
    POLL,
    PROVISION,
    NodeStep,
    OnTimeout,
    Span,
    end_of,
    is_ready,
    not_in_time,
    once,
    same_version,
    span_text,
)
from simkube.maintenance.step import Act, Decision, Do, Done, Failed, Journal, Note, View, WaitUntil
from simkube.scenario.units import VersionText


class MachineStep(NodeStep):
    """A step after which a machine has to come back."""

    timeout: Span = Field(
        PROVISION, description="Time until the machine is back and the node Ready; 0: no end"
    )
    on_timeout: OnTimeout = "abort"

    @property
    def needs(self) -> str:
        return f"machine {self.node}"

    @property
    def waits(self) -> str:
        limit = f", {span_text(self.timeout)} at most" if self.timeout else ""
        return f"machine {self.node} is back and its node Ready{limit}"

    def _and_back(self, act: Act, begun: float, view: View, journal: Journal, now: float) -> Decision:
        """Do the act, then wait until the machine is back. It has happened when the machine has booted since."""
        machine, before = view.machine(self.node), journal.noted("booted")
        if before is None:
            return Do((Note("booted", machine.booted_at), act))
        late = not_in_time(begun, self.timeout, self.on_timeout, now, f"machine {self.node} is not back")
        undone = None
        if not machine.on or machine.booted_at == before:
            undone = once(journal, act, now)
        elif machine.kubelet_running and is_ready(view, self.node):
            return Done(f"node/{self.node} is back")
        why = f"machine {self.node} to come back and its node to be Ready"
        return late or undone or WaitUntil(end_of(begun, self.timeout), self.node, why, begun, POLL)


class Reboot(MachineStep):
    """Maintain a machine: work on it while it is up, then reboot it, and wait until it is back."""

    do: Literal["reboot"] = "reboot"
    work: Span = Field(0.0, description="Time of work on the machine before the reboot, while it is up")

    @property
    def title(self) -> str:
        return (
            f"work on {self.node} for {span_text(self.work)}, reboot it"
            if self.work
            else f"reboot {self.node}"
        )

    @property
    def needs(self) -> str:
        return f"machine {self.node} is on"

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        begun = journal.started + self.work
        if now < begun:
            return WaitUntil(begun, None, f"work on {self.node}")
        if journal.noted("booted") is None:
            machine = view.machine(self.node)
            if not machine.exists or not machine.on:
                return Failed(
                    f"machine {self.node} is {'off' if machine.exists else 'not there'}", self.on_timeout
                )
        return self._and_back(acts.Reboot(self.node), begun, view, journal, now)


class PowerOff(NodeStep):
    """Shut a machine down in an orderly way, to stay off."""

    do: Literal["power-off"] = "power-off"

    @property
    def needs(self) -> str:
        return f"machine {self.node}"

    @property
    def waits(self) -> str:
        return f"machine {self.node} is off"

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        if not view.machine(self.node).on:
            return Done(f"machine {self.node} is off")
        return once(journal, acts.PowerOff(self.node), now) or WaitUntil(
            node=self.node, why=f"{self.node} to go off"
        )


class PowerOn(MachineStep):
    """Switch a machine on and wait until it is back."""

    do: Literal["power-on"] = "power-on"

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        machine = view.machine(self.node)
        if journal.noted("booted") is None and machine.on:
            if machine.kubelet_running and is_ready(view, self.node):
                return Done(f"machine {self.node} is on")
            late = not_in_time(
                journal.started, self.timeout, self.on_timeout, now, f"node {self.node} is not Ready"
            )
            why = f"node {self.node} to be Ready"
            return late or WaitUntil(
                end_of(journal.started, self.timeout), self.node, why, journal.started, POLL
            )
        return self._and_back(acts.PowerOn(self.node), journal.started, view, journal, now)


class InstallKubelet(MachineStep):
    """Put another kubelet version on a machine, restart the kubelet, and wait until the node reports it. Containers go
    on meanwhile."""

    do: Literal["install-kubelet"] = "install-kubelet"
    version: VersionText = Field(min_length=1, description="Version of the kubelet to install")

    @property
    def title(self) -> str:
        return f"install kubelet {self.version} on {self.node}"

    @property
    def needs(self) -> str:
        return f"machine {self.node} is on"

    @property
    def waits(self) -> str:
        limit = f", {span_text(self.timeout)} at most" if self.timeout else ""
        return f"node {self.node} is Ready with kubelet {self.version}{limit}"

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        machine, node = view.machine(self.node), view.node(self.node)
        reported = node is not None and same_version(node.status.kubelet_version, self.version)
        if journal.last("install-kubelet", self.node) is None and not machine.on:
            return Failed(
                f"machine {self.node} is {'off' if machine.exists else 'not there'}", self.on_timeout
            )
        what = f"node {self.node} does not report kubelet {self.version}"
        late = not_in_time(journal.started, self.timeout, self.on_timeout, now, what)
        undone = None
        if not same_version(machine.kubelet_version, self.version):
            undone = once(journal, acts.InstallKubelet(self.node, self.version), now)
        elif machine.kubelet_running and is_ready(view, self.node) and reported:
            return Done(f"node/{self.node} is Ready with kubelet {self.version}")
        why = f"node {self.node} to report kubelet {self.version}"
        return (
            late
            or undone
            or WaitUntil(end_of(journal.started, self.timeout), self.node, why, journal.started, POLL)
        )
