"""On which nodes a DaemonSet's pods belong, and what is wrong on one node (behaviour, 4.4).

[pkg/controller/daemon/daemon_controller.go `NodeShouldRunDaemonPod`, `podsShouldBeOnNode`; daemon/util]
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from simkube.cluster.nodes.tolerations import untolerated
from simkube.cluster.workloads.availability import is_available
from simkube.cluster.workloads.revisions import REVISION_LABEL
from simkube.kube.affinity import Toleration
from simkube.kube.objects import Node, Pod
from simkube.kube.pod import PodSpec
from simkube.kube.selector import compile_labels

_EVERY_DAEMON = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
_ON_HOST_NETWORK = ("node.kubernetes.io/network-unavailable", "NoSchedule")


def daemon_spec(spec: PodSpec) -> PodSpec:
    """The spec of the pods that a DaemonSet makes: the template's, with the tolerations that all daemon pods get.

    A toleration of the same key and effect is replaced, so that the added one stays for ever.
    [`AddOrUpdateDaemonPodTolerations`]
    """
    wanted = (*_EVERY_DAEMON, _ON_HOST_NETWORK) if spec.host_network else _EVERY_DAEMON
    tolerations = list(spec.tolerations)
    for key, effect in wanted:
        added = Toleration(key=key, operator="Exists", effect=effect)
        for index, own in enumerate(tolerations):
            if (own.key, own.effect, own.operator, own.value) == (key, effect, "Exists", ""):
                tolerations[index] = added
                break
        else:
            tolerations.append(added)
    return spec.model_copy(update={"tolerations": tuple(tolerations)})


class Fit(NamedTuple):
    """May a daemon pod start on the node, and may one that runs there go on?"""

    should_run: bool
    should_continue: bool


NO_FIT = Fit(False, False)


def fit(node: Node, spec: PodSpec) -> Fit:
    """The node test, for a spec with the added tolerations. `spec.unschedulable` itself is not looked at."""
    if spec.node_name and spec.node_name != node.meta.name:
        return NO_FIT
    if spec.node_selector and not compile_labels(spec.node_selector).matches(node.meta.labels):
        return NO_FIT
    affinity = spec.affinity.node_affinity if spec.affinity is not None else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity is not None else None
    if required is not None and not required.matches(node.meta.labels, node.meta.name):
        return NO_FIT
    if untolerated(node.taints, spec.tolerations) is None:
        return Fit(True, True)
    return Fit(False, untolerated(node.taints, spec.tolerations, ("NoExecute",)) is None)


class Todo(NamedTuple):
    """What to do on a node. `failed` pods are to be deleted under a backoff."""

    create: bool = False
    delete: tuple[Pod, ...] = ()
    failed: tuple[Pod, ...] = ()


NOTHING = Todo()


def todo(fits: Fit, pods: Sequence[Pod], revision: str, surge: bool, min_ready: int, now: float) -> Todo:
    """What the controller does on one node, given the daemon pods there (see `daemons_of`)."""
    if fits.should_run and not pods:
        return Todo(create=True)
    staying = [pod for pod in pods if not pod.is_terminating]
    if not fits.should_continue:
        return Todo(delete=tuple(staying))
    failed = tuple(pod for pod in staying if pod.status.phase == "Failed")
    succeeded = tuple(pod for pod in staying if pod.status.phase == "Succeeded")
    running = [pod for pod in staying if not pod.is_finished]
    if not surge:
        return Todo(False, (*succeeded, *running[1:]), failed)
    if not running:
        return Todo(fits.should_run, succeeded, failed)
    return Todo(False, (*succeeded, *_surplus(running, revision, min_ready, now)), failed)


def _surplus(running: Sequence[Pod], revision: str, min_ready: int, now: float) -> Iterable[Pod]:
    """With surge an old and a new pod may stand together until the new one is available or the old one not Ready."""
    if len(running) == 1:
        return ()
    new = [pod for pod in running if is_updated(pod, revision)]
    old = [pod for pod in running if not is_updated(pod, revision)]
    surplus = [pod for pod in running if pod not in (new[:1] + old[:1])]
    if new and old and (not old[0].is_ready or is_available(new[0], min_ready, now)):
        surplus.append(old[0])
    return surplus


def daemons_of(pods: Iterable[Pod]) -> list[Pod]:
    """The pods that count: all but those that are both finished and being deleted; bound ones first, then oldest."""
    counting = (pod for pod in pods if not (pod.is_finished and pod.is_terminating))
    return sorted(counting, key=lambda pod: (not pod.node, pod.meta.created, pod.meta.name))


class Stage(Enum):
    """How far a rolling update is on a node, by the pods there that stay [`findUpdatedPodsOnNode`]."""

    EXCESS = "more than one old or more than one new pod"
    NONE = "no pod"
    NEW = "a new pod"
    OLD = "an old pod"
    BOTH = "an old and a new pod"


class Rollout(NamedTuple):
    """The rolling update on one node; `old` is the old pod of stages OLD and BOTH."""

    stage: Stage
    old: Pod | None
    old_available: bool
    new_available: bool


def rollout(pods: Iterable[Pod], revision: str, min_ready: int, now: float) -> Rollout:
    """Where the node's pods stand."""
    staying = [pod for pod in pods if not pod.is_terminating]
    new = [pod for pod in staying if is_updated(pod, revision)]
    old = [pod for pod in staying if not is_updated(pod, revision)]
    if len(new) > 1 or len(old) > 1:
        return Rollout(Stage.EXCESS, None, False, False)
    stage = {(0, 0): Stage.NONE, (1, 0): Stage.NEW, (0, 1): Stage.OLD, (1, 1): Stage.BOTH}[len(new), len(old)]
    return Rollout(
        stage,
        old[0] if old else None,
        bool(old) and is_available(old[0], min_ready, now),
        bool(new) and is_available(new[0], min_ready, now),
    )


def is_updated(pod: Pod, revision: str) -> bool:
    """The pod was made from the current template."""
    return pod.meta.labels.get(REVISION_LABEL) == revision
