"""Behaviour 1.5: states of zones and what follows from them, as pure arithmetic."""

import pytest

from simkube.cluster.nodes.zones import (
    Census,
    Shift,
    ZoneState,
    is_counted,
    shift,
    taint_rate,
    zone_of,
    zone_state,
)
from simkube.timings import Timings

TIMINGS = Timings.for_version("v1.36.3")
NORMAL, PARTIAL, FULL, INITIAL = ZoneState.NORMAL, ZoneState.PARTIAL, ZoneState.FULL, ZoneState.INITIAL


@pytest.mark.parametrize(
    ("ready", "not_ready", "state"),
    [
        (0, 0, NORMAL),
        (0, 1, FULL),  # ready = 0 and notReady > 0
        (0, 10, FULL),
        (1, 0, NORMAL),
        (1, 2, NORMAL),  # 1 control plane + 2 workers down: notReady is not > 2
        (1, 3, PARTIAL),  # 1 + 3 down = 3/4
        (3, 3, NORMAL),  # 3 + 3 down = 0.50
        (3, 4, PARTIAL),  # 3 + 4 down = 0.57
        (2, 3, PARTIAL),  # three of five
        (9, 11, PARTIAL),  # exactly 0.55
        (10, 12, NORMAL),  # 0.545...
        (45, 55, PARTIAL),
    ],
)
def test_state_of_a_zone(ready: int, not_ready: int, state: ZoneState) -> None:
    """1.5, table of states: Full, Partial from 3 nodes and 0.55 on, else Normal."""
    assert zone_state(ready, not_ready, TIMINGS) is state


@pytest.mark.parametrize(
    ("state", "size", "rate"),
    [(NORMAL, 1000, 0.1), (FULL, 10, 0.1), (FULL, 1000, 0.1), (PARTIAL, 50, 0.0), (PARTIAL, 51, 0.01)],
)
def test_rate_of_a_zone(state: ZoneState, size: int, rate: float) -> None:
    """1.5, table of states: Partial is slow in zones of more than 50 nodes and stops smaller ones."""
    assert taint_rate(state, size, TIMINGS) == rate


def test_flags_change_the_thresholds() -> None:
    """--unhealthy-zone-threshold, --large-cluster-size-threshold, --secondary-node-eviction-rate."""
    timings = Timings.for_version(
        "v1.36.3",
        {
            "unhealthy-zone-threshold": 0.8,
            "large-cluster-size-threshold": 5,
            "secondary-node-eviction-rate": 0.5,
        },
    )
    assert zone_state(2, 3, timings) is NORMAL
    assert zone_state(1, 4, timings) is PARTIAL
    assert taint_rate(PARTIAL, 6, timings) == 0.5


@pytest.mark.parametrize(
    ("labels", "zone"),
    [
        ({}, ""),
        ({"topology.kubernetes.io/zone": "a"}, "/a"),
        ({"topology.kubernetes.io/region": "eu", "topology.kubernetes.io/zone": "a"}, "eu/a"),
        ({"topology.kubernetes.io/zone": "a", "failure-domain.beta.kubernetes.io/zone": "b"}, "/b"),
        ({"topology.kubernetes.io/region": "eu"}, "eu/"),
        ({"topology.kubernetes.io/zone": ""}, ""),
    ],
)
def test_key_of_a_zone(labels: dict[str, str], zone: str) -> None:
    """1.4: region + zone labels, beta keys win, nodes without labels share one zone ""."""
    assert zone_of(labels) == zone


def test_one_label_excludes_and_roles_do_not() -> None:
    """1.5: any value of exclude-disruption; control-plane nodes count like any other."""
    assert not is_counted({"node.kubernetes.io/exclude-disruption": "false"})
    assert is_counted({"node-role.kubernetes.io/control-plane": ""})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": NORMAL}, {"a": FULL}, Shift.ENTER),
        ({"a": INITIAL}, {"a": FULL}, Shift.ENTER),
        ({"a": FULL}, {"a": FULL}, Shift.NONE),
        ({"a": FULL}, {"a": PARTIAL}, Shift.LEAVE),
        ({"a": FULL, "b": NORMAL}, {"a": FULL, "b": FULL}, Shift.ENTER),
        ({"a": FULL, "b": NORMAL}, {"a": FULL, "b": NORMAL}, Shift.ZONES),
        ({"a": NORMAL, "b": NORMAL}, {"a": FULL, "b": NORMAL}, Shift.ZONES),
        ({"a": FULL, "b": NORMAL}, {"a": FULL}, Shift.NONE),  # the zone that was well is gone
        ({}, {}, Shift.NONE),
    ],
)
def test_shift_of_the_whole_cluster(
    before: dict[str, ZoneState], after: dict[str, ZoneState], expected: Shift
) -> None:
    """1.5: master disruption mode is when all zones are fully disrupted."""
    assert shift(before, after) is expected


def test_census_follows_each_node() -> None:
    census = Census()
    for name, ready in (("a1", True), ("a2", False), ("a3", False), ("a4", False), ("b1", False)):
        census.count(name, name[0], ready)
    assert census.states(TIMINGS) == {"a": PARTIAL, "b": FULL}
    census.count("a2", "a", True)
    census.count("b1", "a", True)  # its label changed
    assert census.states(TIMINGS) == {"a": NORMAL}
    assert census.size("a") == 5
    for name in ("a1", "a2", "b1", "nobody"):
        census.forget(name)
    assert census.states(TIMINGS) == {"a": FULL}
    assert census.size("b") == 0
