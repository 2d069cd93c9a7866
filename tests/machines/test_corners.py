"""Two things at once: what happens when a pod, its kubelet, its machine and the API do not wait for one another."""

from typing import Any

import pytest
from msgspec.structs import replace

from simkube.kube.objects import NodeResources, Pod
from simkube.machines.static_pods import Manifest
from tests.machines.world import LATENCY, POD_START, POD_STOP, Machines

T0 = LATENCY + POD_START
KUBELET = 1.5
PROBE = {"http_get": {"port": 80}, "period_seconds": 5}


def one(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "main", "image": "app:1", **fields}]


def kill(world: Machines, container: int = -1) -> None:
    """The process of a container of the only pod is killed."""
    (sandbox,) = world.fleet.machines["n1"].sandboxes.values()
    sandbox.containers[container].kill()


# -- init containers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "phase"), [("Never", "Failed"), ("Always", "Running")])
def test_8_3_an_init_container_that_fails_is_restarted_unless_the_policy_is_never(
    policy: str, phase: str
) -> None:
    world = Machines(init="3s")
    world.machine()
    pod = world.bound("a", init_containers=[{"name": "setup", "image": "app:1"}], restart_policy=policy)
    world.run(T0 + 1)
    kill(world, 0)
    world.run(20)
    assert world.now(pod).status.phase == phase
    started = [r.value["container"] for r in world.told("container.started")]
    assert started == (["setup"] if phase == "Failed" else ["setup", "main"])


def test_8_4_an_init_container_backs_off_too() -> None:
    world = Machines(init="3s")
    world.machine()
    pod = world.bound("a", init_containers=[{"name": "setup", "image": "app:1"}])
    world.run(T0 + 1)
    kill(world, 0)
    world.run(2)
    kill(world, 0)
    world.run(2)
    status = world.now(pod).status
    assert (status.phase, status.init_containers[0].reason) == ("Pending", "CrashLoopBackOff")
    world.run(30)
    assert world.now(pod).status.phase == "Running"


def test_a_kubelet_that_restarts_in_the_middle_of_init_goes_on_there() -> None:
    world = Machines(init="10s")
    machine = world.machine()
    inits = [{"name": name, "image": "app:1"} for name in ("one", "two")]
    pod = world.bound("a", init_containers=inits)
    world.run(T0 + 10 + 1 + 5)
    machine.kubelet.stop("restart")
    machine.kubelet.start()
    world.run(30)
    assert world.now(pod).status.phase == "Running"
    assert world.told("container.restarting") == []  # "one" was not run again


# -- the state in which a run begins -----------------------------------------------------------------------------


def test_a_run_may_begin_with_jobs_init_containers_and_probes() -> None:
    world = Machines(jobDuration="50s")
    world.machine()
    job = world.workload("Job", "backup")
    template = world.template("backup", restart_policy="Never", containers=one())
    task = world.pod("backup-x", template, node="n1", owner=job)
    server = world.bound(
        "a", containers=one(liveness_probe=PROBE), init_containers=[{"name": "s", "image": "app:1"}]
    )
    world.fleet.adopt_pods()
    assert world.now(server).status.initialized and world.now(server).is_ready
    world.run(60)
    assert world.times("container.exited") == [50.0]
    assert world.now(task).status.phase == "Succeeded"
    hung = world.clock.now
    next(s for s in world.fleet.machines["n1"].sandboxes.values()).containers[-1].hang()
    world.run(70)
    (restarted,) = world.times("container.restarting")
    assert hung + 10 + 1 + 30 <= restarted <= hung + 15 + 1 + 30  # three probes and a timeout, then the grace


# -- probes ------------------------------------------------------------------------------------------------------


def test_8_4_a_container_that_hangs_before_it_ever_answered_is_killed_for_its_liveness() -> None:
    world = Machines(startup="8s")
    world.machine()
    world.bound("a", containers=one(liveness_probe=PROBE), termination_grace_period_seconds=5)
    world.run(T0 + 2)
    next(iter(world.fleet.machines["n1"].sandboxes.values())).containers[0].hang()
    world.run(60)
    # probes at LATENCY + 5, 10, 15 fail, the last with a timeout of 1 s; SIGKILL 5 s later
    assert world.times("container.restarting")[0] == pytest.approx(LATENCY + 15 + 1 + 5)


def test_8_4_a_hang_that_ends_in_time_costs_nothing() -> None:
    world = Machines()
    world.machine()
    pod = world.bound("a", containers=one(liveness_probe=PROBE, readiness_probe=PROBE))
    world.run(20)
    (sandbox,) = world.fleet.machines["n1"].sandboxes.values()
    changes = world.changes("Pod")
    sandbox.containers[0].hang()
    world.run(8)
    sandbox.containers[0].recover()
    world.run(60)
    assert changes == [] and world.told("container.restarting") == []
    assert world.now(pod).is_ready


def test_13_4_a_trusted_container_that_no_longer_answers_is_found_out_by_probes() -> None:
    world = Machines("v1.36.3")
    machine = world.machine()
    pod = world.bound("a", containers=one(readiness_probe=PROBE))
    world.run(60)
    machine.kubelet.stop("killed")
    next(iter(machine.sandboxes.values())).containers[0].hang()
    machine.kubelet.start()
    world.run(KUBELET + 40)
    assert not world.now(pod).is_ready


def test_8_2_before_1_35_a_kubelets_restart_runs_the_startup_probe_again() -> None:
    world = Machines("v1.34.4")
    machine = world.machine()
    pod = world.bound("a", containers=one(startup_probe=PROBE))
    world.run(60)
    machine.kubelet.stop("restart")
    machine.kubelet.start()
    world.run(KUBELET)
    assert not world.now(pod).is_ready
    world.run(11)
    assert world.now(pod).is_ready


# -- the API and the pods ---------------------------------------------------------------------------------------


def test_a_status_that_met_a_newer_object_is_posted_again() -> None:
    world = Machines()
    machine = world.machine()
    pod = world.bound("a", restart_policy="Never")
    world.run(20)
    machine.kubelet.client.watch_pods_on("n1", None)  # as if the watch lagged
    world.change_meta(pod, labels={"new": "label"})
    kill(world)
    world.run(2)
    status = world.now(pod).status
    assert status.phase == "Failed" and world.now(pod).meta.labels == {"new": "label"}


def test_3_a_pod_that_somebody_else_calls_failed_is_torn_down() -> None:
    world = Machines()
    machine = world.machine()
    pod = world.bound("a")
    world.run(20)
    world.set_pod(pod, phase="Failed")
    world.run(10)
    assert len(world.told("container.exited")) == 1
    assert machine.sandboxes == {}
    assert world.now(pod).status.phase in ("Failed", "Succeeded")


def test_3_a_pod_deleted_by_force_while_its_machine_was_cut_off_is_killed_when_it_is_back() -> None:
    world = Machines(exit="60s")
    machine = world.machine()
    pod = world.bound("a", volumes=[{"name": "v", "empty_dir": {}}])
    world.run(20)
    machine.cut()
    world.delete(pod, grace=0)
    world.run(100)
    assert world.told("container.exited") == []
    machine.rejoin()
    world.run(90)
    assert len(world.told("container.exited")) == 1
    assert machine.sandboxes == {} and [r.name for r in world.told("data.lost")] == ["a"]


def test_3_a_new_pod_of_the_same_name_is_not_mistaken_for_the_old_one() -> None:
    world = Machines(exit="60s")
    machine = world.machine()
    old = world.bound("a")
    world.run(20)
    machine.cut(control_plane_only=True)
    world.delete(old, grace=0)
    new = world.bound("a")
    world.run(100)
    machine.rejoin()
    world.run(120)
    assert world.now(new).meta.uid == new.meta.uid
    assert world.now(new).status.phase == "Running"
    assert list(machine.sandboxes) == [new.meta.uid]


def test_8_2_a_refusal_is_told_when_the_api_can_hear_it() -> None:
    world = Machines()
    world.machine(pods=1)
    world.bound("first")
    pod = world.bound("a")
    world.api.available = False
    world.run(60)
    assert world.now(pod).status.phase == "Pending"
    world.api.available = True
    world.run(10)
    assert world.now(pod).status.reason == "OutOfpods"


def test_3_a_finished_pod_whose_kubelet_died_before_it_confirmed_goes_with_the_next() -> None:
    world = Machines(exit="1s", podStop="10s")
    machine = world.machine()
    pod = world.bound("a")
    world.run(20)
    world.delete(pod)
    world.run(LATENCY + 1 + 1)
    assert world.now(pod).status.phase == "Succeeded"
    machine.kubelet.stop("killed")
    world.run(30)
    assert world.now(pod) is not None
    machine.kubelet.start()
    world.run(KUBELET + 1)
    assert world.get("Pod", "a") is None and machine.sandboxes == {}


def test_a_hard_deleted_mirror_is_made_anew() -> None:
    world = Machines()
    machine = world.machine()
    machine.images.add(world.fleet.catalogue.get("app:1"))  # type: ignore[arg-type]
    machine.kubelet.statics.put(Manifest("etcd", world.template("etcd", containers=one(), host_network=True)))
    world.run(10)
    mirror = world.get("Pod", "etcd-n1", "kube-system")
    world.hand.delete("Pod", "etcd-n1", "kube-system", grace=0)
    world.run(1)
    again: Pod = world.get("Pod", "etcd-n1", "kube-system")
    assert again.meta.uid != mirror.meta.uid and again.is_ready


# -- machines ---------------------------------------------------------------------------------------------------


def test_a_machine_can_be_shut_down_while_it_boots() -> None:
    world = Machines()
    machine = world.machine()
    machine.crash()
    machine.power_on()
    world.run(10)
    machine.shut_down()
    world.run(100)
    assert not machine.on and not machine.kubelet.running


def test_a_frozen_machine_does_not_boot_nor_pull_until_it_thaws() -> None:
    world = Machines(images=100_000_000, pullRate=20_000_000)
    machine = world.machine()
    world.bound("a", containers=[{"name": "main", "image": "absent:1"}])
    world.run(T0 + 2)
    machine.freeze()
    world.run(60)
    assert world.told("image.pulled") == []
    machine.thaw()
    world.run(1)
    assert len(world.told("image.pulled")) == 1
    machine.crash()
    machine.power_on()
    machine.freeze()
    world.run(60)
    assert not machine.kubelet.running
    machine.thaw()
    assert machine.kubelet.running


def test_8_5_a_stop_goes_on_when_its_machine_thaws() -> None:
    world = Machines(exit="5s")
    machine = world.machine()
    pod = world.bound("a", containers=one(lifecycle={"pre_stop": {"sleep": {"seconds": 10}}}))
    world.run(20)
    world.delete(pod)
    world.run(2)
    machine.freeze()
    world.run(60)
    machine.thaw()
    thawed = world.clock.now
    world.run(20)
    assert world.times("container.exited") == [pytest.approx(thawed + 5)]  # the hook was over when it thawed
    assert world.get("Pod", "a") is None
    assert POD_STOP > 0


# -- admission --------------------------------------------------------------------------------------------------


def fits(world: Machines, name: str, **spec: Any) -> str:
    """ "" if the kubelet takes the pod, else the reason."""
    pod = world.bound(name, **spec)
    world.run(5)
    reason: str = world.now(pod).status.reason
    return reason


def test_8_2_storage_and_extended_resources_are_counted() -> None:
    world = Machines()
    machine = world.machine()
    room = NodeResources(4000, 16 << 30, 110, 10 << 30, {"gpu": 2})
    machine.allocatable = machine.capacity = room

    def asks(resource: str, amount: str) -> list[dict[str, Any]]:
        return one(resources={"requests": {resource: amount}, "limits": {resource: amount}})

    assert fits(world, "a", containers=asks("gpu", "2")) == ""
    assert fits(world, "b", containers=asks("gpu", "1")) == "OutOfgpu"
    assert fits(world, "c", containers=asks("fpga", "1")) == ""  # unknown here, hence not refused here
    assert fits(world, "d", containers=asks("ephemeral-storage", "8Gi")) == ""
    assert fits(world, "e", containers=asks("ephemeral-storage", "8Gi")) == "OutOfephemeral-storage"


def test_8_2_node_affinity_and_pins_are_checked() -> None:
    world = Machines()
    world.machine(labels={"disk": "ssd"})

    def affinity(value: str) -> dict[str, Any]:
        term = {"match_expressions": [{"key": "disk", "operator": "In", "values": [value]}]}
        required = {"node_selector_terms": [term]}
        return {"node_affinity": {"required_during_scheduling_ignored_during_execution": required}}

    assert fits(world, "a", affinity=affinity("ssd")) == ""
    assert fits(world, "b", affinity=affinity("hdd")) == "NodeAffinity"
    assert fits(world, "c", node_selector={"disk": "ssd"}) == ""
    pinned = world.hand.create(
        replace(world.pod("x"), meta=replace(world.pod("y").meta, name="z"), pinned="n2")
    )
    world.change(pinned, node="n1")
    world.run(5)
    assert world.now(pinned).status.reason == "NodeAffinity"
