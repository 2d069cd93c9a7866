"""`spec` of the kinds that make pods. Defaults: [pkg/apis/apps/v1/defaults.go, batch/v1, autoscaling/v2]."""

from typing import Any, ClassVar, Literal

from pydantic import model_validator

from simkube.kube.meta import ObjectMeta
from simkube.kube.model import Bool, Count, Int, IntOrPercent, KubeModel, Seconds, names
from simkube.kube.pod import PodSpec
from simkube.kube.selector import LabelSelector
from simkube.kube.storage import PersistentVolumeClaimTemplate


class PodTemplateSpec(KubeModel):
    """`template`: labels and annotations (in `metadata`) and spec of the pods to make."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()


class ReplicaSetSpec(KubeModel):
    """`spec` of a ReplicaSet."""

    replicas: Count = 1
    min_ready_seconds: Seconds = 0
    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()


class RollingUpdateDeployment(KubeModel):
    """`strategy.rollingUpdate`: percentages of replicas, surge rounded up, unavailable down."""

    max_unavailable: IntOrPercent = "25%"
    max_surge: IntOrPercent = "25%"


class DeploymentStrategy(KubeModel):
    """`strategy`; `rolling_update` is None with Recreate."""

    type: Literal["RollingUpdate", "Recreate"] = "RollingUpdate"
    rolling_update: RollingUpdateDeployment | None = RollingUpdateDeployment()

    @model_validator(mode="after")
    def _none_with_recreate(self) -> "DeploymentStrategy":
        if self.type == "Recreate":
            self._derive("rolling_update", None)
        return self


class DeploymentSpec(KubeModel):
    """`spec` of a Deployment."""

    also_known: ClassVar[frozenset[str]] = names("rollbackTo")

    replicas: Count = 1
    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()
    strategy: DeploymentStrategy = DeploymentStrategy()
    min_ready_seconds: Seconds = 0
    revision_history_limit: Count = 10
    progress_deadline_seconds: Seconds = 600
    paused: Bool = False


class RollingUpdateStatefulSet(KubeModel):
    """`updateStrategy.rollingUpdate`: ordinals below `partition` keep their revision."""

    partition: Count = 0
    max_unavailable: IntOrPercent | None = None


class StatefulSetUpdateStrategy(KubeModel):
    """`updateStrategy`."""

    type: Literal["RollingUpdate", "OnDelete"] = "RollingUpdate"
    rolling_update: RollingUpdateStatefulSet = RollingUpdateStatefulSet()


class StatefulSetOrdinals(KubeModel):
    """`ordinals`: the number of the first pod."""

    start: Count = 0


class PersistentVolumeClaimRetentionPolicy(KubeModel):
    """What becomes of the claims of pods that go for good."""

    when_deleted: Literal["Retain", "Delete"] = "Retain"
    when_scaled: Literal["Retain", "Delete"] = "Retain"


class StatefulSetSpec(KubeModel):
    """`spec` of a StatefulSet."""

    replicas: Count = 1
    service_name: str = ""
    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()
    volume_claim_templates: tuple[PersistentVolumeClaimTemplate, ...] = ()
    pod_management_policy: Literal["OrderedReady", "Parallel"] = "OrderedReady"
    update_strategy: StatefulSetUpdateStrategy = StatefulSetUpdateStrategy()
    persistent_volume_claim_retention_policy: PersistentVolumeClaimRetentionPolicy = (
        PersistentVolumeClaimRetentionPolicy()
    )
    ordinals: StatefulSetOrdinals = StatefulSetOrdinals()
    min_ready_seconds: Seconds = 0
    revision_history_limit: Count = 10


class RollingUpdateDaemonSet(KubeModel):
    """`updateStrategy.rollingUpdate`: percentages of the desired number, both rounded up."""

    max_unavailable: IntOrPercent = 1
    max_surge: IntOrPercent = 0


class DaemonSetUpdateStrategy(KubeModel):
    """`updateStrategy`."""

    type: Literal["RollingUpdate", "OnDelete"] = "RollingUpdate"
    rolling_update: RollingUpdateDaemonSet = RollingUpdateDaemonSet()


class DaemonSetSpec(KubeModel):
    """`spec` of a DaemonSet."""

    also_known: ClassVar[frozenset[str]] = names("templateGeneration")

    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()
    update_strategy: DaemonSetUpdateStrategy = DaemonSetUpdateStrategy()
    min_ready_seconds: Seconds = 0
    revision_history_limit: Count = 10


class PodFailurePolicyOnPodCondition(KubeModel):
    """`podFailurePolicy.rules[].onPodConditions[]`."""

    type: str
    status: str = "True"


class PodFailurePolicyRule(KubeModel):
    """`podFailurePolicy.rules[]`."""

    action: Literal["FailJob", "FailIndex", "Ignore", "Count"]
    on_exit_codes: dict[str, Any] | None = None
    on_pod_conditions: tuple[PodFailurePolicyOnPodCondition, ...] = ()


class PodFailurePolicy(KubeModel):
    """`podFailurePolicy`: the first rule that fits a failed pod decides."""

    rules: tuple[PodFailurePolicyRule, ...] = ()


class JobSpec(KubeModel):
    """`spec` of a Job. With neither parallelism nor completions both are 1; completions None: any success completes."""

    also_known: ClassVar[frozenset[str]] = names(
        "managedBy manualSelector maxFailedIndexes scheduling successPolicy"
    )

    parallelism: Count = 1
    completions: Count | None = None
    completion_mode: Literal["NonIndexed", "Indexed"] = "NonIndexed"
    backoff_limit: Int = 6
    backoff_limit_per_index: Int | None = None
    active_deadline_seconds: Seconds | None = None
    ttl_seconds_after_finished: Seconds | None = None
    suspend: Bool = False
    pod_failure_policy: PodFailurePolicy | None = None
    pod_replacement_policy: Literal["TerminatingOrFailed", "Failed"] = "TerminatingOrFailed"
    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()

    @model_validator(mode="after")
    def _defaults(self) -> "JobSpec":
        """[`SetDefaults_Job`]."""
        if not {"parallelism", "completions"} & self.model_fields_set:
            self._derive("completions", 1)
        if self.backoff_limit_per_index is not None:
            self._derive("backoff_limit", 2**31 - 1)
        if self.pod_failure_policy is not None:
            self._derive("pod_replacement_policy", "Failed")
        return self


class JobTemplateSpec(KubeModel):
    """`jobTemplate`."""

    metadata: ObjectMeta = ObjectMeta()
    spec: JobSpec = JobSpec()


class CronJobSpec(KubeModel):
    """`spec` of a CronJob."""

    schedule: str = ""
    time_zone: str | None = None
    starting_deadline_seconds: Int | None = None
    concurrency_policy: Literal["Allow", "Forbid", "Replace"] = "Allow"
    suspend: Bool = False
    job_template: JobTemplateSpec = JobTemplateSpec()
    successful_jobs_history_limit: Count = 3
    failed_jobs_history_limit: Count = 1


class CrossVersionObjectReference(KubeModel):
    """`scaleTargetRef`."""

    kind: str
    name: str
    api_version: str = ""


class HorizontalPodAutoscalerSpec(KubeModel):
    """`spec` of a HorizontalPodAutoscaler (autoscaling/v1 and v2)."""

    also_known: ClassVar[frozenset[str]] = names("targetCPUUtilizationPercentage")

    scale_target_ref: CrossVersionObjectReference
    min_replicas: Count = 1
    max_replicas: Count
    metrics: tuple[Any, ...] = ()
    behavior: dict[str, Any] | None = None
