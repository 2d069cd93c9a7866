"""Behaviour 13.1, 1.37: the Lease is read live before a node is made Unknown."""

import pytest

from simkube.cluster.api import Client
from simkube.cluster.errors import ServerError
from simkube.cluster.nodes.leases import NAMESPACE
from tests.cluster.node_world import NodeWorld


def world_of_two(
    version: str, monkeypatch: pytest.MonkeyPatch, refuse: list[str]
) -> tuple[NodeWorld, list[str]]:
    """Two nodes, n0 crashes at 61. Live GETs are noted; those of a Lease fail while `refuse` is not empty."""
    asked: list[str] = []
    real = Client.read

    def read(self: Client, kind: str, name: str, namespace: str = "") -> object:
        asked.append(f"{kind}/{name}")
        if refuse and kind == "Lease":
            raise ServerError("etcdserver: request timed out")
        return real(self, kind, name, namespace)

    monkeypatch.setattr(Client, "read", read)
    world = NodeWorld(version, {"node-monitor-grace-period": "50s"})
    for name in ("n0", "n1"):
        world.join(name)
    world.until(61.0)
    world.crash("n0")
    return world, asked


@pytest.mark.parametrize(("version", "asks"), [("v1.36.3", []), ("v1.37.2", ["Lease/n0"])])
def test_timing_of_a_real_crash_is_unchanged(
    version: str, asks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """13.1: the same resourceVersion: Unknown as before, on the same pass."""
    world, asked = world_of_two(version, monkeypatch, [])
    world.until(109.9)
    assert world.ready("n0") == "True"
    world.until(110.02)
    assert world.ready("n0") == "Unknown"
    assert asked == asks


def test_no_lease_is_unknown_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """13.1: 404."""
    world, _ = world_of_two("v1.37.2", monkeypatch, [])
    world.hand.delete("Lease", "n0", NAMESPACE)
    world.until(110.02)
    assert world.ready("n0") == "Unknown"


def test_no_answer_skips_the_node_until_the_next_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """13.1: another error: not this pass."""
    refuse = ["yes"]
    world, asked = world_of_two("v1.37.2", monkeypatch, refuse)
    world.until(117.0)
    assert world.ready("n0") == "True"
    assert asked == ["Lease/n0"] * 2
    refuse.clear()
    world.until(120.1)
    assert world.ready("n0") == "Unknown"


def test_skipped_nodes_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """13.1: n1 posts NotReady while n0, still Ready on paper, is skipped: n1 is the only one counted, which makes the
    zone fully disrupted and the cluster too. Counted, n0 would keep the zone Normal and n1 would be tainted."""
    for refused, tainted in ((True, False), (False, True)):
        with monkeypatch.context() as patch:
            refuse = ["yes"]
            world, _ = world_of_two("v1.37.2", patch, refuse)
            if not refused:
                world.beat("n0")
            world.until(111.0)
            world.post("n1", "False")
            world.until(160.0)
            assert (world.no_execute("n1") == [["not-ready"]]) is tainted
