"""What a Job's controller decides about pods: which have failed, whether it counts, how long to wait (behaviour, 4.5).

[pkg/controller/job/job_controller.go, backoff_utils.go, pod_failure_policy.go, indexed_job_utils.go]
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from simkube.kube.objects import ContainerStatus, Pod, PodStatus, Workload
from simkube.kube.workloads import JobSpec, PodFailurePolicyRule

FINALIZER = "batch.kubernetes.io/job-tracking"
INDEX_ANNOTATION = "batch.kubernetes.io/job-completion-index"
POLICY_FIELD = (
    29  # the minor from which podReplacementPolicy is read; before, a podFailurePolicy alone decides
)


def is_tracked(pod: Pod) -> bool:
    """The pod carries the finalizer: it is not yet counted in the Job's status."""
    return FINALIZER in pod.meta.finalizers


def replaces_only_failed(spec: JobSpec, minor: int) -> bool:
    """A terminating pod is neither failed nor replaced before it has ended (podReplacementPolicy Failed)."""
    if minor < POLICY_FIELD:
        return spec.pod_failure_policy is not None
    return spec.pod_replacement_policy == "Failed"


def has_failed(pod: Pod, only_ended: bool) -> bool:
    """Phase Failed; unless `only_ended`, also a pod that is being deleted and has not succeeded [`isPodFailed`]."""
    if pod.status.phase == "Failed":
        return True
    return not only_ended and pod.is_terminating and pod.status.phase != "Succeeded"


# -- podFailurePolicy -----------------------------------------------------------------------------------------------


class Verdict(NamedTuple):
    """Does a failed pod count against backoffLimit; the message with which it fails the whole Job, or ""."""

    counts: bool = True
    fails_job: str = ""


def verdict(spec: JobSpec, pod: Pod) -> Verdict:
    """What the first rule that fits says of a failed pod [`matchPodFailurePolicy`]."""
    policy = spec.pod_failure_policy
    for index, rule in enumerate(policy.rules if policy is not None else ()):
        why = _fits(rule, pod)
        if not why:
            continue
        if rule.action == "FailJob":
            return Verdict(True, f"{why} matching FailJob rule at index {index}")
        return Verdict(counts=rule.action != "Ignore")
    return Verdict()


def _fits(rule: PodFailurePolicyRule, pod: Pod) -> str:
    """What fits the rule, in the words of the message; "" if nothing does."""
    name = f"{pod.meta.namespace}/{pod.meta.name}"
    if rule.on_exit_codes is not None:
        for container in (*pod.status.containers, *pod.status.init_containers):
            if _exit_code_fits(rule.on_exit_codes, container):
                return (
                    f"Container {container.name} for pod {name} failed with exit code {container.exit_code}"
                )
        return ""
    for type_, status in _conditions(pod.status):
        if any((pattern.type, pattern.status) == (type_, status) for pattern in rule.on_pod_conditions):
            return f"Pod {name} has condition {type_}"
    return ""


def _exit_code_fits(pattern: Mapping[str, Any], container: ContainerStatus) -> bool:
    code, only = container.exit_code, pattern.get("containerName")
    if container.state != "terminated" or not code or only not in (None, container.name):
        return False
    listed = code in pattern.get("values", ())
    return listed if pattern.get("operator") == "In" else not listed


def _conditions(status: PodStatus) -> Iterable[tuple[str, str]]:
    named = (
        ("Ready", status.ready),
        ("PodScheduled", status.scheduled),
        ("DisruptionTarget", status.disrupted),
    )
    return [(type_, condition.status) for type_, condition in named if condition is not None]


# -- backoff --------------------------------------------------------------------------------------------------------


class Backoff(NamedTuple):
    """Failures since the last success, and when the last of them was (seconds)."""

    failures: int = 0
    last: float = 0.0

    def after(self, succeeded: Sequence[Pod], failed: Sequence[Pod]) -> "Backoff":
        """With pods that have newly ended [`newBackoffRecord`]; a failure that the policy ignores counts here too."""
        times = sorted(map(finished_at, failed))
        if not succeeded:
            return Backoff(self.failures + len(times), times[-1]) if times else self
        success = max(map(finished_at, succeeded))
        later = [time for time in times if time > success]
        return Backoff(len(later), later[-1]) if later else Backoff()

    def remaining(self, now: float, initial: float, longest: float) -> float:
        """Seconds until new pods may be created: `initial`, doubled with each further failure."""
        if not self.failures:
            return 0.0
        wait = min(longest, initial * 2.0 ** min(self.failures - 1, 64))
        return max(0.0, self.last + wait - now)


def finished_at(pod: Pod) -> float:
    """When a pod ended: its last container, else when it turned not Ready, else when it was deleted."""
    sidecars = {container.name for container in pod.template.sidecars}
    ended = [c for c in pod.status.containers if c.state == "terminated"]
    ended += [c for c in pod.status.init_containers if c.name in sidecars and c.state == "terminated"]
    if pod.status.containers and len(ended) == len(pod.status.containers) + len(sidecars):
        times = [c.finished_at for c in ended if c.finished_at is not None]
        if len(times) == len(ended):
            return max(times)
    ready = pod.status.ready
    if ready is not None and ready.status == "False":
        return ready.since
    if pod.meta.deletion_timestamp is not None:
        return pod.meta.deletion_timestamp - (pod.meta.deletion_grace_period_seconds or 0)
    return pod.meta.created


# -- how many -------------------------------------------------------------------------------------------------------


def wanted(spec: JobSpec, active: int, succeeded: int) -> int:
    """How many pods should be active. Without completions a first success stops the creation of more."""
    if spec.completions is None:
        return active if succeeded else spec.parallelism
    return max(0, min(spec.completions - succeeded, spec.parallelism))


def restarts_exceed(job: Workload, pods: Iterable[Pod]) -> bool:
    """restartPolicy OnFailure: the containers' restarts have used up backoffLimit [`pastBackoffLimitOnFailure`]."""
    if job.template.spec.restart_policy != "OnFailure":
        return False
    running = (pod.status for pod in pods if pod.status.phase in ("Running", "Pending"))
    restarts = sum(
        c.restart_count for status in running for c in (*status.init_containers, *status.containers)
    )
    return restarts >= max(1, int(job.spec.backoff_limit))


def index_of(pod: Pod) -> int | None:
    """The completion index of an Indexed Job's pod."""
    text = pod.meta.annotations.get(INDEX_ANNOTATION, "")
    return int(text) if text.isascii() and text.isdigit() else None


def next_indexes(taken: Collection[int], count: int, completions: int) -> list[int]:
    """The first `count` indexes that are neither done nor being worked on."""
    found: list[int] = []
    for index in range(completions):
        if len(found) == count:
            break
        if index not in taken:
            found.append(index)
    return found


def parse_indexes(text: str) -> set[int]:
    """`status.completedIndexes`, as "1,3-5,7"."""
    indexes: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        indexes.update(range(int(first), int(last or first) + 1))
    return indexes


def format_indexes(indexes: Iterable[int]) -> str:
    """The same, written; three or more in a row become a range, two are written apart."""
    parts: list[list[int]] = []
    for index in sorted(indexes):
        if parts and index == parts[-1][1] + 1:
            parts[-1][1] = index
        else:
            parts.append([index, index])
    return ",".join(_interval(first, last) for first, last in parts)


def _interval(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first},{last}" if last == first + 1 else f"{first}-{last}"
