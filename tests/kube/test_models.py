"""Spec models: the API's defaults, names, nulls, unknown fields, and giving back what was read.

Defaults: [pkg/apis/{core,apps,batch,policy,storage,scheduling}/v1/defaults.go].
"""

from typing import Any

import pytest
from pydantic import ValidationError

from simkube.kube.affinity import Toleration
from simkube.kube.model import KubeModel, kubernetes_name
from simkube.kube.network import ServiceSpec
from simkube.kube.node import NodeSpec, NodeStatus
from simkube.kube.pod import Container, PodSpec, Probe
from simkube.kube.policy import LimitRangeSpec, PodDisruptionBudgetSpec, PriorityClass
from simkube.kube.storage import PersistentVolumeClaimSpec, PersistentVolumeSpec, StorageClass, claim_class
from simkube.kube.workloads import (
    CronJobSpec,
    DaemonSetSpec,
    DeploymentSpec,
    HorizontalPodAutoscalerSpec,
    JobSpec,
    ReplicaSetSpec,
    StatefulSetSpec,
)


@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        ("replicas", "replicas"),
        ("cluster_ip", "clusterIP"),
        ("pod_cidr", "podCIDR"),
        ("provider_id", "providerID"),
        ("http_get", "httpGet"),
        ("pod_management_policy", "podManagementPolicy"),
        (
            "required_during_scheduling_ignored_during_execution",
            "requiredDuringSchedulingIgnoredDuringExecution",
        ),
    ],
)
def test_names(attribute: str, name: str) -> None:
    assert kubernetes_name(attribute) == name


def test_probe_defaults() -> None:
    probe = Probe()
    assert (probe.initial_delay_seconds, probe.timeout_seconds, probe.period_seconds) == (0, 1, 10)
    assert (probe.success_threshold, probe.failure_threshold) == (1, 3)


def test_zero_in_a_probe_is_not_set() -> None:
    probe = Probe.model_validate({"periodSeconds": 0, "timeoutSeconds": 0, "failureThreshold": 0})
    assert (probe.period_seconds, probe.timeout_seconds, probe.failure_threshold) == (10, 1, 3)


def test_pod_defaults() -> None:
    spec = PodSpec()
    assert spec.termination_grace_period_seconds == 30
    assert spec.restart_policy == "Always"
    assert spec.scheduler_name == "default-scheduler"
    assert spec.priority is None
    assert Container().image_pull_policy is None
    assert Container().restart_policy is None


def test_negative_grace_is_one_second() -> None:
    assert PodSpec.model_validate({"terminationGracePeriodSeconds": -5}).termination_grace_period_seconds == 1


def test_volume_without_a_source_is_an_empty_dir() -> None:
    volumes = PodSpec.model_validate(
        {"volumes": [{"name": "a"}, {"name": "b", "csi": {"driver": "x"}}, {"name": "c", "secret": {}}]}
    ).volumes
    assert [v.empty_dir is not None for v in volumes] == [True, False, False]


def test_host_network_takes_host_ports() -> None:
    ports = [{"containerPort": 80}, {"containerPort": 81, "hostPort": 8081}]
    pod = {"containers": [{"name": "c", "ports": ports}]}
    shared = PodSpec.model_validate({**pod, "hostNetwork": True})
    assert [p.host_port for p in shared.containers[0].ports] == [80, 8081]
    assert PodSpec.model_validate(pod).containers[0].ports[0].host_port is None


def test_deployment_defaults() -> None:
    spec = DeploymentSpec()
    assert (spec.replicas, spec.min_ready_seconds, spec.revision_history_limit) == (1, 0, 10)
    assert spec.progress_deadline_seconds == 600
    assert spec.strategy.type == "RollingUpdate"
    assert spec.strategy.rolling_update is not None
    assert spec.strategy.rolling_update.max_unavailable == "25%"
    assert spec.strategy.rolling_update.max_surge == "25%"
    half = DeploymentSpec.model_validate(
        {"strategy": {"rollingUpdate": {"maxSurge": 1}}}
    ).strategy.rolling_update
    assert half is not None
    assert (half.max_surge, half.max_unavailable) == (1, "25%")


def test_recreate_has_no_rolling_update() -> None:
    assert DeploymentSpec.model_validate({"strategy": {"type": "Recreate"}}).strategy.rolling_update is None


def test_other_workload_defaults() -> None:
    assert ReplicaSetSpec().replicas == 1
    stateful = StatefulSetSpec()
    assert (stateful.replicas, stateful.pod_management_policy) == (1, "OrderedReady")
    assert stateful.update_strategy.type == "RollingUpdate"
    assert stateful.update_strategy.rolling_update.partition == 0
    assert stateful.persistent_volume_claim_retention_policy.when_deleted == "Retain"
    assert stateful.persistent_volume_claim_retention_policy.when_scaled == "Retain"
    daemon = DaemonSetSpec().update_strategy.rolling_update
    assert (daemon.max_unavailable, daemon.max_surge) == (1, 0)
    cron = CronJobSpec()
    assert (cron.concurrency_policy, cron.suspend) == ("Allow", False)
    assert (cron.successful_jobs_history_limit, cron.failed_jobs_history_limit) == (3, 1)
    scaler = HorizontalPodAutoscalerSpec.model_validate(
        {"scaleTargetRef": {"kind": "Deployment", "name": "a"}, "maxReplicas": 5}
    )
    assert (scaler.min_replicas, scaler.max_replicas) == (1, 5)


def test_job_defaults_depend_on_each_other() -> None:
    job = JobSpec()
    assert (job.parallelism, job.completions, job.backoff_limit) == (1, 1, 6)
    assert job.pod_replacement_policy == "TerminatingOrFailed"
    assert JobSpec(parallelism=3).completions is None  # a work queue
    assert JobSpec(completions=3).parallelism == 1
    with_policy = JobSpec.model_validate({"podFailurePolicy": {"rules": [{"action": "Ignore"}]}})
    assert with_policy.pod_replacement_policy == "Failed"
    assert JobSpec(backoff_limit_per_index=1).backoff_limit == 2**31 - 1
    assert JobSpec().to_dict() == {}


def test_service_defaults() -> None:
    service = ServiceSpec.model_validate({"ports": [{"port": 80}, {"port": 81, "targetPort": "web"}]})
    assert service.type == "ClusterIP"
    assert [p.target_port for p in service.ports] == [80, "web"]
    assert (service.external_traffic_policy, service.internal_traffic_policy) == ("Cluster", "Cluster")
    assert service.publish_not_ready_addresses is False


def test_storage_defaults() -> None:
    storage = StorageClass(provisioner="x")
    assert (storage.reclaim_policy, storage.volume_binding_mode) == ("Delete", "Immediate")
    assert PersistentVolumeSpec().persistent_volume_reclaim_policy == "Retain"
    assert PersistentVolumeClaimSpec().storage_class_name is None


def test_class_annotation_of_a_claim_wins() -> None:
    spec = PersistentVolumeClaimSpec(storage_class_name="slow")
    assert claim_class({}, spec) == "slow"
    assert claim_class({"volume.beta.kubernetes.io/storage-class": "fast"}, spec) == "fast"
    assert claim_class({}, PersistentVolumeClaimSpec()) is None


def test_policy_defaults() -> None:
    assert PriorityClass(value=5).preemption_policy == "PreemptLowerPriority"
    assert PodDisruptionBudgetSpec().unhealthy_pod_eviction_policy is None


def test_limit_range_of_containers_fills_in_the_rest() -> None:
    """[`SetDefaults_LimitRangeItem`]: default from max; defaultRequest from default, else from min."""
    written = {
        "type": "Container",
        "max": {"cpu": "2", "memory": "4Gi"},
        "min": {"disk": "1"},
        "default": {"cpu": "1"},
    }
    item = LimitRangeSpec.model_validate({"limits": [written]}).limits[0]
    assert item.defaults == {"cpu": "1", "memory": "4Gi"}
    assert item.default_requests == {"cpu": "1", "memory": "4Gi", "disk": "1"}
    pod = LimitRangeSpec.model_validate({"limits": [{**written, "type": "Pod"}]}).limits[0]
    assert pod.defaults == pod.default_requests == {}


def test_allocatable_is_capacity_unless_given() -> None:
    assert NodeStatus(capacity={"cpu": "4"}).allocatable == {"cpu": "4"}
    assert NodeStatus(capacity={"cpu": "4"}, allocatable={"cpu": "3"}).allocatable == {"cpu": "3"}


@pytest.mark.parametrize(
    ("toleration", "verdict"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists"}, True),
        ({"key": "k", "value": "v"}, True),  # Equal is the default
        ({"key": "k", "operator": "Equal", "value": "w"}, False),
        ({"key": "other", "operator": "Exists"}, False),
        ({"key": "k", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "k", "operator": "Exists", "effect": "NoSchedule"}, True),
    ],
)
def test_tolerates(toleration: dict[str, Any], verdict: bool) -> None:
    """[staging api core/v1/toleration_test.go]."""
    assert Toleration.model_validate(toleration).tolerates("k", "v", "NoSchedule") is verdict


def test_what_was_read_is_given_back() -> None:
    written = {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "a"}},
        "template": {
            "metadata": {"labels": {"app": "a"}, "annotations": {}},
            "spec": {
                "hostNetwork": True,
                "securityContext": {"fsGroup": 1000},
                "containers": [
                    {
                        "name": "c",
                        "image": "i",
                        "ports": [{"containerPort": 80}],
                        "resources": {"requests": {"cpu": 0.5, "memory": "1Gi"}, "limits": {}},
                        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
                        "readinessProbe": {"httpGet": {"port": "http"}, "periodSeconds": 5},
                    }
                ],
                "volumes": [{"name": "v"}, {"name": "w", "emptyDir": {}}],
            },
        },
        "unheardOf": {"x": [1, {"y": False}]},
    }
    assert DeploymentSpec.model_validate(written).to_dict() == written


def test_null_is_absent() -> None:
    spec = PodSpec.model_validate({"initContainers": None, "volumes": None, "priority": None, "extra": None})
    assert spec == PodSpec()


@pytest.mark.parametrize(
    ("model", "written"),
    [
        (DeploymentSpec, {"replicas": "three"}),
        (DeploymentSpec, {"replicas": "3"}),
        (DeploymentSpec, {"replicas": True}),
        (DeploymentSpec, {"replicas": -1}),
        (DeploymentSpec, {"replicas": 1_000_001}),
        (DeploymentSpec, {"paused": "yes"}),
        (DeploymentSpec, {"strategy": {"type": "Rolling"}}),
        (DeploymentSpec, {"strategy": {"rollingUpdate": {"maxSurge": "25"}}}),
        (DeploymentSpec, {"strategy": {"rollingUpdate": {"maxSurge": -1}}}),
        (DeploymentSpec, {"strategy": {"rollingUpdate": {"maxSurge": "-5%"}}}),
        (PodSpec, {"containers": {"name": "c"}}),
        (PodSpec, {"containers": [None]}),
        (PodSpec, {"nodeSelector": {"zone": 1}}),
        (PodSpec, {"overhead": {"cpu": "-1"}}),
        (PodDisruptionBudgetSpec, {"minAvailable": 1, "maxUnavailable": 1}),
        (NodeSpec, {"taints": [{"key": "k", "effect": "NoRun"}]}),
        (StorageClass, {}),
    ],
)
def test_refused(model: type[KubeModel], written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(written)


def test_the_largest_count_is_accepted() -> None:
    assert DeploymentSpec(replicas=1_000_000).replicas == 1_000_000
    assert DeploymentSpec(replicas=0).replicas == 0


def test_frozen() -> None:
    with pytest.raises(ValidationError):
        PodSpec().node_name = "n"  # type: ignore[misc]
