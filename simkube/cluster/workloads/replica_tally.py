"""What the pods of a ReplicaSet come to, kept up change by change, so that a sync need not look at all of them."""

from collections.abc import Iterable

from simkube.kube.objects import Pod


class ReplicaTally:
    """Numbers of active pods, of Ready ones among them, and of terminating ones."""

    __slots__ = ("active", "ready", "terminating")

    def __init__(self, pods: Iterable[Pod]) -> None:
        self.active = 0
        self.ready = 0
        self.terminating = 0
        for pod in pods:
            self.follow(None, pod)

    def follow(self, old: Pod | None, new: Pod | None) -> bool:
        """Take in a change of a pod (None: it was not there before, or is gone). False if it changes no number."""
        before = _part(old) if old is not None else _NOTHING
        after = _part(new) if new is not None else _NOTHING
        if before == after:
            return False
        self.active += after[0] - before[0]
        self.ready += after[1] - before[1]
        self.terminating += after[2] - before[2]
        return True


_NOTHING, _WAITING, _READY, _TERMINATING = (0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 0, 1)


def _part(pod: Pod) -> tuple[int, int, int]:
    """What a pod adds: active, ready, terminating."""
    if pod.status.phase in ("Succeeded", "Failed"):
        return _NOTHING
    if pod.meta.deletion_timestamp is not None:
        return _TERMINATING
    ready = pod.status.ready
    return _READY if ready is not None and ready.status == "True" else _WAITING
