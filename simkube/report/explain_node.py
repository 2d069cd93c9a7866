"""The account of a node: cordoned, drained, rebooted, tainted, lost; and what that did to its pods."""

from simkube.report.account import Account, Entry, shortened
from simkube.report.story_lines import Lines, some
from simkube.report.story_words import Told, Words
from simkube.trace.record import Record

FIRST, LAST = 120, 60  # entries told of
BURST = 30.0  # seconds: pods that come within it are told together


class NodeAccount:
    """A fold over a trace: the account of one node, in the words of a story."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._words = Words()
        self._lines = Lines(FIRST, LAST)
        self._pods: dict[str, str] = {}  # those on it now
        self._at_start: list[str] | None = None
        self._facts = ""
        self.found = False

    def __call__(self, record: Record) -> None:
        if record.t >= 0.0 and self._at_start is None:
            self._at_start = list(self._pods.values())
        if record.what == "pod.created":
            self._words(record)  # it may come here later
            return
        about = record.kind == "Node" and record.name == self._name
        if not about and record.node != self._name:
            return
        self.found = self.found or about
        self._count(record)
        told = self._words(record) or self._more(record)
        if told is not None and record.t >= 0.0:
            self._lines.add(record.t, told)

    def _count(self, record: Record) -> None:
        if record.what == "pod.bound":
            self._pods[record.uid] = record.name
        elif record.what == "pod.removed":
            self._pods.pop(record.uid, None)
        elif record.what == "node.added":
            zone = record.value["zone"]
            self._facts = record.value["role"] + (f" in zone {zone}" if zone else "")

    def _more(self, record: Record) -> Told | None:
        """What a story leaves out, and a node's account wants."""
        if record.what == "pod.bound":
            return Told((record.what,), BURST, record.by, "pod", record.name, "came")
        if record.what == "pod.silent" and not self._words.ends(record.uid):
            return Told((record.what,), BURST, "machine", "pod", record.name, "stopped answering")
        if record.what == "node.added":
            return Told((record.what,), 0.0, record.by, "node", record.name, "joined")
        return None

    def account(self) -> Account:
        summary = [self._facts] if self._facts else []
        for when, pods in (("beginning", self._at_start or []), ("end", list(self._pods.values()))):
            names = f" ({some(pods)})" if pods else ""
            summary.append(f"pods at the {when}: {len(pods)}{names}")
        entries = [Entry(line.start, f"{line.told.who}: {line.text}") for line in self._lines.kept]
        if self._lines.left_out:
            gap = Entry(self._lines.gap_at, f"... {self._lines.left_out} more, left out here ...")
            entries.insert(FIRST, gap)
        shown = shortened(entries, FIRST + LAST)
        return Account(
            kind="Node", namespace="", name=self._name, summary=tuple(summary), entries=tuple(shown)
        )
