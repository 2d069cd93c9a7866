"""Steps that only wait and look: for a time, for replacements, for a verdict."""

from typing import Any, Literal

from pydantic import Field, field_validator

from simkube.maintenance.health import below, find, is_short, not_ready, short
from simkube.maintenance.model import POLL, Model, OnTimeout, Span, not_in_time, span_text
from simkube.maintenance.step import Decision, Do, Done, Failed, Journal, Note, View, WaitUntil
from simkube.scenario.units import Percent

READY_TIMEOUT = 10 * 60.0  # seconds, as a Deployment's progressDeadlineSeconds


class Wait(Model):
    """Let a time pass: a soak."""

    do: Literal["wait"] = "wait"
    for_: Span = Field(alias="for", description="How long")

    @property
    def title(self) -> str:
        return f"wait {span_text(self.for_)}"

    @property
    def needs(self) -> str:
        return ""

    @property
    def waits(self) -> str:
        return f"{span_text(self.for_)} have passed"

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        end = journal.started + self.for_
        return Done() if now >= end else WaitUntil(end, None, f"{span_text(self.for_)} to pass")


class WaitReady(Model):
    """Wait until every workload that lacks Ready pods when the step begins has had all of them at some moment since."""

    do: Literal["wait-ready"] = "wait-ready"
    but: tuple[str, ...] = Field(
        (), description="Workloads that lacked pods before: `Deployment shop/frontend`"
    )
    timeout: Span = Field(READY_TIMEOUT, description="Time to wait; 0: no end")
    on_timeout: OnTimeout = "abort"

    @property
    def title(self) -> str:
        return "wait for replacements to be Ready"

    @property
    def needs(self) -> str:
        return ""

    @property
    def waits(self) -> str:
        limit = f", {span_text(self.timeout)} at most ({self.on_timeout})" if self.timeout else ""
        but = f", except {', '.join(self.but)}" if self.but else ""
        return f"all workloads have had their pods Ready{but}{limit}"

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        waiting = journal.noted("short")
        if waiting is None:
            return Do((Note("short", short(view, self.but)),))
        left = [name for name in waiting if (found := find(view, name)) is not None and is_short(found)]
        if not left:
            return Done("all replacements are Ready")
        if len(left) < len(waiting):
            return Do((Note("short", left),))
        what = f"{', '.join(left)}: not all pods are Ready"
        late = not_in_time(journal.started, self.timeout, self.on_timeout, now, what)
        return late or WaitUntil(now + POLL, None, f"pods of {', '.join(left)} to be Ready")


class Gate(Model):
    """Soak, then judge: is the cluster healthy, did the services keep their SLO since the step began? If not, the plan
    is aborted, and the `otherwise` of the blocks around is the way back."""

    do: Literal["gate"] = "gate"
    soak: Span = Field(0.0, description="Time before the verdict, over which services are measured")
    health: bool = Field(True, description="All nodes are Ready, and all workloads have all pods Ready")
    slo: dict[str, Percent] = Field(
        default_factory=dict,
        description="Least share of requests that succeed, by service (name, namespace/name, or * for all); one number "
        "counts for all",
    )
    but: tuple[str, ...] = Field((), description="Nodes and workloads whose health does not count")

    @field_validator("slo", mode="before")
    @classmethod
    def _for_all(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"*": value}

    @property
    def title(self) -> str:
        return "gate: " + " and ".join(("health",) * self.health + ("slo",) * bool(self.slo))

    @property
    def needs(self) -> str:
        return ""

    @property
    def waits(self) -> str:
        asked = "nodes and workloads are healthy" if self.health else ""
        if self.slo:
            slo = ", ".join(f"{name}: {share:g}" for name, share in self.slo.items())
            asked += f"{' and ' * self.health}success since then is at least {slo}"
        return f"{span_text(self.soak)} have passed; then: {asked or 'nothing is asked'}, else abort"

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        end = journal.started + self.soak
        if now < end:
            return WaitUntil(end, None, f"{span_text(self.soak)} of soaking")
        wrong: list[str] = []
        if self.health:
            wrong += [f"node {name} is not Ready" for name in not_ready(view, self.but)]
            wrong += [f"{name} lacks Ready pods" for name in short(view, self.but)]
        if self.slo:
            wrong += below(view.service_success(journal.started), self.slo)
        return Failed("; ".join(wrong)) if wrong else Done("the gate is passed")
