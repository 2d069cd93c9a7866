"""What a record says to somebody who reads what happened, in the field's words. Most records say nothing of their own:
others tell the same."""

from collections.abc import Callable
from math import inf
from typing import NamedTuple

from simkube.report.tables import seconds
from simkube.trace.record import Record

BURST, ACTS, RETRIES, EVER = 10.0, 2.0, 65.0, inf  # seconds
BOOTING = 300.0  # seconds after a machine came on in which its pods are expected to start again


class Told(NamedTuple):
    """`who` did something (`text`) to `item`, a `noun` ("": the text stands alone). What comes within `gap` seconds
    under the same `key` is one line: how many nouns, where. `one` replaces the text as long as there is one item."""

    key: tuple[str, ...]
    gap: float
    who: str
    noun: str
    item: str
    text: str
    where: str = ""
    one: str = ""


ENDINGS = {
    "EvictionByEvictionAPI": "evicted from",
    "DeletionByTaintManager": "deleted for a taint of",
    "PreemptionByScheduler": "preempted on",
    "DeletionByPodGC": "collected from",
    "TerminationByKubelet": "ended by the shutdown of",
}
MACHINES = {
    "machine.off crash": "lost power",
    "machine.off shutdown": "was shut down",
    "machine.off reboot": "went down for a reboot",
    "machine.off ": "went off",
    "machine.frozen ": "froze",
    "machine.thawed ": "went on",
    "machine.cut ": "lost its network",
    "machine.cut control-plane": "lost the network to the control plane",
    "machine.rejoined ": "has its network back",
    "machine.added ": "was made",
    "machine.removed ": "was given back",
}
NODES = {
    "node.cordoned": "cordoned",
    "node.uncordoned": "uncordoned",
    "node.ready": "Ready",
    "node.not-ready": "NotReady",
    "node.unknown": "Unknown: its kubelet has stopped posting status; its pods are no longer Ready",
    "node.removed": "deleted",
}
TOLD_BY_OTHERS = ("FailedScheduling", "NodeNotReady", "Rebooted", "Unhealthy")  # of Warning events
LONGEST = 140  # letters of an event's message
ACT_STEPS = ("cordon ", "uncordon ", "reboot ", "power-off ", "power-on ", "remove-node ", "add-node ")


class Words:
    """Turns records into `Told`, None for those that need no words. Remembers only what is under way."""

    def __init__(self) -> None:
        self._ending: dict[str, None] = {}  # UIDs of pods that are terminating or have ended
        self._awaited: dict[str, None] = {}  # UIDs of pods whose being Ready is news
        self._dead: dict[str, None] = {}  # machines whose kubelet died
        self._begun: dict[str, float] = {}  # steps under way
        self._booted: dict[str, float] = {}  # when a machine came on
        self._rebooting: dict[str, float] = {}  # when a machine went down for a reboot
        self._rules: dict[str, Callable[[Record], Told | None]] = {
            "plan.begun": lambda r: _plan(r, f"{r.name or 'the plan'} begins"),
            "plan.ended": _plan_ended,
            "step.begun": self._step_begun,
            "step.done": self._step_done,
            "step.failed": lambda r: _plan(r, f"FAILED: {r.name}: {r.message}"),
            "step.skipped": lambda r: Told((r.what,), EVER, "plan", "step", r.name, "skipped"),
            "step.refused": _refused,
            "node.version": lambda r: _node(r, f"reports kubelet {r.value}"),
            "node.tainted": _tainted,
            "machine.on": self._machine_on,
            "machine.off": self._machine_off,
            "kubelet.stopped": self._kubelet_stopped,
            "kubelet.started": self._kubelet_started,
            "pod.created": self._created,
            "pod.terminating": self._terminating,
            "pod.removed": self._removed,
            "pod.unschedulable": lambda r: _pod(r, f"found no node: {r.message}", gap=RETRIES),
            "pod.ready": self._ready,
            "pod.not-ready": self._not_ready,
            "pod.phase": self._phase,
            "container.restarting": lambda r: _pod(r, "had a container started again", who="kubelet"),
            "data.lost": lambda r: _pod(r, "lost its emptyDir data", who="machine"),
            "workload.scaled": _scaled,
            "event": _event,
        }

    def __call__(self, record: Record) -> Told | None:
        what = record.what
        rule = self._rules.get(what)
        if rule is not None:
            return rule(record)
        if what in NODES:
            return _node(record, NODES[what])
        text = MACHINES.get(f"{what} {record.reason}")
        return _machine(record, text) if text is not None else None

    def ends(self, uid: str) -> bool:
        """A pod is terminating, or has ended."""
        return uid in self._ending

    # -- steps --------------------------------------------------------------------------------------------------

    def _step_begun(self, record: Record) -> None:
        self._begun[record.uid] = record.t

    def _step_done(self, record: Record) -> Told | None:
        begun = self._begun.pop(record.uid, record.t)
        if record.name.startswith(ACT_STEPS):
            return None
        took = f" ({seconds(record.t - begun)})" if record.t > begun else ""
        said = record.message or "done"
        return _plan(record, (said if record.name.startswith("drain ") else f"{record.name}: {said}") + took)

    # -- machines -----------------------------------------------------------------------------------------------

    def _machine_off(self, record: Record) -> Told | None:
        if record.reason == "reboot":
            self._rebooting[record.node] = record.t
        text = MACHINES.get(f"{record.what} {record.reason}")
        return _machine(record, text) if text is not None else None

    def _machine_on(self, record: Record) -> Told | None:
        self._booted[record.node] = record.t
        at_once = self._rebooting.pop(record.node, None) == record.t
        return None if at_once else _machine(record, "has power, boots")

    def _kubelet_stopped(self, record: Record) -> Told | None:
        if record.reason != "killed":
            return None
        self._dead[record.node] = None
        return _machine(record, "lost its kubelet")

    def _kubelet_started(self, record: Record) -> Told | None:
        if self._dead.pop(record.node, False) is False:
            return None
        return _machine(record, "has its kubelet back")

    # -- pods ---------------------------------------------------------------------------------------------------

    def _created(self, record: Record) -> None:
        if record.t >= 0.0:
            self._awaited[record.uid] = None

    def _ready(self, record: Record) -> Told | None:
        if self._awaited.pop(record.uid, False) is False:
            return None
        return _pod(record, "Ready", who="kubelet")

    def _not_ready(self, record: Record) -> Told | None:
        """Only where nothing else tells it: not of a pod that ends, nor of those of a node that is Unknown or boots."""
        booted = record.t - self._booted.get(record.node, -inf) < BOOTING
        if record.uid in self._ending or record.by == "node-lifecycle-controller" or booted:
            return None
        self._awaited[record.uid] = None
        return _pod(record, "not Ready", who="kubelet")

    def _terminating(self, record: Record) -> Told:
        self._ending[record.uid] = None
        how = ENDINGS.get(record.reason, "deleted from")
        node = record.node or "the queue"
        return Told(
            (record.what, record.by, record.reason, node),
            BURST,
            record.by,
            "pod",
            record.name,
            f"{how} {node}",
        )

    def _removed(self, record: Record) -> Told | None:
        self._awaited.pop(record.uid, None)
        if self._ending.pop(record.uid, False) is None:
            return None
        return _pod(record, "deleted at once")

    def _phase(self, record: Record) -> Told | None:
        if record.reason not in ("Succeeded", "Failed") or record.uid in self._ending:
            return None
        self._ending[record.uid] = None
        return _pod(record, record.reason)


def _plan(record: Record, text: str) -> Told:
    return Told((record.what, record.uid), 0.0, "plan", "", "", text)


def _plan_ended(record: Record) -> Told:
    return _plan(
        record, f"{record.name or 'the plan'} {'is done' if record.reason == 'done' else 'gives up'}"
    )


def _node(record: Record, text: str) -> Told:
    return Told((record.what, record.by, text), ACTS, record.by, "node", record.name, text)


def _tainted(record: Record) -> Told | None:
    return _node(record, f"tainted {record.reason}:NoExecute") if record.value == "NoExecute" else None


def _machine(record: Record, text: str) -> Told:
    return Told((record.what, text), ACTS, "machine", "machine", record.node, text)


def _pod(record: Record, text: str, who: str = "", gap: float = BURST) -> Told:
    who = who or record.by
    return Told((record.what, who, text), gap, who, "pod", record.name, text, record.node)


def _refused(record: Record) -> Told:
    """Of an eviction as kubectl prints it."""
    key = (record.what, record.uid, record.message)
    namespace, _, pod = str(record.value).partition("/")
    if record.reason == "evict":
        text = f"not evicted (will retry after 5s): {record.message}"
        one = f'error when evicting pods/"{pod}" -n "{namespace}" (will retry after 5s): {record.message}'
        return Told(key, RETRIES, "kubectl", "pod", pod, text, one=one)
    text = f"{record.reason} {record.value} was refused: {record.message}"
    return Told((*key, text), RETRIES, "plan", "", "", text)


def _scaled(record: Record) -> Told | None:
    if record.kind == "ReplicaSet" or record.by.endswith("controller"):
        return None
    text = f"scaled to {record.value['desired']}"
    return Told((record.what, record.uid), 0.0, record.by, record.kind.lower(), record.name, text)


def _event(record: Record) -> Told | None:
    if record.value != "Warning" or record.reason in TOLD_BY_OTHERS:
        return None
    message = record.message if len(record.message) <= LONGEST else f"{record.message[:LONGEST]}..."
    text = f"{record.reason}: {message}"
    return Told((record.what, record.kind, text), RETRIES, record.by, record.kind.lower(), record.name, text)
