"""What watching nodes costs: nothing while nothing happens, a little for each change. Counted in steps of the clock."""

from simkube.cluster.store import Change
from tests.cluster.node_world import NodeWorld

YEAR = 365 * 24 * 3600.0


def steps_until(world: NodeWorld, time: float) -> int:
    """Steps of the clock up to `time`."""
    count = 0
    while world.clock.next_due <= time:
        world.clock.step()
        count += 1
    world.until(time)
    return count


def test_a_year_of_idling_costs_nothing() -> None:
    world = NodeWorld()
    for number in range(50):
        world.join(f"n{number}", pods=2)
    world.until(10.0)
    assert steps_until(world, YEAR) == 0


def test_a_year_with_a_dead_node_costs_nothing() -> None:
    """Its Lease, taints and pods are done with; nothing looks at it again."""
    world = NodeWorld()
    for number in range(5):
        world.join(f"n{number}", pods=2)
    world.until(61.0)
    world.crash("n0")
    world.until(1000.0)
    assert steps_until(world, YEAR) == 0


def test_a_cluster_that_is_down_costs_nothing() -> None:
    """Master disruption mode is quiet too."""
    world = NodeWorld()
    for number in range(5):
        world.join(f"n{number}", pods=2)
    world.until(61.0)
    world.crash(*(f"n{number}" for number in range(5)))
    world.until(1000.0)
    assert steps_until(world, YEAR) == 0


def test_maintenance_of_one_node_costs_the_same_in_any_cluster() -> None:
    """Cordon, reboot within the grace, uncordon: steps of the clock and nodes visited do not grow with the cluster."""
    costs = []
    for size in (10, 1000):
        world = NodeWorld()
        for number in range(size):
            world.join(f"n{number}", zone="abc"[number % 3])
        world.until(60.0)
        visited: list[str] = []
        visit = world.lifecycle._visit
        world.lifecycle._visit = lambda name, v=visited, real=visit: (v.append(name), real(name))[1]  # type: ignore
        changes = world.changes("Node")
        steps = 0
        for number in range(10):
            name = f"n{number}"
            world.change(world.get("Node", name), unschedulable=True)
            steps += steps_until(world, world.clock.now + 5.0)
            world.crash(name)
            steps += steps_until(world, world.clock.now + 30.0)
            world.recover(name)
            world.change(world.get("Node", name), unschedulable=False)
            steps += steps_until(world, world.clock.now + 100.0)
        costs.append((steps, len(visited), len(changes)))
        assert all(ready(change) for change in changes)
    assert costs[0] == costs[1]
    steps, visits, writes = costs[0]
    assert writes == 10 * 5  # cordon, taint, status, uncordon, taint
    assert visits <= 10  # the pass on which the grace would have been over
    assert steps <= 10 * 4


def ready(change: Change) -> bool:
    return bool(change.new.is_ready)
