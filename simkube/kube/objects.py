"""Stored objects: what etcd holds, as small immutable structs that share what they have in common.

Every object is a whole Kubernetes object. What all pods of one template share (spec, labels, requests) stands once, in
a `Template`; an object holds only what is its own. Nothing is ever changed in place: a write replaces the struct
(`msgspec.structs.replace`), so watchers may keep old versions and a snapshot is a copy of references.

Times are seconds of virtual time (float); `simkube.kube.render` writes them as Kubernetes does.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from msgspec import Struct

from simkube.kube.template import Template

Key: TypeAlias = tuple[str, str]  # (namespace, name); namespace "" for kinds without one

NOTHING: Mapping[str, Any] = MappingProxyType({})


class OwnerReference(Struct, frozen=True, gc=False):
    """`metadata.ownerReferences[]`."""

    kind: str
    name: str
    uid: str
    api_version: str = "apps/v1"
    controller: bool | None = True  # None: not written
    block_owner_deletion: bool | None = True


class Meta(Struct, frozen=True, gc=False):
    """`metadata`. `extra` keeps the fields that are not modelled, and generateName."""

    name: str
    namespace: str = ""
    uid: str = ""
    created: float = 0.0
    labels: Mapping[str, str] = NOTHING
    annotations: Mapping[str, str] = NOTHING
    owners: tuple[OwnerReference, ...] = ()
    finalizers: tuple[str, ...] = ()
    generation: int = 1
    deletion_timestamp: float | None = None
    deletion_grace_period_seconds: int | None = None
    extra: Mapping[str, Any] = NOTHING

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that manages the object (`controller: true`), if any."""
        owners = self.owners
        if len(owners) == 1:  # as nearly always
            return owners[0] if owners[0].controller else None
        for owner in owners:
            if owner.controller:
                return owner
        return None


class Condition(Struct, frozen=True, gc=False):
    """A status condition; `status` is "True", "False" or "Unknown", `since` its lastTransitionTime, `updated` its
    lastUpdateTime (only Deployments have one)."""

    type: str
    status: str
    since: float = 0.0
    reason: str = ""
    message: str = ""
    updated: float = 0.0


class Object(Struct, frozen=True, kw_only=True, gc=False):
    """What every stored object has. `version` is `metadata.resourceVersion`, given by the store."""

    api_version: str
    kind: str
    meta: Meta
    version: int = 0
    extra: Mapping[str, Any] = NOTHING  # fields that are not modelled; a Node's below spec and status, too

    @property
    def key(self) -> Key:
        return (self.meta.namespace, self.meta.name)


class Other(Object, frozen=True, kw_only=True, gc=False):
    """An object of a kind without a controller here (ConfigMap, Secret, a CRD ...): carried whole in `extra`."""


class Resource(Object, frozen=True, kw_only=True, gc=False):
    """A kind whose `spec` is one of the pydantic models of `simkube.kube` and whose status is a plain mapping."""

    spec: Any = None
    status: Mapping[str, Any] = NOTHING


class ContainerStatus(Struct, frozen=True, gc=False):
    """`status.containerStatuses[]`: `state` is "waiting", "running" or "terminated"."""

    name: str
    state: str = "waiting"
    ready: bool = False
    started_at: float | None = None
    finished_at: float | None = None
    restart_count: int = 0
    exit_code: int | None = None
    reason: str = ""
    message: str = ""


class PodStatus(Struct, frozen=True, gc=False):
    """`status` of a pod. The conditions that decide something have fields of their own."""

    phase: str = "Pending"
    ready: Condition | None = None  # Ready
    scheduled: Condition | None = None  # PodScheduled
    disrupted: Condition | None = None  # DisruptionTarget
    containers_ready: bool = False
    initialized: bool = False
    ip: str = ""
    start_time: float | None = None
    containers: tuple[ContainerStatus, ...] = ()
    init_containers: tuple[ContainerStatus, ...] = ()
    reason: str = ""
    message: str = ""
    nominated_node: str = ""


NEW_POD_STATUS = PodStatus()


class Pod(Object, frozen=True, kw_only=True, gc=False):
    """A pod: its template's spec (shared), the node it is bound to ("" while it is not), its status."""

    template: Template
    node: str = ""
    pinned: str = ""  # the one node that its required affinity on metadata.name allows: a DaemonSet's pod
    status: PodStatus = NEW_POD_STATUS
    kind: str = "Pod"
    api_version: str = "v1"

    @property
    def is_ready(self) -> bool:
        """Condition Ready is True."""
        ready = self.status.ready
        return ready is not None and ready.status == "True"

    @property
    def is_finished(self) -> bool:
        """Phase Succeeded or Failed."""
        return self.status.phase in ("Succeeded", "Failed")

    @property
    def is_terminating(self) -> bool:
        """deletionTimestamp is set."""
        return self.meta.deletion_timestamp is not None

    @property
    def is_active(self) -> bool:
        """Neither finished nor terminating [`IsPodActive`, pkg/controller/controller_utils.go]."""
        return self.meta.deletion_timestamp is None and self.status.phase not in ("Succeeded", "Failed")


class Taint(Struct, frozen=True, gc=False):
    """`spec.taints[]` of a node."""

    key: str
    effect: str
    value: str = ""
    time_added: float | None = None


class NodeResources(Struct, frozen=True, gc=False):
    """Capacity or allocatable: milli-cores, bytes, pods, bytes of ephemeral storage, extended resources by name."""

    cpu: int
    memory: int
    pods: int = 110
    ephemeral_storage: int = 0
    extended: Mapping[str, int] = NOTHING


class Image(Struct, frozen=True, gc=False):
    """`status.images[]`: a name as the pod spec writes it, and its size in bytes."""

    name: str
    size: int


class NodeStatus(Struct, frozen=True, gc=False):
    """`status` of a node. `conditions` holds Ready, MemoryPressure, DiskPressure, PIDPressure, NetworkUnavailable."""

    allocatable: NodeResources
    capacity: NodeResources
    conditions: tuple[Condition, ...] = ()
    images: tuple[Image, ...] = ()
    kubelet_version: str = ""
    boot_id: str = ""


class Node(Object, frozen=True, kw_only=True, gc=False):
    """A node: what the API believes of a machine."""

    status: NodeStatus
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()
    kind: str = "Node"
    api_version: str = "v1"

    def condition(self, type_: str) -> Condition | None:
        for condition in self.status.conditions:
            if condition.type == type_:
                return condition
        return None

    @property
    def is_ready(self) -> bool:
        """Condition Ready is True."""
        ready = self.condition("Ready")
        return ready is not None and ready.status == "True"


class Lease(Object, frozen=True, kw_only=True, gc=False):
    """A node's heartbeat. While `live`, renewals every `period` seconds from `renew_time` on are implied, not stored:
    `simkube.cluster.nodes.leases.as_seen` derives the renewTime that a reader would see."""

    renew_time: float
    period: float
    live: bool
    kind: str = "Lease"
    api_version: str = "coordination.k8s.io/v1"


class Endpoint(Struct, frozen=True, gc=False):
    """One endpoint of a slice: `ready` = serving and not terminating (or publishNotReadyAddresses)."""

    pod: str  # name of the pod, in the slice's namespace
    uid: str
    node: str
    address: str
    ready: bool
    serving: bool
    terminating: bool


class EndpointSlice(Object, frozen=True, kw_only=True, gc=False):
    """The endpoints of one service (label kubernetes.io/service-name)."""

    service: str
    endpoints: tuple[Endpoint, ...] = ()
    kind: str = "EndpointSlice"
    api_version: str = "discovery.k8s.io/v1"


class BudgetStatus(Struct, frozen=True, gc=False):
    """`status` of a PodDisruptionBudget; `disrupted_pods` maps a pod's name to the time its eviction was approved."""

    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0
    observed_generation: int = 0
    disrupted_pods: Mapping[str, float] = NOTHING
    condition: Condition | None = None  # DisruptionAllowed


class PodDisruptionBudget(Object, frozen=True, kw_only=True, gc=False):
    """A budget: `spec` is `simkube.kube.policy.PodDisruptionBudgetSpec`."""

    spec: Any
    status: BudgetStatus = BudgetStatus()
    kind: str = "PodDisruptionBudget"
    api_version: str = "policy/v1"


class WorkloadStatus(Struct, frozen=True, gc=False):
    """Counts that Deployment, ReplicaSet, StatefulSet, DaemonSet and Job report; those that a kind lacks stay 0."""

    observed_generation: int = 0
    replicas: int = 0  # DaemonSet: desiredNumberScheduled; Job: active
    ready: int = 0
    available: int = 0
    updated: int = 0
    current_revision: str = ""
    update_revision: str = ""
    succeeded: int = 0
    failed: int = 0
    conditions: tuple[Condition, ...] = ()
    misscheduled: int = 0  # DaemonSet: numberMisscheduled
    terminating: int = 0  # Deployment, ReplicaSet: terminatingReplicas, from 1.35 on; Job: terminating
    current: int = 0  # StatefulSet: currentReplicas; DaemonSet: currentNumberScheduled
    start_time: float | None = None  # Job
    completion_time: float | None = None  # Job
    completed_indexes: str = ""  # Job


class Workload(Object, frozen=True, kw_only=True, gc=False):
    """Deployment, ReplicaSet, StatefulSet, DaemonSet or Job: `spec` is the kind's model of `simkube.kube.workloads`,
    `template` its pod template, shared by the pods it makes."""

    spec: Any
    template: Template
    status: WorkloadStatus = WorkloadStatus()
    api_version: str = "apps/v1"
