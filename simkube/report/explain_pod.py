"""The account of a pod: created why, landed where, waited for what, started, evicted by whom, gone."""

from collections.abc import Callable

from simkube.report.account import Account, Entry, add, shortened
from simkube.report.explain_context import Context
from simkube.trace.record import Record

MOST = 120  # entries told of
EVENTS = (
    "Killing",
    "Preempted",
    "Pulled",
    "Pulling",
    "SandboxChanged",
    "TaintManagerEviction",
)  # Normal ones that tell
TOLD_BY_OTHERS = ("FailedScheduling", "NodeNotReady")


class PodEntries:
    """Turns records about pods into entries; the same for the one pod of an account, and the endpoints of a service."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._rules: dict[str, Callable[[Record], Entry | None]] = {
            "pod.created": self._created,
            "pod.unschedulable": lambda r: Entry(r.t, f"found no node: {r.message}", context.nodes.closed()),
            "pod.bound": self._bound,
            "pod.serving": lambda r: Entry(r.t, "answers requests"),
            "pod.silent": lambda r: Entry(r.t, "stops answering", context.nodes.why(r.node)),
            "pod.ready": lambda r: Entry(r.t, "Ready"),
            "pod.not-ready": lambda r: Entry(r.t, f"not Ready{_by(r)}", context.nodes.why(r.node)),
            "pod.terminating": self._terminating,
            "pod.phase": self._phase,
            "pod.removed": lambda r: Entry(r.t, f"removed{_by(r)}"),
            "container.started": lambda r: Entry(r.t, f"container {r.value['container']} started"),
            "container.restarting": lambda r: Entry(r.t, f"container {r.value['container']} started again"),
            "container.exited": _exited,
            "data.lost": lambda r: Entry(r.t, "its emptyDir data are lost"),
            "step.refused": self._refused,
            "event": _event,
        }

    def __call__(self, record: Record) -> Entry | None:
        rule = self._rules.get(record.what)
        return rule(record) if rule is not None else None

    def _created(self, record: Record) -> Entry:
        owner = record.value.get("owner") if record.value else None
        if record.t < 0.0:
            return Entry(record.t, f"there from the beginning{f', of {owner}' if owner else ''}")
        text = f"created{_by(record)}" + (f" for {owner}" if owner else "")
        return Entry(record.t, text, self._context.start(record))

    def _bound(self, record: Record) -> Entry:
        if record.t < 0.0:
            return Entry(record.t, f"on {record.node}")
        closed = self._context.nodes.closed()
        others = f" ({'; '.join(closed)})" if closed else ""
        return Entry(record.t, f"bound to {record.node}{_by(record)}{others}")

    def _terminating(self, record: Record) -> Entry:
        cause = self._context.end(record)
        grace = f", with {record.value} s of grace" if record.value is not None else ""
        return Entry(record.t, cause.text.rpartition(" at ")[0] + grace, cause.because)

    def _phase(self, record: Record) -> Entry | None:
        if record.reason not in ("Succeeded", "Failed") or self._context.ends(record.uid):
            return None
        why = f": {record.message}" if record.message else ""
        return Entry(record.t, f"{record.reason}{why}", self._context.nodes.why(record.node))

    def _refused(self, record: Record) -> Entry:
        what = "eviction" if record.reason == "evict" else record.reason
        step = "".join(f" {step}" for step in self._context.step(record.node))
        budget = self._context.budget(str(record.value).partition("/")[0], record.by)
        return Entry(record.t, f"{what}{step} refused: {record.message}", budget)


def _by(record: Record) -> str:
    return f" by {record.by}" if record.by else ""


def _exited(record: Record) -> Entry:
    return Entry(record.t, f"container {record.value['container']} exited with {record.value['exitCode']}")


def _event(record: Record) -> Entry | None:
    told = record.value == "Warning" and record.reason not in TOLD_BY_OTHERS
    return Entry(record.t, f"{record.reason}: {record.message}") if told or record.reason in EVENTS else None


class PodAccounts:
    """A fold over a trace: the accounts of all pods of a name, by namespace. A name may have several pods in turn."""

    def __init__(self, namespace: str, name: str, context: Context) -> None:
        self._namespace, self._name = namespace, name
        self._entries_of = PodEntries(context)
        self._found: dict[str, list[Entry]] = {}
        self._pods: dict[str, int] = {}

    def __call__(self, record: Record) -> None:
        if record.what == "step.refused":
            namespace, _, name = str(record.value).partition("/")
        elif record.kind == "Pod":
            namespace, name = record.namespace, record.name
        else:
            return
        if name != self._name or self._namespace not in ("", namespace):
            return
        if record.what == "pod.created":
            self._pods[namespace] = self._pods.get(namespace, 0) + 1
        if record.t < 0.0 and record.what not in ("pod.created", "pod.bound"):
            return
        entry = self._entries_of(record)
        if entry is not None and (record.what != "step.refused" or namespace in self._found):
            add(self._found.setdefault(namespace, []), entry)

    @property
    def found(self) -> list[str]:
        """The namespaces with such a pod."""
        return sorted(self._found)

    def account(self, namespace: str) -> Account:
        pods = self._pods.get(namespace, 0)
        summary = [f"{pods} pods had this name, one after the other"] if pods > 1 else []
        entries = shortened(self._found[namespace], MOST)
        return Account(
            kind="Pod", namespace=namespace, name=self._name, summary=tuple(summary), entries=tuple(entries)
        )
