"""Accounts of pods, services and nodes: the chain of causes, from records alone."""

from collections.abc import Sequence

import pytest

from simkube.kube.errors import InputError
from simkube.report.account import Account, Entry, add, shortened
from simkube.report.explain import explain, wanted
from simkube.trace.record import Record
from tests.report.records import (
    ADDED,
    CONTROLLER,
    DRAIN,
    START,
    VIOLATION,
    created,
    evicted,
    in_order,
    kubelet,
    machine,
    node,
    pod,
    refused,
    routes,
    slices,
    step,
    taken_in,
)


def account(records: Sequence[Record], name: str) -> Account:
    return explain(iter(records), name, "trace.jsonl")


def entries(records: Sequence[Record], name: str) -> list[tuple[float, str, tuple[str, ...]]]:
    return [(entry.t, entry.text, entry.because) for entry in account(records, name).entries]


EVICTION = "pod web-1-a was evicted from n1 by kubectl at 00:00:00"
STEP = 'in step "drain n1" of rolling'


def test_a_pod_that_replaces_an_evicted_one() -> None:
    assert entries(DRAIN, "web-1-b") == [
        (0.5, "created by replicaset-controller for ReplicaSet/web-1", (EVICTION, STEP)),
        (1, "bound to n2 by kube-scheduler (n1 is cordoned since 00:00:00)", ()),
        (11, "answers requests", ()),
        (13, "Ready", ()),
    ]


def test_a_pod_that_was_evicted() -> None:
    found = account(DRAIN, "web-1-a")
    assert (found.kind, found.namespace, found.name) == ("Pod", "shop", "web-1-a")
    assert [(entry.t, entry.text, entry.because) for entry in found.entries] == [
        (-8, "there from the beginning, of ReplicaSet/web-1", ()),
        (-8, "on n1", ()),
        (0, "evicted from n1 by kubectl, with 30 s of grace", (STEP,)),
        (1, "stops answering", ()),
        (2, "removed by kubelet/n1", ()),
    ]


def test_an_account_as_text() -> None:
    assert account(DRAIN, "web-1-b").text().splitlines()[:5] == [
        "Pod shop/web-1-b",
        "",
        "00:00:00  created by replicaset-controller for ReplicaSet/web-1",
        f"          because {EVICTION}",
        f"            because {STEP}",
    ]
    assert account(DRAIN, "web-1-a").text().splitlines()[2].startswith("before    there from the beginning")


def budget(t: float, name: str, allowed: int) -> Record:
    value = {"allowed": allowed, "healthy": 2, "desired": 2, "expected": 2}
    return Record(t, "budget.status", "PodDisruptionBudget", "shop", name, value=value)


def test_refusals_name_the_budget_that_refused() -> None:
    records = in_order(
        START,
        budget(-5, "web", 0),
        budget(-5, "other", 0),
        step(0, "begun", "drain n1", "n1"),
        [refused(5.0 * n, "web-1-a", "n1", by="web") for n in range(4)],
    )
    last = account(records, "web-1-a").entries[-1]
    assert last.text == f'eviction in step "drain n1" of the plan refused: {VIOLATION}'
    assert last.because == ("budget web allows 0: 2 healthy, wants 2",)
    assert (last.times, last.until) == (4, 15.0)


FAILURE = in_order(
    START,
    machine(60, "off", "n1", "crash"),
    pod(60, "silent", "web-1-a", "n1"),
    node(107, "unknown", "n1", CONTROLLER),
    pod(107, "not-ready", "web-1-a", "n1", CONTROLLER),
    node(107, "tainted", "n1", CONTROLLER, reason="node.kubernetes.io/unreachable", value="NoExecute"),
    routes(108, "web"),
    pod(
        407,
        "terminating",
        "web-1-a",
        "n1",
        "taint-eviction-controller",
        reason="DeletionByTaintManager",
        value=30,
    ),
    created(407.5, "web-1-c"),
    taken_in(408, "web-1-c", "n2"),
    slices(409, "web", ("web-1-a", "n1"), ("web-1-c", "n2")),
    routes(421, "web", ("web-1-c", "n2")),
)


def test_the_chain_of_a_node_s_failure() -> None:
    """Deleted for a taint, because the node is Unknown, because it lost power; replaced because of that."""
    chain = (
        "n1 is tainted node.kubernetes.io/unreachable:NoExecute since 00:01:47",
        "n1 is Unknown since 00:01:47",
        "n1 lost power at 00:01:00",
    )
    assert entries(FAILURE, "web-1-a")[2:] == [
        (60, "stops answering", chain[2:]),
        (107, f"not Ready by {CONTROLLER}", chain[1:]),
        (407, "deleted for a taint of n1 by taint-eviction-controller, with 30 s of grace", chain),
    ]
    first = entries(FAILURE, "web-1-c")[0]
    deletion = "pod web-1-a was deleted for a taint of n1 by taint-eviction-controller at 00:06:47"
    assert first == (407.5, "created by replicaset-controller for ReplicaSet/web-1", (deletion, *chain))


def test_a_service_that_was_out_and_what_brought_it_back() -> None:
    found = account(FAILURE, "web")
    assert found.kind == "Service"
    assert found.summary == (
        "failed once: out for 6 min 01 s in all, degraded for 0; 361 of 421 requests lost",
    )
    told = [(entry.t, entry.text) for entry in found.entries]
    cause = "1 replica, lost as n1 went down at 00:01:00, Ready again on n2 after 6 min 01 s"
    assert told == [
        (60, f"OUT for 6 min 01 s: {cause}"),
        (60, "  pod web-1-a: stops answering"),
        (107, f"  pod web-1-a: not Ready by {CONTROLLER}"),
        (108, "  proxies route to nobody"),
        (407, "  pod web-1-a: deleted for a taint of n1 by taint-eviction-controller, with 30 s of grace"),
        (407.5, "  pod web-1-c: created by replicaset-controller for ReplicaSet/web-1"),
        (408, "  pod web-1-c: bound to n2 by kube-scheduler (n1 is Unknown since 00:01:47)"),
        (418, "  pod web-1-c: answers requests"),
        (420, "  pod web-1-c: Ready"),
        (421, "  proxies route to web-1-c on n2"),
    ]


def test_a_service_that_failed_through_another() -> None:
    """Who calls whom stands in the trace."""
    traffic = {"rps": 10.0, "persistent": False, "calls": ["shop/web"]}
    front = [
        Record(-600, "service.traffic", "Service", "shop", "front", value=traffic),
        created(-8, "front-1-x", "ReplicaSet/front-1"),
        *taken_in(-8, "front-1-x", "n2")[:1],
        pod(-7, "serving", "front-1-x", "n2"),
        slices(-6, "front", ("front-1-x", "n2")),
        routes(-6, "front", ("front-1-x", "n2")),
    ]
    found = account(in_order(front, DRAIN), "front")
    assert found.summary == ("failed once: out for 13 s in all, degraded for 0; 130 of 200 requests lost",)
    assert [entry.text for entry in found.entries] == [
        "OUT for 13 s: it calls web: 1 replica, evicted from n1 at 00:00:00, Ready again on n2 after 13 s",
        "  its own endpoints were well: ask for the account of those that it calls",
    ]


def test_a_service_that_never_failed() -> None:
    found = account(START, "web")
    assert found.summary == ("it never failed",)
    assert found.entries == ()


def test_a_node_that_was_drained() -> None:
    found = account(DRAIN, "n1")
    assert found.kind == "Node"
    assert found.summary == ("worker in zone a", "pods at the beginning: 1 (web-1-a)", "pods at the end: 0")
    assert [(entry.t, entry.text) for entry in found.entries] == [
        (0, "kubectl: node/n1 cordoned"),
        (0, "kubectl: pod/web-1-a evicted from n1"),
        (3, "plan: node/n1 drained (3.0 s)"),
        (20, "kubectl: node/n1 uncordoned"),
    ]


def test_a_node_that_failed_and_the_one_that_took_its_pods() -> None:
    assert [entry.text for entry in account(FAILURE, "n1").entries] == [
        "machine: machine/n1 lost power",
        "machine: pod/web-1-a stopped answering",
        f"{CONTROLLER}: node/n1 Unknown: its kubelet has stopped posting status; its pods are no longer Ready",
        f"{CONTROLLER}: node/n1 tainted node.kubernetes.io/unreachable:NoExecute",
        "taint-eviction-controller: pod/web-1-a deleted for a taint of n1",
    ]
    assert [entry.text for entry in account(FAILURE, "n2").entries] == [
        "kube-scheduler: pod/web-1-c came",
        "kubelet: pod/web-1-c Ready on n2",
    ]


def test_a_pod_that_waits_names_the_nodes_that_were_closed() -> None:
    message = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable."
    records = in_order(
        START,
        node(0, "cordoned", "n1"),
        created(1, "web-1-z"),
        [pod(float(t), "unschedulable", "web-1-z", by="kube-scheduler", message=message) for t in (2, 30)],
    )
    last = account(records, "web-1-z").entries[-1]
    assert (last.text, last.because) == (f"found no node: {message}", ("n1 is cordoned since 00:00:00",))
    assert (last.times, last.until) == (2, 30.0)


def test_a_node_that_was_closed_before_the_run_began() -> None:
    records = in_order(START, node(-5, "cordoned", "n1"), created(1, "web-1-z"), taken_in(2, "web-1-z", "n2"))
    assert (
        entries(records, "web-1-z")[1][1]
        == "bound to n2 by kube-scheduler (n1 is cordoned since the beginning)"
    )


def test_a_pod_that_was_created_because_somebody_scaled() -> None:
    above = {"desired": 1, "owner": "Deployment/web"}
    records = in_order(
        Record(-9, "workload.created", "ReplicaSet", "shop", "web-1", value=above),
        START,
        Record(0, "plan.begun", name="rolling"),
        step(0, "begun", "surge the pods of n1", "n1"),
        Record(1, "workload.scaled", "Deployment", "shop", "web", by="kubectl", value={"desired": 2}),
        created(1.5, "web-1-d"),
    )
    assert entries(records, "web-1-d")[0][2] == (
        'Deployment/web was scaled to 2 by kubectl at 00:00:01 because in step "surge the pods of n1" of rolling',
    )


def test_pods_of_a_statefulset_share_a_name() -> None:
    records = in_order(
        node(-9, "added", "n1", value=ADDED),
        created(-8, "db-0", "StatefulSet/db", uid="one"),
        pod(-8, "bound", "db-0", "n1", uid="one"),
        pod(0, "terminating", "db-0", "n1", "kubectl", uid="one", reason="EvictionByEvictionAPI", value=60),
        pod(5, "removed", "db-0", "n1", "kubelet/n1", uid="one"),
        created(5.5, "db-0", "StatefulSet/db", uid="two"),
    )
    found = account(records, "db-0")
    assert found.summary == ("2 pods had this name, one after the other",)
    assert found.entries[-1].because[0] == "pod db-0 was evicted from n1 by kubectl at 00:00:00"


def test_every_successor_has_a_reason_of_its_own() -> None:
    records = in_order(
        START,
        created(-8, "web-1-b"),
        evicted(0, "web-1-a", "n1"),
        evicted(1, "web-1-b", "n2"),
        created(2, "web-1-c"),
        created(3, "web-1-d"),
    )
    for name, gone in (("web-1-c", "web-1-a"), ("web-1-d", "web-1-b")):
        assert entries(records, name)[0][2][0].startswith(f"pod {gone} was evicted")


# -- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("web", ("", "", "web")),
        ("shop/web", ("", "shop", "web")),
        ("pod/web", ("Pod", "", "web")),
        ("Svc/web", ("Service", "", "web")),
        ("nodes/n1", ("Node", "", "n1")),
        ("service/shop/web", ("Service", "shop", "web")),
        ("node", ("", "", "node")),
    ],
)
def test_names(text: str, found: tuple[str, str, str]) -> None:
    assert wanted(text) == found


@pytest.mark.parametrize("text", ["", "/", "a/", "/a", "a/b/c", "pod/a/b/c", "pod/"])
def test_what_names_nothing(text: str) -> None:
    with pytest.raises(InputError, match="names nothing; write NAME"):
        wanted(text)


def refusal(records: Sequence[Record], name: str) -> str:
    with pytest.raises(InputError) as caught:
        account(records, name)
    return str(caught.value)


def test_an_unknown_name_names_the_nearest() -> None:
    assert refusal(DRAIN, "web-1-aa") == (
        'trace.jsonl: no pod, service or node "web-1-aa" in this trace; did you mean web-1-a?'
    )
    assert refusal(DRAIN, "shop/wep").endswith("did you mean shop/web?")
    assert refusal(DRAIN, "node/web") == 'trace.jsonl: no node "node/web" in this trace; did you mean web?'
    assert refusal(DRAIN, "zzzzzzzz").endswith("; name one that is in it")
    assert "no pod, service or node" in refusal([], "web")


def test_an_ambiguous_name_says_which() -> None:
    other = [
        slices(-6, "web", ("x", "n1"), namespace="test"),
        routes(-6, "web", ("x", "n1"), namespace="test"),
    ]
    both = in_order(START, other, created(-8, "web", ""))
    assert refusal(both, "web") == (
        'trace.jsonl: "web" is 3 things; say pod/shop/web or service/shop/web or service/test/web'
    )
    assert account(both, "service/test/web").namespace == "test"
    assert account(both, "test/web").kind == "Service"
    assert account(both, "pod/web").kind == "Pod"


# -- the account itself ---------------------------------------------------------------------------------------------


def test_the_same_again_is_counted() -> None:
    found: list[Entry] = []
    for t, text in enumerate(("a", "b", "a", "b", "c", "a")):
        add(found, Entry(float(t), text))
    assert [(entry.text, entry.times, entry.until) for entry in found] == [
        ("a", 3, 5.0),
        ("b", 2, 3.0),
        ("c", 1, None),
    ]


def test_long_accounts_are_cut_in_the_middle() -> None:
    many = [Entry(float(n), str(n)) for n in range(100)]
    cut = shortened(many, 10)
    assert [entry.text for entry in cut] == [
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "... 91 more, left out here ...",
        "97",
        "98",
        "99",
    ]
    assert shortened(many, 100) == many


def test_a_long_trace_gives_a_bounded_account() -> None:
    kubelets = [kubelet(float(n), "stopped", "n1", "killed") for n in range(0, 9000, 10)]
    back = [kubelet(float(n + 5), "started", "n1") for n in range(0, 9000, 10)]
    assert len(account(in_order(START, kubelets, back), "n1").entries) <= 181


def test_of_many_endpoints_only_changes_are_told() -> None:
    names = [f"web-1-{n}" for n in range(6)]
    records = in_order(
        node(-9, "added", "n1", value=ADDED),
        [created(-8, name) for name in names],
        [pod(-7, "serving", name, "n1") for name in names],
        slices(-6, "web", *((name, "n1") for name in names)),
        routes(-6, "web", *((name, "n1") for name in names)),
        pod(9, "silent", "web-1-0", "n1"),
        routes(10, "web", *((name, "n1") for name in names[1:])),
    )
    assert entries(records, "web")[-1][1] == "  proxies route to 5 endpoints: no longer web-1-0 on n1"
