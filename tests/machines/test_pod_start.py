"""From a pod's binding to its readiness: sandbox, images, init containers, sidecars, probes."""

import pytest

from simkube.kube.objects import Pod
from tests.machines.world import LATENCY, POD_START, Machines

T0 = LATENCY + POD_START  # after the binding: the first container starts


def ready_since(world: Machines, pod: Pod) -> float | None:
    ready = world.now(pod).status.ready
    return round(ready.since, 6) if ready is not None and ready.status == "True" else None


def test_8_3_a_pod_without_probe_is_ready_when_it_runs_and_serves_when_it_answers() -> None:
    world = Machines(startup="5s")
    world.machine()
    pod = world.bound("a")
    world.run(10)
    assert world.times("container.started") == [T0]
    assert ready_since(world, pod) == T0
    assert world.now(pod).status.phase == "Running"
    assert world.times("pod.serving") == [T0 + 5]


@pytest.mark.parametrize(("version", "seen_at_once"), [("v1.35.4", False), ("v1.36.3", True)])
def test_13_4_a_start_is_seen_by_the_next_relist_and_from_1_36_at_once(
    version: str, seen_at_once: bool
) -> None:
    world = Machines(version)
    machine = world.machine()
    pod = world.bound("a")
    world.run(10)
    since = ready_since(world, pod)
    assert since is not None
    phase = machine.kubelet.started_at % 1.0
    relist = next(t for t in (phase + n for n in range(5)) if t > T0)
    assert since == pytest.approx(T0 if seen_at_once else relist, abs=1e-5)


def test_8_3_one_status_write_takes_a_plain_pod_from_bound_to_ready() -> None:
    world = Machines()
    world.machine()
    changes = world.changes("Pod")
    world.bound("a")
    world.run(10)
    assert [c.by for c in changes] == ["test", "kubelet/n1"]


def test_start_up_times_are_drawn_by_workload_and_number() -> None:
    world = Machines(startup={"lognormal": {"median": "8s", "p95": "25s"}})
    world.machine()
    world.bound("a")
    world.run(200)
    draw = world.fleet.behaviour.startup.default.draw(world.fleet.randoms, "startup", "default/a", "main", 0)
    assert world.times("pod.serving") == [pytest.approx(T0 + draw, abs=1e-5)]


def test_8_4_a_missing_image_is_pulled_first() -> None:
    world = Machines(images={"absent:1": 100_000_000}, pullRate=20_000_000)
    machine = world.machine()
    containers = [{"name": "main", "image": "absent:1"}]
    pod = world.bound("a", containers=containers)
    world.run(3)
    waiting = world.now(pod).status
    assert (waiting.phase, waiting.containers[0].state) == ("Pending", "waiting")
    assert waiting.containers[0].reason == "ContainerCreating"
    world.run(10)
    assert world.times("image.pulled") == [T0 + 5]
    assert world.times("container.started") == [T0 + 5]
    world.run(20)
    node = world.get("Node", "n1")
    assert ("absent:1", 100_000_000) in [(i.name, i.size) for i in node.status.images]  # in the next status
    assert "absent:1" in machine.images
    texts = [message for name, reason, message in world.events if reason == "Pulled" and name == "a"]
    assert texts == [
        'Successfully pulled image "absent:1" in 5s (5s including waiting). Image size: 100000000 bytes.'
    ]


def test_8_4_pulls_are_serial() -> None:
    world = Machines(images=20_000_000, pullRate=20_000_000)
    world.machine()
    world.bound("a", containers=[{"name": "main", "image": "absent:1"}])
    world.bound("b", containers=[{"name": "main", "image": "absent:2"}])
    world.run(10)
    assert world.times("container.started") == [T0 + 1, T0 + 2]


def test_8_4_parallel_pulls_where_the_kubelet_allows_them() -> None:
    world = Machines(timings={"max-parallel-image-pulls": 2}, images=20_000_000, pullRate=20_000_000)
    world.machine()
    for n in range(3):
        world.bound(f"p{n}", containers=[{"name": "main", "image": f"absent:{n}"}])
    world.run(10)
    assert world.times("container.started") == [T0 + 1, T0 + 1, T0 + 2]


def test_8_4_always_asks_the_registry_though_the_image_is_there() -> None:
    world = Machines()
    world.machine()
    world.bound("a", containers=[{"name": "main", "image": "app:latest"}])
    world.run(10)
    assert world.times("container.started") == [T0 + 0.5]
    assert world.told("image.pulled") == []


def test_8_4_an_image_that_the_registry_lacks_backs_off() -> None:
    world = Machines(images={"absent:1": "unavailable"})
    world.machine()
    pod = world.bound("a", containers=[{"name": "main", "image": "absent:1"}])
    world.run(3)
    assert world.now(pod).status.containers[0].reason == "ErrImagePull"
    world.run(600)
    assert world.now(pod).status.phase == "Pending"
    assert world.now(pod).status.containers[0].reason in ("ErrImagePull", "ImagePullBackOff")
    reasons = [reason for name, reason, _ in world.events if name == "a"]
    # tries after 0, 10, 20, 40, 80, 160 s, each found at a sync 10 to 15 s apart: 5 to 7 in ten minutes
    assert 5 <= reasons.count("Pulling") <= 7
    assert ("a", "BackOff", 'Back-off pulling image "absent:1"') in world.events


def test_8_4_never_pull() -> None:
    world = Machines()
    world.machine()
    containers = [{"name": "main", "image": "absent:1", "image_pull_policy": "Never"}]
    pod = world.bound("a", containers=containers)
    world.run(3)
    assert world.now(pod).status.containers[0].reason == "ErrImageNeverPull"


def test_init_containers_run_one_after_the_other_before_the_others() -> None:
    world = Machines("v1.36.3", init={"default": "2s"})
    machine = world.machine()
    inits = [{"name": "one", "image": "app:1"}, {"name": "two", "image": "app:1"}]
    pod = world.bound("a", init_containers=inits)
    world.run(T0 + 1)
    status = world.now(pod).status
    assert (status.phase, status.initialized) == ("Pending", False)
    assert [c.state for c in status.init_containers] == ["running", "waiting"]
    assert status.containers[0].reason == "PodInitializing"
    world.run(20)
    phase = machine.kubelet.started_at % 1.0

    def seen(time: float) -> float:
        return next(t for t in (phase + n for n in range(60)) if t > time + 1e-9)

    two = seen(T0 + 2)  # the exit is seen by the next relist, then the next one starts
    main = seen(two + 2)
    started = [(r.value["container"], round(r.t, 6)) for r in world.told("container.started")]
    assert started == [
        ("one", T0),
        ("two", pytest.approx(two, abs=1e-5)),
        ("main", pytest.approx(main, abs=1e-5)),
    ]
    status = world.now(pod).status
    assert status.initialized and [c.state for c in status.init_containers] == ["terminated", "terminated"]
    assert status.phase == "Running"


def test_a_sidecar_with_startup_probe_is_waited_for() -> None:
    world = Machines(startup={"proxy:1": "3s", "default": "0s"})
    world.machine()
    sidecar = {
        "name": "proxy",
        "image": "proxy:1",
        "restart_policy": "Always",
        "startup_probe": {"period_seconds": 1, "failure_threshold": 30, "tcp_socket": {"port": 80}},
    }
    world.bound("a", init_containers=[sidecar])
    world.run(10)
    # probes of a worker that began at LATENCY, each second: the first after the start-up is at 5 + LATENCY
    started = {r.value["container"]: round(r.t, 6) for r in world.told("container.started")}
    assert started == {"proxy": T0, "main": pytest.approx(LATENCY + 4)}


def test_a_pod_answers_when_its_containers_with_ports_do() -> None:
    world = Machines(startup={"web:1": "1s", "log:1": "9s"})
    world.machine()
    containers = [
        {"name": "web", "image": "web:1", "ports": [{"container_port": 80}]},
        {"name": "log", "image": "log:1"},
    ]
    world.bound("a", containers=containers)
    world.run(20)
    assert world.times("pod.serving") == [T0 + 1]


def probe(**fields: object) -> dict[str, object]:
    return {"http_get": {"port": 80}, **fields}


def one(**probes: object) -> list[dict[str, object]]:
    return [{"name": "main", "image": "app:1", **probes}]


def test_8_4_readiness_is_probed_as_soon_as_the_container_is_seen_and_then_each_period() -> None:
    world = Machines(startup="3s")
    world.machine()
    pod = world.bound("a", containers=one(readiness_probe=probe(period_seconds=2)))
    world.run(2)
    status = world.now(pod).status
    assert status.phase == "Running" and status.ready.status == "False"
    assert status.ready.reason == "ContainersNotReady"
    assert status.ready.message == "containers with unready status: [main]"
    world.run(10)
    # probes at T0, T0+2, T0+4: the last is the first after the start-up time of 3 s
    assert ready_since(world, pod) == T0 + 4
    assert world.times("pod.serving") == [T0 + 3]


def test_8_4_a_container_that_answers_at_once_is_ready_with_the_first_probe() -> None:
    world = Machines()
    world.machine()
    pod = world.bound("a", containers=one(readiness_probe=probe()))
    world.run(10)
    assert ready_since(world, pod) == T0


def test_8_4_before_1_32_later_probes_follow_the_workers_own_ticks() -> None:
    world = Machines("v1.31.14", startup="3s")
    machine = world.machine()
    pod = world.bound("a", containers=one(readiness_probe=probe(period_seconds=5)))
    world.run(20)
    phase = machine.kubelet.started_at % 1.0
    assert phase + 2 > T0  # it is seen to run before the tick at LATENCY + 5
    # answers from T0 + 3 on; the worker began at LATENCY, so its ticks are at LATENCY + 5, + 10
    assert ready_since(world, pod) == pytest.approx(LATENCY + 5)


def test_8_4_initial_delay_and_success_threshold() -> None:
    world = Machines()
    world.machine()
    readiness = probe(period_seconds=2, initial_delay_seconds=5, success_threshold=3)
    pod = world.bound("a", containers=one(readiness_probe=readiness))
    world.run(30)
    # probes at T0 + 0, 2, 4 are within the delay; T0 + 6, 8, 10 succeed
    assert ready_since(world, pod) == T0 + 10


def test_8_4_readiness_waits_for_the_startup_probe() -> None:
    world = Machines(startup="12s")
    world.machine()
    containers = one(
        startup_probe=probe(period_seconds=5, failure_threshold=10), readiness_probe=probe(period_seconds=10)
    )
    pod = world.bound("a", containers=containers)
    world.run(40)
    # startup probes at LATENCY + 5, 10, 15 (its worker began at LATENCY); it answers from T0 + 12 = LATENCY + 13 on.
    # The first readiness probe follows at once.
    assert ready_since(world, pod) == pytest.approx(LATENCY + 15)


def test_8_4_a_startup_probe_that_fails_too_often_restarts_the_container() -> None:
    world = Machines(startup="100s")
    world.machine()
    world.bound("a", containers=one(startup_probe=probe(period_seconds=5, failure_threshold=3)))
    world.run(25)
    # probes at LATENCY + 5, 10, 15 fail; SIGTERM then, gone a second later, and started again in the same sync
    assert world.times("container.exited") == [pytest.approx(LATENCY + 16)]
    assert world.times("container.restarting") == [pytest.approx(LATENCY + 16)]
    assert ("a", "Killing", "Container main failed startup probe, will be restarted") in world.events


def test_8_4_a_liveness_probe_without_startup_probe_kills_a_slow_starter() -> None:
    world = Machines(startup="60s")
    world.machine()
    world.bound("a", containers=one(liveness_probe=probe(period_seconds=10, initial_delay_seconds=5)))
    world.run(35)
    # ticks at LATENCY + 10, 20, 30 (after the delay) fail: killed at + 30
    assert world.times("container.restarting") == [pytest.approx(LATENCY + 31)]


def test_8_4_a_liveness_probe_spares_a_container_that_answers_in_time() -> None:
    world = Machines(startup="25s")
    world.machine()
    world.bound("a", containers=one(liveness_probe=probe(period_seconds=10)))
    world.run(300)
    assert world.told("container.restarting") == []


def test_a_workload_that_never_answers_is_never_ready() -> None:
    world = Machines(neverReady=["app:1"])
    world.machine()
    pod = world.bound("a", containers=one(readiness_probe=probe()))
    world.run(600)
    assert ready_since(world, pod) is None
    assert world.told("pod.serving") == []


def test_a_jobs_container_exits_by_itself_and_its_pod_has_succeeded() -> None:
    world = Machines(jobDuration="20s")
    world.machine()
    job = world.workload("Job", "backup")
    template = world.template(
        "backup", restart_policy="Never", containers=[{"name": "main", "image": "app:1"}]
    )
    world.fleet.machines["n1"].images.add(world.fleet.catalogue.get("app:1"))  # type: ignore[arg-type]
    pod = world.pod("backup-x", template, node="n1", owner=job)
    world.run(30)
    assert world.times("container.exited") == [T0 + 20]
    status = world.now(pod).status
    assert (status.phase, status.ready.reason) == ("Succeeded", "PodCompleted")
    assert status.containers[0].exit_code == 0
    assert world.fleet.machines["n1"].kubelet.admitted.pods == 0


def test_8_4_a_machine_without_network_pulls_nothing() -> None:
    world = Machines()
    machine = world.machine()
    pod = world.bound("a", containers=[{"name": "main", "image": "absent:1"}])
    world.run(T0 - 0.1)
    machine.cut()
    world.run(20)
    assert "absent:1" not in machine.images
    machine.rejoin()
    world.run(120)
    assert world.now(pod).status.phase == "Running"
