"""What all steps have in common: how they are written in a plan, and how they repeat what an API refuses for now."""

import re
from math import inf
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from simkube.kube.duration import format_duration
from simkube.kube.errors import BadValue, shown
from simkube.kube.objects import Node
from simkube.maintenance.step import Act, Do, Failed, Journal, View, WaitUntil
from simkube.scenario.units import Duration

RETRY = 5.0  # seconds until an act that was refused for now is tried again, as kubectl's drain does
POLL = 1.0  # seconds between looks, as kubectl's drain and wait have them
PROVISION = 900.0  # seconds; cluster-autoscaler gives a new node as long (`--max-node-provision-time`, 15m)
FOR_NOW = frozenset((409, 429, 503, 504))  # answers after which the same request may pass later
_NODE_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def span_text(seconds: float) -> str:
    """A duration as a person writes it: `1h30m`, `90s` is `1m30s`, `0s`."""
    text = format_duration(seconds)
    if text.endswith("m0s"):
        text = text[:-2]
    return text[:-2] if text.endswith("h0m") else text


def _node_name(text: str) -> str:
    if not _NODE_NAME.fullmatch(text):
        raise BadValue(f"{shown(text)} cannot be a node's name", "write lower-case letters, digits, - and .")
    return text


Span = Annotated[Duration, PlainSerializer(span_text, return_type=str, when_used="json")]
"""A duration in seconds, written in files as Kubernetes writes it."""

NodeName = Annotated[
    str, AfterValidator(_node_name), WithJsonSchema({"type": "string", "pattern": f"^{_NODE_NAME.pattern}$"})
]
"""A name that a Node can have [apimachinery `IsDNS1123Subdomain`]."""

OnTimeout = Literal["abort", "skip"]
"""What a timeout does to the plan (see `Failed`)."""


class Model(BaseModel):
    """Base of steps and options: frozen, written in camelCase, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class NodeStep(Model):
    """A step on one node."""

    node: NodeName = Field(description="Name of the node")

    @property
    def title(self) -> str:
        return f"{self.__class__.model_fields['do'].default} {self.node}"

    @property
    def needs(self) -> str:
        return f"node {self.node}"

    @property
    def waits(self) -> str:
        return ""

    @property
    def not_found(self) -> Failed:
        """The API knows no such node: kubectl's words."""
        return Failed(f'Error from server (NotFound): nodes "{self.node}" not found')


def once(journal: Journal, act: Act, now: float, what: str = "") -> Do | WaitUntil | Failed | None:
    """Do this until it is accepted; None when it has been. What cannot be answered now is tried again every 5 s, what
    is refused for good fails. An act that was begun and never confirmed is done again: all acts may be done twice."""
    entry = journal.last(act.verb, act.target)
    if entry is None or entry.answer is None:
        return Do((act,))
    answer = entry.answer
    if answer.ok:
        return None
    if answer.code not in FOR_NOW:
        return Failed(answer.message or f"{what or act.verb} {act.target}: refused with {answer.code}")
    again = entry.time + (answer.retry_after or RETRY)
    return (
        Do((act,)) if again <= now else WaitUntil(again, None, f"{act.verb} {act.target}: {answer.message}")
    )


def not_in_time(begun: float, timeout: float, on_timeout: OnTimeout, now: float, what: str) -> Failed | None:
    """What was begun then has taken too long (`timeout` 0: there is no end)."""
    if not timeout or now < begun + timeout:
        return None
    return Failed(f"{what} within {span_text(timeout)}", on_timeout)


def end_of(begun: float, timeout: float) -> float:
    """When the time of what was begun then is over, infinity if it has no end."""
    return begun + timeout if timeout else inf


def same_version(one: str, other: str) -> bool:
    """The same release, with or without the v; what is no version equals nothing but itself."""
    return one == other or one.removeprefix("v") == other.removeprefix("v")


def is_ready(view: View, name: str) -> bool:
    """The API believes that the node is Ready."""
    node: Node | None = view.node(name)
    return node is not None and node.is_ready
