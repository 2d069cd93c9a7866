"""Pods that quotas no longer count though they are still there: deleted, and not gone after twice their grace period,
as on a node that is lost [pkg/quota/v1/evaluator/core/pods.go `QuotaV1Pod`].

Time alone has nothing counted anew; that happens when a pod of the namespace goes or finishes, and every five minutes
[pkg/controller/resourcequota/resource_quota_controller.go].
"""

from collections.abc import Iterator
from heapq import heappop, heappush

from simkube.kube.objects import Key, Pod

RESYNC = 300.0  # s [kube-controller-manager `--resource-quota-sync-period`]


def expiry(pod: Pod) -> float:
    """When a pod that is being deleted stops counting, s: the deletion timestamp has one grace period in it already."""
    meta = pod.meta
    return (meta.deletion_timestamp or 0.0) + (meta.deletion_grace_period_seconds or 0)


class Overdue:
    """Those of one namespace. `began`: when the controller did, s."""

    def __init__(self, began: float) -> None:
        self.pods: set[Key] = set()
        self._began = began
        self._counted = began
        self._expected: list[tuple[float, Key]] = []

    def expect(self, pod: Pod) -> None:
        """It is being deleted."""
        heappush(self._expected, (expiry(pod), pod.key))

    def count(self, now: float) -> None:
        """Everything is counted anew now."""
        self._counted = now

    def due(self, now: float) -> Iterator[tuple[float, Key]]:
        """Expiry and key of those that had expired when the last count was made. Each comes once."""
        resync = now - (now - self._began) % RESYNC
        counted = max(self._counted, resync)
        while self._expected and self._expected[0][0] < counted:
            yield heappop(self._expected)
