"""What kubectl would print of a plan's steps: lines for stdout and stderr, word for word [kubectl pkg/cmd/drain,
pkg/drain]. A `Driver` tells what happens; `lines` says it in kubectl's words."""

from typing import NamedTuple

from simkube.maintenance import acts
from simkube.maintenance.drain import Drain
from simkube.maintenance.drain_pod import DELETED, EVICTED, SKIPPED, TERMINATING_NAMESPACE
from simkube.maintenance.log import Outcome
from simkube.maintenance.model import RETRY
from simkube.maintenance.step import Act, Answer, Note, Step, WaitUntil


class Line(NamedTuple):
    """One line, for stderr if `error`."""

    text: str
    error: bool = False


def lines(step: Step, what: Act | Note | WaitUntil | Outcome | None, answer: Answer | None) -> list[Line]:
    """What kubectl prints of this; nothing of what is not kubectl's (reboots, waits)."""
    if isinstance(what, Act) and answer is not None:
        return _act(what, answer)
    if isinstance(step, Drain) and isinstance(what, Note):
        return _note(step, what)
    if isinstance(what, Outcome):
        return _outcome(step, what)
    return []


def _act(act: Act, answer: Answer) -> list[Line]:
    if isinstance(act, acts.Cordon | acts.Uncordon):
        if answer.ok:
            return [Line(f"node/{act.node} {act.verb}ed")]
        return [Line(f'error: unable to {act.verb} node "{act.node}": {answer.message}', True)]
    if isinstance(act, acts.Evict):
        return [Line(f"evicting pod {act.target}"), *_refused(act, answer)]
    if isinstance(act, acts.Scale) and answer.ok:
        return [Line(f"{act.kind.lower()}.apps/{act.name} scaled")]
    if isinstance(act, acts.Annotate) and answer.ok:
        return [Line(f"pod/{act.pod} annotated")]
    if isinstance(act, acts.RemoveNode) and answer.ok:
        return [Line(f'node "{act.node}" deleted')]
    return []


def _refused(act: acts.Evict, answer: Answer) -> list[Line]:
    again = f"(will retry after {RETRY:g}s): {answer.message}"
    if answer.code == 429 and not answer.retry_after:
        return [Line(f'error when evicting pods/"{act.pod}" -n "{act.namespace}" {again}', True)]
    if answer.code == 403 and answer.cause == TERMINATING_NAMESPACE:
        return [
            Line(
                f'error when evicting pod "{act.pod}" from terminating namespace "{act.namespace}" {again}',
                True,
            )
        ]
    return []


def _note(step: Drain, note: Note) -> list[Line]:
    if note.name == "already cordoned":
        return [Line(f"node/{step.node} already cordoned")]
    if note.name == "warning":
        return [Line(f"Warning: {note.value}", True)]
    if note.name == "pending":
        error, pods = note.value
        header = f'There are pending pods in node "{step.node}" when an error occurred: {error}'
        return [Line(text, True) for text in (header, *(f"pod/{pod}" for pod in pods))] if pods else []
    if isinstance(note.value, list) and len(note.value) == 3 and note.value[0] in (EVICTED, DELETED, SKIPPED):
        how, pod, _ = note.value
        if how == SKIPPED:
            limit = step.options.skip_wait_for_delete_timeout
            return [Line(f'pod "{pod}" has DeletionTimestamp older than {limit} seconds, skipping')]
        return [Line(f"pod/{pod} {how}")]
    return []


def _outcome(step: Step, outcome: Outcome) -> list[Line]:
    if isinstance(step, Drain) and outcome.result == "failed":
        if not outcome.message.startswith("unable to drain"):
            return [Line(outcome.message, True)]
        return [
            Line(f"error: {outcome.message}, continuing command...", True),
            Line("There are pending nodes to be drained:", True),
            Line(f" {step.node}", True),
        ]
    if (
        outcome.result == "done"
        and outcome.message.startswith("node/")
        and outcome.message.endswith((" drained", " already cordoned", " already uncordoned"))
    ):
        return [Line(outcome.message)]
    return []
