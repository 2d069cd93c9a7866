"""Why a service failed, in words: remembers what befell pods and machines, and tells it when asked."""

from collections import deque
from collections.abc import Callable, Iterable

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
AT_ONCE = 1.0  # seconds: a container that falls silent this soon after its machine fell with it
KEEP = (
    60.0  # seconds for which the end of a pod is remembered after the pod is gone: proxies may follow later
)
TOLD = 3  # different things that an account names at most


def clock(t: float) -> str:
    """Seconds as hh:mm:ss of the run."""
    whole = int(t)
    return f"{whole // 3600:02d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def how_long(seconds: float) -> str:
    """ "2.4 s", "21 s"."""
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


class Failure:
    """What befell a service since it last succeeded in full: of its `size` endpoints, how many by what; and which of
    the services that it calls failed."""

    __slots__ = ("_blames", "_calls", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._blames: dict[str, int] = {}  # what happened -> to how many endpoints (0: to none in particular)
        self._calls: dict[str, Failure] = {}

    def blame(self, what: str, endpoints: int = 1) -> None:
        """Add what happened to so many of its endpoints."""
        self._blames[what] = self._blames.get(what, 0) + endpoints

    def call(self, service: str, failure: "Failure") -> None:
        """Add the failure of a service that it calls."""
        self._calls.setdefault(service, failure)

    @property
    def text(self) -> str:
        return self._text(())

    def _text(self, within: tuple["Failure", ...]) -> str:
        """`within` are those whose account this is part of: services may call each other in a circle."""
        told = [self._told(what, count) for what, count in list(self._blames.items())[:TOLD]]
        if len(self._blames) > TOLD:
            told.append(f"and {len(self._blames) - TOLD} more such things")
        within = (*within, self)
        calls = [(service, failure) for service, failure in self._calls.items() if failure not in within]
        told += [f"it calls {service}: {failure._text(within)}" for service, failure in calls[:TOLD]]
        return "; ".join(told)

    def _told(self, what: str, count: int) -> str:
        if not count:
            return what
        if self.size == 1:
            return f"1 replica, {what}"
        return f"{count} of {self.size} replicas {what}"


class Causes:
    """Folds records into what befell pods and machines. Keeps only what is still of use."""

    def __init__(self) -> None:
        self._ends: dict[str, str] = {}  # pod UID -> what ended it
        self._gone: deque[tuple[float, str]] = deque()  # pods that are gone, by time
        self._machines: dict[str, tuple[str, float]] = {}
        self._ready: dict[str, tuple[str, float]] = {}  # pod UID -> node, since when it serves
        self._rules: dict[str, Callable[[Record], None]] = {
            "pod.terminating": self._terminating,
            "pod.serving": self._serving,
            "pod.silent": lambda r: self._ready.pop(r.uid, None) and None,
            "pod.removed": self._removed,
            "machine.off": self._machine,
            "machine.frozen": self._machine,
            "machine.cut": self._machine,
        }

    def __call__(self, record: Record) -> None:
        rule = self._rules.get(record.what)
        if rule is not None:
            rule(record)

    def _terminating(self, record: Record) -> None:
        how = REASONS.get(record.reason, "deleted from")
        self._ends[record.uid] = f"{how} {record.node} at {clock(record.t)}"

    def _serving(self, record: Record) -> None:
        self._ready[record.uid] = (record.node, record.t)

    def _removed(self, record: Record) -> None:
        self._gone.append((record.t, record.uid))
        while self._gone and self._gone[0][0] < record.t - KEEP:
            self._ends.pop(self._gone.popleft()[1], None)

    def _machine(self, record: Record) -> None:
        self._machines[record.node] = (MACHINES[record.what], record.t)

    # -- telling ------------------------------------------------------------------------------------------------

    def fell_silent(self, record: Record) -> str:
        """Why the pod of a `pod.silent` no longer answers."""
        ended = self._ends.get(record.uid)
        if ended is not None:
            return ended
        machine = self._machines.get(record.node)
        if machine is not None and record.t - machine[1] < AT_ONCE:
            return f"lost as {record.node} {machine[0]} at {clock(machine[1])}"
        return f"stopped answering on {record.node} at {clock(record.t)}"

    def left(self, uid: str, t: float) -> str:
        """Why a pod left the proxies' tables at `t` although it answers."""
        return self._ends.get(uid) or f"no longer ready at {clock(t)}"

    def happened(self, record: Record) -> str:
        """What a record of a machine or proxy says."""
        what = MACHINES.get(record.what, record.what)
        return f"{record.node} {what} at {clock(record.t)}"

    def over(self, record: Record, routed: Iterable[str], since: float) -> str:
        """What `record` ended a failure, or made it less, that had lasted `since` then: a pod that came, or the proxies
        no longer routing to one that does not answer."""
        lasted = how_long(record.t - since)
        came = [self._ready[uid] for uid in routed if uid in self._ready]
        newest = max(came, key=lambda ready: ready[1], default=None)
        if newest is not None and newest[1] >= since:
            return f"Ready again on {newest[0]} after {lasted}"
        if record.what == "proxy.routes":
            return f"no longer routed to after {lasted}"
        return f"over after {lasted}"
