"""kubectl drain as a Step (behaviour, section 6): cordon, choose the pods, evict them all at once, retry what a budget
refuses every 5 s, look every second whether they are gone [kubectl `pkg/drain/drain.go`].

Where it is not kubectl: an API server that is not there is waited for (kubectl fails, and a person calls it again);
`force_after` and `on_timeout: force` delete what could not be evicted; pods are listed and evicted in order of
namespace and name (kubectl's goroutines have none).
"""

from functools import lru_cache
from math import inf
from typing import Literal

from pydantic import Field

from simkube.kube.version import Version
from simkube.maintenance.acts import Cordon
from simkube.maintenance.drain_filters import DrainOptions, Facts, Selection, aggregate, select
from simkube.maintenance.drain_pod import (
    FAILED,
    Drainage,
    Listed,
    ask,
    delay,
    is_accepted,
    last_try,
    move,
    passes_later,
    wait,
)
from simkube.maintenance.model import POLL, RETRY, NodeStep, Span, once, span_text
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
from simkube.scenario.units import VersionText


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
    kubectl: VersionText = Field(
        "v1.37.0", min_length=1, description="Version of kubectl, whose ways it follows"
    )

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
                return Failed(self.not_found.message, self._then)
            if node.unschedulable:
                return Do((Note("already cordoned", True),))
        if not already:
            cordon = once(journal, Cordon(self.node), now)
            if cordon is not None and not isinstance(cordon, Failed):  # kubectl goes on after a refusal
                return cordon
        chosen = self._select(view, now)
        if chosen.error:
            return self._failed(chosen.error)
        pods = Note("pods", [[f"{p.meta.namespace}/{p.meta.name}", p.meta.uid] for p in chosen.evict])
        return Do((Note("warning", chosen.warning), pods) if chosen.warning else (pods,))

    def _select(self, view: View, now: float) -> Selection:
        facts = Facts(lambda namespace, name: view.get("DaemonSet", name, namespace) is not None, now)
        return select(view.pods_on(self.node), self.options, facts, _minor(self.kubectl))

    # -- evicting and waiting ---------------------------------------------------------------------------------------

    def _evict_all(self, listed: Entry, view: View, journal: Journal, now: float) -> Decision:
        drain = self._drainage(listed.time)
        here = {pod.meta.uid for pod in view.pods_on(self.node)}
        calm = now < drain.deadline and now < drain.forced and not self.options.skip_wait_for_delete_timeout
        tries, ends = journal.newest("evict"), journal.notes
        notes: list[Note] = []
        todo: list[Act] = []
        errors: list[str] = []
        wake, left, leaving, refused = inf, 0, False, ""
        for key, uid in listed.value:
            entry = tries.get(key)
            if calm and entry is not None and entry.answer is not None:  # most pods, most of the time
                answer, again = entry.answer, entry.time + RETRY
                if answer.code < 300 and uid in here:  # accepted, and still there
                    left, leaving = left + 1, True
                    continue
                if answer.code == 429 and not answer.retry_after and now < again:  # refused a moment ago
                    left, refused, wake = left + 1, answer.message, min(wake, again, drain.forced)
                    continue
            end = ends.get(uid)
            if end is None:
                pod = Listed.of(key, uid)
                found = view.pod(pod.namespace, pod.name)
                what = move(pod, found, journal, drain, now)
                if isinstance(what, Note):
                    notes.append(what)
                    end = what.value
                elif isinstance(what, Act):
                    todo.append(what)
                else:
                    left, wake = left + 1, min(wake, what)
                    entry = last_try(pod, journal)
                    if (
                        entry is not None
                        and entry.answer is not None
                        and not is_accepted(entry.answer, found)
                    ):
                        refused = entry.answer.message
                    else:
                        leaving = True
            if end is not None and end[0] == FAILED:
                errors.append(end[2])
        if todo:
            return Do((*notes, *todo))
        if left:
            wake = min(wake, drain.deadline) if leaving else wake
            why = f"{left} pods to leave {self.node}" + (f": {refused}" if refused else "")
            return WaitUntil(wake, self.node if leaving else None, why, listed.time, POLL, tuple(notes))
        return Do(tuple(notes)) if notes else self._finish(errors, view, journal, now)

    # -- deleting (--disable-eviction) ------------------------------------------------------------------------------

    def _delete_all(self, listed: Entry, view: View, journal: Journal, now: float) -> Decision:
        """DELETE one after the other; an error other than 404 ends it. Then wait for all [`deletePods`]."""
        drain = self._drainage(listed.time)
        for key, uid in listed.value:
            here, entry = Listed.of(key, uid), journal.last("delete", key)
            pod = view.pod(here.namespace, here.name)
            if entry is None or entry.answer is None:
                if pod is not None and (entry is None or pod.meta.uid == entry.value):
                    return Do((ask(here, pod, drain, True),))
            elif not entry.answer.ok and entry.answer.code != 404:
                if not passes_later(entry.answer):
                    return self._finish([entry.answer.message], view, journal, now)
                again = entry.time + delay(entry.answer, entry, journal)
                if now < again:
                    return WaitUntil(again, None, f"delete {key}: {entry.answer.message}")
                if pod is not None:
                    return Do((ask(here, pod, drain, True),))
        return self._wait_all(listed, view, journal, now)

    def _wait_all(self, listed: Entry, view: View, journal: Journal, now: float) -> Decision:
        begun = max((entry.time for entry in journal.entries if entry.verb == "delete"), default=listed.time)
        drain = self._drainage(begun)
        notes: list[Note] = []
        wake, left = inf, 0
        for key, uid in listed.value:
            if journal.noted(uid) is not None:
                continue
            here, deleted = Listed.of(key, uid), Entry(begun, "delete", key, Answer(), uid)
            what = wait(here, view.pod(here.namespace, here.name), deleted, drain, now)
            if isinstance(what, float):
                left, wake = left + 1, min(wake, what)
            elif what.value[0] == FAILED:
                return self._finish(["context deadline exceeded"], view, journal, now)
            else:
                notes.append(what)
        if left:
            return WaitUntil(wake, self.node, f"{left} pods to leave {self.node}", begun, POLL, tuple(notes))
        return Do(tuple(notes)) if notes else self._finish([], view, journal, now)

    # -- the end ----------------------------------------------------------------------------------------------------

    def _finish(self, errors: list[str], view: View, journal: Journal, now: float) -> Decision:
        if not errors:
            return Done(f"node/{self.node} drained")
        error = aggregate(errors)
        if journal.noted("pending") is None:
            return Do((Note("pending", [error, [pod.meta.name for pod in self._select(view, now).evict]]),))
        return self._failed(error)

    def _failed(self, error: str) -> Failed:
        message = f'unable to drain node "{self.node}" due to error: {error}'
        return Failed(message, self._then)

    @property
    def _then(self) -> str:
        return "skip" if self.on_timeout == "skip" else "abort"

    def _drainage(self, started: float) -> Drainage:
        force, limit = self.on_timeout == "force", started + self.timeout if self.timeout else inf
        forced = min(limit if force else inf, started + self.force_after if self.force_after else inf)
        minor = _minor(self.kubectl)
        return Drainage(
            self.node, self.options, minor, self.timeout, started, inf if force else limit, forced
        )


@lru_cache(maxsize=64)
def _minor(version: str) -> tuple[int, int]:
    return Version.parse(version).minor_version
