"""What the pods of a budget come to, kept up change by change, so that a sync need not look at all of them."""

from collections.abc import Iterable
from typing import NamedTuple

from simkube.kube.objects import OwnerReference, Pod


def is_healthy(pod: Pod) -> bool:
    """Ready and not terminating; neither the phase nor minReadySeconds matters [`countHealthyPods`]."""
    ready = pod.status.ready
    return ready is not None and ready.status == "True" and pod.meta.deletion_timestamp is None


class Expectation(NamedTuple):
    """A budget's expectedPods and desiredHealthy, as of a state of what scales rest on."""

    expected: int
    desired: int
    as_of: int


class BudgetTally:
    """Numbers of selected, healthy and unmanaged pods, and the pods' controllers with the number of pods of each.

    `expectation` is what was worked out of the selected pods' controllers (and of the number of these pods, if that
    `counts_pods`), and is forgotten when they change.
    """

    __slots__ = ("_controllers", "_counts_pods", "expectation", "healthy", "selected", "unmanaged")

    def __init__(self, pods: Iterable[Pod], counts_pods: bool) -> None:
        self.expectation: Expectation | None = None
        self._counts_pods = counts_pods
        self.selected = 0
        self.healthy = 0
        self.unmanaged = 0
        self._controllers: dict[OwnerReference, int] = {}
        for pod in pods:
            self._add(pod, 1)

    @property
    def controllers(self) -> Iterable[OwnerReference]:
        """Distinct controllers of the pods."""
        return self._controllers

    def follow(self, old: Pod | None, new: Pod | None) -> bool:
        """Take in a change of a pod that the budget selects before and after it (None: it was not there before, or is
        gone). False if no number changes."""
        if old is not None and new is not None and old.meta.owners == new.meta.owners:
            difference = is_healthy(new) - is_healthy(old)
            self.healthy += difference
            return difference != 0
        if old is not None:
            self._add(old, -1)
        if new is not None:
            self._add(new, 1)
        return True

    def _add(self, pod: Pod, number: int) -> None:
        self.selected += number
        if self._counts_pods:
            self.expectation = None
        if is_healthy(pod):
            self.healthy += number
        controller = pod.meta.controller
        if controller is None:
            self.unmanaged += number
            self.expectation = None
            return
        before = self._controllers.get(controller, 0)
        if before + number:
            self._controllers[controller] = before + number
        else:
            del self._controllers[controller]
        if not before or not before + number:
            self.expectation = None
