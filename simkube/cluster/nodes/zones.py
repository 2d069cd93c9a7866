"""States of zones: how many nodes are not Ready, and how fast nodes may be tainted then (behaviour 1.5). Pure."""

from collections.abc import Mapping
from enum import StrEnum

from simkube.timings import Timings

EXCLUDE_LABEL = "node.kubernetes.io/exclude-disruption"
_BETA = "failure-domain.beta.kubernetes.io/"
_STABLE = "topology.kubernetes.io/"


class ZoneState(StrEnum):
    INITIAL = "Initial"
    NORMAL = "Normal"
    PARTIAL = "PartialDisruption"
    FULL = "FullDisruption"


class Shift(StrEnum):
    """What a pass means for the whole cluster."""

    NONE = "none"  # every zone was and is fully disrupted
    ENTER = "enter"  # ... is, and was not: master disruption mode begins
    LEAVE = "leave"  # ... was, and is not: it ends
    ZONES = "zones"  # each zone for itself


def zone_of(labels: Mapping[str, str]) -> str:
    """The zone's key, "" without labels; the beta labels win [component-helpers node/topology `GetZoneKey`]."""
    zone = labels.get(_BETA + "zone", labels.get(_STABLE + "zone", ""))
    region = labels.get(_BETA + "region", labels.get(_STABLE + "region", ""))
    return f"{region}/{zone}" if region or zone else ""


def is_counted(labels: Mapping[str, str]) -> bool:
    """The node counts for its zone; roles play no part [`isNodeExcludedFromDisruptionChecks`]."""
    return EXCLUDE_LABEL not in labels


def zone_state(ready: int, not_ready: int, timings: Timings) -> ZoneState:
    """[`ComputeZoneState`]."""
    if ready == 0 and not_ready > 0:
        return ZoneState.FULL
    share = not_ready / (ready + not_ready) if not_ready else 0.0
    if not_ready >= timings.unhealthy_zone_min_nodes and share >= timings.unhealthy_zone_threshold:
        return ZoneState.PARTIAL
    return ZoneState.NORMAL


def taint_rate(state: ZoneState, size: int, timings: Timings) -> float:
    """Nodes a second that may get their NoExecute taint in a zone of `size` counted nodes; 0 is none at all."""
    if state is not ZoneState.PARTIAL:
        return timings.node_eviction_rate
    return timings.secondary_node_eviction_rate if size > timings.large_cluster_size_threshold else 0.0


def shift(before: Mapping[str, ZoneState], after: Mapping[str, ZoneState]) -> Shift:
    """From the states of the zones before and after a pass; zones that are gone do not count [`handleDisruption`]."""
    all_are = all(state is ZoneState.FULL for state in after.values())
    all_were = all(state is ZoneState.FULL for zone, state in before.items() if zone in after)
    if all_are:
        return Shift.NONE if all_were else Shift.ENTER
    return Shift.LEAVE if all_were else Shift.ZONES


class Census:
    """Ready and not Ready nodes by zone, kept up node by node."""

    def __init__(self) -> None:
        self._zones: dict[str, list[int]] = {}  # zone -> [not ready, ready]
        self._nodes: dict[str, tuple[str, bool]] = {}

    def count(self, node: str, zone: str, ready: bool) -> None:
        """The node is in this zone, and Ready or not."""
        if self._nodes.get(node) != (zone, ready):
            self.forget(node)
            self._nodes[node] = (zone, ready)
            self._zones.setdefault(zone, [0, 0])[ready] += 1

    def forget(self, node: str) -> None:
        """The node does not count (any more)."""
        counted = self._nodes.pop(node, None)
        if counted is not None:
            zone, ready = counted
            numbers = self._zones[zone]
            numbers[ready] -= 1
            if not any(numbers):
                del self._zones[zone]

    def size(self, zone: str) -> int:
        """Counted nodes of a zone."""
        return sum(self._zones.get(zone, ()))

    def states(self, timings: Timings) -> dict[str, ZoneState]:
        """The state of every zone that has a counted node."""
        return {
            zone: zone_state(ready, not_ready, timings) for zone, (not_ready, ready) in self._zones.items()
        }
