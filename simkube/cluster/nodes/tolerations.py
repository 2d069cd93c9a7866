"""Taints against tolerations: which taints a pod puts up with, and how long (scheduler, taint eviction)."""

from collections.abc import Collection, Iterable, Sequence

from simkube.kube.affinity import Toleration
from simkube.kube.objects import Taint

HARD_EFFECTS = ("NoSchedule", "NoExecute")


def matching(taint: Taint, tolerations: Iterable[Toleration]) -> Toleration | None:
    """The first toleration, in list order, that tolerates the taint; later ones do not count."""
    for toleration in tolerations:
        if toleration.tolerates(taint.key, taint.value, taint.effect):
            return toleration
    return None


def untolerated(
    taints: Iterable[Taint], tolerations: Sequence[Toleration], effects: Collection[str] = HARD_EFFECTS
) -> Taint | None:
    """The first taint with one of `effects` that no toleration matches; None: the pod may go there.

    [component-helpers scheduling/corev1 `FindMatchingUntoleratedTaint`]
    """
    for taint in taints:
        if taint.effect in effects and matching(taint, tolerations) is None:
            return taint
    return None


def no_execute(taints: Iterable[Taint]) -> tuple[Taint, ...]:
    """Those of the taints that evict."""
    return tuple(taint for taint in taints if taint.effect == "NoExecute")


def eviction_delay(taints: Iterable[Taint], tolerations: Sequence[Toleration]) -> float | None:
    """Seconds that a pod may stay under these NoExecute taints: 0.0 to go now, None to stay forever.

    Each taint uses the first toleration that matches it; one without a match: now. Of those used, the
    shortest tolerationSeconds counts, and none set means forever [core/v1/helper `GetMatchingTolerations`,
    tainteviction `getMinTolerationTime`].
    """
    shortest: float | None = None
    for taint in taints:
        toleration = matching(taint, tolerations)
        if toleration is None:
            return 0.0
        seconds = toleration.toleration_seconds
        if seconds is not None and (shortest is None or seconds < shortest):
            shortest = float(max(0, seconds))
    return shortest
