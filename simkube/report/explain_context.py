"""What is going on in a run when something happens: steps under way, what befell nodes, pods that lack a successor."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from simkube.measure.causes import clock
from simkube.report.node_facts import NodeFacts
from simkube.report.story_words import ENDINGS
from simkube.trace.record import Record

WAITING = 50  # pods of one owner that wait for a successor; older ones are forgotten
Owner = tuple[str, str]  # namespace, kind/name


class Cause(NamedTuple):
    """What happened, and why, the nearest cause first."""

    text: str
    because: tuple[str, ...] = ()

    @property
    def chain(self) -> tuple[str, ...]:
        return (self.text, *self.because)


class Context:
    """Folds records. Asked about a record, it knows all that came before it."""

    def __init__(self) -> None:
        self.nodes = NodeFacts()
        self.strategy = ""
        self.owners: dict[str, Owner] = {}  # pod UID -> its controller
        self._above: dict[Owner, str] = {}  # a workload -> the one that owns it
        self._lacking: dict[Owner, deque[Cause]] = {}  # how pods ended that have no successor yet
        self._ending: dict[str, None] = {}  # UIDs of pods whose end has been seen
        self._scaled: dict[Owner, str] = {}
        self._steps: dict[str, tuple[str, str]] = {}  # steps under way: path -> node, what it does
        self._budgets: dict[Owner, Record] = {}
        self._rules: dict[str, Callable[[Record], None]] = {
            "plan.begun": self._plan,
            "step.begun": self._step_begun,
            "step.done": self._step_ended,
            "step.failed": self._step_ended,
            "pod.created": self._created,
            "pod.terminating": self._pod_ends,
            "pod.removed": self._removed,
            "pod.phase": self._phase,
            "workload.created": self._workload,
            "workload.scaled": self._workload,
            "budget.status": self._budget,
            "budget.removed": self._budget_gone,
        }

    def __call__(self, record: Record) -> None:
        self.nodes(record)
        rule = self._rules.get(record.what)
        if rule is not None:
            rule(record)

    # -- asked --------------------------------------------------------------------------------------------------

    def step(self, node: str = "") -> tuple[str, ...]:
        """The step of the plan that is under way on a node, or the newest one."""
        steps = [what for where, what in self._steps.values() if node in ("", where)]
        of = f" of {self.strategy}" if self.strategy else " of the plan"
        return (f'in step "{steps[-1]}"{of}',) if steps else ()

    def budget(self, namespace: str, name: str) -> tuple[str, ...]:
        """How a budget that refused an eviction stands."""
        record = self._budgets.get((namespace, name))
        if record is None:
            return ()
        value = record.value
        return (
            f"budget {name} allows {value['allowed']}: {value['healthy']} healthy, wants {value['desired']}",
        )

    def end(self, record: Record) -> Cause:
        """How and why a pod ends, from the record of its deletion or failure."""
        how, by = ENDINGS.get(record.reason, "deleted from"), f" by {record.by}" if record.by else ""
        if record.what == "pod.removed":
            how = "removed at once from"
        elif record.what == "pod.phase":
            how, by = f"{record.reason} on", ""
        text = f"{how} {record.node or 'the queue'}{by} at {clock(record.t)}"
        if record.by == "kubectl":
            return Cause(text, self.step(record.node))
        if record.by.endswith("replicaset-controller") or record.by == "statefulset-controller":
            return Cause(text, self._scaling(self.owners.get(record.uid)))
        return Cause(text, self.nodes.why(record.node))

    def start(self, record: Record) -> tuple[str, ...]:
        """Why a pod was created: whose successor it is, or what scaled its owner."""
        owner = (record.namespace, record.value.get("owner", "") if record.value else "")
        lacking = self._lacking.get(owner)
        return lacking[0].chain if lacking else self._scaling(owner)

    def ends(self, uid: str) -> bool:
        """A pod is being deleted, or has failed."""
        return uid in self._ending

    def top(self, owner: Owner) -> Owner:
        """The workload at the top: the Deployment of a ReplicaSet."""
        above = self._above.get(owner)
        return (owner[0], above) if above else owner

    def _scaling(self, owner: Owner | None) -> tuple[str, ...]:
        if owner is None:
            return ()
        return tuple(
            self._scaled[name] for name in dict.fromkeys((owner, self.top(owner))) if name in self._scaled
        )

    # -- told ---------------------------------------------------------------------------------------------------

    def _plan(self, record: Record) -> None:
        self.strategy = record.name

    def _step_begun(self, record: Record) -> None:
        self._steps[record.uid] = (record.node, record.name)

    def _step_ended(self, record: Record) -> None:
        self._steps.pop(record.uid, None)

    def _created(self, record: Record) -> None:
        owner = record.value.get("owner") if record.value else None
        if owner:
            key = (record.namespace, owner)
            self.owners[record.uid] = key
            lacking = self._lacking.get(key)
            if lacking:
                lacking.popleft()

    def _pod_ends(self, record: Record) -> None:
        if record.uid in self._ending:
            return
        self._ending[record.uid] = None
        owner = self.owners.get(record.uid)
        if owner is not None:
            cause = self.end(record)
            named = Cause(f"pod {record.name} was {cause.text}", cause.because)
            self._lacking.setdefault(owner, deque(maxlen=WAITING)).append(named)

    def _phase(self, record: Record) -> None:
        if record.reason == "Failed":
            self._pod_ends(record)

    def _removed(self, record: Record) -> None:
        self._pod_ends(record)
        self._ending.pop(record.uid, None)
        self.owners.pop(record.uid, None)

    def _workload(self, record: Record) -> None:
        name = (record.namespace, f"{record.kind}/{record.name}")
        above = record.value.get("owner")
        if above:
            self._above[name] = above
        if record.t < 0.0:
            return
        wanted = record.value["desired"]
        verb = "made" if record.what == "workload.created" else "scaled"
        to = f" for {wanted} pods" if verb == "made" else f" to {wanted}"
        step = "".join(f" because {why}" for why in self.step()) if record.by == "kubectl" else ""
        self._scaled[name] = f"{name[1]} was {verb}{to} by {record.by} at {clock(record.t)}{step}"

    def _budget(self, record: Record) -> None:
        self._budgets[record.namespace, record.name] = record

    def _budget_gone(self, record: Record) -> None:
        self._budgets.pop((record.namespace, record.name), None)
