"""Why a service failed, in words: remembers what befell pods and machines, and tells it when asked."""

from collections import deque
from collections.abc import Callable, Collection

from simkube.measure.failure import Blame
from simkube.trace.record import Record

REASONS = {
    "EvictionByEvictionAPI": "evicted from",
    "DeletionByTaintManager": "deleted by the taint manager from",
    "PreemptionByScheduler": "preempted on",
    "DeletionByPodGC": "collected with its node",
    "TerminationByKubelet": "ended by the shutdown of",
}
MACHINES = {
    "machine.off": "went down",
    "machine.frozen": "froze",
    "machine.cut": "was cut off",
    "machine.on": "came up",
    "machine.thawed": "thawed",
    "machine.rejoined": "was joined again",
    "machine.added": "was added",
    "machine.removed": "was removed",
    "proxy.frozen": "no longer hears of endpoints",
    "proxy.following": "hears of endpoints again",
}
KEEP = (
    60.0  # seconds for which the end of a pod is remembered after the pod is gone: proxies may follow later
)


def clock(t: float) -> str:
    """Seconds as hh:mm:ss of the run; what was before its beginning has a minus."""
    whole = abs(int(t))
    return f"{'-' if t <= -1.0 else ''}{whole // 3600:02d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def how_long(seconds: float) -> str:
    """ "2.4 s", "21 s", "4 min 10 s"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


class Causes:
    """Folds records into what befell pods and machines. Keeps only what is still of use."""

    def __init__(self) -> None:
        self._ends: dict[str, Blame] = {}  # pod UID -> what ended it
        self._gone: deque[tuple[float, str]] = deque()  # pods that are gone, by time
        self._machines: dict[str, Blame] = {}  # those on which nothing can run, and since when
        self._ready: dict[str, tuple[str, float]] = {}  # pod UID -> node, since when it serves
        self.rules: dict[str, Callable[[Record], object]] = {
            "pod.disrupted": self._disrupted,
            "pod.terminating": self._ending,
            "pod.serving": self._serving,
            "pod.silent": lambda r: self._ready.pop(r.uid, None),
            "pod.removed": self._removed,
            "machine.off": lambda r: self._machine(r, "went down"),
            "machine.frozen": lambda r: self._machine(r, "froze"),
            "machine.thawed": self._machine_back,
            "kubelet.stopped": self._kubelet_stopped,
            "kubelet.started": self._machine_back,
        }

    def __call__(self, record: Record) -> None:
        rule = self.rules.get(record.what)
        if rule is not None:
            rule(record)

    def _disrupted(self, record: Record) -> None:
        if record.reason == "TerminationByKubelet":  # the others delete at once
            self._ending(record)

    def _ending(self, record: Record) -> None:
        how = REASONS.get(record.reason, "deleted from")
        self._ends[record.uid] = Blame(f"{how} {{nodes}} at {clock(record.t)}", record.node)

    def _serving(self, record: Record) -> None:
        self._ready[record.uid] = (record.node, record.t)

    def _removed(self, record: Record) -> None:
        self._gone.append((record.t, record.uid))
        while self._gone and self._gone[0][0] < record.t - KEEP:
            self._ends.pop(self._gone.popleft()[1], None)

    def _machine(self, record: Record, how: str) -> None:
        blame = Blame(f"lost as {{nodes}} {how} at {clock(record.t)}", record.node)
        self._machines.setdefault(record.node, blame)

    def _machine_back(self, record: Record) -> None:
        self._machines.pop(record.node, None)

    def _kubelet_stopped(self, record: Record) -> None:
        """An orderly shutdown begins: containers get SIGTERM now, the machine goes off later."""
        if record.reason == "shutdown":
            self._machine(record, "shut down")

    # -- telling ------------------------------------------------------------------------------------------------

    def fell_silent(self, record: Record) -> Blame:
        """Why the pod of a `pod.silent` no longer answers."""
        ended = self._ends.get(record.uid) or self._machines.get(record.node)
        return ended or Blame(f"stopped answering on {{nodes}} at {clock(record.t)}", record.node)

    def silent_yet(self, node: str, t: float) -> Blame:
        """An endpoint that proxies route to from `t` on does not answer: it was Ready before its process was."""
        return Blame(f"Ready on {{nodes}} at {clock(t)} but not answering", node)

    def left(self, uid: str, t: float) -> Blame:
        """Why a pod left the proxies' tables at `t` although it answers."""
        node, _ = self._ready.get(uid, ("a node", 0.0))
        return self._ends.get(uid) or Blame(f"no longer ready on {{nodes}} at {clock(t)}", node)

    def happened(self, record: Record) -> Blame:
        """What a record of a machine or proxy says."""
        what = MACHINES.get(record.what, record.what)
        return Blame(f"{record.node} {what} at {clock(record.t)}")

    def over(self, record: Record, came: Collection[str], since: float) -> str:
        """How `record` ended a failure, or made it less, that had lasted since then: by a pod that came, or by proxies
        that route to one again, or no longer to one which does not answer. `came`: whom they
        did not route to before."""
        lasted = how_long(record.t - since)
        if record.what == "pod.serving":
            return f"Ready again on {record.node} after {lasted}"
        if record.what != "proxy.routes":
            return f"over after {lasted}"
        if not came:
            return f"no longer routed to after {lasted}"
        node, served = max((self._ready.get(uid, ("", 0.0)) for uid in came), key=lambda ready: ready[1])
        return (
            f"Ready again on {node} after {lasted}" if served >= since else f"routed to again after {lasted}"
        )
