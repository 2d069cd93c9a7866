"""`spec` of a pod. Defaults: [pkg/apis/core/v1/defaults.go]."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, model_validator

from simkube.kube.affinity import Affinity, Toleration, TopologySpreadConstraint
from simkube.kube.container import (
    Container,
    ContainerPort,
    ExecAction,
    GRPCAction,
    HTTPGetAction,
    Lifecycle,
    LifecycleHandler,
    Probe,
    ResourceRequirements,
    SleepAction,
    TCPSocketAction,
)
from simkube.kube.model import Bool, Int, KubeModel, Labels, Quantity, Resources, Seconds, empty_dict, names

__all__ = [
    "Affinity",
    "Container",
    "ContainerPort",
    "EmptyDirVolumeSource",
    "ExecAction",
    "GRPCAction",
    "HTTPGetAction",
    "HostPathVolumeSource",
    "Lifecycle",
    "LifecycleHandler",
    "PersistentVolumeClaimVolumeSource",
    "PodSchedulingGate",
    "PodSpec",
    "Probe",
    "ResourceRequirements",
    "SleepAction",
    "TCPSocketAction",
    "Toleration",
    "TopologySpreadConstraint",
    "Volume",
]


class EmptyDirVolumeSource(KubeModel):
    """`emptyDir`: lost with the pod; `medium` "Memory" is a tmpfs."""

    also_known: ClassVar[frozenset[str]] = names("mode")

    medium: str = ""
    size_limit: Quantity | None = None


class PersistentVolumeClaimVolumeSource(KubeModel):
    """`persistentVolumeClaim`."""

    claim_name: str
    read_only: Bool = False


class HostPathVolumeSource(KubeModel):
    """`hostPath`."""

    path: str
    type: str = ""


class Volume(KubeModel):
    """`volumes[]`. Sources that are not modelled are kept; a volume without any source is an emptyDir."""

    also_known: ClassVar[frozenset[str]] = names(
        "awsElasticBlockStore azureDisk azureFile cephfs cinder csi downwardAPI fc flexVolume "
        "flocker gcePersistentDisk gitRepo glusterfs image iscsi nfs photonPersistentDisk "
        "portworxVolume projected quobyte rbd scaleIO storageos vsphereVolume"
    )

    name: str = ""
    empty_dir: EmptyDirVolumeSource | None = None
    persistent_volume_claim: PersistentVolumeClaimVolumeSource | None = None
    host_path: HostPathVolumeSource | None = None
    config_map: dict[str, Any] | None = None
    secret: dict[str, Any] | None = None
    ephemeral: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _some_source(self) -> "Volume":
        if not (self.model_extra or self.model_fields_set - {"name"}):
            self._derive("empty_dir", EmptyDirVolumeSource())
        return self


class PodSchedulingGate(KubeModel):
    """`schedulingGates[]`: while there is one, the pod is not scheduled."""

    name: str


def _negative_is_one(seconds: int) -> int:
    """[`SetDefaults_Pod`]."""
    return 1 if seconds < 0 else seconds


class PodSpec(KubeModel):
    """`spec` of a pod or a pod template."""

    also_known: ClassVar[frozenset[str]] = names(
        "automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks ephemeralContainers "
        "evictionResponders hostAliases hostIPC hostPID hostUsers hostname hostnameOverride "
        "imagePullSecrets os readinessGates resourceClaims runtimeClassName "
        "schedulingGroup securityContext serviceAccount setHostnameAsFQDN shareProcessNamespace "
        "subdomain"
    )

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()
    node_name: str = ""
    node_selector: Labels = empty_dict()
    affinity: Affinity | None = None
    tolerations: tuple[Toleration, ...] = ()
    topology_spread_constraints: tuple[TopologySpreadConstraint, ...] = ()
    scheduler_name: str = "default-scheduler"
    scheduling_gates: tuple[PodSchedulingGate, ...] = ()
    priority: Int | None = None
    priority_class_name: str = ""
    preemption_policy: Literal["PreemptLowerPriority", "Never"] | None = None
    overhead: Resources = empty_dict()
    resources: ResourceRequirements | None = (
        None  # of the pod as a whole: they decide its QoS class, and no more here
    )
    host_network: Bool = False
    restart_policy: Literal["Always", "OnFailure", "Never"] = "Always"
    termination_grace_period_seconds: Annotated[Int, AfterValidator(_negative_is_one)] = 30
    active_deadline_seconds: Seconds | None = None
    service_account_name: str = ""

    @model_validator(mode="after")
    def _defaults(self) -> "PodSpec":
        """[`SetDefaults_PodSpec`, `defaultHostNetworkPorts`]."""
        account = (self.model_extra or {}).get("serviceAccount")
        if isinstance(account, str):
            self._derive("service_account_name", account)
        if self.host_network:
            for container in (*self.init_containers, *self.containers):
                for port in container.ports:
                    port._derive("host_port", port.container_port)
        return self
