"""What a drain would do with each pod: kubectl's filters, in kubectl's order, with kubectl's messages.

Pure decisions over plain data [kubectl `pkg/drain/filters.go`]: the first "do not delete" verdict ends the chain for a
pod, and the last verdict's message survives.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from simkube.kube.objects import Pod
from simkube.kube.version import Version

MIRROR_ANNOTATION = "kubernetes.io/config.mirror"


class DrainOptions(BaseModel):
    """kubectl drain's flags. The defaults are those of a strategy (`--ignore-daemonsets --delete-emptydir-data`), not
    of the bare command; durations in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    ignore_daemonsets: bool = Field(True, alias="ignoreDaemonsets")
    delete_emptydir_data: bool = Field(True, alias="deleteEmptydirData")
    force: bool = False
    disable_eviction: bool = Field(False, alias="disableEviction")
    grace_period: int = Field(-1, alias="gracePeriod")
    skip_wait_for_delete_timeout: int = Field(0, alias="skipWaitForDeleteTimeout", ge=0)


class Verdict(NamedTuple):
    """What becomes of one pod: deleted or not, and a "warning" or "error" with its message."""

    delete: bool
    level: str = ""  # "", "warning" or "error"
    message: str = ""


OK = Verdict(True)
SKIP = Verdict(False)

DAEMONSET_FATAL = "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)"
DAEMONSET_WARNING = "ignoring DaemonSet-managed Pods"
LOCAL_FATAL = "Pods with local storage (use --delete-emptydir-data to override)"
LOCAL_WARNING = "deleting Pods with local storage"
UNMANAGED_FATAL = "Pods that declare no controller (use --force to override)"
UNMANAGED_WARNING = "deleting Pods that declare no controller"


class Facts(NamedTuple):
    """What the filters ask of the cluster: does this DaemonSet exist, and what time is it (seconds)."""

    daemonset_exists: Callable[[str, str], bool]  # namespace, name
    now: float


Filter = Callable[[Pod, DrainOptions, Facts], Verdict]


def skip_deleted(pod: Pod, options: DrainOptions, facts: Facts) -> Verdict:
    deleted, limit = pod.meta.deletion_timestamp, options.skip_wait_for_delete_timeout
    return SKIP if limit > 0 and deleted is not None and facts.now - deleted > limit else OK


def daemonset(pod: Pod, options: DrainOptions, facts: Facts) -> Verdict:
    owner = pod.meta.controller
    if owner is None or owner.kind != "DaemonSet" or pod.is_finished:
        return OK
    if not facts.daemonset_exists(pod.meta.namespace, owner.name):
        gone = f'daemonsets.apps "{owner.name}" not found'
        return Verdict(True, "warning", gone) if options.force else Verdict(False, "error", gone)
    if not options.ignore_daemonsets:
        return Verdict(False, "error", DAEMONSET_FATAL)
    return Verdict(False, "warning", DAEMONSET_WARNING)


def mirror_pod(pod: Pod, options: DrainOptions, facts: Facts) -> Verdict:
    return SKIP if MIRROR_ANNOTATION in pod.meta.annotations else OK


def local_storage(pod: Pod, options: DrainOptions, facts: Facts) -> Verdict:
    if not pod.template.has_empty_dir or pod.is_finished:
        return OK
    if not options.delete_emptydir_data:
        return Verdict(False, "error", LOCAL_FATAL)
    return Verdict(True, "warning", LOCAL_WARNING)


def unreplicated(pod: Pod, options: DrainOptions, facts: Facts) -> Verdict:
    if pod.is_finished or pod.meta.controller is not None:
        return OK
    if options.force:
        return Verdict(True, "warning", UNMANAGED_WARNING)
    return Verdict(False, "error", UNMANAGED_FATAL)


FILTERS: tuple[Filter, ...] = (skip_deleted, daemonset, mirror_pod, local_storage, unreplicated)


def judge(pod: Pod, options: DrainOptions, facts: Facts) -> Verdict:
    """The verdict of the whole chain on one pod."""
    message = OK
    for rule in FILTERS:
        verdict = rule(pod, options, facts)
        if not verdict.delete:
            return verdict
        if verdict.message:
            message = verdict
    return message


class Selection(NamedTuple):
    """What a drain of a node would do: the pods to evict, and kubectl's warning and error lines ("" for none)."""

    evict: tuple[Pod, ...]
    warning: str
    error: str


def select(pods: Sequence[Pod], options: DrainOptions, facts: Facts, kubectl: Version) -> Selection:
    """Judge all pods of a node. With an error nothing on the node is evicted. kubectl before 1.36 says "cannot delete"
    twice for unmanaged pods (behaviour, 13.2)."""
    evict: list[Pod] = []
    warnings: dict[str, list[str]] = {}
    errors: dict[str, list[str]] = {}
    for pod in pods:
        verdict = judge(pod, options, facts)
        name = f"{pod.meta.namespace}/{pod.meta.name}"
        if verdict.delete:
            evict.append(pod)
        if verdict.level:
            (errors if verdict.level == "error" else warnings).setdefault(verdict.message, []).append(name)
    twice = "cannot delete " if kubectl < Version.parse("v1.36.0") else ""
    lines = [
        f"cannot delete {twice if message == UNMANAGED_FATAL else ''}{message}: {', '.join(names)}"
        for message, names in errors.items()
    ]
    error = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]" if lines else ""
    warning = "; ".join(f"{message}: {', '.join(names)}" for message, names in warnings.items())
    return Selection(tuple(evict), warning, error)
