"""Deletion, workload controllers, budgets, evictions and kubectl drain (behaviour reference 3 to 6)."""

from simkube.timings.constant import count, factor, period, seconds

KCM = "kube-controller-manager"
API = "kube-apiserver"
KUBECTL = "kubectl"

GC = "pkg/controller/podgc/gc_controller.go"
ADC = "pkg/controller/volume/attachdetach/attach_detach_controller.go"
CU = "pkg/controller/controller_utils.go"
RS = "pkg/controller/replicaset/replica_set.go"
DS = "pkg/controller/daemon/daemon_controller.go"
SS = "pkg/controller/statefulset/stateful_set_control.go"
JOB = "pkg/controller/job/job_controller.go"
APPS = "pkg/apis/apps/v1/defaults.go"
KCM_APPS = "cmd/kube-controller-manager/app/apps.go"
PDB = "pkg/controller/disruption/disruption.go"
EV = "pkg/registry/core/pod/storage/eviction.go"
KD = "kubectl pkg/drain/drain.go"
KC = "kubectl pkg/cmd/drain/drain.go"


class Deletion:
    """Pods that leave, and their volumes."""

    pod_termination_grace_period = seconds(
        30,
        API,
        "terminationGracePeriodSeconds",
        "api core/v1/types.go",
        "what a pod gets that names no grace of its own",
    )
    gc_check_period = period(
        20, KCM, "const gcCheckPeriod", GC, "between two passes of the pod garbage collector"
    )
    gc_quarantine_time = seconds(
        40, KCM, "const quarantineTime", GC, "how long a node must be missing before its pods are collected"
    )
    terminated_pod_gc_threshold = count(
        12500, KCM, "--terminated-pod-gc-threshold", GC, "finished pods kept; 0 or less keeps all", least=-1
    )
    force_detach_timeout = seconds(
        6 * 60,
        KCM,
        "const ReconcilerMaxWaitForUnmountDuration",
        ADC,
        "from a node that is not Ready a volume is detached by force after this long",
    )


class Workloads:
    """ReplicaSet, Deployment, StatefulSet, DaemonSet and Job controllers."""

    replicaset_burst_replicas = count(
        500,
        KCM,
        "const BurstReplicas",
        RS,
        "pods that one ReplicaSet sync creates or deletes at most",
        least=1,
    )
    slow_start_initial_batch_size = count(
        1,
        KCM,
        "const SlowStartInitialBatchSize",
        CU,
        "first batch of creations; doubles while none fails",
        least=1,
    )
    expectations_timeout = period(
        5 * 60,
        KCM,
        "const ExpectationsTimeout",
        CU,
        "after this long a controller no longer waits to see its own writes",
    )
    concurrent_replicaset_syncs = count(
        5,
        KCM,
        "--concurrent-replicaset-syncs",
        "pkg/controller/replicaset/config",
        "parallel workers",
        least=1,
    )
    concurrent_deployment_syncs = count(
        5,
        KCM,
        "--concurrent-deployment-syncs",
        "pkg/controller/deployment/config",
        "parallel workers",
        least=1,
    )
    concurrent_statefulset_syncs = count(
        5,
        KCM,
        "--concurrent-statefulset-syncs",
        "pkg/controller/statefulset/config",
        "parallel workers",
        least=1,
    )
    concurrent_daemonset_syncs = count(
        2, KCM, "--concurrent-daemonset-syncs", "pkg/controller/daemon/config", "parallel workers", least=1
    )
    concurrent_job_syncs = count(
        5, KCM, "--concurrent-job-syncs", "pkg/controller/job/config", "parallel workers", least=1
    )
    deployment_max_surge = factor(
        0.25,
        API,
        "strategy.rollingUpdate.maxSurge",
        APPS,
        "default share of replicas above the target; it rounds up",
    )
    deployment_max_unavailable = factor(
        0.25,
        API,
        "strategy.rollingUpdate.maxUnavailable",
        APPS,
        "default share below the target; it rounds down",
    )
    deployment_progress_deadline = seconds(
        600,
        API,
        "progressDeadlineSeconds",
        APPS,
        "a rollout without progress for this long is marked as failed",
    )
    deployment_revision_history_limit = count(
        10, API, "revisionHistoryLimit", APPS, "old ReplicaSets that a Deployment keeps"
    )
    statefulset_max_batch_size = count(
        500,
        KCM,
        "const MaxBatchSize",
        SS,
        "largest batch of a StatefulSet with Parallel pod management",
        least=1,
    )
    daemonset_burst_replicas = count(
        250,
        KCM,
        "const daemon.BurstReplicas",
        DS,
        "pods that one DaemonSet sync creates or deletes at most",
        least=1,
    )
    daemonset_failed_pod_backoff_initial = period(
        1,
        KCM,
        "in newDaemonSetController",
        KCM_APPS,
        "first wait before a failed daemon pod is replaced; doubles",
    )
    daemonset_failed_pod_backoff_max = period(
        15 * 60, KCM, "in newDaemonSetController", KCM_APPS, "longest such wait"
    )
    daemonset_max_unavailable = count(
        1,
        API,
        "updateStrategy.rollingUpdate.maxUnavailable",
        APPS,
        "daemon pods an update may take away at a time",
    )
    job_backoff_initial = period(
        10, KCM, "const DefaultJobPodFailureBackOff", JOB, "wait after a Job's first failed pod; doubles"
    )
    job_backoff_max = period(10 * 60, KCM, "const MaxJobPodFailureBackOff", JOB, "longest such wait")
    job_backoff_limit = count(
        6, API, "backoffLimit", "pkg/apis/batch/v1/defaults.go", "failed pods after which a Job has failed"
    )
    job_sync_batch_period = seconds(
        1, KCM, "const SyncJobBatchPeriod", JOB, "pod events of a Job are gathered for this long"
    )
    job_max_pod_changes = count(
        500,
        KCM,
        "const MaxPodCreateDeletePerSync",
        JOB,
        "pods that one Job sync creates or deletes at most",
        least=1,
    )


class Disruption:
    """PodDisruptionBudgets and the Eviction API."""

    disrupted_pods_timeout = seconds(
        2 * 60,
        KCM,
        "const DeletionTimeout",
        PDB,
        "an approved eviction that deletes nothing is forgotten after this long",
    )
    stale_disruption_timeout = seconds(
        2 * 60,
        KCM,
        "const stalePodDisruptionTimeout",
        PDB,
        "DisruptionTarget of a pod that is not deleted is taken back",
    )
    disrupted_pods_limit = count(
        2000, API, "const MaxDisruptedPodSize", EV, "evictions a budget may have approved and not yet seen"
    )
    concurrent_disruption_syncs = count(
        1,
        KCM,
        "--concurrent-disruption-syncs",
        PDB,
        "parallel workers over budgets; a flag from 1.37 on",
        least=1,
    )
    eviction_retry_after = seconds(
        10,
        API,
        "in createTooManyRequestsError",
        EV,
        "Retry-After of an eviction whose budget is not processed yet",
    )
    eviction_conflict_retries = count(
        20, API, "const EvictionsRetry.Steps", EV, "tries of the API server when writes conflict", least=1
    )
    eviction_conflict_retry_interval = period(
        0.5, API, "const EvictionsRetry.Duration", EV, "wait between these tries"
    )
    eviction_conflict_retry_jitter = factor(
        0.1, API, "const EvictionsRetry.Jitter", EV, "jitter of that wait"
    )
    client_retry_after_retries = count(
        10,
        "client-go",
        "in NewRequest",
        "client-go rest/request.go",
        "retries of an answer that has Retry-After",
    )


class Drain:
    """kubectl drain."""

    drain_eviction_retry = period(
        5, KUBECTL, "in evictPods", KD, "wait after an eviction that a budget refused"
    )
    drain_delete_poll = period(
        1, KUBECTL, "in waitForDelete", KD, "between two looks whether an evicted pod is gone"
    )
    drain_timeout = seconds(0, KUBECTL, "--timeout", KC, "time for one node; 0 waits for ever")
    drain_grace_period = count(
        -1, KUBECTL, "--grace-period", KC, "grace in seconds for each pod; -1 is the pod's own", least=-1
    )
