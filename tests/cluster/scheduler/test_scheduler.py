"""7.4 and 7.5: binding, what is said of pods that fit nowhere, and what wakes them."""

from typing import Any

import pytest
from msgspec.structs import replace

from simkube.cluster.nodes.node_taints import UNSCHEDULABLE
from simkube.kube.objects import Meta, NodeResources, OwnerReference, Pod, Taint
from tests.cluster.scheduler.bed import ZONE, Bed, requests
from tests.cluster.scheduler.test_affinity import apart, has, near
from tests.cluster.scheduler.test_spread import spread

LATENCY = 0.01


def test_7_4_a_pod_is_bound_and_told_of() -> None:
    bed = Bed()
    bed.node("n1")
    bed.pod("p")
    bed.run(LATENCY / 2)
    assert bed.where("p") == ""
    bed.run(LATENCY)
    pod = bed.get("Pod", "p")
    assert pod.node == "n1"
    assert (pod.status.scheduled.status, pod.status.scheduled.since) == ("True", LATENCY)
    assert bed.events == [("p", "Scheduled", "Successfully assigned default/p to n1")]


def test_pods_that_have_a_node_already_are_left_alone_and_count() -> None:
    bed = Bed()
    bed.node("n1", cpu=1000)
    bed.put("n1", containers=[requests(1)])
    bed.pod("p", bed.template(containers=[requests(1)]))
    bed.pod("other", bed.template(schedulerName="my-scheduler"))
    bed.run(1)
    assert bed.where("p") == "" and bed.where("other") == ""
    assert [name for name, *_ in bed.events] == ["p"]


def test_pods_bound_before_a_node_exists_count_when_it_comes() -> None:
    bed = Bed()
    bed.put("n1", containers=[requests(1)])
    bed.node("n1", cpu=1000)
    assert bed.rejected(bed.asking(containers=[requests(1)])) == {"n1": "Insufficient cpu (U)"}


def test_7_4_message_and_condition_of_a_pod_that_fits_nowhere() -> None:
    bed = Bed()
    bed.node("n1", cpu=1000, memory=1000)
    bed.node("n2", unschedulable=True)
    bed.node("n3", taints=(Taint("a", "NoSchedule"),))
    bed.put("n1", containers=[requests("500m", 500)])
    bed.pod("p", bed.template(containers=[requests("600m", 600)]))
    bed.run(1)
    message = (
        "0/3 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 1 node(s) had untolerated taint(s), "
        "1 node(s) were unschedulable. preemption: 0/3 nodes are available: "
        "1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling."
    )
    scheduled = bed.get("Pod", "p").status.scheduled
    assert (scheduled.status, scheduled.reason, scheduled.since) == ("False", "Unschedulable", LATENCY)
    assert scheduled.message == message
    assert bed.events == [("p", "FailedScheduling", message)]


def test_7_4_where_nothing_can_be_resolved_preemption_does_not_help() -> None:
    bed = Bed()
    for name in ("n1", "n2"):
        bed.node(name, unschedulable=True)
    bed.pod("p")
    bed.run(1)
    assert bed.get("Pod", "p").status.scheduled.message == (
        "0/2 nodes are available: 2 node(s) were unschedulable. preemption: 0/2 nodes are available: "
        "2 Preemption is not helpful for scheduling."
    )


def test_7_4_without_nodes_it_backs_off_and_tries_again() -> None:
    bed = Bed()
    bed.pod("p")
    bed.run(1)
    assert bed.get("Pod", "p").status.scheduled.message == "no nodes available to schedule pods"
    bed.node("n1")
    bed.run(3)
    assert bed.where("p") == "n1"


def test_the_same_failure_again_is_no_new_event() -> None:
    bed = Bed()
    bed.node("n1", cpu=1000)
    gone = bed.put("n1", containers=[requests("100m")])[0]
    bed.pod("p", bed.template(containers=[requests(1)]))
    bed.put("n1", containers=[requests("100m")])
    bed.run(1)
    version = bed.get("Pod", "p").version
    bed.hand.delete("Pod", gone.meta.name, "default", grace=0)  # wakes it in vain
    bed.run(1)
    assert len(bed.events) == 1
    assert bed.get("Pod", "p").version == version
    queued = bed.scheduler.queue.get(("default", "p"))
    assert queued is not None and queued.tries == 2


def test_7_5_priority_first_then_who_has_waited_longest() -> None:
    bed = Bed()
    bed.node("n1", pods=2)
    for name, priority in (("low", 0), ("high", 10), ("low2", 0), ("high2", 10)):
        bed.pod(name, bed.template(priority=priority, preemptionPolicy="Never"))
    bed.run(1)
    assert [name for name in ("low", "high", "low2", "high2") if bed.where(name)] == ["high", "high2"]


def test_scheduling_gates_hold_a_pod_back() -> None:
    bed = Bed()
    bed.node("n1")
    gated = bed.pod("p", bed.template(schedulingGates=[{"name": "wait"}]))
    bed.run(1)
    assert bed.where("p") == "" and bed.events == []
    bed.change(gated, template=bed.template())
    bed.run(1)
    assert bed.where("p") == "n1"


def test_daemon_pods_go_to_their_node_or_nowhere() -> None:
    bed = Bed()
    for i in (1, 2, 3):
        bed.node(f"n{i}", cpu=1000)
    template = bed.template(containers=[requests(1)])

    def daemon(name: str, node: str) -> None:
        bed.hand.create(
            Pod(meta=Meta(name, "default", labels=template.labels), template=template, pinned=node)
        )

    daemon("d2", "n2")
    daemon("again", "n2")
    daemon("lost", "n9")
    bed.run(1)
    assert bed.where("d2") == "n2"
    tail = "preemption: 0/3 nodes are available: "
    elsewhere = "node(s) didn't satisfy plugin(s) [NodeAffinity]."
    assert bed.get("Pod", "again").status.scheduled.message == (
        f"0/3 nodes are available: 1 Insufficient cpu, 2 {elsewhere} {tail}"
        "1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling."
    )
    assert bed.get("Pod", "lost").status.scheduled.message == (
        f"0/3 nodes are available: 3 {elsewhere} {tail}3 Preemption is not helpful for scheduling."
    )
    bed.hand.delete("Pod", "d2", "default", grace=0)
    bed.node("n9")
    bed.run(1)
    assert (bed.where("again"), bed.where("lost")) == ("n2", "n9")


def test_7_4_the_client_has_50_requests_a_second_after_a_burst_of_100() -> None:
    bed = Bed()
    bed.node("n1", pods=500, cpu=10_000)
    for i in range(200):
        bed.pod(f"p{i}")
    bed.run(LATENCY)
    assert sum(bool(pod.node) for pod in bed.pods()) == 100
    assert len(bed.scheduler.state.assumed) == 100  # all have their node, the rest wait to be bound
    bed.run(1)
    assert sum(bool(pod.node) for pod in bed.pods()) == 150
    bed.run(1)
    assert sum(bool(pod.node) for pod in bed.pods()) == 200
    assert not bed.scheduler.state.assumed


def test_an_assumed_pod_that_is_deleted_gives_its_room_back() -> None:
    bed = Bed()
    bed.node("n1", pods=150)
    for i in range(151):
        bed.pod(f"p{i}")
    bed.run(LATENCY)
    assert len(bed.scheduler.state.assumed) == 50
    assert bed.get("Pod", "p150").status.scheduled.reason == "Unschedulable"
    bed.hand.delete("Pod", "p149", "default")
    bed.run(5)
    assert bed.where("p150") == "n1"


def test_without_the_api_nothing_is_bound_and_it_goes_on_after() -> None:
    bed = Bed()
    bed.node("n1", cpu=1000)
    bed.pod("p", bed.template(containers=[requests(1)]))
    bed.api.available = False
    bed.run(2)
    assert bed.where("p") == ""
    bed.api.available = True
    bed.run(10)
    assert bed.where("p") == "n1"
    assert bed.nodes.by_name["n1"].cpu == 1000


def test_a_scheduler_that_was_down_finds_what_waits() -> None:
    bed = Bed()
    bed.node("n1")
    bed.scheduler.stop()
    bed.pod("p")
    bed.run(60)
    assert bed.where("p") == ""
    bed.scheduler.start()
    bed.run(1)
    assert bed.where("p") == "n1"


def test_a_scheduler_may_come_to_a_cluster_that_is_there() -> None:
    from random import Random

    from simkube.cluster.scheduler import Scheduler

    bed = Bed()
    bed.node("n1", {ZONE: "a"}, cpu=1000)
    bed.put("n1", containers=[requests("600m")])
    bed.scheduler.stop()
    bed.pod("large", bed.template(containers=[requests("600m")]))
    bed.pod("small", bed.template(containers=[requests("400m")]))
    Scheduler(bed.clock, bed.client("second"), bed.timings, Random(1))
    bed.run(1)
    assert (bed.where("large"), bed.where("small")) == ("", "n1")


# -- what wakes a pod (7.5's table) ---------------------------------------------------------------------------------

WAIT = 20.0  # longer than any backoff, shorter than the five-minute flush


def _woken(bed: Bed, happening: Any) -> bool:
    bed.run(WAIT)
    queued = bed.scheduler.queue.get(("default", "p"))
    assert queued is not None and queued.place == "unschedulable"
    tries = queued.tries
    happening()
    bed.run(WAIT)
    return queued.tries > tries


def _cordoned() -> Bed:
    bed = Bed()
    bed.node("n1", unschedulable=True, taints=(UNSCHEDULABLE,))
    bed.pod("p")
    return bed


def test_7_5_node_unschedulable_wakes_on_uncordon_and_on_a_schedulable_node() -> None:
    bed = _cordoned()
    assert not _woken(bed, lambda: bed.node("n2", unschedulable=True))
    assert not _woken(bed, lambda: bed.change_meta(bed.get("Node", "n1"), labels={"a": "b"}))
    assert not _woken(bed, lambda: bed.change(bed.get("Node", "n1"), taints=()))  # still cordoned
    assert _woken(bed, lambda: bed.change(bed.get("Node", "n1"), unschedulable=False))
    assert bed.where("p") == "n1"
    bed = _cordoned()
    assert _woken(bed, lambda: bed.node("n3"))


def test_7_5_taint_toleration_wakes_when_a_node_becomes_tolerable() -> None:
    bed = Bed()
    bed.node("n1", taints=(Taint("a", "NoSchedule"), Taint("b", "NoSchedule")))
    bed.pod("p")
    assert not _woken(bed, lambda: bed.node("n2", taints=(Taint("c", "NoExecute"),)))
    assert not _woken(bed, lambda: bed.change(bed.get("Node", "n1"), taints=(Taint("a", "NoSchedule"),)))
    assert _woken(bed, lambda: bed.change(bed.get("Node", "n1"), taints=()))


def _full() -> Bed:
    bed = Bed()
    bed.node("n1", cpu=1000)
    bed.put("n1", "app=there", containers=[requests("500m")])
    bed.pod("p", bed.template(containers=[requests(1)]))
    return bed


def test_7_5_resources_wake_on_pods_that_are_gone_not_on_those_that_go() -> None:
    bed = _full()
    there = bed.pods("there")[0]
    assert not _woken(bed, lambda: bed.hand.delete("Pod", there.meta.name, "default"))  # terminating
    assert _woken(bed, lambda: bed.hand.delete("Pod", there.meta.name, "default", grace=0))
    bed = _full()
    assert _woken(bed, lambda: bed.set_pod(bed.pods("there")[0], phase="Failed"))


def test_7_5_resources_wake_on_nodes_that_are_large_enough() -> None:
    bed = _full()
    node = bed.get("Node", "n1")

    def resize(cpu: int) -> None:
        size = NodeResources(cpu, 16 << 30)
        bed.change(node, status=replace(bed.now(node).status, allocatable=size))

    assert not _woken(bed, lambda: bed.node("n2", cpu=900))
    assert not _woken(bed, lambda: resize(900))
    assert _woken(bed, lambda: resize(1600))
    bed = _full()
    assert _woken(bed, lambda: bed.node("n3", cpu=1000))


def test_7_5_node_affinity_wakes_on_nodes_that_begin_to_match() -> None:
    bed = Bed()
    bed.node("n1")
    bed.pod("p", bed.template(nodeSelector={"disk": "ssd"}))
    assert not _woken(bed, lambda: bed.node("n2", {"disk": "hdd"}))
    assert not _woken(bed, lambda: bed.change_meta(bed.get("Node", "n1"), labels={"disk": "hdd"}))
    assert _woken(bed, lambda: bed.change_meta(bed.get("Node", "n1"), labels={"disk": "ssd"}))
    assert bed.where("p") == "n1"


def test_7_5_host_ports_wake_on_pods_with_the_port() -> None:
    port = [{"name": "main", "ports": [{"containerPort": 80, "hostPort": 80}]}]
    bed = Bed()
    bed.node("n1")
    other = bed.put("n1")[0]
    holder = bed.put("n1", containers=port)[0]
    bed.pod("p", bed.template(containers=port))
    assert not _woken(bed, lambda: bed.hand.delete("Pod", other.meta.name, "default", grace=0))
    assert _woken(bed, lambda: bed.hand.delete("Pod", holder.meta.name, "default", grace=0))
    assert bed.where("p") == "n1"


def test_7_5_affinity_wakes_on_pods_that_match() -> None:
    bed = Bed()
    bed.node("n1", {"zone": "a"})
    bed.pod("p", bed.template(affinity=near(has("foo", "zone"))))
    assert not _woken(bed, lambda: bed.put("n1", "bar"))
    assert _woken(bed, lambda: bed.put("n1", "foo"))
    assert bed.where("p") == "n1"


def test_7_5_anti_affinity_wakes_when_the_pods_that_match_go() -> None:
    bed = Bed()
    bed.node("n1", {"zone": "a"})
    hated, other = bed.put("n1", "foo")[0], bed.put("n1", "bar")[0]
    bed.pod("p", bed.template(affinity=apart(has("foo", "zone"))))
    assert not _woken(bed, lambda: bed.hand.delete("Pod", other.meta.name, "default", grace=0))
    assert _woken(bed, lambda: bed.hand.delete("Pod", hated.meta.name, "default", grace=0))


@pytest.mark.parametrize(("version", "wakes"), [("v1.35.4", False), ("v1.36.3", True)])
def test_13_3_a_pod_kept_away_by_another_wakes_when_that_goes_since_1_36(version: str, wakes: bool) -> None:
    bed = Bed(version)
    bed.node("n1", {"zone": "a"})
    jealous = bed.put("n1", affinity=apart(has("foo", "zone")))[0]
    bed.pod("p", bed.template(labels={"foo": ""}))
    assert _woken(bed, lambda: bed.hand.delete("Pod", jealous.meta.name, "default", grace=0)) is wakes
    bed.run(340)
    assert bed.where("p") == "n1"  # at the latest by the flush


def test_7_5_spread_wakes_on_pods_that_match_and_on_nodes_with_the_key() -> None:
    def skewed() -> Bed:
        bed = Bed()
        for name, zone in {"n1": "a", "n2": "b"}.items():
            bed.bare_node(name, {"zone": zone, "name": name}, pods=10)
        bed.change(bed.get("Node", "n2"), unschedulable=True)
        bed.put("n1", "foo")
        bed.put("n1", "bar")
        bed.pod("p", bed.template(labels={"foo": ""}, topologySpreadConstraints=[spread("zone")]))
        return bed

    bed = skewed()
    assert not _woken(bed, lambda: bed.put("n2", "bar"))
    assert not _woken(bed, lambda: bed.node("n3", unschedulable=True))
    assert _woken(bed, lambda: bed.put("n2", "foo"))
    assert bed.where("p") == "n1"
    bed = skewed()
    first = bed.pods()[0]
    assert _woken(bed, lambda: bed.hand.delete("Pod", first.meta.name, "default", grace=0))
    bed = skewed()
    assert _woken(bed, lambda: bed.hand.delete("Node", "n2"))
    assert bed.where("p") == "n1"  # the only zone left: 1 + 1 - 1


@pytest.mark.parametrize("version", ["v1.31.14", "v1.32.10"])
def test_7_5_without_hints_a_node_is_checked_and_every_registered_event_wakes(version: str) -> None:
    hints = version == "v1.32.10"
    bed = Bed(version)
    bed.node("n1", cpu=1000)
    other = bed.put("n1", containers=[requests("100m")])[0]
    bed.put("n1", containers=[requests("800m")])
    bed.pod("p", bed.template(containers=[requests("500m")]))
    assert not _woken(bed, lambda: bed.node("small", cpu=400))
    assert not _woken(bed, lambda: bed.node("tainted", taints=(Taint("a", "NoSchedule"),))) or hints
    assert _woken(bed, lambda: bed.hand.delete("Pod", other.meta.name, "default", grace=0))
    # a label of a node that would take the pod: woken without hints only
    bed = Bed(version)
    bed.node("n1", unschedulable=True)
    bed.pod("p")
    assert _woken(bed, lambda: bed.change_meta(bed.get("Node", "n1"), labels={"a": "b"})) is not hints


def test_7_5_after_five_minutes_it_is_tried_again_on_a_grid_of_30_seconds() -> None:
    bed = Bed()
    bed.run(7)
    bed.node("n1", cpu=1000)
    bed.pod("p", bed.template(containers=[requests(2)]))
    bed.run(1)
    queued = bed.scheduler.queue.get(("default", "p"))
    assert queued is not None and queued.tries == 1
    bed.run(329.9 - bed.clock.now)
    assert queued.tries == 1
    bed.run(0.2)  # failed at 7.01; 300 s later is 307.01, and the next look falls at 330
    assert queued.tries == 2
    bed.run(659.9 - bed.clock.now)
    assert queued.tries == 2
    bed.run(0.2)
    assert queued.tries == 3


def test_idle_costs_nothing() -> None:
    bed = Bed()
    bed.node("n1")
    bed.pod("p")
    bed.run(1)
    assert bed.clock.next_due == float("inf")


def test_same_seed_same_places() -> None:
    def places() -> list[tuple[str, str]]:
        bed = Bed()
        for i in range(20):
            bed.node(f"n{i}", {ZONE: "abc"[i % 3]})
        owner = bed.workload("ReplicaSet", "web")
        reference = (OwnerReference("ReplicaSet", "web", owner.meta.uid),)
        for i in range(60):
            meta = Meta(f"p{i}", "default", labels=owner.template.labels, owners=reference)
            bed.hand.create(Pod(meta=meta, template=owner.template))
        bed.run(10)
        return [(pod.meta.name, pod.node) for pod in bed.pods()]

    assert places() == places()
    nodes = [node for _, node in places()]
    assert {nodes.count(node) for node in set(nodes)} == {3}  # spread evenly
