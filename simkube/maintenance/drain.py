"""kubectl drain as a Step (behaviour, section 6): cordon, choose the pods, evict them all at once, retry what a budget
refuses every 5 s, look every second whether they are gone."""

from math import ceil
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from simkube.kube.objects import Pod
from simkube.kube.version import Version
from simkube.maintenance.acts import Cordon, DeletePod, Evict
from simkube.maintenance.drain_filters import DrainOptions, Facts, select
from simkube.maintenance.step import Act, Decision, Do, Done, Entry, Failed, Journal, Note, View, WaitUntil

RETRY = 5.0  # seconds between tries that a budget refused [kubectl pkg/drain/drain.go]
POLL = 1.0  # seconds between looks whether a pod is gone


class Drain(BaseModel):
    """Drain one node. `timeout` seconds (0: none) for evicting and waiting; `on_timeout` says what then: "abort" (stop;
    the node stays cordoned), "skip" (leave the node, go on), "force" (delete what is left, past the budgets, each with
    its own grace). `force_after`: delete instead of evicting from then on, without giving up."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    do: Literal["drain"] = "drain"
    node: str
    options: DrainOptions = DrainOptions()
    timeout: float = Field(0.0, ge=0)
    on_timeout: Literal["abort", "skip", "force"] = Field("abort", alias="onTimeout")
    force_after: float = Field(0.0, alias="forceAfter", ge=0)
    kubectl: str = "v1.37.0"

    @property
    def title(self) -> str:
        return f"drain {self.node}"

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        if journal.last("cordon", self.node) is None:
            return Do((Cordon(self.node),))
        listed = journal.noted("pods")
        if listed is None:
            return self._choose(view, journal, now)
        if journal.noted("error"):
            return Failed(journal.noted("error"), "skip" if self.on_timeout == "skip" else "abort")
        return self._evict(listed, view, journal, now)

    def _choose(self, view: View, journal: Journal, now: float) -> Decision:
        node = view.node(self.node)
        if node is None:
            return Failed(f'Error from server (NotFound): nodes "{self.node}" not found')
        facts = Facts(lambda namespace, name: view.get("DaemonSet", name, namespace) is not None, now)
        chosen = select(view.pods_on(self.node), self.options, facts, Version.parse(self.kubectl))
        if chosen.error and journal.noted("error") is None:
            return Note("error", f'unable to drain node "{self.node}" due to error: {chosen.error}')
        if chosen.warning and journal.noted("warning") is None:
            return Note("warning", chosen.warning)
        evict = () if chosen.error else chosen.evict
        return Note("pods", [[p.meta.namespace, p.meta.name, p.meta.uid] for p in evict])

    def _evict(self, listed: list[list[str]], view: View, journal: Journal, now: float) -> Decision:
        forced = self._forced(journal, now)
        acts: list[Act] = []
        wake = float("inf") if forced else self._forced_at(journal)
        left = 0
        for namespace, name, uid in listed:
            pod = view.pod(namespace, name)
            if pod is not None and pod.meta.uid != uid:
                pod = None  # recreated under its name: the one that was listed is gone
            entry = self._last(journal, uid)
            if pod is None:
                if entry is not None and entry.answer is not None and entry.answer.ok:
                    seen = _tick(entry.time, now, POLL)
                    if seen > now:  # gone, but the next look at it is still to come
                        left += 1
                        wake = min(wake, seen)
                continue
            left += 1
            if entry is None or entry.answer is None or (forced and entry.verb == "evict" and not entry.answer.ok):
                acts.append(self._act(pod, forced))
            elif entry.answer.ok:
                pass  # terminating: a change of the node wakes us
            elif entry.answer.code == 429:
                again = entry.time + RETRY
                if again <= now:
                    acts.append(self._act(pod, forced))
                else:
                    wake = min(wake, again)
            else:
                return Failed(f'error when evicting pods/"{name}" -n "{namespace}": {entry.answer.message}')
        if left == 0:
            return Done(f"node/{self.node} drained")
        if self.timeout and now >= journal.started + self.timeout and self.on_timeout != "force":
            return Failed(f"drain did not finish within {self.timeout:g}s: {left} pods left", self.on_timeout)
        if acts:
            return Do(tuple(acts))
        if self.timeout and self.on_timeout != "force":
            wake = min(wake, journal.started + self.timeout)
        return WaitUntil(wake, self.node, f"{left} pods to leave {self.node}")

    def _act(self, pod: Pod, forced: bool) -> Act:
        grace = self.options.grace_period if self.options.grace_period >= 0 else None
        make: Any = DeletePod if forced or self.options.disable_eviction else Evict
        act: Act = make(namespace=pod.meta.namespace, pod=pod.meta.name, uid=pod.meta.uid, grace=grace)
        return act

    def _forced_at(self, journal: Journal) -> float:
        limit = self.timeout if self.on_timeout == "force" else 0.0
        after = min((x for x in (limit, self.force_after) if x), default=float("inf"))
        return journal.started + after

    def _forced(self, journal: Journal, now: float) -> bool:
        return now >= self._forced_at(journal)

    @staticmethod
    def _last(journal: Journal, uid: str) -> Entry | None:
        return journal.last("delete", uid) or journal.last("evict", uid)


def _tick(start: float, now: float, period: float) -> float:
    """The first look at or after `now` of somebody who looks every `period` seconds from `start` on."""
    return start + ceil((now - start) / period - 1e-9) * period
