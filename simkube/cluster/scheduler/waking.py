"""Which unschedulable pods an event wakes: those of whose rejectors one says that it might change its mind.

Since 1.32 plugins are asked one by one (queueing hints). Before, every event that a plugin registers wakes its pods,
unless the node in question would not take the pod anyhow [pkg/scheduler/eventhandlers.go `preCheckForNode`].
"""

from collections.abc import Iterator, Sequence

from simkube.cluster.scheduler.affinity_terms import OwnTerms
from simkube.cluster.scheduler.cycle import Cycle
from simkube.cluster.scheduler.plugin import Event, Filter, Happening, Plugin
from simkube.cluster.scheduler.queue import Queue, Queued
from simkube.kube.objects import Node

HINTS_SINCE = 32
PRECHECKED = ("TaintToleration", "NodeAffinity", "NodePorts", "NodeResourcesFit")

_NODE = Happening.NODE_ADDED | Happening.NODE_LABELS | Happening.NODE_TAINTS | Happening.NODE_SIZE


def node_events(old: Node, new: Node) -> Happening:
    """What a change of a node is [pkg/scheduler/framework/events.go `NodeSchedulingPropertiesChange`]."""
    what = Happening(0)
    if old.meta.labels != new.meta.labels:
        what |= Happening.NODE_LABELS
    if old.unschedulable != new.unschedulable or old.taints != new.taints:
        what |= Happening.NODE_TAINTS
    if old.status.allocatable != new.status.allocatable:
        what |= Happening.NODE_SIZE
    return what


class Waking:
    """Finds the pods to wake."""

    def __init__(self, cycle: Cycle, plugins: Sequence[Plugin], minor: int) -> None:
        self._cycle = cycle
        self._hints = minor >= HINTS_SINCE
        self._plugins = [(plugin, self._wakes_on(plugin)) for plugin in plugins]

    def _wakes_on(self, plugin: Plugin) -> Happening:
        """Without hints a node that was skipped when it came is looked at again when its taints or labels change."""
        again = Happening.NODE_LABELS | Happening.NODE_TAINTS
        missed = not self._hints and plugin.wakes_on & Happening.NODE_ADDED
        return plugin.wakes_on | again if missed else plugin.wakes_on

    def woken(self, event: Event, queue: Queue) -> Iterator[Queued]:
        """Each pod that the event wakes, once."""
        seen = set()
        for plugin, wakes_on in self._plugins:
            if wakes_on & event.what:
                for queued in queue.waiting(plugin.name):
                    if queued.key not in seen and self._might_fit(plugin, event, queued):
                        seen.add(queued.key)
                        yield queued

    def _might_fit(self, plugin: Plugin, event: Event, queued: Queued) -> bool:
        ask = self._cycle.ask(queued.pod)
        if self._hints:
            return plugin.wakes(event, ask, queued.pod)
        if event.what & _NODE:
            return self._would_take(event.new, queued)
        if event.what & (
            Happening.POD_ADDED | Happening.POD_LABELS
        ):  # `getUnschedulablePodsWithCrossTopologyTerm`
            if plugin.name == "PodTopologySpread" and event.new.meta.namespace == ask.namespace:
                return True
            state = self._cycle.state
            own, added = OwnTerms(ask.spec, ask.label_class), state.tallies.class_of(event.new)
            return any(own.matches_all([term], added, state) for term in own.required)
        return True

    def _would_take(self, node: Node, queued: Queued) -> bool:
        nodes = self._cycle.state.nodes
        info = nodes.by_name[node.meta.name]
        if queued.pod.pinned not in ("", node.meta.name):
            return False
        at = nodes.at[info.slot]
        window = slice(at, at + 1)
        filters = self._cycle.ask(queued.pod).filters
        return all(_passes(judge, window) for judge in filters if judge.plugin in PRECHECKED)


def _passes(judge: Filter, window: slice) -> bool:
    passed = judge.passes(window)
    return passed is None or bool(passed[0])
