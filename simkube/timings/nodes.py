"""Heartbeats, node health, taints and the evictions they cause (behaviour reference 1 and 2)."""

from simkube.timings.constant import count, factor, period, rate, seconds

KCM = "kube-controller-manager"
KUBELET = "kubelet"
API = "kube-apiserver"

KL = "pkg/kubelet/kubelet.go"
KNS = "pkg/kubelet/kubelet_node_status.go"
KCD = "pkg/kubelet/apis/config/v1beta1/defaults.go"
LEASE = "component-helpers apimachinery/lease/controller.go"
NLC = "pkg/controller/nodelifecycle/node_lifecycle_controller.go"
NLD = "pkg/controller/nodelifecycle/config/v1alpha1/defaults.go"
NLO = "cmd/kube-controller-manager/app/options/nodelifecyclecontroller.go"
RLQ = "pkg/controller/nodelifecycle/scheduler/rate_limited_queue.go"
TEC = "pkg/controller/tainteviction/taint_eviction.go"
DTS = "plugin/pkg/admission/defaulttolerationseconds/admission.go"


class Heartbeats:
    """What the kubelet sends, and how it tries again."""

    node_lease_duration = seconds(
        40,
        KUBELET,
        "nodeLeaseDurationSeconds",
        KCD,
        "leaseDurationSeconds of a node's Lease; no controller reads it",
    )
    node_lease_renew_interval = period(
        10,
        KUBELET,
        "const nodeLeaseRenewIntervalFraction",
        KL,
        "between two renewals of a node's Lease: 0.25 x its duration",
    )
    node_lease_renew_jitter = factor(
        0.04, KUBELET, "in controller.Run", LEASE, "jitter of the renew interval"
    )
    node_lease_update_retries = count(
        5,
        KUBELET,
        "const maxUpdateRetries",
        LEASE,
        "renewals tried back to back before the Lease is fetched anew",
    )
    node_lease_backoff_initial = period(
        0.2,
        KUBELET,
        "in backoffEnsureLease",
        LEASE,
        "first wait while the Lease cannot be fetched or created; doubles",
    )
    node_lease_backoff_max = period(7, KUBELET, "const maxBackoff", LEASE, "longest such wait")
    node_status_update_frequency = period(
        10, KUBELET, "nodeStatusUpdateFrequency", KCD, "between two computations of the node's status"
    )
    node_status_update_jitter = factor(
        0.04, KUBELET, "in Kubelet.Run", KL, "jitter of the status computation"
    )
    node_status_report_frequency = period(
        5 * 60, KUBELET, "nodeStatusReportFrequency", KCD, "between two reports of an unchanged status"
    )
    node_status_report_shift = factor(
        {28: 0.0, 34: 0.5},
        KUBELET,
        "in calculateDelay",
        KNS,
        "after a change the next report shifts once by +/- this share",
    )
    node_status_update_retry = count(
        5, KUBELET, "const nodeStatusUpdateRetry", KNS, "tries of one status report"
    )
    node_registration_backoff_initial = period(
        0.1, KUBELET, "in registerWithAPIServer", KNS, "first wait when registering fails; doubles"
    )
    node_registration_backoff_max = period(
        7, KUBELET, "in registerWithAPIServer", KNS, "longest wait between tries to register"
    )
    fast_ready_update_period = period(
        0.1, KUBELET, "in fastStatusUpdateOnce", KL, "how often a starting kubelet looks whether it is Ready"
    )
    node_ready_grace_period = seconds(
        120, KUBELET, "const nodeReadyGracePeriod", KL, "how long a starting kubelet looks that often"
    )
    runtime_check_period = period(
        5, KUBELET, "in Kubelet.Run", KL, "between two checks of the container runtime"
    )
    runtime_down_threshold = seconds(
        30,
        KUBELET,
        "const maxWaitForContainerRuntime",
        KL,
        "without a good check for this long the node is NotReady",
    )


class NodeLifecycle:
    """How the controller decides that a node is gone, and how fast it taints."""

    node_monitor_period = period(
        5, KCM, "--node-monitor-period", NLD, "between two looks at the health of all nodes"
    )
    node_monitor_grace_period = seconds(
        {28: 40, 32: 50}, KCM, "--node-monitor-grace-period", NLD, "silence after which a node is Unknown"
    )
    node_startup_grace_period = seconds(
        60, KCM, "--node-startup-grace-period", NLD, "the same for a node that never posted a status"
    )
    node_health_update_retries = count(
        5, KCM, "const NodeHealthUpdateRetry", RLQ, "tries to write a node's Unknown status"
    )
    node_health_retry_sleep = period(0.02, KCM, "const retrySleepTime", NLC, "wait between these tries")
    node_update_workers = count(
        8, KCM, "const nodeUpdateWorkerSize", NLC, "parallel workers over nodes", least=1
    )
    pod_update_workers = count(
        4, KCM, "const podUpdateWorkerSize", NLC, "parallel workers over newly bound pods", least=1
    )
    node_eviction_rate = rate(
        0.1, KCM, "--node-eviction-rate", NLO, "nodes a second, per zone, that get their NoExecute taint"
    )
    secondary_node_eviction_rate = rate(
        0.01, KCM, "--secondary-node-eviction-rate", NLO, "the same in a large zone under partial disruption"
    )
    node_eviction_burst = count(
        1, KCM, "const EvictionRateLimiterBurst", RLQ, "tokens that the taint queue's bucket holds", least=1
    )
    node_eviction_poll = period(
        0.1, KCM, "const NodeEvictionPeriod", RLQ, "how often the taint queues are looked at"
    )
    large_cluster_size_threshold = count(
        50,
        KCM,
        "--large-cluster-size-threshold",
        NLO,
        "a zone up to this size stops tainting under partial disruption",
    )
    unhealthy_zone_threshold = factor(
        0.55,
        KCM,
        "--unhealthy-zone-threshold",
        NLO,
        "share of nodes not Ready that makes a partial disruption",
    )
    unhealthy_zone_min_nodes = count(
        3, KCM, "in ComputeZoneState", NLC, "and the least number of nodes not Ready for one"
    )


class TaintEviction:
    """Tolerations that admission adds, and the deletions when they run out."""

    default_not_ready_toleration_seconds = seconds(
        300,
        API,
        "--default-not-ready-toleration-seconds",
        DTS,
        "how long pods stay on a node that says it is NotReady",
    )
    default_unreachable_toleration_seconds = seconds(
        300, API, "--default-unreachable-toleration-seconds", DTS, "how long pods stay bound to a silent node"
    )
    taint_eviction_delete_retries = count(
        5,
        KCM,
        "const retries",
        TEC,
        "tries to delete a pod whose toleration ran out; then it is given up",
        least=1,
    )
    taint_eviction_retry_sleep = period(0.01, KCM, "in deletePodHandler", TEC, "wait between these tries")
    taint_eviction_workers = count(
        8, KCM, "const UpdateWorkerSize", TEC, "parallel workers, by node", least=1
    )
