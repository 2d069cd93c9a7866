"""The scheduler (behaviour reference 7)."""

from simkube.timings.constant import BYTES, MILLI_CPU, count, period, seconds

SCHEDULER = "kube-scheduler"

SQ = "pkg/scheduler/backend/queue/scheduling_queue.go"
BQ = "pkg/scheduler/backend/queue/backoff_queue.go"
S1 = "pkg/scheduler/schedule_one.go"
SCD = "pkg/scheduler/apis/config/v1/defaults.go"
PODRES = "pkg/scheduler/util/pod_resources.go"
SPREAD = "pkg/scheduler/framework/plugins/podtopologyspread/plugin.go"
IMAGES = "pkg/scheduler/framework/plugins/imagelocality/image_locality.go"
MIB = 1024 * 1024


class SchedulerQueues:
    """How long a pod that fits nowhere waits before it is tried again."""

    pod_initial_backoff = period(
        1, SCHEDULER, "podInitialBackoffSeconds", SCD, "wait after the first failed try; doubles with each"
    )
    pod_max_backoff = period(10, SCHEDULER, "podMaxBackoffSeconds", SCD, "longest such wait")
    backoff_window = period(
        1, SCHEDULER, "const backoffQOrderingWindowDuration", BQ, "backoffs end on multiples of this"
    )
    max_in_unschedulable_pods = seconds(
        5 * 60,
        SCHEDULER,
        "podMaxInUnschedulablePodsDuration",
        SQ,
        "a pod that no event wakes is tried again after this",
    )
    flush_unschedulable_period = period(
        30, SCHEDULER, "in PriorityQueue.Run", SQ, "between two looks for such pods"
    )
    bind_timeout = seconds(600, SCHEDULER, "bindTimeoutSeconds", SCD, "time for a pod's volumes to be bound")


class Scheduling:
    """Sampling, scoring and preemption."""

    percentage_of_nodes_to_score = count(
        0,
        SCHEDULER,
        "percentageOfNodesToScore",
        SCD,
        "stop looking at this share of feasible nodes; 0 adapts to size",
    )
    min_feasible_nodes_to_find = count(
        100, SCHEDULER, "const minFeasibleNodesToFind", S1, "but look for at least this many", least=1
    )
    min_feasible_nodes_percentage = count(
        5, SCHEDULER, "const minFeasibleNodesPercentageToFind", S1, "adaptive share in percent, at least"
    )
    adaptive_nodes_percentage = count(
        50, SCHEDULER, "in numFeasibleNodesToFind", S1, "adaptive share in percent of an empty cluster"
    )
    adaptive_nodes_divisor = count(
        125,
        SCHEDULER,
        "in numFeasibleNodesToFind",
        S1,
        "nodes for each percent that the adaptive share falls",
        least=1,
    )
    scheduler_parallelism = count(
        16, SCHEDULER, "parallelism", SCD, "nodes filtered at the same time", least=1
    )
    default_milli_cpu_request = count(
        100,
        SCHEDULER,
        "const DefaultMilliCPURequest",
        PODRES,
        "cpu that scoring assumes if none is requested",
        unit=MILLI_CPU,
    )
    default_memory_request = count(
        200 * MIB,
        SCHEDULER,
        "const DefaultMemoryRequest",
        PODRES,
        "memory that scoring assumes if none is",
        unit=BYTES,
    )
    hard_pod_affinity_weight = count(
        1, SCHEDULER, "hardPodAffinityWeight", SCD, "score of an existing pod whose required affinity matches"
    )
    default_spread_hostname_max_skew = count(
        3,
        SCHEDULER,
        "const systemDefaultConstraints",
        SPREAD,
        "soft spread over nodes of pods that state none",
        least=1,
    )
    default_spread_zone_max_skew = count(
        5,
        SCHEDULER,
        "const systemDefaultConstraints",
        SPREAD,
        "soft spread over zones of pods that state none",
        least=1,
    )
    image_locality_min = count(
        23 * MIB,
        SCHEDULER,
        "const minThreshold",
        IMAGES,
        "images smaller than this score nothing",
        unit=BYTES,
    )
    image_locality_max_per_container = count(
        1000 * MIB,
        SCHEDULER,
        "const maxContainerThreshold",
        IMAGES,
        "images larger than this score no more",
        unit=BYTES,
    )
    preemption_candidates_percentage = count(
        10, SCHEDULER, "minCandidateNodesPercentage", SCD, "share of nodes in percent that preemption tries"
    )
    preemption_candidates_absolute = count(
        100, SCHEDULER, "minCandidateNodesAbsolute", SCD, "but at least this many"
    )
