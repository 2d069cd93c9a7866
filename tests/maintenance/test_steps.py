"""The other steps: what they need, do, wait for, and what they do when it does not come."""

from typing import Any

import pytest
from pydantic import ValidationError

from simkube.kube.objects import Pod
from simkube.maintenance.machine_steps import InstallKubelet, PowerOff, PowerOn, Reboot
from simkube.maintenance.node_steps import AddNode, Cordon, RemoveNode, Uncordon
from simkube.maintenance.step import Answer, MachineView
from simkube.maintenance.steps import STEPS
from simkube.maintenance.surge_pods import COST, SurgePods
from simkube.maintenance.waiting_steps import Gate, Wait, WaitReady
from tests.maintenance.world import DiskLog, FakeWorld, Killed, one


def world_of(*nodes: str) -> FakeWorld:
    world = FakeWorld()
    for name in nodes or ("w1",):
        world.node(name)
    return world


def run(world: FakeWorld, *steps: Any, until: float = 1e6) -> list[tuple[str, float, str]]:
    """Result, time and message of each step."""
    driver = world.run(one(*steps), until=until)
    return [(o.result, o.time, o.message) for o in driver.log.outcomes.values()]


# -- nodes ---------------------------------------------------------------------------------------------------


def test_cordon_and_uncordon() -> None:
    world = world_of()
    assert run(world, Cordon(node="w1"))[0][0] == "done"
    assert world.tables["Node"]["", "w1"].unschedulable
    assert run(world, Uncordon(node="w1")) == [("done", 0, "node/w1 uncordoned")]
    assert not world.tables["Node"]["", "w1"].unschedulable


@pytest.mark.parametrize("step", [Cordon, Uncordon])
def test_a_node_that_is_not_there(step: Any) -> None:
    assert run(world_of(), step(node="w9")) == [
        ("failed", 0, 'Error from server (NotFound): nodes "w9" not found')
    ]


def test_what_cannot_be_answered_now_is_tried_again_and_a_refusal_fails() -> None:
    world = world_of()
    world.answers["cordon", "w1"] = [
        Answer(503, "away"),
        Answer(409, "changed"),
        Answer(429, "busy", retry_after=2),
    ]
    assert run(world, Cordon(node="w1")) == [("done", 12, "node/w1 cordoned")]
    world = world_of()
    world.answers["cordon", "w1"] = [Answer(403, "nodes is forbidden")]
    assert run(world, Cordon(node="w1")) == [("failed", 0, "nodes is forbidden")]


def test_add_node_waits_until_it_is_ready() -> None:
    world = world_of()
    world.boot_time = 42
    assert run(world, AddNode(node="w2", like="w1", version="v1.37.0")) == [("done", 42, "node/w2 is Ready")]
    assert world.machines["w2"].kubelet_version == "v1.37.0"


def test_add_node_gives_up_after_its_timeout() -> None:
    world = world_of()
    world.boot_time = 1e9
    said = "node w2 is not Ready within 15m"
    assert run(world, AddNode(node="w2", like="w1")) == [("failed", 900, said)]


def test_remove_node() -> None:
    world = world_of("w1", "w2")
    run(world, RemoveNode(node="w2"))
    assert list(world.machines) == ["w1"]


# -- machines ------------------------------------------------------------------------------------------------


def test_reboot_works_first_then_waits_for_the_machine_and_the_node() -> None:
    world = world_of()
    world.boot_time = 60
    world.at(100.5, lambda: world.set_node("w1", ready=False))  # what the API believes comes later
    world.at(190, lambda: world.set_node("w1", ready=True))
    assert run(world, Reboot(node="w1", work="1m")) == [("done", 190, "node/w1 is back")]
    assert world.times("reboot") == [60]


def test_a_reboot_within_the_grace_period_is_over_when_the_machine_is_back() -> None:
    world = world_of()
    assert run(world, Reboot(node="w1")) == [("done", 30, "node/w1 is back")]


def test_a_machine_that_does_not_come_back() -> None:
    world = world_of()
    world.boot_time = 1e9
    driver = world.run(one(Reboot(node="w1", work=60, timeout="5m", on_timeout="skip")))
    outcome = driver.log.outcomes["0"]
    assert (outcome.time, outcome.then) == (360, "skip")
    assert outcome.message == "machine w1 is not back within 5m"


def test_a_machine_that_is_off_is_not_rebooted() -> None:
    world = world_of()
    world.set_machine("w1", on=False)
    assert run(world, Reboot(node="w1")) == [("failed", 0, "machine w1 is off")]
    assert run(world, Reboot(node="w9")) == [("failed", 0, "machine w9 is not there")]
    assert world.times("reboot") == []


def test_power_off_and_on() -> None:
    world = world_of()
    assert [
        (r, t) for r, t, _ in run(world, PowerOff(node="w1"), Wait(**{"for": "1m"}), PowerOn(node="w1"))
    ] == [
        ("done", 5),
        ("done", 65),
        ("done", 95),
    ]
    assert run(world, PowerOn(node="w1")) == [("done", 95, "machine w1 is on")]


def test_install_kubelet_waits_until_the_node_reports_it() -> None:
    world = world_of()
    assert run(world, InstallKubelet(node="w1", version="v1.37.2")) == [
        ("done", 4, "node/w1 is Ready with kubelet v1.37.2")
    ]
    assert run(world, InstallKubelet(node="w1", version="1.37.2"))[0][0] == "done"
    assert world.times("install-kubelet") == [0]


def test_a_reboot_that_was_begun_before_a_kill_is_not_done_again_after_it_happened() -> None:
    plan = one(Reboot(node="w1", work=10), InstallKubelet(node="w1", version="v1.37.2"))
    log = DiskLog()
    world_of().run(plan, log)
    for line in range(len(log.lines)):
        for after in (False, True):
            world, dying = world_of(), DiskLog(line, after)
            with pytest.raises(Killed):
                world.run(plan, dying)
            world.driver = None
            world.pass_to(world.time + 100)
            booted = world.machines["w1"].booted_at
            driver = world.run(plan, dying.read_back())
            assert driver.finished and not driver.failures
            assert booted < 0 or world.machines["w1"].booted_at == booted


# -- waiting -------------------------------------------------------------------------------------------------


def test_wait() -> None:
    assert run(world_of(), Wait(**{"for": "1m30s"})) == [("done", 90, "")]
    assert run(world_of(), Wait(**{"for": 0})) == [("done", 0, "")]


def test_wait_ready_waits_for_all_that_were_short_when_it_began() -> None:
    world = world_of()
    world.workload("Deployment", "web", 3, ready=2)
    world.workload("StatefulSet", "db", 1, ready=0)
    world.workload("Deployment", "fine", 2)
    world.at(7.2, lambda: world.set_ready("Deployment", "web", 3))
    world.at(
        8.0, lambda: world.set_ready("Deployment", "fine", 1)
    )  # later than the beginning: not waited for
    world.at(20.6, lambda: world.set_ready("StatefulSet", "db", 1))
    assert run(world, WaitReady()) == [("done", 21, "all replacements are Ready")]


def test_wait_ready_leaves_out_what_was_short_before_the_plan() -> None:
    world = world_of()
    world.workload("Deployment", "broken", 3, ready=0)
    assert run(world, WaitReady(but=("Deployment default/broken",)))[0][:2] == ("done", 0)
    said = "Deployment default/broken: not all pods are Ready within 10m"
    assert run(world, WaitReady()) == [("failed", 600, said)]


def test_wait_ready_forgets_what_was_deleted_or_scaled_down() -> None:
    world = world_of()
    world.workload("Deployment", "web", 3, ready=2)
    world.at(5, lambda: world.put(world.workload("Deployment", "web", 2, ready=2)))
    assert run(world, WaitReady())[0][:2] == ("done", 5)


def test_wait_ready_counts_a_deployment_once() -> None:
    world = world_of()
    web = world.workload("Deployment", "web", 3, ready=3)
    world.workload("ReplicaSet", "web-1", 3, ready=2, owner=web)
    assert run(world, WaitReady())[0][:2] == ("done", 0)


def test_gate_judges_health_after_the_soak() -> None:
    world = world_of("w1", "w2")
    world.workload("Deployment", "web", 3, ready=2)
    world.at(100, lambda: world.set_ready("Deployment", "web", 3))
    assert run(world, Gate(soak="2m")) == [("done", 120, "the gate is passed")]
    world.set_node("w2", ready=False)
    world.set_ready("Deployment", "web", 1)
    assert run(world, Gate()) == [
        ("failed", 120, "node w2 is not Ready; Deployment default/web lacks Ready pods")
    ]
    assert run(world, Gate(but=("w2", "Deployment default/web")))[0][0] == "done"


@pytest.mark.parametrize(
    ("slo", "passes"),
    [
        (0.99, True),
        (0.995, False),
        ({"web": 0.999}, False),
        ({"default/web": "99%", "*": "90%"}, True),
        ({}, True),
    ],
)
def test_gate_judges_the_slo_over_the_soak(slo: Any, passes: bool) -> None:
    world = world_of()
    world.success = {("default", "web"): 0.99, ("shop", "cart"): 1.0}
    ((result, _, message),) = run(world, Gate(health=False, slo=slo))
    assert (result == "done") is passes
    assert passes or message.startswith("service default/web: 0.99 of its requests succeeded")


# -- surge pods ----------------------------------------------------------------------------------------------


def surging(ready_after: float = 20.0, replicas: int = 3) -> FakeWorld:
    """Deployment web: 2 of its pods on w1, the others elsewhere; more pods are Ready some time after a scaling up, and
    scaling down removes the marked pods."""
    world = world_of("w1", "w2")
    web = world.workload("Deployment", "web", replicas)
    rs = world.workload("ReplicaSet", "web-1", replicas, owner=web)
    for i in range(replicas):
        world.pod(f"web-{i}", "w1" if i < 2 else "w2", 1, owner=rs)
    db = world.workload("StatefulSet", "db", 1)
    world.pod("db-0", "w1", 1, owner=db)
    scale = world._scale

    def scaled(act: Any) -> Answer | None:
        before = world.get("Deployment", "web", "default").spec.replicas
        scale(act)
        if act.replicas > before:
            world.after(ready_after, lambda: world.set_ready("Deployment", "web", act.replicas))
        elif act.replicas < before:
            world.set_ready("Deployment", "web", act.replicas)
            marked = [p for p in world.view.pods_on("w1") if COST in p.meta.annotations]
            for pod in marked[: before - act.replicas]:
                world.remove_pod(pod)
        return None

    world._scale = scaled  # type: ignore[method-assign]
    return world


def scalings(world: FakeWorld) -> list[tuple[float, int]]:
    return [(t, act.replicas) for t, act in world.acts if act.verb == "scale"]  # type: ignore[attr-defined]


def test_surge_pods_scales_up_waits_marks_and_scales_down() -> None:
    world = surging(20.4)
    assert run(world, SurgePods(node="w1")) == [("done", 21, "2 pods moved off w1")]
    assert scalings(world) == [(0, 5), (21, 3)]
    assert world.times("annotate") == [21, 21]
    assert world.pods == ["default/web-2", "default/db-0"]  # a StatefulSet cannot be moved so
    assert all(act.annotations == {COST: "-2147483648"} for _, act in world.acts if act.verb == "annotate")


def test_surge_pods_does_nothing_where_nothing_can_be_moved() -> None:
    world = surging()
    assert run(world, SurgePods(node="w3")) == [("done", 0, "0 pods moved off w3")]
    assert world.acts == []


def test_surge_pods_of_a_workload_that_was_short_before_does_not_wait_for_that() -> None:
    world = surging(20)
    world.set_ready("Deployment", "web", 2)
    world.at(30, lambda: world.set_ready("Deployment", "web", 4))
    assert run(world, SurgePods(node="w1"))[0][:2] == ("done", 20)


def test_surge_pods_that_do_not_come_up_are_taken_back() -> None:
    world = surging(1e9)
    (outcome,) = run(world, SurgePods(node="w1", timeout="2m"))
    assert outcome == ("failed", 120, "the additional pods are not Ready within 2m")
    assert scalings(world) == [(0, 5), (120, 3)]
    assert world.times("annotate") == []


def test_two_nodes_at_a_time_scale_relative_to_each_other() -> None:
    from simkube.maintenance.plan import Block, Leaf, Plan

    world = surging(20, replicas=4)
    block = Block("b", (Leaf(SurgePods(node="w1")), Leaf(SurgePods(node="w2"))), 2)
    assert world.run(Plan(block)).finished
    assert [n for _, n in scalings(world)] == [6, 8, 6, 4]
    assert world.get("Deployment", "web", "default").spec.replicas == 4


def test_surge_pods_killed_at_any_boundary_scales_once_up_and_once_down() -> None:
    plan = one(SurgePods(node="w1"))
    log = DiskLog()
    surging().run(plan, log)
    for line in range(len(log.lines)):
        for after in (False, True):
            world, dying = surging(), DiskLog(line, after)
            with pytest.raises(Killed):
                world.run(plan, dying)
            driver = world.run(plan, dying.read_back())
            assert driver.finished and not driver.failures
            assert world.get("Deployment", "web", "default").spec.replicas == 3
            assert max(n for _, n in scalings(world)) == 5
            assert world.pods == ["default/web-2", "default/db-0"]


def test_pods_of_other_controllers_are_left() -> None:
    world = world_of()
    rollout = world.workload("ReplicaSet", "r-1", 1)
    pod: Pod = world.pod("orphan", "w1", owner=("ReplicaSet", "gone"))
    world.pod("job-1", "w1", owner=("Job", "job"))
    assert rollout and pod
    assert run(world, SurgePods(node="w1"))[0][2] == "0 pods moved off w1"


# -- all -----------------------------------------------------------------------------------------------------


def examples() -> list[Any]:
    values = {"node": "w1", "like": "w0", "version": "v1.37.0", "for": "1m"}
    made = []
    for do, step in STEPS.items():
        names = {field.alias or name for name, field in step.model_fields.items() if field.is_required()}
        made.append(step.model_validate({"do": do, **{name: values[name] for name in names}}))
    return made


@pytest.mark.parametrize("step", examples(), ids=lambda step: step.do)
def test_every_step_speaks_for_itself(step: Any) -> None:
    assert step.title and isinstance(step.needs, str) and isinstance(step.waits, str)
    assert type(step).__doc__ and type(step).__doc__ != Wait.__base__.__doc__
    for name, field in type(step).model_fields.items():
        assert name in ("do", "on_timeout") or field.description, name


@pytest.mark.parametrize("step", examples(), ids=lambda step: step.do)
def test_every_step_is_frozen_and_forbids_unknown_keys(step: Any) -> None:
    with pytest.raises(ValidationError):
        type(step).model_validate({**step.model_dump(by_alias=True), "nodes": "x"})
    with pytest.raises(ValidationError):
        step.do = "x"


def test_a_machine_view_is_what_a_console_shows() -> None:
    assert MachineView(False, False, 0.0, False, "") == world_of().view.machine("w9")
