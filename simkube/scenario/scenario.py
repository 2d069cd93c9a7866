"""The scenario file: a cluster, the manifests that run on it, what manifests cannot know, and what is done to it.

Keys are written in camelCase, durations as Kubernetes writes them ("1m30s"). Unknown keys are errors.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from simkube.kube.errors import BadValue
from simkube.kube.version import Version
from simkube.scenario.behaviour import Behaviour
from simkube.scenario.units import Duration, Percent, QuantityText

SCHEMA: Literal["simkube/scenario/v1"] = "simkube/scenario/v1"
MAX_NODES = 20_000
DEFAULT_VERSION = "v1.37.2"


class Part(BaseModel):
    """Base of all parts of a scenario."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class NodeTaint(Part):
    """A taint that nodes of a pool have from the start."""

    key: str
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


DEFAULT_CAPACITY: dict[str, str | int | float] = {"cpu": 4, "memory": "16Gi", "pods": 110}


class NodePool(Part):
    """`count` machines of one kind, named `<name>-1` and so on; zones are dealt out in turn."""

    name: str = Field("worker", description="Prefix of the nodes' names")
    count: int = Field(3, ge=0, le=MAX_NODES, description="How many nodes")
    zones: tuple[str, ...] = Field((), description="Zones that the nodes are dealt to in turn")
    capacity: dict[str, QuantityText] = Field(
        default_factory=lambda: dict(DEFAULT_CAPACITY),
        description="cpu, memory, pods, and other resources of a node",
    )
    labels: dict[str, str] = Field(default_factory=dict)
    taints: tuple[NodeTaint, ...] = ()
    version: str = Field("", description="Version of the kubelet; the cluster's if not given")


def _version(text: str) -> str:
    Version.parse(text)
    return text


class Cluster(Part):
    """Machines and versions. Nodes among the manifests come on top of the pools."""

    version: Annotated[str, AfterValidator(_version)] = Field(
        DEFAULT_VERSION, description="Version of Kubernetes"
    )
    control_planes: int = Field(1, ge=0, le=7, description="Control-plane nodes")
    nodes: tuple[NodePool, ...] = ()


class Override(Part):
    """A what-if on one object, without editing its manifest."""

    kind: str
    name: str
    namespace: str = "default"
    replicas: int | None = Field(None, ge=0, le=1_000_000)


class Maintenance(Part):
    """What is done to each machine: `work` while it is up, then a reboot, then `upgradeTo` a kubelet version."""

    reboot: bool = True
    work: Duration = Field(0.0, description="Time of work on a machine before its reboot, while it is up")
    upgrade_to: str = Field("", description="Kubelet version that the machines get")


class Fault(Part):
    """Something that breaks at a time: exactly one of the kinds names its node (or, for `kill` and `hang`, a
    workload's name). `for`: how long it lasts; without it, for good."""

    at: Duration
    for_: Duration | None = Field(None, alias="for")
    crash: str = Field("", description="The node loses power")
    shutdown: str = Field("", description="The node shuts down in an orderly way")
    reboot: str = Field("", description="The node restarts")
    freeze: str = Field("", description="The node stands still, its network still answers")
    cut: str = Field("", description="The node loses its network altogether")
    cut_control_plane: str = Field("", description="The node no longer reaches the control plane")
    stop_kubelet: str = Field("", description="The kubelet dies; containers go on")
    kill: str = Field("", description="The containers of a workload's pods exit once: namespace/name or name")
    hang: str = Field(
        "", description="The containers of a workload's pods stop answering: namespace/name or name"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> "Fault":
        if len(self.kinds) != 1:
            raise BadValue("a fault is of exactly one kind", f"name one of {', '.join(FAULTS)}")
        return self

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(kind for kind in FAULTS if getattr(self, kind))

    @property
    def kind(self) -> str:
        """Which fault it is: the name of the field that is set."""
        return self.kinds[0]

    @property
    def target(self) -> str:
        return str(getattr(self, self.kind))


FAULTS = ("crash", "shutdown", "reboot", "freeze", "cut", "cut_control_plane", "stop_kubelet", "kill", "hang")


class Objective(Part):
    """What a service must keep; what is not given is not asked."""

    availability: Percent | None = Field(None, description="Share of requests that succeed, 99.9% or 0.999")
    max_outage: Duration | None = Field(None, description="Longest time without any success")
    max_lost: float | None = Field(None, ge=0, description="Requests that may fail")


class Scenario(Part):
    """A whole scenario."""

    schema_: Literal["simkube/scenario/v1"] = Field(SCHEMA, alias="schema")
    title: str = ""
    cluster: Cluster = Cluster()
    manifests: tuple[str, ...] = Field(
        (), description="Files and folders of Kubernetes manifests, from this file's place"
    )
    overrides: tuple[Override, ...] = ()
    behaviour: Behaviour = Behaviour()
    timings: dict[str, str | float] = Field(
        default_factory=dict, description="Kubernetes' flags, by their real names"
    )
    maintenance: Maintenance = Maintenance()
    faults: tuple[Fault, ...] = ()
    slo: dict[str, Objective] = Field(
        default_factory=dict, description="By service: name or namespace/name; * for every service"
    )
    drain: dict[str, Any] = Field(
        default_factory=dict, description="Flags of kubectl drain, in every strategy"
    )
    strategies: dict[str, dict[str, Any]] = Field(default_factory=dict, description="Options by strategy")
    strategy: str = Field(
        "", description="What `simkube run` runs if nothing else is asked; none: only the faults"
    )
    steps: tuple[dict[str, Any], ...] = Field(
        (), description="A plan of its own for `simkube run`, instead of a strategy"
    )
    until: Duration | None = Field(
        None, description="How long a run without a plan lasts; else until it is settled"
    )
    seed: int = 1
