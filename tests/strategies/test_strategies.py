"""Each strategy, carried out in a fake world: what it does, in which order, how many at a time, and its ways out."""

from collections.abc import Iterator
from typing import Any

import pytest

from simkube.kube.yaml import read_documents
from simkube.maintenance.driver import Driver
from simkube.maintenance.plan import Plan
from simkube.maintenance.plan_file import parse_plan, plan_text
from simkube.scenario.scenario import Maintenance
from simkube.strategies.registry import BUILT_IN, make
from simkube.strategies.site import CONTROL_PLANE, ZONE, Site, share
from tests.maintenance.world import DiskLog, FakeWorld, Killed

REBOOT = Maintenance(reboot=True)
UPGRADE = Maintenance(reboot=False, upgrade_to="v1.37.2")
BOOT = 30.0  # seconds, of the fake world


def world_of(count: int = 4, zones: str = "", control_planes: int = 0, pods: bool = True) -> FakeWorld:
    """Workers w1 ..., dealt to zones in turn, each with a pod that leaves 2 s after it is asked to."""
    world = FakeWorld()
    for i in range(1, control_planes + 1):
        world.node(f"cp-{i}", {CONTROL_PLANE: ""})
    for i in range(count, 0, -1):
        world.node(f"w{i}", {ZONE: zones[(i - 1) % len(zones)]} if zones else {})
        if pods:
            world.pod(f"pod-{i}", f"w{i}", 2.0)
    return world


def plan_for(world: FakeWorld, name: str, maintenance: Maintenance = REBOOT, **options: Any) -> Plan:
    return make(name, options).plan(world.view, maintenance)


def carry_out(
    world: FakeWorld, name: str, maintenance: Maintenance = REBOOT, until: float = 1e7, **options: Any
) -> Driver:
    return world.run(plan_for(world, name, maintenance, **options), until=until)


def did(world: FakeWorld, *verbs: str) -> list[tuple[str, str]]:
    """What was done to which node or pod, in order; of these verbs, if any are given."""
    acts = [(act.verb, act.target.removeprefix("default/")) for _, act in world.acts]
    return [act for act in acts if not verbs or act[0] in verbs]


def cordoned(world: FakeWorld) -> list[str]:
    return sorted(name for (_, name), node in world.tables["Node"].items() if node.unschedulable)


def overlaps(world: FakeWorld, begin: str, end: str) -> int:
    """The largest number of nodes between the two verbs at a time."""
    running: set[str] = set()
    most = 0
    for verb, target in did(world):
        if verb == begin:
            running.add(target)
            most = max(most, len(running))
        elif verb == end:
            running.discard(target)
    return most


ALL = list(BUILT_IN)


# -- every strategy -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "maintenance", [REBOOT, UPGRADE, Maintenance(reboot=True, work=60, upgrade_to="v1.37.2")]
)
def test_every_strategy_maintains_every_worker_and_leaves_none_cordoned(
    name: str, maintenance: Maintenance
) -> None:
    world = world_of(5, zones="ab", control_planes=1)
    driver = carry_out(world, name, maintenance)
    assert driver.finished and driver.failures == []
    workers = {name: node for (_, name), node in world.tables["Node"].items() if name != "cp-1"}
    assert len(workers) == 5 and cordoned(world) == []
    assert ("reboot", "cp-1") not in did(world)
    if maintenance.upgrade_to:
        assert {node.status.kubelet_version for node in workers.values()} == {"v1.37.2"}
    if maintenance.reboot and name not in ("surge", "blue-green"):
        assert sorted(world.machines[node].booted_at > 0 for node in workers) == [True] * 5


@pytest.mark.parametrize("name", ALL)
def test_every_plan_has_a_form_in_a_file_with_its_inputs(name: str) -> None:
    options = {"controlPlane": True, "waitForReady": True, "order": "zones"}
    plan = plan_for(
        world_of(5, "abc", 1), name, Maintenance(reboot=True, work=90, upgrade_to="v1.37.2"), **options
    )
    (document,) = read_documents(plan_text(plan), "plan.yaml")
    assert parse_plan(document.value) == plan
    assert plan.strategy == name and plan.root.name == name
    assert plan.inputs["maintenance"] == {"reboot": True, "work": "1m30s", "upgradeTo": "v1.37.2"}
    assert make(name, plan.inputs["options"]) == make(name, options)


@pytest.mark.parametrize("name", ALL)
def test_every_strategy_plans_the_same_twice(name: str) -> None:
    first, second = (plan_for(world_of(6, "ab", 3), name, controlPlane=True) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ALL)
def test_control_plane_nodes_come_first_one_at_a_time_in_their_places(name: str) -> None:
    world = world_of(2, control_planes=3)
    driver = carry_out(world, name, controlPlane=True)
    assert driver.finished and not driver.failures
    rebooted = [target for verb, target in did(world) if verb == "reboot"]
    assert rebooted[:3] == ["cp-1", "cp-2", "cp-3"]
    times = [world.times("reboot", f"cp-{i}")[0] for i in (1, 2, 3)]
    assert times[1] >= times[0] + BOOT and times[2] >= times[1] + BOOT
    assert {f"cp-{i}" for i in (1, 2, 3)} <= world.machines.keys()
    drains = name in ("rolling", "surge", "blue-green", "gray")
    assert (("cordon", "cp-1") in did(world)) is (drains or name == "cordon-only")


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_done_where_nothing_needs_it(name: str) -> None:
    world = world_of(3)
    plan = plan_for(world, name, Maintenance(reboot=False, upgrade_to="v1.36.3"))
    assert plan.warnings == ("no worker needs this maintenance: the plan does nothing with workers",)
    driver = world.run(plan)
    assert driver.finished and not driver.failures and world.acts == []


def test_an_upgrade_that_was_interrupted_is_taken_up_with_the_nodes_that_are_left() -> None:
    world = world_of(2)
    world.node("w3", version="v1.37.2")
    carry_out(world, "rolling", UPGRADE)
    assert did(world, "install-kubelet") == [("install-kubelet", "w1"), ("install-kubelet", "w2")]


@pytest.mark.parametrize("name", ALL)
def test_zones_whole_means_all_of_one_zone_before_the_next(name: str) -> None:
    world = world_of(6, zones="ab", pods=False)
    options = {"maxUnavailable": 2} if name in ("rolling", "reboot-in-place", "cordon-only", "gray") else {}
    carry_out(world, name, order="zones", **options)
    verb = "remove-node" if name in ("surge", "blue-green") else "reboot"
    if name == "blue-green":
        verb = "cordon"  # the drains' order; all are removed together
    nodes = [target for _, target in did(world, verb)]
    zones = ["ab"[(int(node[1:]) - 1) % 2] for node in nodes if "new" not in node]
    assert sorted(nodes) == [f"w{i}" for i in range(1, 7)]
    assert "".join(zones) == "aaabbb"
    begun = dict(
        reversed([(target, time) for time, act in world.acts for target in [act.target] if act.verb == verb])
    )
    if name != "blue-green":
        assert max(begun[f"w{i}"] for i in (1, 3, 5)) < min(begun[f"w{i}"] for i in (2, 4, 6))


def test_names_are_in_the_order_that_people_expect() -> None:
    world = FakeWorld()
    for i in (10, 2, 1):
        world.node(f"worker-{i}")
    carry_out(world, "reboot-in-place")
    assert [target for _, target in did(world, "reboot")] == ["worker-1", "worker-2", "worker-10"]


@pytest.mark.parametrize("name", ALL)
def test_killed_at_any_boundary_and_taken_up_a_plan_ends_as_it_would_have(name: str) -> None:
    def fresh() -> FakeWorld:
        world = world_of(3, control_planes=1)
        world.refused_until["default/pod-2"] = 60.0
        return world

    def state(world: FakeWorld) -> Any:
        machines = {
            name: (m.on, m.kubelet_version, m.booted_at > 0) for name, m in sorted(world.machines.items())
        }
        return machines, cordoned(world), sorted(world.pods)

    upgrade = Maintenance(reboot=True, upgrade_to="v1.37.2")
    plan = plan_for(fresh(), name, upgrade, controlPlane=True, waitForReady=True)
    log, whole = DiskLog(), fresh()
    driver = whole.run(plan, log)
    assert driver.finished and not driver.failures
    for line in range(len(log.lines)):
        world, dying = fresh(), DiskLog(line, after=line % 2 == 0)
        with pytest.raises(Killed):
            world.run(plan, dying)
        world.driver = None
        world.pass_to(world.time + (line % 5) * 7.0)
        again = world.run(plan, dying.read_back())
        assert again.finished and not again.failures
        assert {path: o.result for path, o in again.log.outcomes.items()} == {
            path: o.result for path, o in driver.log.outcomes.items()
        }
        assert state(world) == state(whole)


# -- rolling --------------------------------------------------------------------------------------------------------


def test_rolling_drains_maintains_and_uncordons_node_by_node() -> None:
    world = world_of(2)
    carry_out(world, "rolling", Maintenance(reboot=True, work=60))
    one = lambda i: [("cordon", f"w{i}"), ("evict", f"pod-{i}"), ("reboot", f"w{i}"), ("uncordon", f"w{i}")]  # noqa: E731
    assert did(world) == [*one(1), *one(2)]
    # each: 2 s until the pod has left, 60 s of work, 30 s of boot
    assert world.time == 2 * (2 + 60 + BOOT)


@pytest.mark.parametrize(
    ("max_unavailable", "expected"), [(1, 1), (3, 3), ("30%", 2), ("1%", 1), ("100%", 8), (50, 8)]
)
def test_rolling_takes_so_many_at_a_time(max_unavailable: Any, expected: int) -> None:
    world = world_of(8)
    carry_out(world, "rolling", maxUnavailable=max_unavailable)
    assert overlaps(world, "cordon", "uncordon") == expected


def blocked(pod: str = "pod-2", count: int = 4) -> FakeWorld:
    world = world_of(count)
    world.refused_until[f"default/{pod}"] = 1e9
    return world


def test_rolling_aborts_by_default_as_eks_after_15_minutes_and_the_node_stays_cordoned() -> None:
    world = blocked()
    driver = carry_out(world, "rolling")
    assert driver.finished and driver.aborted.startswith('drain w2: unable to drain node "w2"')
    assert "global timeout reached: 15m0s" in driver.aborted
    assert cordoned(world) == ["w2"]
    assert [target for _, target in did(world, "reboot")] == ["w1"]
    assert world.time == 2 + BOOT + 15 * 60


def test_rolling_that_aborts_brings_what_runs_beside_it_to_its_end() -> None:
    world = blocked(count=5)
    world.boot_time = 890
    driver = carry_out(world, "rolling", maxUnavailable=2)
    assert driver.aborted and cordoned(world) == ["w2"]
    # w1 was back at 892 and made room for w3, w2 gave up at 900: w3 is brought to its end, w4 is not begun
    assert [target for _, target in did(world, "uncordon")] == ["w1", "w3"]
    assert [target for _, target in did(world, "cordon")] == ["w1", "w2", "w3"]


def test_rolling_that_skips_uncordons_goes_on_and_says_so() -> None:
    world = blocked()
    driver = carry_out(world, "rolling", onTimeout="skip", drainTimeout="1m")
    assert driver.aborted == "" and len(driver.failures) == 1 and driver.failures[0].startswith("drain w2: ")
    assert cordoned(world) == []
    assert [target for _, target in did(world, "reboot")] == ["w1", "w3", "w4"]


def test_rolling_that_forces_deletes_what_is_left_past_the_budget() -> None:
    world = blocked()
    driver = carry_out(world, "rolling", onTimeout="force", drainTimeout="1m")
    assert driver.failures == [] and did(world, "delete") == [("delete", "pod-2")]
    assert len(did(world, "reboot")) == 4


def test_force_after_deletes_without_giving_up() -> None:
    world = blocked()
    driver = carry_out(world, "rolling", forceAfter="20s")
    assert driver.failures == []
    assert world.times("delete")[0] - world.times("evict", "default/pod-2")[0] == 20


def test_a_node_with_a_bare_pod_is_refused_unless_the_plan_forces_it() -> None:
    world = world_of(2)
    world.pod("solo", "w1", owner=None)
    assert "declare no controller" in carry_out(world, "rolling").aborted
    world.acts.clear()
    assert carry_out(world, "rolling", drain={"force": True}).failures == []


def test_skip_counts_for_a_machine_that_does_not_come_back_too() -> None:
    world = world_of(3)
    reboot = world._reboot

    def stuck(act: Any) -> None:
        if act.node == "w2":
            world.set_machine("w2", on=False, kubelet_running=False)
        else:
            reboot(act)

    world._reboot = stuck  # type: ignore[method-assign,assignment]
    driver = carry_out(world, "rolling", onTimeout="skip")
    assert driver.failures == ["reboot w2: machine w2 is not back within 15m"]
    assert [target for _, target in did(world, "uncordon")] == ["w1", "w2", "w3"]


def test_wait_for_ready_waits_before_the_next_node() -> None:
    world = world_of(2)
    world.workload("Deployment", "web", 2)
    world.workload("Deployment", "broken", 2, ready=0)  # was so before: nobody waits for it
    plan = plan_for(world, "rolling", waitForReady=True)
    world.at(1, lambda: world.set_ready("Deployment", "web", 1))
    world.at(100, lambda: world.set_ready("Deployment", "web", 2))
    driver = world.run(plan)
    assert driver.failures == []
    assert world.times("cordon") == [0, 100]


def test_surge_pods_cordons_and_moves_before_it_drains() -> None:
    plan = plan_for(world_of(1), "rolling", surgePods=True, readyTimeout="3m")
    assert [leaf.step.title for _, leaf in plan.leaves()] == [
        "cordon w1",
        "surge the pods of w1",
        "drain w1",
        "reboot w1",
        "uncordon w1",
    ]


# -- surge ----------------------------------------------------------------------------------------------------------


def test_surge_adds_a_new_node_before_it_drains_and_removes_an_old_one() -> None:
    world = world_of(2)
    carry_out(world, "surge", UPGRADE)
    one = lambda i: [  # noqa: E731
        ("add-node", f"w{i}-new"),
        ("cordon", f"w{i}"),
        ("evict", f"pod-{i}"),
        ("remove-node", f"w{i}"),
    ]
    assert did(world) == [*one(1), *one(2)]
    assert sorted(world.machines) == ["w1-new", "w2-new"]
    assert world.machines["w1-new"].kubelet_version == "v1.37.2"
    assert world.times("cordon", "w1") == [BOOT]


@pytest.mark.parametrize(("max_surge", "expected"), [(1, 1), (3, 3), ("10%", 1), ("30%", 3), ("100%", 8)])
def test_surge_has_so_many_nodes_more_at_most(max_surge: Any, expected: int) -> None:
    world = world_of(8)
    carry_out(world, "surge", maxSurge=max_surge)
    more, most = 0, 0
    for verb, _ in did(world, "add-node", "remove-node"):
        more += 1 if verb == "add-node" else -1
        most = max(most, more)
    assert most == expected


def test_surge_forces_after_an_hour_as_gke_does() -> None:
    world = blocked()
    assert carry_out(world, "surge").failures == []
    assert world.times("delete")[0] - world.times("evict", "default/pod-2")[0] == 3600


def test_surge_that_skips_keeps_the_blocked_node_cordoned_and_its_new_one_as_aks_does() -> None:
    world = blocked()
    driver = carry_out(world, "surge", onTimeout="skip", drainTimeout="30m")
    assert len(driver.failures) == 1 and cordoned(world) == ["w2"]
    assert sorted(world.machines) == ["w1-new", "w2", "w2-new", "w3-new", "w4-new"]


def test_new_names_are_not_taken_and_do_not_grow() -> None:
    world = FakeWorld()
    for name in ("a", "a-new", "b-new-2", "x" * 253):
        world.node(name)
    names = Site(world.view, REBOOT).new_names
    assert names["a"] == "a-new-2" and names["a-new"] == "a-new-3" and names["b-new-2"] == "b-new"
    assert len(names["x" * 253]) <= 253 and len(set(names.values())) == 4


# -- blue-green -----------------------------------------------------------------------------------------------------


def test_blue_green_adds_all_cordons_all_drains_in_batches_soaks_and_removes() -> None:
    world = world_of(3)
    driver = carry_out(world, "blue-green", UPGRADE, batch=2, batchSoak="5m", soak="20m")
    assert driver.failures == []
    assert did(world) == [
        *(("add-node", f"w{i}-new") for i in (1, 2, 3)),
        *(("cordon", f"w{i}") for i in (1, 2, 3)),
        *(("evict", f"pod-{i}") for i in (1, 2, 3)),
        *(("remove-node", f"w{i}") for i in (1, 2, 3)),
    ]
    assert world.times("evict") == [BOOT, BOOT, BOOT + 2 + 300]
    assert world.times("remove-node") == [BOOT + 2 * (2 + 300) + 1200] * 3


def test_blue_green_goes_back_when_the_gate_fails_while_the_old_pool_stands() -> None:
    world = world_of(3)
    world.success = {("shop", "cart"): 0.98}
    driver = carry_out(world, "blue-green", slo="99%", soak="10m")
    assert "service shop/cart" in driver.aborted
    assert sorted(world.machines) == ["w1", "w2", "w3"]
    assert cordoned(world) == []
    assert did(world, "remove-node") == [("remove-node", f"w{i}-new") for i in (1, 2, 3)]


def test_blue_green_goes_back_when_a_drain_aborts() -> None:
    world = blocked()
    driver = carry_out(world, "blue-green", onTimeout="abort", drainTimeout="10m")
    assert driver.aborted.startswith("drain w2")
    assert sorted(world.machines) == ["w1", "w2", "w3", "w4"] and cordoned(world) == []


def test_blue_green_goes_back_when_a_new_node_does_not_join() -> None:
    world = world_of(2)
    add = world._add_node

    def lost(act: Any) -> None:
        if act.node == "w2-new":
            world.machines[act.node] = world.machines["w1"]
        else:
            add(act)

    world._add_node = lost  # type: ignore[method-assign,assignment]
    driver = carry_out(world, "blue-green")
    assert driver.aborted == "add-node w2-new: node w2-new is not Ready within 15m"
    assert sorted(world.machines) == ["w1", "w2"]
    assert did(world, "evict") == []


# -- gray -----------------------------------------------------------------------------------------------------------


def test_gray_maintains_a_share_looks_and_goes_on() -> None:
    world = world_of(10)
    driver = carry_out(world, "gray", share="25%", soak="30m", maxUnavailable=5)
    assert driver.failures == []
    times = [world.times("reboot", f"w{i}")[0] for i in range(1, 11)]
    assert times[:3] == [2, 2, 2]  # 25 % of 10, rounded up
    assert times[3] == 2 + BOOT + 1800 + 2


def test_gray_goes_back_when_the_slo_is_broken() -> None:
    world = world_of(10)
    world.success = {("shop", "cart"): 0.9}
    driver = carry_out(world, "gray", UPGRADE, share=2, slo=0.99)
    assert "service shop/cart" in driver.aborted
    versions = {node.status.kubelet_version for node in world.tables["Node"].values()}
    assert versions == {"v1.36.3"} and cordoned(world) == []
    assert [target for _, target in did(world, "install-kubelet")] == ["w1", "w2", "w1", "w2"]


def test_gray_goes_back_when_the_cluster_is_not_healthy_but_not_for_what_was_broken_before() -> None:
    world = world_of(3)
    world.workload("Deployment", "broken", 2, ready=0)
    world.workload("Deployment", "web", 2)
    assert carry_out(world, "gray").failures == []
    world = world_of(3)
    world.workload("Deployment", "web", 2)
    world.at(10, lambda: world.set_ready("Deployment", "web", 1))
    assert "Deployment default/web lacks Ready pods" in carry_out(world, "gray").aborted


def test_gray_that_cannot_drain_uncordons_on_its_way_back() -> None:
    world = blocked("pod-1")
    assert carry_out(world, "gray").aborted.startswith("drain w1")
    assert cordoned(world) == []


# -- what-ifs -------------------------------------------------------------------------------------------------------


def test_all_at_once_takes_every_worker_down_together() -> None:
    world = world_of(5)
    carry_out(world, "all-at-once", Maintenance(reboot=True, work=60))
    assert world.times("reboot") == [60] * 5
    assert did(world, "evict", "cordon") == []


def test_reboot_in_place_drains_nothing() -> None:
    world = world_of(3)
    carry_out(world, "reboot-in-place")
    assert [verb for verb, _ in did(world)] == ["reboot"] * 3
    assert world.times("reboot") == [0, BOOT, 2 * BOOT]


def test_cordon_only_cordons_and_uncordons_around_it() -> None:
    world = world_of(2)
    carry_out(world, "cordon-only", maxUnavailable="50%")
    one = lambda i: [("cordon", f"w{i}"), ("reboot", f"w{i}"), ("uncordon", f"w{i}")]  # noqa: E731
    assert did(world) == [*one(1), *one(2)]


def test_maintenance_without_a_reboot_is_work_and_an_upgrade() -> None:
    world = world_of(1)
    carry_out(world, "rolling", Maintenance(reboot=False, work=120, upgrade_to="v1.37.2"))
    assert world.times("install-kubelet") == [2 + 120] and world.times("reboot") == []


# -- warnings -------------------------------------------------------------------------------------------------------


def said(world: FakeWorld, **options: Any) -> Iterator[str]:
    return iter(plan_for(world, "rolling", **options).warnings)


def test_it_warns_of_those_who_would_scale_back() -> None:
    world = world_of(1)
    world.workload("Deployment", "web", 2)
    world.autoscaler("web", "Deployment", "web")
    world.workload("Deployment", "argo", 2, labels={"argocd.argoproj.io/instance": "shop"})
    world.workload(
        "Deployment", "flux", 2, annotations={}, labels={"kustomize.toolkit.fluxcd.io/name": "apps"}
    )
    world.workload("Deployment", "argo2", 2, annotations={"argocd.argoproj.io/tracking-id": "x"})
    world.workload("StatefulSet", "db", 1, labels={"argocd.argoproj.io/instance": "shop"})
    found = list(said(world, surgePods=True))
    assert [text.partition(";")[0] for text in found] == [
        "Deployment default/web: HorizontalPodAutoscaler default/web may undo the scaling of surgePods",
        "Deployment default/argo: Argo CD manages it and may undo the scaling of surgePods",
        "Deployment default/flux: Flux manages it and may undo the scaling of surgePods",
        "Deployment default/argo2: Argo CD manages it and may undo the scaling of surgePods",
    ]
    assert list(said(world)) == []


def test_it_warns_of_nodes_that_are_not_as_they_should_be() -> None:
    world = world_of(2)
    world.set_node("w1", ready=False)
    world.set_node("w2", unschedulable=True)
    assert [text[:20] for text in said(world)] == ["node w1 is not Ready", "node w2 is cordoned "]


# -- amounts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "of", "down", "up"),
    [
        (1, 10, 1, 1),
        (0, 10, 1, 1),
        ("25%", 10, 2, 3),
        ("33%", 3, 1, 1),
        ("1%", 5000, 50, 50),
        ("100%", 7, 7, 7),
        (9, 3, 9, 9),
    ],
)
def test_shares_round_down_or_up_and_are_at_least_one(amount: Any, of: int, down: int, up: int) -> None:
    assert share(amount, of) == down
    assert share(amount, of, up=True) == up
