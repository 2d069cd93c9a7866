"""Which state each zone is in, and what follows for its taint rate and for the whole cluster (behaviour 1.5)."""

from simkube.cluster.nodes.zone_tainter import ZoneTainter
from simkube.cluster.nodes.zones import Census, Shift, ZoneState, is_counted, shift, taint_rate, zone_of
from simkube.kube.objects import Node
from simkube.timings import Timings


class ZoneWatch:
    """The node lifecycle controller's view of zones. Nodes are counted as passes visit them."""

    def __init__(self, timings: Timings, tainter: ZoneTainter) -> None:
        self._timings = timings
        self._tainter = tainter
        self._census = Census()
        self._states: dict[str, ZoneState] = {}

    def register(self, node: Node) -> None:
        """A zone that has no state yet is `Initial`, with a new queue at the full rate."""
        zone = zone_of(node.meta.labels)
        if zone not in self._states:
            self._states[zone] = ZoneState.INITIAL
            self._tainter.new_zone(zone)

    def count(self, node: Node, ready: bool) -> None:
        """The node is Ready or not, as of this pass."""
        if is_counted(node.meta.labels):
            self._census.count(node.meta.name, zone_of(node.meta.labels), ready)
        else:
            self._census.forget(node.meta.name)

    def forget(self, name: str) -> None:
        """The node is gone, or this pass could not judge it."""
        self._census.forget(name)

    def weigh(self) -> Shift:
        """At the end of a pass: new states and rates. When all zones are fully disrupted, nobody is tainted any more
        [`handleDisruption`]."""
        after = self._census.states(self._timings)
        before = {zone: self._states.get(zone, ZoneState.INITIAL) for zone in (*self._states, *after)}
        change = shift(before, after)
        for zone, state in after.items():
            if change is Shift.ENTER:
                self._tainter.set_rate(zone, 0.0)
            elif change is Shift.LEAVE or (change is Shift.ZONES and state is not before[zone]):
                self._tainter.set_rate(zone, taint_rate(state, self._census.size(zone), self._timings))
        self._states = after
        return change
