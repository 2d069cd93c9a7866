"""The kinds that are modelled: in which API groups, from which versions, by which model."""

from dataclasses import dataclass

from simkube.kube.errors import nearest
from simkube.kube.model import KubeModel
from simkube.kube.network import ServiceSpec
from simkube.kube.node import NodeSpec
from simkube.kube.pod import PodSpec
from simkube.kube.policy import LimitRangeSpec, PodDisruptionBudgetSpec, PriorityClass, ResourceQuotaSpec
from simkube.kube.storage import PersistentVolumeClaimSpec, PersistentVolumeSpec, StorageClass
from simkube.kube.workloads import (
    CronJobSpec,
    DaemonSetSpec,
    DeploymentSpec,
    HorizontalPodAutoscalerSpec,
    JobSpec,
    ReplicaSetSpec,
    StatefulSetSpec,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A modelled kind. `flat`: its fields stand beside metadata instead of under `spec`."""

    name: str
    api_version: str  # the current one
    model: type[KubeModel]
    also: tuple[str, ...] = ()  # served too, and the same for what is modelled
    old: tuple[str, ...] = ()  # no longer served by Kubernetes
    flat: bool = False
    namespaced: bool = True

    @property
    def versions(self) -> tuple[str, ...]:
        return (self.api_version, *self.also, *self.old)


_EXTENSIONS = "extensions/v1beta1"
_APPS = ("apps/v1beta2", "apps/v1beta1", _EXTENSIONS)

KINDS = (
    Kind("Pod", "v1", PodSpec),
    Kind("Service", "v1", ServiceSpec),
    Kind("Node", "v1", NodeSpec, namespaced=False),
    Kind("PersistentVolume", "v1", PersistentVolumeSpec, namespaced=False),
    Kind("PersistentVolumeClaim", "v1", PersistentVolumeClaimSpec),
    Kind("ResourceQuota", "v1", ResourceQuotaSpec),
    Kind("LimitRange", "v1", LimitRangeSpec),
    Kind("Deployment", "apps/v1", DeploymentSpec, old=_APPS),
    Kind("ReplicaSet", "apps/v1", ReplicaSetSpec, old=("apps/v1beta2", _EXTENSIONS)),
    Kind("StatefulSet", "apps/v1", StatefulSetSpec, old=("apps/v1beta2", "apps/v1beta1")),
    Kind("DaemonSet", "apps/v1", DaemonSetSpec, old=("apps/v1beta2", _EXTENSIONS)),
    Kind("Job", "batch/v1", JobSpec),
    Kind("CronJob", "batch/v1", CronJobSpec, old=("batch/v1beta1", "batch/v2alpha1")),
    Kind(
        "HorizontalPodAutoscaler",
        "autoscaling/v2",
        HorizontalPodAutoscalerSpec,
        also=("autoscaling/v1",),
        old=("autoscaling/v2beta2", "autoscaling/v2beta1"),
    ),
    Kind("PodDisruptionBudget", "policy/v1", PodDisruptionBudgetSpec, old=("policy/v1beta1",)),
    Kind(
        "PriorityClass",
        "scheduling.k8s.io/v1",
        PriorityClass,
        old=("scheduling.k8s.io/v1beta1", "scheduling.k8s.io/v1alpha1"),
        flat=True,
        namespaced=False,
    ),
    Kind(
        "StorageClass",
        "storage.k8s.io/v1",
        StorageClass,
        old=("storage.k8s.io/v1beta1",),
        flat=True,
        namespaced=False,
    ),
)

# The other kinds of the groups above; anything else there is a misspelling.
_CARRIED = {
    "v1": "Binding ComponentStatus ConfigMap Endpoints Event List Namespace PodTemplate ReplicationController Secret "
    "ServiceAccount",
    "apps": "ControllerRevision",
    "autoscaling": "Scale",
    "policy": "Eviction PodSecurityPolicy",
    "storage.k8s.io": "CSIDriver CSINode CSIStorageCapacity VolumeAttachment VolumeAttributesClass",
    "scheduling.k8s.io": "PodGroup Workload",
}
_BY_NAME = {(version, kind.name): kind for kind in KINDS for version in kind.versions}
_GROUPS: dict[tuple[str, str], Kind] = {}


def group_of(api_version: str) -> str:
    """`apps` of `apps/v1`; "" for the core group's `v1`."""
    return api_version.rpartition("/")[0]


for _kind in KINDS:
    for _version in _kind.versions:
        _GROUPS.setdefault((group_of(_version), _kind.name), _kind)


def kind_of(api_version: str, name: str) -> Kind | None:
    """The modelled kind, None for one that is carried through untouched."""
    return _BY_NAME.get((api_version, name))


def misspelt(api_version: str, name: str) -> tuple[str, str] | None:
    """("kind" or "apiVersion", the way out), if this cannot be but resembles a modelled kind."""
    group = group_of(api_version)
    kind = _GROUPS.get((group, name))
    if kind is not None:
        return None if api_version in kind.versions else ("apiVersion", f"write {kind.api_version}")
    known = [modelled for in_group, modelled in _GROUPS if in_group == group]
    carried = _CARRIED.get(group or api_version, "").split()
    if not known or name in carried:
        return None
    fix = nearest(name, [*known, *carried])
    return ("kind", fix) if fix else None
