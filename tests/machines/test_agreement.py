"""Whatever happens to machines, pods and the API: once all is whole again, belief and truth agree."""

import os
import subprocess
import sys
from hashlib import sha256
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machines.world import Machines

NODES = ("n1", "n2", "n3")
READINESS = {"http_get": {"port": 80}, "period_seconds": 5}
SHAPES: tuple[dict[str, Any], ...] = (
    {},
    {"containers": [{"name": "main", "image": "app:1", "readiness_probe": READINESS}]},
    {
        "containers": [
            {"name": "main", "image": "app:1", "lifecycle": {"pre_stop": {"sleep": {"seconds": 7}}}}
        ]
    },
    {"init_containers": [{"name": "setup", "image": "app:1"}]},
    {"init_containers": [{"name": "mesh", "image": "app:1", "restart_policy": "Always"}]},
    {"containers": [{"name": "main", "image": "absent:1"}], "volumes": [{"name": "v", "empty_dir": {}}]},
    {
        "containers": [
            {"name": "main", "image": "app:1", "liveness_probe": READINESS, "readiness_probe": READINESS}
        ]
    },
)
VERSIONS = ("v1.31.14", "v1.34.4", "v1.36.3", "v1.37.2")


def trouble(seed: int, version: str) -> Machines:
    """A world in which much has happened, chosen by `seed`, and which has been whole for ten minutes."""
    random = Random(seed)
    world = Machines(
        version,
        startup={"lognormal": {"median": "4s", "p95": "12s"}},
        exit={"uniform": {"min": "0s", "max": "40s"}},
        images=50_000_000,
    )
    for name in NODES:
        world.machine(name)
    made = 0
    for _ in range(60):
        machine = world.fleet.machines[random.choice(NODES)]
        action = random.randrange(14)
        if action < 4:
            made += 1
            world.bound(f"p{made}", node=machine.name, **random.choice(SHAPES))
        elif action == 4 and world.pods() and world.api.available:
            world.delete(random.choice(world.pods()), random.choice((None, None, 3, 0)))
        elif action == 5:
            machine.crash()
        elif action == 6:
            machine.power_on()
        elif action == 7:
            random.choice((machine.freeze, machine.thaw))()
        elif action == 8:
            random.choice((machine.cut, machine.rejoin))()
        elif action == 9:
            machine.shut_down(reboot=random.random() < 0.5)
        elif action == 10:
            machine.kubelet.stop("killed")
        elif action == 11 and machine.is_up and not machine.frozen:
            machine.kubelet.start()
        elif action == 12:
            running = [s for s in machine.sandboxes.values() if s.running]
            if running:
                random.choice(random.choice(running).containers).kill()
        elif action == 13 and random.random() < 0.5:
            world.api.available = False
            world.fleet.api_went_away()
            world.run(random.uniform(0, 60))
            world.api.available = True
            world.fleet.api_came_back()
        world.run(random.choice((0.0, 0.5, 3.0, 20.0, 90.0)))
    for machine in world.fleet.machines.values():
        machine.thaw()
        machine.rejoin()
        world.run(30)  # a shutdown under way ends
        machine.power_on()
        if machine.is_up:
            machine.kubelet.start()
    world.run(600)
    return world


def check(world: Machines) -> None:
    """Belief and truth agree on every machine."""
    serving: dict[str, None] = {}
    for record in world.records:
        if record.what == "pod.serving":
            assert record.uid not in serving
            serving[record.uid] = None
        elif record.what == "pod.silent":
            del serving[record.uid]
    for name in NODES:
        machine = world.fleet.machines[name]
        kubelet = machine.kubelet
        assert machine.is_up and kubelet.running and kubelet.watching
        assert world.get("Node", name).is_ready
        believed = {pod.meta.uid: pod for pod in world.store.pods_on(name).values()}
        assert set(kubelet.workers) == set(believed)
        assert set(machine.sandboxes) == set(believed)
        for uid, pod in believed.items():
            assert not pod.is_terminating
            assert (pod.status.phase, pod.is_ready) == ("Running", True)
            sandbox = machine.sandboxes[uid]
            assert sandbox.serves and uid in serving
            assert pod.status.ip == sandbox.ip
            main = sandbox.containers[-1]
            assert pod.status.containers[-1].restart_count == main.restarts
        admitted = kubelet.admitted
        assert admitted.pods == len(believed)
    assert len(serving) == len(world.pods())


@pytest.mark.parametrize("version", VERSIONS)
@given(seed=st.integers(0, 2**32))
def test_belief_and_truth_agree_when_all_is_whole_again(version: str, seed: int) -> None:
    check(trouble(seed, version))


def digest(seed: int) -> str:
    return sha256("\n".join(map(repr, trouble(seed, "v1.36.3").records)).encode()).hexdigest()


def test_the_same_seed_tells_the_same_story_whatever_the_hash_seed() -> None:
    code = "from tests.machines.test_agreement import digest; print(digest(7))"
    told = set()
    for hash_seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": hash_seed}
        run = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        told.add(run.stdout)
    assert len(told) == 1
