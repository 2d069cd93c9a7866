"""What a drain would do with each pod: kubectl's filters, in kubectl's order, with kubectl's messages.

Pure decisions over plain data [kubectl `pkg/drain/filters.go`]: the first "do not delete" verdict ends the chain for a
pod, and the last verdict's message survives.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field

from simkube.kube.objects import Pod
from simkube.kube.selector_text import parse_selector
from simkube.maintenance.model import Model


def _selector(text: str) -> str:
    parse_selector(text)
    return text


SelectorText = Annotated[str, AfterValidator(_selector)]

MIRROR_ANNOTATION = "kubernetes.io/config.mirror"


class DrainOptions(Model):
    """kubectl drain's flags. The defaults are those of a strategy (`--ignore-daemonsets --delete-emptydir-data`), not
    of the bare command."""

    ignore_daemonsets: bool = Field(
        True, description="Leave the pods of DaemonSets, instead of refusing the node"
    )
    delete_emptydir_data: bool = Field(
        True, description="Evict pods with emptyDir volumes, whose data is lost"
    )
    force: bool = Field(False, description="Evict pods that no controller replaces: they are lost")
    disable_eviction: bool = Field(False, description="Delete instead of evicting: budgets are not asked")
    pod_selector: SelectorText = Field(
        "", description="Only pods with such labels, as `kubectl -l`: app=web,tier!=db"
    )
    grace_period: int = Field(-1, ge=-1, description="Seconds to terminate in; -1: what each pod says")
    skip_wait_for_delete_timeout: int = Field(
        0,
        ge=0,
        description="Do not wait for pods whose deletionTimestamp is older than this, in seconds; 0: wait",
    )


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


def left_behind(pod: Pod, options: DrainOptions, now: float) -> bool:
    """The pod is terminating for longer than --skip-wait-for-delete-timeout, after its grace period [`shouldSkipPod`;
    whole seconds, cut]."""
    deleted, limit = pod.meta.deletion_timestamp, options.skip_wait_for_delete_timeout
    return limit > 0 and deleted is not None and int(now - deleted) > limit


def skip_deleted(pod: Pod, options: DrainOptions, facts: Facts) -> Verdict:
    return SKIP if left_behind(pod, options, facts.now) else OK


def daemonset(pod: Pod, options: DrainOptions, facts: Facts) -> Verdict:
    owner = pod.meta.controller
    if owner is None or owner.kind != "DaemonSet" or owner.api_version != "apps/v1" or pod.is_finished:
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
    """What a drain of a node would do: the pods to evict (also when there is an error, with which nothing is evicted),
    and kubectl's warning and error texts ("" for none)."""

    evict: tuple[Pod, ...]
    warning: str
    error: str


def select(pods: Iterable[Pod], options: DrainOptions, facts: Facts, minor: tuple[int, int]) -> Selection:
    """Judge all pods of a node, in the API's order. `minor` is kubectl's: before 1.36 it says "cannot delete" twice of
    unmanaged pods (behaviour, 13.2)."""
    evict: list[Pod] = []
    warnings: dict[str, list[str]] = {}
    errors: dict[str, list[str]] = {}
    wanted = parse_selector(options.pod_selector)
    for pod in sorted(pods, key=lambda pod: (pod.meta.namespace, pod.meta.name)):
        if not (wanted.is_everything or wanted.matches(pod.meta.labels)):
            continue
        verdict = judge(pod, options, facts)
        if verdict.delete:
            evict.append(pod)
        if verdict.level:
            told = errors if verdict.level == "error" else warnings
            told.setdefault(verdict.message, []).append(f"{pod.meta.namespace}/{pod.meta.name}")
    twice = "cannot delete " if minor < (1, 36) else ""
    lines = [
        f"cannot delete {twice if message == UNMANAGED_FATAL else ''}{message}: {', '.join(names)}"
        for message, names in errors.items()
    ]
    warning = "; ".join(f"{message}: {', '.join(names)}" for message, names in warnings.items())
    return Selection(tuple(evict), warning, aggregate(lines))


def aggregate(errors: Iterable[str]) -> str:
    """Several errors as Go prints them: each once; one alone as it is, more as `[a, b]` ("" for none)
    [apimachinery pkg/util/errors `NewAggregate`]."""
    each = tuple(dict.fromkeys(errors))
    return each[0] if len(each) == 1 else f"[{', '.join(each)}]" if each else ""
