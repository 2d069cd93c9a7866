"""What a drain does about one pod: evict it, try again, wait until it is gone, or note how it ended
[kubectl pkg/drain/drain.go `evictPods`, `waitForDelete`]."""

from math import inf
from typing import NamedTuple

from simkube.kube.duration import format_duration
from simkube.kube.objects import Pod
from simkube.maintenance.acts import DeletePod, Evict
from simkube.maintenance.drain_filters import DrainOptions, left_behind
from simkube.maintenance.model import POLL, RETRY
from simkube.maintenance.step import Act, Answer, Entry, Journal, Note, next_look

# How a pod's part in a drain ended. A drain notes it under the pod's UID, as [how, name, error].
EVICTED, DELETED, SKIPPED, ABSENT, FAILED = "evicted", "deleted", "skipped", "absent", "failed"

CLIENT_RETRIES = (
    10  # client-go's own, after a Retry-After header, before kubectl sees the answer [rest/with_retry.go]
)
TERMINATING_NAMESPACE = "NamespaceTerminating"  # cause of a 403
LOOKS_AGAIN = (
    1,
    35,
)  # since this minor kubectl waits for the pod that it evicted, not for the one listed (13.2)


class Drainage(NamedTuple):
    """A drain of a node: its flags, kubectl's minor, the length of its timeout, and when it started to evict, gives up,
    and begins to delete instead (infinity: never)."""

    node: str
    options: DrainOptions
    minor: tuple[int, int]
    timeout: float
    started: float
    deadline: float
    forced: float


class Listed(NamedTuple):
    """A pod as it was listed."""

    namespace: str
    name: str
    uid: str

    @classmethod
    def of(cls, key: str, uid: str) -> "Listed":
        namespace, _, name = key.partition("/")
        return cls(namespace, name, uid)

    def ended(self, how: str) -> Note:
        return Note(self.uid, [how, self.name, ""])

    def failed(self, message: str) -> Note:
        return Note(self.uid, [FAILED, self.name, message])

    def not_evicted(self, why: str) -> Note:
        return self.failed(f'error when evicting pods/"{self.name}" -n "{self.namespace}": {why}')


def move(
    listed: Listed, pod: Pod | None, journal: Journal, drain: Drainage, now: float
) -> Act | Note | float:
    """What to do about a pod now (`pod`: who is under its name): an act, a note how it ended, or the time until which
    only changes matter."""
    entry, forced = last_try(listed, journal), now >= drain.forced
    if entry is None:
        return ask(listed, pod, drain, forced)
    answer = entry.answer
    if answer is None:  # begun by a driver that was killed: it happened if that pod is no longer there
        return ask(listed, pod if pod is not None and pod.meta.uid == entry.value else None, drain, forced)
    if is_accepted(answer, pod):
        return wait(listed, pod, entry, drain, now)
    if answer.code == 404:
        return listed.ended(ABSENT)
    if forced and entry.verb == "evict":
        return ask(listed, pod, drain, forced)
    if not passes_later(answer) and (drain.forced == inf or entry.verb == "delete"):
        return listed.not_evicted(answer.message)
    again = entry.time + delay(answer, entry, journal)
    if now < again:
        return min(again, drain.forced)
    if now >= drain.deadline:
        return listed.not_evicted(f"global timeout reached: {format_duration(drain.timeout)}")
    return ask(listed, pod, drain, forced)


def ask(listed: Listed, pod: Pod | None, drain: Drainage, delete: bool) -> Act | Note:
    """Ask for the pod under this name to go."""
    if pod is None:
        return listed.ended(ABSENT)  # the request would be answered 404
    grace = drain.options.grace_period if drain.options.grace_period >= 0 else None
    return (DeletePod if delete else Evict)(listed.namespace, listed.name, pod.meta.uid, grace)


def wait(listed: Listed, pod: Pod | None, entry: Entry, drain: Drainage, now: float) -> Note | float:
    """The request was accepted: the pod is gone when there is none under its name, or another one."""
    uid = entry.value if drain.minor >= LOOKS_AGAIN else listed.uid
    look = next_look(drain.started, now, POLL)
    ended = ""
    if pod is None or pod.meta.uid != uid:
        ended = EVICTED if entry.verb == "evict" else DELETED
    elif left_behind(pod, drain.options, now):
        ended = SKIPPED
    if ended and look <= now:
        return listed.ended(ended)
    if now >= drain.deadline:
        where = f'pod "{listed.name}" in namespace "{listed.namespace}"'
        return listed.failed(f"error when waiting for {where} to terminate: context deadline exceeded")
    if not ended:
        look = _worth_a_look(pod, drain, look if look > now else look + POLL)
    return min(look, drain.deadline)


def _worth_a_look(pod: Pod | None, drain: Drainage, soonest: float) -> float:
    """When to look at a pod that is still there, if nothing on the node changes before."""
    if (
        pod is None or pod.node != drain.node
    ):  # it was recreated elsewhere, and those changes wake nobody here
        return soonest
    deleted, limit = pod.meta.deletion_timestamp, drain.options.skip_wait_for_delete_timeout
    if not limit or deleted is None:
        return inf
    return max(soonest, next_look(drain.started, deleted + limit + 1, POLL))


def last_try(listed: Listed, journal: Journal) -> Entry | None:
    """The newest request about the pod."""
    key = f"{listed.namespace}/{listed.name}"
    return journal.last("delete", key) or journal.last("evict", key)


def is_accepted(answer: Answer, pod: Pod | None) -> bool:
    """The pod is going. Also if the request was refused because its namespace is terminating, and it is terminating
    itself. (kubectl before 1.35 sees that only if it was when listed; else it tries until the pod is gone.)"""
    if answer.code == 403 and answer.cause == TERMINATING_NAMESPACE:
        return pod is not None and pod.is_terminating
    return answer.ok


def passes_later(answer: Answer) -> bool:
    """kubectl tries again: a budget refused (429), or the namespace is terminating and the pod not yet. Ours: nobody
    was there to answer (503)."""
    return answer.code in (429, 503) or (answer.code == 403 and answer.cause == TERMINATING_NAMESPACE)


def delay(answer: Answer, entry: Entry, journal: Journal) -> float:
    """Seconds until the next try. client-go waits out a Retry-After by itself, ten times in a row; kubectl 5 s."""
    if not answer.retry_after:
        return RETRY
    in_a_row = 0
    for earlier in reversed(journal.entries):
        if earlier.target == entry.target and earlier.verb == entry.verb:
            if earlier.answer is None or not earlier.answer.retry_after:
                break
            in_a_row += 1
    return float(answer.retry_after) if in_a_row % (CLIENT_RETRIES + 1) else RETRY
