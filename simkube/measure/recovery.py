"""How long Kubernetes took to bring back single pods that failed without being asked to."""

from collections import deque
from collections.abc import Callable, Sequence
from statistics import median

from simkube.measure.result import Recovery, RecoveryResult, Spread
from simkube.trace.record import Record

TOLD = 20  # outages told one by one: the longest
Owner = tuple[str, str]  # namespace, kind/name


class _Outage:
    """One pod that fell silent, from then until it or its successor serves."""

    __slots__ = ("node", "pod", "reaction", "repair", "start", "successor")

    def __init__(self, record: Record) -> None:
        self.pod = (record.namespace, record.name)
        self.node = record.node
        self.start = record.t
        self.reaction: float | None = None  # times
        self.repair: float | None = None
        self.successor = ""

    def done(self, end: float | None) -> Recovery:
        """With the time at which it ended."""
        since = self.start if self.reaction is None else self.reaction
        return Recovery(
            namespace=self.pod[0],
            pod=self.pod[1],
            node=self.node,
            start=self.start,
            reaction=None if self.reaction is None else self.reaction - self.start,
            repair=None if self.repair is None else self.repair - since,
            recovery=None if end is None else end - since,
            outage=None if end is None else end - self.start,
            successor=self.successor,
        )


class Recoveries:
    """Folds records into a `RecoveryResult`. A pod that falls silent while it is not being deleted has failed; what it
    waits for is itself, or the pod that its controller makes in its place."""

    def __init__(self, start: float = 0.0) -> None:
        self._start = start
        self._owners: dict[str, Owner] = {}
        self._ending: dict[str, None] = {}  # pods that are being deleted, or have ended
        self._open: dict[str, _Outage] = {}  # by UID of the pod
        self._on: dict[str, dict[str, _Outage]] = {}  # by node: those that nobody has reacted to
        self._lacking: dict[
            Owner, deque[_Outage | None]
        ] = {}  # pods without a successor; None: one that had not failed
        self._successors: dict[str, _Outage] = {}
        self._done: list[Recovery] = []
        self.rules: dict[str, Callable[[Record], object]] = {
            "pod.created": self._created,
            "pod.silent": self._silent,
            "pod.serving": self._serving,
            "pod.not-ready": self._reaction,
            "pod.terminating": self._ends,
            "pod.phase": self._phase,
            "pod.removed": self._removed,
            "container.started": self._running,
            "container.restarting": self._running,
            "machine.removed": self._given_back,
            "node.unknown": self._node,
            "node.not-ready": self._node,
        }

    def __call__(self, record: Record) -> None:
        rule = self.rules.get(record.what)
        if rule is not None:
            rule(record)

    def _created(self, record: Record) -> None:
        owner = record.value.get("owner") if record.value else None
        if not owner:
            return
        key = (record.namespace, owner)
        self._owners[record.uid] = key
        lacking = self._lacking.get(key)
        outage = lacking.popleft() if lacking else None
        if outage is not None:
            outage.successor = record.name
            self._successors[record.uid] = outage

    def _silent(self, record: Record) -> None:
        if record.t < self._start or record.uid in self._ending or record.uid in self._open:
            return
        outage = self._open[record.uid] = _Outage(record)
        self._on.setdefault(record.node, {})[record.uid] = outage

    def _serving(self, record: Record) -> None:
        outage = self._open.get(record.uid)
        self._drop(record.uid)
        outage = outage or self._successors.pop(record.uid, None)
        if outage is not None:
            self._done.append(outage.done(record.t))

    def _reaction(self, record: Record) -> None:
        outage = self._open.get(record.uid)
        if outage is not None and outage.reaction is None:
            outage.reaction = record.t
            self._on.get(outage.node, {}).pop(record.uid, None)

    def _node(self, record: Record) -> None:
        for outage in self._on.pop(record.name, {}).values():
            outage.reaction = record.t

    def _running(self, record: Record) -> None:
        outage = self._open.get(record.uid)
        if outage is not None:
            self._reaction(record)
            outage.repair = record.t

    def _phase(self, record: Record) -> None:
        if (
            record.reason == "Succeeded" and record.uid not in self._ending
        ):  # it was done, and nobody misses it
            self._drop(record.uid)
            self._ending[record.uid] = None
        elif record.reason == "Failed":
            self._ends(record)
        elif record.reason == "Running" and record.uid in self._successors:
            self._successors[record.uid].repair = record.t

    def _given_back(self, record: Record) -> None:
        """The pods of a node's own are not missed with the machine."""
        gone = [uid for uid, outage in self._open.items() if outage.node == record.node]
        for uid in gone:
            if self._owners.get(uid, ("", ""))[1].startswith(("DaemonSet/", "Node/")):
                self._drop(uid)
                self._ending[uid] = None

    def _drop(self, uid: str) -> None:
        outage = self._open.pop(uid, None)
        if outage is not None:
            self._on.get(outage.node, {}).pop(uid, None)

    def _ends(self, record: Record) -> None:
        """A pod is being deleted or has ended: from now on its outage is over when its successor serves."""
        if record.uid in self._ending:
            return
        self._reaction(record)
        self._ending[record.uid] = None
        owner = self._owners.get(record.uid)
        if owner is not None and record.t >= self._start:
            self._lacking.setdefault(owner, deque()).append(self._open.pop(record.uid, None))

    def _removed(self, record: Record) -> None:
        self._ends(record)
        self._ending.pop(record.uid, None)
        self._owners.pop(record.uid, None)

    def close(self, end: float) -> RecoveryResult:
        """End the window at `end`."""
        waiting = [outage for lacking in self._lacking.values() for outage in lacking if outage is not None]
        still = [outage.done(None) for outage in (*self._open.values(), *waiting, *self._successors.values())]
        longest = sorted(self._done, key=lambda r: (-(r.outage or 0.0), r.start, r.namespace, r.pod))
        still.sort(key=lambda r: (r.start, r.namespace, r.pod))
        return RecoveryResult(
            failed=len(self._done) + len(still),
            back=len(self._done),
            reaction=_spread([r.reaction for r in self._done]),
            repair=_spread([r.repair for r in self._done]),
            recovery=_spread([r.recovery for r in self._done]),
            outage=_spread([r.outage for r in self._done]),
            longest=tuple([*still, *longest][:TOLD]),
        )


def _spread(values: Sequence[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    return Spread(median(known), max(known)) if known else None
