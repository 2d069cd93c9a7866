"""kubectl drain as a Step (behaviour, section 6): cordon, choose the pods, evict them all at once, retry what a budget
refuses every 5 s, look every second whether they are gone [kubectl `pkg/drain/drain.go`].

Where it is not kubectl: an API server that is not there is waited for (kubectl fails, and a person calls it again);
`force_after` and `on_timeout: force` delete what could not be evicted; pods are listed and evicted in order of
namespace and name (kubectl's goroutines have none).
"""

from functools import lru_cache
from math import inf
from typing import Literal, NamedTuple

from pydantic import Field

from simkube.kube.duration import format_duration
from simkube.kube.objects import Pod
from simkube.kube.version import Version
from simkube.maintenance.acts import Cordon, DeletePod, Evict
from simkube.maintenance.drain_filters import DrainOptions, Facts, Selection, aggregate, left_behind, select
from simkube.maintenance.driver import next_look
from simkube.maintenance.model import POLL, RETRY, NodeStep, Span, VersionText, once, span_text
from simkube.maintenance.step import (
    Act,
    Answer,
    Decision,
    Do,
    Done,
    Entry,
    Failed,
    Journal,
    Note,
    View,
    WaitUntil,
)

RETRY_AFTER_TIMES = (
    10  # retries of client-go on a Retry-After header, before kubectl sees the answer [rest/with_retry.go]
)
TERMINATING_NAMESPACE = "NamespaceTerminating"  # cause of a 403
LOOKS_AGAIN = (
    1,
    35,
)  # from this minor on kubectl waits for the pod it evicted, before for the one it listed (13.2)

EVICTED, DELETED, SKIPPED, ABSENT, FAILED = "evicted", "deleted", "skipped", "absent", "failed"


class Drain(NodeStep):
    """Cordon a node and evict its pods, as kubectl drain does."""

    do: Literal["drain"] = "drain"
    options: DrainOptions = Field(DrainOptions(), description="kubectl drain's flags")
    timeout: Span = Field(0.0, description="Time for evicting and waiting; 0: no end")
    on_timeout: Literal["abort", "skip", "force"] = Field(
        "abort",
        description="After the timeout: abort the plan (the node stays cordoned), skip the node (also if it cannot be "
        "drained at all), or delete what is left, past the budgets, each pod with its own grace",
    )
    force_after: Span = Field(0.0, description="Delete instead of evicting from then on; 0: never")
    kubectl: VersionText = Field("v1.37.0", description="Version of kubectl, whose ways it follows")

    @property
    def needs(self) -> str:
        return f"node {self.node} is in the API; no pod on it that kubectl drain refuses"

    @property
    def waits(self) -> str:
        limit = f", {span_text(self.timeout)} at most ({self.on_timeout})" if self.timeout else ""
        forced = f"; deletes what is left after {span_text(self.force_after)}" if self.force_after else ""
        return f"its pods are gone, budgets permitting{limit}{forced}"

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        listed = journal.last("note", "pods")
        if listed is None:
            return self._begin(view, journal, now)
        if self.options.disable_eviction:
            return self._delete_all(listed, view, journal, now)
        return self._evict_all(listed, view, journal, now)

    # -- choosing ---------------------------------------------------------------------------------------------------

    def _begin(self, view: View, journal: Journal, now: float) -> Decision:
        node, already = view.node(self.node), journal.noted("already cordoned")
        if journal.last("cordon", self.node) is None and not already:
            if node is None:
                return self.not_found
            if node.unschedulable:
                return Do((Note("already cordoned", True),))
        if not already:
            cordon = once(journal, Cordon(self.node), now)
            if cordon is not None and not isinstance(cordon, Failed):  # kubectl goes on after a refusal
                return cordon
        chosen = self._select(view, now)
        if chosen.error:
            return self._failed(f'unable to drain node "{self.node}" due to error: {chosen.error}')
        pods = Note("pods", [[f"{p.meta.namespace}/{p.meta.name}", p.meta.uid] for p in chosen.evict])
        return Do((Note("warning", chosen.warning), pods) if chosen.warning else (pods,))

    def _select(self, view: View, now: float) -> Selection:
        facts = Facts(lambda namespace, name: view.get("DaemonSet", name, namespace) is not None, now)
        return select(view.pods_on(self.node), self.options, facts, _minor(self.kubectl))

    # -- evicting and waiting ---------------------------------------------------------------------------------------

    def _evict_all(self, listed: Entry, view: View, journal: Journal, now: float) -> Decision:
        times = self._times(listed.time)
        here = {pod.meta.uid: pod for pod in view.pods_on(self.node)}
        calm = now < times.deadline and now < times.forced and not self.options.skip_wait_for_delete_timeout
        tries, ends = journal.newest("evict"), journal.notes
        notes: list[Note] = []
        todo: list[Act] = []
        errors: list[str] = []
        wake, left, leaving, refused = inf, 0, False, ""
        for key, uid in listed.value:
            entry = tries.get(key)
            if calm and entry is not None and entry.answer is not None:
                answer, again = entry.answer, entry.time + RETRY
                if answer.code < 300 and uid in here:  # accepted, and still there
                    left, leaving = left + 1, True
                    continue
                if answer.code == 429 and not answer.retry_after and now < again:  # refused a moment ago
                    left, refused, wake = left + 1, answer.message, min(wake, again, times.forced)
                    continue
            end = ends.get(uid)
            if end is None:
                one = _Listed.of(key, uid)
                pod, entry = view.pod(one.namespace, one.name), _last_try(journal, key)
                what = self._pod(one, pod, entry, journal, times, now)
                if isinstance(what, Note):
                    notes.append(what)
                    end = what.value
                elif isinstance(what, Act):
                    todo.append(what)
                else:
                    left, wake = left + 1, min(wake, what)
                    if (
                        entry is None
                        or entry.answer is None
                        or entry.answer.ok
                        or _is_deleting(pod, entry.answer)
                    ):
                        leaving = True
                    else:
                        refused = entry.answer.message
            if end is not None and end[0] == FAILED:
                errors.append(end[2])
        if todo:
            return Do((*notes, *todo))
        if left:
            wake = min(wake, times.deadline) if leaving else wake
            why = f"{left} pods to leave {self.node}" + (f": {refused}" if refused else "")
            return WaitUntil(wake, self.node if leaving else None, why, listed.time, POLL, tuple(notes))
        return Do(tuple(notes)) if notes else self._finish(errors, view, journal, now)

    def _pod(
        self,
        listed: "_Listed",
        pod: Pod | None,
        entry: Entry | None,
        journal: Journal,
        times: "_Times",
        now: float,
    ) -> Act | Note | float:
        """What to do about one pod now: an act, a note how it ended, or the time until which only changes matter."""
        forced = now >= times.forced
        if entry is None:
            return self._try(listed, pod, forced)
        answer = entry.answer
        if answer is None:  # begun by a driver that was killed: it happened if that pod is no longer there
            return self._try(listed, pod if pod is not None and pod.meta.uid == entry.value else None, forced)
        if answer.ok or _is_deleting(pod, answer):
            return self._wait(listed, pod, entry, times, now)
        if answer.code == 404:
            return listed.ended(ABSENT)
        if forced and entry.verb == "evict":
            return self._try(listed, pod, forced)
        if not _passes_later(answer) and (times.forced == inf or entry.verb == "delete"):
            return listed.failed(
                f'error when evicting pods/"{listed.name}" -n "{listed.namespace}": {answer.message}'
            )
        again = entry.time + _delay(answer, entry, journal)
        if now < again:
            return min(again, times.forced)
        if now >= times.deadline:
            limit = format_duration(self.timeout)
            said = f"global timeout reached: {limit}"
            return listed.failed(f'error when evicting pods/"{listed.name}" -n "{listed.namespace}": {said}')
        return self._try(listed, pod, forced)

    def _wait(
        self, listed: "_Listed", pod: Pod | None, entry: Entry, times: "_Times", now: float
    ) -> Note | float:
        """The eviction was accepted: the pod is gone when there is none under its name, or another one."""
        uid = entry.value if _minor(self.kubectl) >= LOOKS_AGAIN else listed.uid
        look = next_look(times.started, now, POLL)
        if pod is None or pod.meta.uid != uid:
            if look <= now:
                return listed.ended(EVICTED if entry.verb == "evict" else DELETED)
            wake = look
        elif left_behind(pod, self.options, now):
            if look <= now:
                return listed.ended(SKIPPED)
            wake = look
        elif pod.node != self.node:  # evicted under its name on another node, whose changes do not wake us
            wake = look if look > now else look + POLL
        else:
            wake = self._left_behind_at(pod, times, now)
        if now >= times.deadline:
            said = f'pod "{listed.name}" in namespace "{listed.namespace}" to terminate: context deadline exceeded'
            return listed.failed(f"error when waiting for {said}")
        return min(wake, times.deadline)

    def _left_behind_at(self, pod: Pod, times: "_Times", now: float) -> float:
        deleted, limit = pod.meta.deletion_timestamp, self.options.skip_wait_for_delete_timeout
        if not limit or deleted is None:
            return inf
        look = next_look(times.started, deleted + limit + 1, POLL)
        return look if look > now else look + POLL

    def _try(self, listed: "_Listed", pod: Pod | None, forced: bool) -> Act | Note:
        if pod is None:
            return listed.ended(ABSENT)  # the request would be answered 404
        grace = self.options.grace_period if self.options.grace_period >= 0 else None
        make = DeletePod if forced or self.options.disable_eviction else Evict
        return make(listed.namespace, listed.name, pod.meta.uid, grace)

    # -- deleting (--disable-eviction) ------------------------------------------------------------------------------

    def _delete_all(self, listed: Entry, view: View, journal: Journal, now: float) -> Decision:
        """DELETE one after the other; an error other than 404 ends it. Then wait for all [`deletePods`]."""
        for key, uid in listed.value:
            here, entry = _Listed.of(key, uid), journal.last("delete", key)
            pod = view.pod(here.namespace, here.name)
            if entry is None or entry.answer is None:
                if pod is not None and (entry is None or pod.meta.uid == entry.value):
                    return Do((self._try(here, pod, True),))
            elif not entry.answer.ok and entry.answer.code != 404:
                if not _passes_later(entry.answer):
                    return self._finish([entry.answer.message], view, journal, now)
                again = entry.time + _delay(entry.answer, entry, journal)
                if now < again:
                    return WaitUntil(again, None, f"delete {key}: {entry.answer.message}")
                if pod is not None:
                    return Do((self._try(here, pod, True),))
        return self._wait_all(listed, view, journal, now)

    def _wait_all(self, listed: Entry, view: View, journal: Journal, now: float) -> Decision:
        begun = max((entry.time for entry in journal.entries if entry.verb == "delete"), default=listed.time)
        times = _Times(begun, begun + self.timeout if self.timeout else inf, inf)
        todo: list[Act | Note] = []
        wake, left = inf, 0
        for key, uid in listed.value:
            if journal.noted(uid) is None:
                left += 1
                here, deleted = _Listed.of(key, uid), Entry(begun, "delete", key, Answer(), uid)
                what = self._wait(here, view.pod(here.namespace, here.name), deleted, times, now)
                if isinstance(what, float):
                    wake = min(wake, what)
                elif what.value[0] == FAILED:
                    return self._finish(["context deadline exceeded"], view, journal, now)
                else:
                    todo.append(what)
        if todo:
            return Do(tuple(todo))
        if left:
            return WaitUntil(wake, self.node, f"{left} pods to leave {self.node}", begun, POLL)
        return self._finish([], view, journal, now)

    # -- the end ----------------------------------------------------------------------------------------------------

    def _finish(self, errors: list[str], view: View, journal: Journal, now: float) -> Decision:
        if not errors:
            return Done(f"node/{self.node} drained")
        error = aggregate(errors)
        if journal.noted("pending") is None:
            return Do((Note("pending", [error, [pod.meta.name for pod in self._select(view, now).evict]]),))
        return self._failed(f'unable to drain node "{self.node}" due to error: {error}')

    def _failed(self, message: str) -> Failed:
        return Failed(message, "skip" if self.on_timeout == "skip" else "abort")

    def _times(self, started: float) -> "_Times":
        force = self.on_timeout == "force"
        limit = started + self.timeout if self.timeout else inf
        forced = min(limit if force else inf, started + self.force_after if self.force_after else inf)
        return _Times(started, inf if force else limit, forced)


class _Times(NamedTuple):
    """When the eviction started, when it gives up, from when on it deletes."""

    started: float
    deadline: float
    forced: float


class _Listed(NamedTuple):
    """A pod as it was listed."""

    namespace: str
    name: str
    uid: str

    @classmethod
    def of(cls, key: str, uid: str) -> "_Listed":
        namespace, _, name = key.partition("/")
        return cls(namespace, name, uid)

    def ended(self, how: str) -> Note:
        return Note(self.uid, [how, self.name, ""])

    def failed(self, message: str) -> Note:
        return Note(self.uid, [FAILED, self.name, message])


@lru_cache(maxsize=64)
def _minor(version: str) -> tuple[int, int]:
    return Version.parse(version).minor_version


def _last_try(journal: Journal, pod: str) -> Entry | None:
    return journal.last("delete", pod) or journal.last("evict", pod)


def _passes_later(answer: Answer) -> bool:
    """kubectl tries again: a budget refused (429), or the namespace is terminating and the pod not yet. Ours: nobody
    was there to answer (503)."""
    return answer.code in (429, 503) or (answer.code == 403 and answer.cause == TERMINATING_NAMESPACE)


def _is_deleting(pod: Pod | None, answer: Answer) -> bool:
    """Refused because its namespace is terminating, and terminating itself: kubectl only waits. (kubectl before 1.35
    does so only if the pod was terminating when it was listed; else it tries until the pod is gone.)"""
    return (
        answer.code == 403
        and answer.cause == TERMINATING_NAMESPACE
        and pod is not None
        and pod.is_terminating
    )


def _delay(answer: Answer, entry: Entry, journal: Journal) -> float:
    """Seconds until the next try. client-go waits out a Retry-After by itself, ten times in a row; kubectl 5 s."""
    if not answer.retry_after:
        return RETRY
    in_a_row = 0
    for earlier in reversed(journal.entries):
        if earlier.target == entry.target and earlier.verb == entry.verb:
            if earlier.answer is None or not earlier.answer.retry_after:
                break
            in_a_row += 1
    return float(answer.retry_after) if in_a_row % (RETRY_AFTER_TIMES + 1) else RETRY
