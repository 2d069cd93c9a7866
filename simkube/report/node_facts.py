"""What is wrong with nodes at a moment of a run, in words."""

from simkube.measure.causes import clock
from simkube.report.story_words import MACHINES
from simkube.trace.record import Record

SHOWN = 4  # nodes told of at most
BEGINS = {  # record -> which aspect of a node it is about, what is wrong from then on
    "node.not-ready": ("ready", "is NotReady since"),
    "node.unknown": ("ready", "is Unknown since"),
    "node.removed": ("ready", "was deleted at"),
    "node.cordoned": ("cordon", "is cordoned since"),
    "machine.on": ("machine", "boots since"),
    "kubelet.stopped shutdown": ("machine", "began to shut down at"),
    "kubelet.stopped killed": ("machine", "lost its kubelet at"),
    **{what: ("machine", f"{text} at") for what, text in MACHINES.items()},
}
ENDS = {
    "node.ready": "ready",
    "node.uncordoned": "cordon",
    "machine.thawed": "machine",
    "machine.rejoined": "machine",
    "kubelet.started": "machine",
}
TAINT = "taint "


class NodeFacts:
    """Folds records into what is wrong with each node."""

    def __init__(self) -> None:
        self._wrong: dict[str, dict[str, str]] = {}  # node -> aspect -> what is wrong

    def __call__(self, record: Record) -> None:
        what, node = record.what, record.node or record.name
        ends = ENDS.get(what)
        if ends is not None:
            self._wrong.get(node, {}).pop(ends, None)
        elif what == "node.tainted" and record.value == "NoExecute":
            self._put(node, TAINT + record.reason, f"is tainted {record.reason}:NoExecute since", record.t)
        elif what == "node.untainted":
            self._wrong.get(node, {}).pop(TAINT + record.reason, None)
        else:
            begins = BEGINS.get(f"{what} {record.reason}") or BEGINS.get(what)
            if begins is not None and not (what == "machine.on" and record.t < 0.0):
                self._put(node, *begins, record.t)

    def _put(self, node: str, aspect: str, text: str, t: float) -> None:
        when = clock(t) if t >= 0.0 else "the beginning"
        self._wrong.setdefault(node, {})[aspect] = f"{node} {text} {when}"

    def why(self, node: str) -> tuple[str, ...]:
        """What is wrong with a node: its taint, because it is not Ready, because of its machine."""
        wrong = self._wrong.get(node, {})
        taints = [text for aspect, text in wrong.items() if aspect.startswith(TAINT)][:1]
        return (*taints, *(wrong[aspect] for aspect in ("ready", "machine") if aspect in wrong))

    def closed(self) -> tuple[str, ...]:
        """Which nodes take no new pods."""
        found = [
            wrong.get("ready") or wrong["cordon"]
            for wrong in self._wrong.values()
            if "ready" in wrong or "cordon" in wrong
        ]
        more = (f"and {len(found) - SHOWN} more nodes",) if len(found) > SHOWN else ()
        return (*found[:SHOWN], *more)
