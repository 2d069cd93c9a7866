"""What must hold at every moment of every run, checked at every write by rules that stand here, not in the model."""

from math import ceil
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simkube.cluster.store import Change
from simkube.kube.objects import Pod
from simkube.scenario.load import Loaded
from simkube.sim import Simulation
from simkube.strategies import registry
from simkube.studies.run import Run
from simkube.trace.record import Record
from tests.properties.clusters import plans, scenarios


class Watch:
    """Looks at every write of a run and collects what broke a rule."""

    def __init__(self, simulation: Simulation) -> None:
        self.store = simulation.store
        self.broken: list[str] = []
        self.store.watch("Pod", self.pod)

    def pod(self, change: Change) -> None:
        old, new = change.old, change.new
        if new is None:
            return
        if old is not None and old.meta.uid == new.meta.uid and old.node and old.node != new.node:
            self.broken.append(f"{new.meta.name} moved from {old.node} to {new.node}")
        if new.node and (old is None or not old.node):
            self.capacity(new.node)
        if old is not None and not old.is_terminating and new.is_terminating:
            self.budget(old, new)

    def capacity(self, name: str) -> None:
        node = self.store.get("Node", name)
        if node is None:
            return
        pods = [p for p in self.store.pods_on(name).values() if not p.is_finished]
        room = node.status.allocatable
        used = (
            sum(p.template.requests.cpu for p in pods),
            sum(p.template.requests.memory for p in pods),
            len(pods),
        )
        if used[0] > room.cpu or used[1] > room.memory or used[2] > room.pods:
            self.broken.append(f"{name} holds {used}, has {room}")

    def budget(self, old: Pod, new: Pod) -> None:
        """5.2: an eviction of a ready pod leaves at least as many healthy pods as the budget wants."""
        disrupted = new.status.disrupted
        if disrupted is None or disrupted.reason != "EvictionByEvictionAPI" or not old.is_ready:
            return
        for budget in self.store.table("PodDisruptionBudget").values():
            wanted_labels = budget.spec.selector.match_labels
            pods = [
                p
                for p in self.store.table("Pod").values()
                if p.meta.namespace == budget.meta.namespace
                and all(p.meta.labels.get(k) == v for k, v in wanted_labels.items())
            ]
            if new.meta.uid not in {p.meta.uid for p in pods}:
                continue
            healthy = sum(1 for p in pods if p.is_ready and not p.is_terminating)
            if healthy < self.desired(budget.spec, budget.meta.name):
                self.broken.append(f"{new.meta.name} evicted: {healthy} healthy left")

    def desired(self, spec: Any, name: str) -> int:
        """5.1 for the budgets that `clusters.workloads` makes: one workload of the budget's own name each."""
        owner = self.store.get("Deployment", name, "default") or self.store.get(
            "StatefulSet", name, "default"
        )
        scale = owner.spec.replicas
        if spec.min_available is not None:
            if isinstance(spec.min_available, str):
                return ceil(int(spec.min_available.rstrip("%")) * scale / 100)
            return int(spec.min_available)
        return max(0, scale - int(spec.max_unavailable))


class Drains:
    """At the end of a drain the node holds only what drain leaves: daemons' pods."""

    def __init__(self) -> None:
        self.simulation: Simulation | None = None
        self.broken: list[str] = []

    def __call__(self, record: Record) -> None:
        if record.what != "step.done" or not record.name.startswith("drain ") or self.simulation is None:
            return
        for pod in self.simulation.store.pods_on(record.node).values():
            owner = pod.meta.controller
            if owner is None or owner.kind != "DaemonSet":
                self.broken.append(f"{pod.meta.name} is left on {record.node}")


def run_watched(loaded: Loaded, seed: int, chosen: tuple[str, dict[str, Any]]) -> tuple[Run, list[str]]:
    drains = Drains()
    simulation = Simulation(loaded, seed, [drains])
    drains.simulation = simulation
    watch = Watch(simulation)
    simulation.build()
    strategy = registry.make(*chosen)
    run = Run(simulation, lambda view: strategy.plan(view, loaded.scenario.maintenance))
    return run, watch.broken + drains.broken


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), st.integers(0, 2**31), plans)
def test_invariants_hold_at_every_write(
    loaded: Loaded, seed: int, chosen: tuple[str, dict[str, Any]]
) -> None:
    run, broken = run_watched(loaded, seed, chosen)
    assert broken == []
    result = run.finish(run.settled_at)
    for service in result.services:
        assert 0.0 <= service.availability_time <= 1.0
        assert 0.0 <= service.availability_requests <= 1.0
        assert service.outage_total <= result.window + 1e-6
        assert 0.0 <= service.lost <= service.sent + 1e-6


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), st.integers(0, 2**31))
def test_restore_gives_back_the_snapshot(loaded: Loaded, seed: int) -> None:
    simulation = Simulation(loaded, seed)
    simulation.build()
    snapshot = simulation.store.snapshot()
    simulation.run_until(400.0)
    simulation.store.restore(snapshot)
    restored = simulation.store.snapshot().objects
    kept = {kind: dict(table) for kind, table in snapshot.objects.items() if table}
    assert {kind: list(table) for kind, table in restored.items()}.keys() == kept.keys()
    for kind, table in kept.items():
        assert restored[kind].keys() == table.keys()
        for key, obj in table.items():
            now: Any = restored[kind][key]
            assert (now.meta, getattr(now, "status", None)) == (obj.meta, getattr(obj, "status", None))
