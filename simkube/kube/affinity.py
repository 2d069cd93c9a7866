"""Where a pod may and would like to run: affinity, topology spread, tolerations."""

from typing import Literal

from simkube.kube.model import Int, KubeModel
from simkube.kube.selector import LabelSelector, NodeSelector, NodeSelectorTerm

TaintEffect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class PreferredSchedulingTerm(KubeModel):
    """A node term that is worth `weight` (1 to 100)."""

    weight: Int
    preference: NodeSelectorTerm


class NodeAffinity(KubeModel):
    """`affinity.nodeAffinity`."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[PreferredSchedulingTerm, ...] = ()


class PodAffinityTerm(KubeModel):
    """Pods selected by labels, in a domain of `topology_key`; in the pod's own namespace unless others are named."""

    topology_key: str
    label_selector: LabelSelector | None = None
    namespaces: tuple[str, ...] = ()
    namespace_selector: LabelSelector | None = None
    match_label_keys: tuple[str, ...] = ()
    mismatch_label_keys: tuple[str, ...] = ()


class WeightedPodAffinityTerm(KubeModel):
    """A pod term that is worth `weight` (1 to 100)."""

    weight: Int
    pod_affinity_term: PodAffinityTerm


class PodAffinity(KubeModel):
    """`affinity.podAffinity` and `affinity.podAntiAffinity`."""

    required_during_scheduling_ignored_during_execution: tuple[PodAffinityTerm, ...] = ()
    preferred_during_scheduling_ignored_during_execution: tuple[WeightedPodAffinityTerm, ...] = ()


class Affinity(KubeModel):
    """`affinity`."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


class TopologySpreadConstraint(KubeModel):
    """`topologySpreadConstraints[]`."""

    max_skew: Int
    topology_key: str
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"]
    label_selector: LabelSelector | None = None
    min_domains: Int | None = None
    node_affinity_policy: Literal["Honor", "Ignore"] = "Honor"
    node_taints_policy: Literal["Honor", "Ignore"] = "Ignore"
    match_label_keys: tuple[str, ...] = ()


class Toleration(KubeModel):
    """`tolerations[]`. An empty key with Exists tolerates every taint, an empty effect every effect."""

    key: str = ""
    operator: Literal["Equal", "Exists", "Lt", "Gt", ""] = "Equal"
    value: str = ""
    effect: TaintEffect | Literal[""] = ""
    toleration_seconds: Int | None = None

    def tolerates(self, key: str, value: str, effect: str) -> bool:
        """[`Toleration.ToleratesTaint`, api core/v1/toleration.go]; Lt and Gt, gated there, tolerate nothing here."""
        if self.effect and self.effect != effect:
            return False
        if self.key and self.key != key:
            return False
        if self.operator == "Exists":
            return True
        return self.operator in ("Equal", "") and self.value == value
