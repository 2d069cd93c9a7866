"""Connections that stay: they end with their endpoint's process, not with its leaving the tables."""

from pytest import approx

from simkube.measure.services import Traffic
from tests.measure.records import measured, routes, service_of, serving, silent

PERSISTENT = {"web": Traffic(1.0, persistent=True)}


def cut(*records: object, end: float = 100.0) -> float:
    three = [serving(-5, "a"), serving(-4, "b"), serving(-3, "c"), routes(-2, "web", "a", "b", "c")]
    result = measured([*three, *records], end, PERSISTENT)  # type: ignore[list-item]
    return service_of(result).connections_cut


def test_a_drained_endpoint_cuts_its_share_when_its_process_ends() -> None:
    """Out of the tables at 10, gone at 15: a third of the connections is cut, once."""
    assert cut(routes(10, "web", "b", "c")) == 0.0
    assert cut(routes(10, "web", "b", "c"), silent(15, "a")) == approx(1 / 3)


def test_those_that_were_cut_go_to_the_others() -> None:
    """After a went, b and c have a half each; a new endpoint gets none of them."""
    records = [
        silent(10, "a"),
        routes(11, "web", "b", "c"),
        serving(20, "d"),
        routes(21, "web", "b", "c", "d"),
    ]
    assert cut(*records, silent(30, "d")) == approx(1 / 3)
    assert cut(*records, silent(30, "b")) == approx(1 / 3 + 1 / 2)


def test_the_last_one_to_be_drained_has_gathered_them() -> None:
    """Node by node: 1/3, then the half of b, then all that c holds."""
    ends = [routes(10, "web", "b", "c"), silent(11, "a"), routes(20, "web", "c"), silent(21, "b")]
    assert cut(*ends, silent(31, "c")) == approx(1 / 3 + 1 / 2 + 1)


def test_those_that_fall_at_one_moment_are_cut_once() -> None:
    """A node with two of the three goes: nobody reconnects to what falls at the same moment."""
    node = [silent(10, "a"), silent(10, "b")]
    assert cut(*node) == approx(2 / 3)
    assert cut(*node, silent(20, "c")) == approx(2 / 3 + 1)


def test_with_nobody_left_they_wait() -> None:
    down = [silent(10, "a"), silent(10, "b"), silent(10, "c")]
    assert cut(*down) == approx(1)
    assert cut(*down, serving(20, "a"), silent(30, "b")) == approx(1)
    assert cut(*down, serving(20, "a"), silent(30, "a")) == approx(2)


def test_nothing_is_counted_without_persistent_connections() -> None:
    result = measured([serving(-5, "a"), routes(-4, "web", "a"), silent(10, "a")], 100.0)
    assert service_of(result).connections_cut == 0.0
