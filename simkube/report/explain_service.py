"""The account of a service: when it failed, which endpoints went and why, and what brought it back."""

from collections.abc import Mapping, Sequence

from simkube.measure import Interval, ServiceResult
from simkube.measure.services import Services, Traffic
from simkube.report.account import Account, Entry, add, shortened
from simkube.report.explain_context import Context, Owner
from simkube.report.explain_pod import PodEntries
from simkube.report.failures import stretches_of
from simkube.report.story_lines import some
from simkube.report.tables import count, seconds
from simkube.trace.record import Record

MOST = 16  # entries told of one failure
FAILURES = 20  # failures told of
NAMED = 4  # endpoints named one by one
KEPT = 4000  # entries kept
BEFORE, AFTER = 2.0, 0.05  # seconds around a failure in which its causes and its end lie
TELL = (  # what of its pods' records is told
    "pod.created",
    "pod.unschedulable",
    "pod.bound",
    "pod.serving",
    "pod.silent",
    "pod.ready",
    "pod.not-ready",
    "pod.terminating",
    "pod.phase",
    "container.restarting",
    "event",
)
EVENTS = ("Pulled", "Preempted")  # of the Normal ones


class ServiceAccounts:
    """A fold over a trace: the accounts of all services of a name, by namespace."""

    def __init__(self, namespace: str, name: str, context: Context) -> None:
        self._namespace, self._name = namespace, name
        self._context = context
        self._entries_of = PodEntries(context)
        self._traffic: dict[Owner, Traffic] = {}
        self._calls: dict[Owner, list[Owner]] = {}
        self._services: Services | None = None
        self._own = Services({}, {})  # the same as if it called nobody
        self._owners: dict[str, dict[Owner, None]] = {}  # namespace -> who makes its endpoints
        self._pods: dict[str, dict[str, str]] = {}  # namespace -> UID of an endpoint -> name and node
        self._routes: dict[str, list[str]] = {}  # namespace -> UIDs that proxies route to
        self._found: dict[str, list[Entry]] = {}
        self._end = 0.0

    def __call__(self, record: Record) -> None:
        self._end = max(self._end, record.t)
        if record.what == "service.traffic":
            self._said(record)
            return
        if self._services is None:
            self._services = Services(self._traffic, self._calls)
        self._services(record)
        if record.what != "proxy.routes" or record.name == self._name:
            self._own(record)
        if self._namespace not in ("", record.namespace):
            return
        if record.what in ("slice.changed", "proxy.routes") and record.name == self._name:
            self._endpoints(record)
        elif record.what in TELL and record.kind == "Pod":
            self._pod(record)

    def _said(self, record: Record) -> None:
        key, value = (record.namespace, record.name), record.value
        self._traffic[key] = Traffic(value["rps"], value["persistent"])
        calls = [tuple(name.split("/", 1)) for name in value["calls"]]
        self._calls[key] = [(namespace, name) for namespace, name in calls]

    def _endpoints(self, record: Record) -> None:
        entries = self._found.setdefault(record.namespace, [])
        pods = self._pods.setdefault(record.namespace, {})
        if record.what == "slice.changed":
            owners = self._owners.setdefault(record.namespace, {})
            for uid, pod, node, *_ in record.value:
                pods[uid] = f"{pod} on {node}"
                owner = self._context.owners.get(uid)
                if owner is not None:
                    owners[self._context.top(owner)] = None
        elif record.t >= 0.0:
            before, after = self._routes.get(record.namespace, []), [row[0] for row in record.value]
            self._add(entries, Entry(record.t, f"proxies route to {_change(before, after, pods)}"))
        if record.what == "proxy.routes":
            self._routes[record.namespace] = [row[0] for row in record.value]

    def _pod(self, record: Record) -> None:
        if record.t < 0.0 or record.namespace not in self._found:
            return
        owner = self._context.owners.get(record.uid)
        if record.what == "pod.created" and record.value and record.value.get("owner"):
            owner = (record.namespace, record.value["owner"])
        makes = owner is not None and self._context.top(owner) in self._owners.get(record.namespace, {})
        if not makes and record.uid not in self._pods.get(record.namespace, {}):
            return
        if record.what == "event" and record.value != "Warning" and record.reason not in EVENTS:
            return
        entry = self._entries_of(record)
        if entry is not None:
            text = f"pod {record.name}: {entry.text}"
            self._add(self._found[record.namespace], Entry(entry.t, text, entry.because))

    @staticmethod
    def _add(entries: list[Entry], entry: Entry) -> None:
        if len(entries) < KEPT:
            add(entries, entry)

    @property
    def found(self) -> list[str]:
        """The namespaces with such a service."""
        return sorted(self._found)

    def account(self, namespace: str) -> Account:
        result = _result(self._services, (namespace, self._name), self._end)
        own = _result(self._own, (namespace, self._name), self._end)
        entries = self._found[namespace]
        stretches = stretches_of(result) if result is not None else []
        heaviest = sorted(stretches, key=lambda s: -sum(i.duration * (1.0 - i.worst) for i in s))[:FAILURES]
        told: list[Entry] = []
        for stretch in sorted(heaviest, key=lambda s: s[0].start):
            told.append(_headline(stretch))
            start, end = stretch[0].start, stretch[-1].end
            if own is None or not any(i.start < end and start < i.end for i in own.intervals):
                told.append(
                    Entry(start, "  its own endpoints were well: ask for the account of those that it calls")
                )
                continue
            during = [e for e in entries if start - BEFORE <= e.t <= end + AFTER]
            told += shortened([Entry(e.t, f"  {e.text}", e.because, e.times, e.until) for e in during], MOST)
        summary = _summary(result, len(stretches))
        if len(stretches) > FAILURES:
            summary.append(f"shown are the {FAILURES} failures that weighed most")
        shown = told or shortened(entries, MOST)
        return Account(
            kind="Service", namespace=namespace, name=self._name, summary=tuple(summary), entries=tuple(shown)
        )


def _change(before: Sequence[str], after: Sequence[str], pods: Mapping[str, str]) -> str:
    """All endpoints if they are few, else what changed."""
    if len(after) <= NAMED:
        return ", ".join(pods.get(uid, uid) for uid in after) or "nobody"
    came = [pods.get(uid, uid) for uid in after if uid not in before]
    went = [pods.get(uid, uid) for uid in before if uid not in after]
    parts = [f"now also {some(came)}"] if came else []
    parts += [f"no longer {some(went)}"] if went else []
    return f"{len(after)} endpoints: {', '.join(parts)}"


def _result(services: Services | None, key: Owner, end: float) -> ServiceResult | None:
    results = services.close(end) if services is not None else ()
    return next((result for result in results if (result.namespace, result.name) == key), None)


def _headline(stretch: Sequence[Interval]) -> Entry:
    parts = []
    for interval in stretch:
        how = "OUT" if interval.state == "out" else f"DEGRADED ({interval.worst:.0%} succeed at worst)"
        parts.append(f"{how} for {seconds(interval.duration)}: {interval.cause}")
    return Entry(stretch[0].start, ". ".join(parts))


def _summary(result: ServiceResult | None, failures: int) -> list[str]:
    if result is None:
        return ["nothing was ever routed to it"]
    if not failures:
        return ["it never failed"]
    lost = f"{count(result.lost)} of {count(result.sent)} requests lost"
    times = "once" if failures == 1 else f"{failures} times"
    out, degraded = seconds(result.outage_total), seconds(result.degraded)
    return [f"failed {times}: out for {out} in all, degraded for {degraded}; {lost}"]
