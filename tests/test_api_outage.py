"""The API gone: nobody writes, containers go on serving; back again, everything goes on (section 11, DESIGN)."""

from pathlib import Path

import pytest

from simkube.cluster.errors import Unavailable
from simkube.scenario.load import load_scenario
from simkube.sim import Simulation

SHOP = Path(__file__).resolve().parents[1] / "scenarios" / "shop.yaml"


def built() -> Simulation:
    simulation = Simulation(load_scenario(SHOP), 1)
    simulation.build()
    return simulation


def go_away(simulation: Simulation) -> None:
    simulation.api.available = False
    simulation.fleet.api_went_away()


def come_back(simulation: Simulation) -> None:
    """The controller-manager and the scheduler lost their leases meanwhile: both start anew."""
    simulation.api.available = True
    simulation.fleet.api_came_back()
    for controller in (*simulation.control_plane.controllers.values(), simulation.control_plane.scheduler):
        controller.stop()
        controller.start()


def test_an_api_outage_costs_no_service_a_request() -> None:
    simulation = built()
    go_away(simulation)
    before = simulation.store.revision
    simulation.run_until(600.0)
    assert simulation.store.revision == before  # nobody wrote
    come_back(simulation)
    simulation.run_until(1200.0)
    result = simulation.measures.close(1200.0)
    assert result.lost == 0.0
    assert all(node.is_ready for node in simulation.store.table("Node").values())
    assert all(pod.is_ready for pod in simulation.store.table("Pod").values())


def test_live_calls_fail_and_caches_still_answer() -> None:
    simulation = built()
    client = simulation.api.client("kubectl")
    go_away(simulation)
    with pytest.raises(Unavailable):
        client.read("Node", "worker-1")
    with pytest.raises(Unavailable):
        client.delete("Pod", "orders-db-0", "shop")
    assert client.get("Node", "worker-1") is not None


def test_a_node_that_died_meanwhile_is_found_afterwards() -> None:
    """1.6: a controller-manager that starts anew gives every node a fresh grace period of 50 s first."""
    simulation = built()
    go_away(simulation)
    simulation.run_until(100.0)
    simulation.fleet.machines["worker-1"].crash()
    simulation.run_until(400.0)
    come_back(simulation)
    simulation.run_until(445.0)
    assert simulation.store.get("Node", "worker-1").is_ready
    simulation.run_until(460.0)
    node = simulation.store.get("Node", "worker-1")
    assert node.condition("Ready").status == "Unknown"
