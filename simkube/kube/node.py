"""`spec` of a Node, and the part of its status that says what it can carry."""

from typing import ClassVar

from simkube.kube.affinity import TaintEffect
from simkube.kube.model import Bool, KubeModel, Resources, empty_dict, names


class Taint(KubeModel):
    """`taints[]`; `time_added` as written (RFC 3339)."""

    key: str
    effect: TaintEffect
    value: str = ""
    time_added: str | None = None


class NodeSpec(KubeModel):
    """`spec` of a Node."""

    also_known: ClassVar[frozenset[str]] = names("configSource externalID podCIDRs podPreemptionPolicy")

    taints: tuple[Taint, ...] = ()
    unschedulable: Bool = False
    pod_cidr: str = ""
    provider_id: str = ""


class NodeStatus(KubeModel):
    """`status` of a Node in a manifest or dump; without `allocatable`, capacity is allocatable."""

    also_known: ClassVar[frozenset[str]] = names(
        "addresses conditions config daemonEndpoints declaredFeatures features images nodeInfo "
        "phase runtimeHandlers volumesAttached volumesInUse"
    )

    capacity: Resources = empty_dict()
    allocatable: Resources = empty_dict()

    def model_post_init(self, _: object) -> None:
        """[`SetDefaults_NodeStatus`]."""
        self._derive("allocatable", self.capacity)
