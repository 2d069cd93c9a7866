"""What the pods of a budget come to, kept up change by change, so that a sync need not look at all of them."""

from collections.abc import Iterable

from simkube.cluster.store import Change
from simkube.kube.objects import OwnerReference, Pod


def is_healthy(pod: Pod) -> bool:
    """Ready and not terminating; neither the phase nor minReadySeconds matters [`countHealthyPods`]."""
    ready = pod.status.ready
    return ready is not None and ready.status == "True" and pod.meta.deletion_timestamp is None


class BudgetTally:
    """Numbers of selected, healthy and unmanaged pods, and the pods' controllers with the number of pods of each."""

    __slots__ = ("_controllers", "healthy", "selected", "unmanaged")

    def __init__(self, pods: Iterable[Pod]) -> None:
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

    def follow(self, change: Change) -> bool:
        """Take in a change of a pod that the budget selects before and after it. False if no number changes."""
        old: Pod | None = change.old
        new: Pod | None = change.new
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
        if is_healthy(pod):
            self.healthy += number
        controller = pod.meta.controller
        if controller is None:
            self.unmanaged += number
            return
        count = self._controllers.get(controller, 0) + number
        if count:
            self._controllers[controller] = count
        else:
            del self._controllers[controller]
