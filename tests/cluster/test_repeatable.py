"""The same seed gives the same history, whatever Python's hash seed."""

import os
import subprocess
import sys
from pathlib import Path

HISTORY = """
from hashlib import sha256
from simkube.cluster.workloads.deployment import DeploymentController
from simkube.cluster.disruption.controller import DisruptionController
from simkube.cluster.services.endpoints import EndpointSliceController
from simkube.cluster.errors import ApiError
from simkube.cluster.workloads.replicaset import ReplicaSetController
from tests.cluster.harness import World

world = World()
world.node("n1")
for make in (DeploymentController, ReplicaSetController, DisruptionController, EndpointSliceController):
    make(world.clock, world.client(make.__name__), world.timings)
history = []
def note(change):
    history.append((world.clock.now, change.by, change.did, repr(change.object.meta), change.revision))
for kind in ("Deployment", "ReplicaSet", "Pod", "PodDisruptionBudget", "EndpointSlice"):
    world.store.watch(kind, note)
for name in ("web", "db", "cache"):
    world.workload("Deployment", name, replicas=3)
    world.service(name, name)
    world.service(f"{name}-headless", name, cluster_ip="None")
    world.budget(name, name, max_unavailable=1)
for _ in range(6):
    world.run(1)
    world.start_pods()
    world.run(1)
    for pod in world.pods():
        try:
            world.hand.evict(pod.meta.name, "default")
        except ApiError as error:
            history.append(error.cause)
    world.finish_deletions()
print(len(history), sha256(repr((history, world.events)).encode()).hexdigest())
"""


def history(hash_seed: str) -> str:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, "-c", HISTORY], cwd=root, env=environment, check=True, capture_output=True, text=True
    ).stdout


def test_the_same_history_under_different_hash_seeds() -> None:
    first = history("1")
    assert int(first.split()[0]) > 300
    assert first == history("2")
