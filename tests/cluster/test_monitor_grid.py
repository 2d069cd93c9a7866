"""Behaviour 1.2: the times of passes."""

import pytest

from simkube.cluster.nodes.monitor_grid import MonitorGrid


@pytest.mark.parametrize(
    ("time", "expected"),
    [(2.0, 2.0), (2.1, 7.0), (7.0, 7.0), (7.1, 12.0), (-1.0, 2.0), (-3.0, -3.0), (1e7 + 2, 1e7 + 2)],
)
def test_passes_are_a_period_apart(time: float, expected: float) -> None:
    """1.2: every 5 s, here on 2, 7, 12 ..."""
    assert MonitorGrid(5.0, 2.0).first_from(time) == pytest.approx(expected)


def test_the_next_pass_is_later() -> None:
    grid = MonitorGrid(5.0, 2.0)
    assert grid.after(7.0) == 12.0
    assert grid.after(7.1) == 12.0


def test_rounding_does_not_move_a_sign_to_the_next_pass() -> None:
    grid = MonitorGrid(0.1, 0.0)
    for count in range(1000):
        assert grid.first_from(sum([0.1] * count)) == pytest.approx(0.1 * count)


def test_a_long_pass_moves_those_after_it() -> None:
    """1.2: the period counts from the end of a pass. Signs during it are noticed on the one after."""
    grid = MonitorGrid(5.0, 0.0)
    grid.held_up(20.0, 23.0)
    assert grid.first_from(12.0) == 15.0
    assert grid.first_from(20.0) == 20.0
    assert grid.first_from(20.5) == 28.0
    assert grid.first_from(23.0) == 28.0
    assert grid.first_from(28.1) == 33.0
    assert grid.after(20.0) == 28.0
