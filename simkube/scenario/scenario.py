"""The scenario file: a cluster, the manifests that run on it, what manifests cannot know, and what is done to it.

Keys are written in camelCase, durations as Kubernetes writes them ("1m30s"). Unknown keys are errors; a key without a
value counts as absent.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from simkube.kube.errors import BadValue
from simkube.scenario.behaviour import Behaviour
from simkube.scenario.units import ClusterVersion, Duration, NodeName, Percent, QuantityText, VersionText

SCHEMA: Literal["simkube/scenario/v1"] = "simkube/scenario/v1"
MAX_NODES = 20_000
MAX_SEED = 2**53  # exact in every JSON reader
DEFAULT_VERSION = "v1.37.2"


class Part(BaseModel):
    """Base of all parts of a scenario."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        if isinstance(data, dict) and None in data.values():
            return {key: value for key, value in data.items() if value is not None}
        return data


class NodeTaint(Part):
    """A taint that nodes of a pool have from the start."""

    key: str = Field(min_length=1)
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


DEFAULT_CAPACITY: dict[str, str | int | float] = {
    "cpu": 4,
    "memory": "16Gi",
    "pods": 110,
    "ephemeral-storage": "100Gi",
}


class NodePool(Part):
    """Machines of one kind, named `<name>-1` and so on."""

    name: NodeName = Field("worker", description="Prefix of the nodes' names")
    count: int = Field(3, ge=0, le=MAX_NODES, strict=True, description="How many nodes")
    zones: tuple[str, ...] = Field((), description="Zones that the nodes are dealt to in turn")
    capacity: dict[str, QuantityText] = Field(
        default_factory=lambda: dict(DEFAULT_CAPACITY),
        description="What a node has: cpu, memory, pods, ephemeral-storage, nvidia.com/gpu ...; "
        "cpu 4, memory 16Gi, pods 110 and ephemeral-storage 100Gi where nothing is said",
    )
    labels: dict[str, str] = Field(default_factory=dict, description="Labels of the nodes")
    taints: tuple[NodeTaint, ...] = Field((), description="Taints of the nodes")
    version: VersionText = Field("", description="Version of the kubelet; the cluster's if not given")


class Cluster(Part):
    """Machines and versions. Nodes among the manifests come on top of the pools."""

    version: ClusterVersion = Field(DEFAULT_VERSION, description="Version of Kubernetes, 1.28 to 1.37")
    control_planes: int = Field(
        1,
        ge=0,
        le=7,
        strict=True,
        description="Control-plane nodes; by default none where the manifests have all the nodes",
    )
    nodes: tuple[NodePool, ...] = Field((), description="Pools of worker nodes")

    @model_validator(mode="after")
    def _not_too_many(self) -> "Cluster":
        total = sum(pool.count for pool in self.nodes)
        if total > MAX_NODES:
            raise BadValue(f"{total} nodes in all", f"simkube takes {MAX_NODES} at most")
        return self


class Override(Part):
    """A what-if on one object, without editing its manifest."""

    kind: str
    name: str
    namespace: str = "default"
    replicas: int | None = Field(None, ge=0, le=1_000_000, strict=True)


class Maintenance(Part):
    """What is done to each machine: `work` while it is up, then a reboot, then `upgradeTo` a kubelet version."""

    reboot: bool = Field(True, strict=True, description="Each machine is rebooted")
    work: Duration = Field(0.0, description="Time of work on a machine before its reboot, while it is up")
    upgrade_to: VersionText = Field("", description="Kubelet version that the machines get")


FAULTS = ("crash", "shutdown", "reboot", "freeze", "cut", "cut_control_plane", "stop_kubelet", "kill", "hang")
OF_WORKLOADS = ("kill", "hang")
ONCE = {"reboot": "a machine is back after `behaviour.boot`", "kill": "containers are started again at once"}


class Fault(Part):
    """Something that breaks at a time: exactly one of the kinds names its node (or, for `kill` and `hang`, a
    workload)."""

    at: Duration = Field(description="When, counted from the beginning of the run")
    for_: Duration | None = Field(
        None, alias="for", description="How long it lasts; without it, for good. Not of reboot and kill"
    )
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
        named = [to_camel(kind) for kind in FAULTS if getattr(self, kind)]
        if len(named) > 1:
            raise BadValue(f"one fault cannot be {' and '.join(named)}", "make them faults of their own")
        if not named:
            raise BadValue("it does not say what breaks", f"add one of {', '.join(map(to_camel, FAULTS))}")
        if self.for_ is not None and self.kind in ONCE:
            raise BadValue(f"{self.kind} has no `for`: {ONCE[self.kind]}", "remove `for`")
        return self

    @property
    def kind(self) -> str:
        """Which fault it is: the name of the field that is set."""
        return next(kind for kind in FAULTS if getattr(self, kind))

    @property
    def target(self) -> str:
        """The node or workload."""
        return str(getattr(self, self.kind))


class Objective(Part):
    """What a service must keep; what is not given is not asked."""

    availability: Percent | None = Field(None, description="Share of requests that succeed, 99.9% or 0.999")
    max_outage: Duration | None = Field(None, description="Longest time without any success")
    max_lost: float | None = Field(None, ge=0, allow_inf_nan=False, description="Requests that may fail")


class Scenario(Part):
    """A whole scenario."""

    schema_: Literal["simkube/scenario/v1"] = Field(
        SCHEMA, alias="schema", description="Version of this format"
    )
    title: str = Field("", description="What it is about, for people")
    cluster: Cluster = Cluster()
    manifests: tuple[str, ...] = Field(
        (), description="Files and folders of Kubernetes manifests, from this file's place"
    )
    overrides: tuple[Override, ...] = Field((), description="What-ifs, without editing manifests")
    behaviour: Behaviour = Behaviour()
    timings: dict[str, str | float] = Field(
        default_factory=dict,
        description="Kubernetes' flags by their real names; `simkube timings` lists them",
    )
    maintenance: Maintenance = Maintenance()
    faults: tuple[Fault, ...] = Field((), description="What breaks, and when")
    slo: dict[str, Objective] = Field(
        default_factory=dict,
        description="What services must keep, by name or namespace/name; * is every other service",
    )
    drain: dict[str, Any] = Field(
        default_factory=dict, description="Flags of kubectl drain, in every strategy: force: true"
    )
    strategies: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Options by strategy; `simkube strategies` lists them"
    )
    strategy: str = Field(
        "",
        description="What `simkube run` carries out if nothing else is asked; without it only the faults happen",
    )
    steps: tuple[dict[str, Any], ...] = Field(
        (), description="A plan of its own for `simkube run`, instead of a strategy"
    )
    until: Duration | None = Field(
        None, description="How long a run without a plan lasts; without it, until the cluster has settled"
    )
    seed: int = Field(1, ge=0, le=MAX_SEED, strict=True, description="Seed of all chance")

    @model_validator(mode="after")
    def _one_plan(self) -> "Scenario":
        if self.strategy and self.steps:
            raise BadValue("strategy and steps exclude each other", "keep one of them")
        return self
