"""Why a service failed, in words: remembers what befell pods and machines, and tells it when asked."""

from collections.abc import Iterable

from simkube.trace.record import Record

REASONS = {
    "EvictionByEvictionAPI": "evicted from",
    "DeletionByTaintManager": "deleted by the taint manager from",
    "PreemptionByScheduler": "preempted on",
    "DeletionByPodGC": "collected with its node",
    "TerminationByKubelet": "ended by the shutdown of",
}


def clock(t: float) -> str:
    """Seconds as hh:mm:ss of the run."""
    whole = int(t)
    return f"{whole // 3600:02d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


class Causes:
    """Folds records into short accounts of pods' ends and returns. Keeps only what is still of use."""

    def __init__(self) -> None:
        self._ends: dict[str, tuple[str, float]] = {}  # pod UID -> what ended it, when
        self._machines: dict[str, tuple[str, float]] = {}
        self._ready: dict[str, tuple[str, str, float]] = {}  # pod UID -> name, node, since when it serves

    def __call__(self, record: Record) -> None:
        what = record.what
        if what == "pod.terminating":
            how = REASONS.get(record.reason, "deleted from")
            self._ends[record.uid] = (f"{how} {record.node}", record.t)
        elif what == "pod.serving":
            self._ready[record.uid] = (record.name, record.node, record.t)
        elif what == "pod.silent":
            self._ready.pop(record.uid, None)
        elif what == "pod.removed":
            self._ends.pop(record.uid, None)
        elif what in ("machine.off", "machine.frozen", "machine.cut"):
            word = {"machine.off": "went down", "machine.frozen": "froze", "machine.cut": "was cut off"}[what]
            self._machines[record.node] = (word, record.t)

    def begin(self, record: Record, endpoints: int) -> str:
        """What began a failure: told from the record that made the success fraction fall."""
        if record.what == "pod.silent":
            ended = self._ends.get(record.uid)
            if ended is not None:
                return f"{record.name} {ended[0]} at {clock(ended[1])}"
            machine = self._machines.get(record.node)
            if machine is not None and record.t - machine[1] < 1.0:
                return f"{record.node} {machine[0]} at {clock(machine[1])} with {record.name}"
            return f"{record.name} on {record.node} stopped answering at {clock(record.t)}"
        if record.what == "proxy.routes":
            if endpoints == 0:
                last = max(self._ends.values(), key=lambda end: end[1], default=None)
                tail = f" (a pod was {last[0]} at {clock(last[1])})" if last is not None else ""
                return f"no ready endpoint left at {clock(record.t)}{tail}"
            return f"routed to an endpoint that does not answer since {clock(record.t)}"
        word = record.what.partition(".")[2]
        return f"{record.node} {word} at {clock(record.t)}"

    def end(self, routed: Iterable[str], start: float, now: float) -> str:
        """What ended it: the newest of the endpoints that serve now, if it came within the failure."""
        came = [self._ready[uid] for uid in routed if uid in self._ready]
        newest = max(came, key=lambda ready: ready[2], default=None)
        if newest is None or newest[2] < start:
            return f"; over after {now - start:.0f} s"
        return f"; {newest[0]} took over on {newest[1]} after {now - start:.0f} s"
