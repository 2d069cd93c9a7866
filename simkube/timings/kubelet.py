"""The kubelet's work on pods (behaviour reference 8); its heartbeats are in nodes.py."""

from simkube.timings.constant import count, factor, period, rate, seconds

KUBELET = "kubelet"
API = "kube-apiserver"

KL = "pkg/kubelet/kubelet.go"
KCD = "pkg/kubelet/apis/config/v1beta1/defaults.go"
KCT = "pkg/kubelet/apis/config/types.go"
PODW = "pkg/kubelet/pod_workers.go"
KRM = "pkg/kubelet/kuberuntime/kuberuntime_manager.go"
STATUS = "pkg/kubelet/status/status_manager.go"
PROBES = "pkg/apis/core/v1/defaults.go"
PROBER = "pkg/kubelet/prober/prober_manager.go"


class PodWorkers:
    """How often the kubelet looks at its pods."""

    max_pods = count(110, KUBELET, "maxPods", KCD, "pods that a node takes")
    sync_frequency = period(60, KUBELET, "syncFrequency", KCD, "between two syncs of a pod that is well")
    sync_jitter = factor(
        0.5,
        KUBELET,
        "const workerResyncIntervalJitterFactor",
        PODW,
        "jitter of that, and of the waits after an error",
    )
    kubelet_error_backoff = period(10, KUBELET, "const backOffPeriod", KL, "wait after a sync that failed")
    kubelet_transient_error_backoff = period(
        1,
        KUBELET,
        "const backOffOnTransientErrorPeriod",
        PODW,
        "wait after a sync that failed for want of the network",
    )
    kubelet_loop_tick = period(
        1, KUBELET, "in syncLoop", KL, "how often pods whose wait is over are looked for"
    )
    housekeeping_period = period(
        2,
        KUBELET,
        "const housekeepingPeriod",
        KL,
        "between two clean-ups of containers that belong to no pod",
    )
    pleg_relist_period = period(
        1, KUBELET, "const genericPlegRelistPeriod", KL, "between two looks at what the runtime runs"
    )
    pleg_unhealthy_threshold = seconds(
        3 * 60,
        KUBELET,
        "const genericPlegRelistThreshold",
        KL,
        "without such a look for this long the node is NotReady",
    )
    status_sync_period = period(
        10, KUBELET, "const syncPeriod", STATUS, "between two comparisons of all pods' status with the API"
    )
    eviction_pressure_transition_period = seconds(
        5 * 60,
        KUBELET,
        "evictionPressureTransitionPeriod",
        KCD,
        "how long a pressure condition outlives its cause",
    )
    file_check_frequency = period(
        20,
        KUBELET,
        "fileCheckFrequency",
        KCD,
        "between two reads of the static pods' folder, besides inotify",
    )
    static_pod_requeue = period(
        10,
        KUBELET,
        "const backOffPeriod",
        PODW,
        "a static pod whose predecessor still runs is tried again after this",
    )
    mirror_pod_delay = seconds(
        {28: 60, 32: 0.1},
        KUBELET,
        "in fastStaticPodsRegistration",
        KL,
        "from a node's registration to its mirror pods, at most; before 1.32 the pod's next sync",
    )


class Containers:
    """Restarts, pulls, probes and termination."""

    crash_loop_initial = period(
        10,
        KUBELET,
        "const initialCrashLoopBackOff",
        KL,
        "wait before a container's second restart; doubles",
    )
    crash_loop_max = period(
        300,
        KUBELET,
        "crashLoopBackOff.maxContainerRestartPeriod",
        KCD,
        "longest such wait; a field from 1.35 on",
    )
    crash_loop_reset = seconds(
        600, KUBELET, "in NewMainKubelet", KL, "a container that ran for longer starts over"
    )
    crash_loop_look_again = period(
        {28: 10, 35: 60},
        KUBELET,
        "in completeWork",
        PODW,
        "until a pod in CrashLoopBackOff is looked at again; from 1.35 on when its backoff ends, at most this",
    )
    image_pull_backoff_initial = period(
        10, KUBELET, "const imageBackOffPeriod", KL, "wait after a failed pull; doubles"
    )
    image_pull_backoff_max = period(300, KUBELET, "const MaxImageBackOff", KL, "longest such wait")
    registry_pull_qps = rate(
        5, KUBELET, "registryPullQPS", KCD, "pulls that a kubelet starts, a second; 0 is no limit"
    )
    registry_pull_burst = count(
        10, KUBELET, "registryBurst", KCD, "pulls started at once before that holds", least=1
    )
    max_parallel_image_pulls = count(
        1,
        KUBELET,
        "maxParallelImagePulls",
        KCD,
        "pulls that run at the same time (serializeImagePulls)",
        least=1,
    )
    probe_initial_delay = seconds(0, API, "initialDelaySeconds", "api core/v1/types.go", "default of a probe")
    probe_period = period(10, API, "periodSeconds", PROBES, "default of a probe")
    probe_timeout = seconds(1, API, "timeoutSeconds", PROBES, "default of a probe")
    probe_success_threshold = count(1, API, "successThreshold", PROBES, "default of a probe", least=1)
    probe_failure_threshold = count(3, API, "failureThreshold", PROBES, "default of a probe", least=1)
    minimum_sigterm_window = seconds(
        2, KUBELET, "const minimumGracePeriodInSeconds", KRM, "between SIGTERM and SIGKILL, at least"
    )
    minimum_kill_grace = seconds(
        1,
        KUBELET,
        "in calculateEffectiveGracePeriod",
        PODW,
        "grace of a pod deleted by force, and of an orphan",
    )
    shutdown_grace_period = seconds(
        0,
        KUBELET,
        "shutdownGracePeriod",
        KCT,
        "time that pods get when the machine shuts down in order; 0 is none",
    )
    shutdown_grace_period_critical_pods = seconds(
        0, KUBELET, "shutdownGracePeriodCriticalPods", KCT, "the part of it kept for critical pods"
    )
    restart_keeps_probes_before = seconds(
        10,
        KUBELET,
        "in kubeletRestartGracePeriod",
        PROBER,
        "from 1.35 on, containers this much older than the kubelet stay Ready",
    )
