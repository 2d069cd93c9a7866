"""The story of a run: what stands in it, line by line."""

from types import SimpleNamespace
from typing import Any

from simkube.measure import Cost, Measures
from simkube.report.failures import failures_of
from simkube.report.story import FIRST, LAST, Story
from simkube.trace.record import Record
from tests.report.made import BREACHES, SOUND, WEB, result, service
from tests.report.records import (
    CONTROLLER,
    DRAIN,
    VIOLATION,
    created,
    evicted,
    in_order,
    kubelet,
    machine,
    node,
    pod,
    refused,
    step,
)

NOTHING = result(cost=Cost())


def lines(*records: Record) -> list[str]:
    """The lines of a story, without the padding of their second column."""
    story = Story()
    for record in records:
        story(record)
    return [
        " | ".join(part for part in text.split("  ") if part).replace("|  ", "| ")
        for text in story.lines(NOTHING)
    ]


def test_a_drain() -> None:
    story, measures = Story(), Measures()
    for record in DRAIN:
        story(record)
        measures(record)
    out = "web out for 13 s: 1 replica, evicted from n1 at 00:00:00, Ready again on n2 after 13 s"
    assert story.lines(measures.close(60.0)) == [
        "00:00:00  plan     rolling begins",
        "00:00:00  kubectl  node/n1 cordoned",
        "00:00:00  kubectl  pod/web-1-a evicted from n1",
        f"00:00:01  service  {out}",
        "00:00:03  plan     node/n1 drained (3.0 s)",
        "00:00:13  kubelet  pod/web-1-b Ready on n2",
        "00:00:20  kubectl  node/n1 uncordoned",
        "00:00:20  plan     rolling is done",
    ]


def test_pods_that_go_together_are_one_line() -> None:
    gone = in_order(*(evicted(n / 10, f"p{n}", "n1") for n in range(6)))
    assert lines(*gone) == ["00:00:00 | kubectl | 6 pods evicted from n1: p0, p1, p2 and 3 more"]


def test_pods_of_different_nodes_are_not() -> None:
    assert len(lines(*in_order(evicted(0, "a", "n1"), evicted(0, "b", "n2")))) == 2


def test_a_refusal_is_told_in_kubectl_s_words_and_counted() -> None:
    (line,) = lines(*(refused(5.0 * n, "web-1-a", "n1") for n in range(24)))
    assert line == (
        f'00:00:00 | kubectl | error when evicting pods/"web-1-a" -n "shop" (will retry after 5s): {VIOLATION} '
        "(24 times, until 00:01:55)"
    )


def test_refusals_of_several_pods_are_one_line() -> None:
    (line,) = lines(*(refused(5.0 * n, name, "n1") for n in range(3) for name in ("a", "b")))
    assert line == (
        f"00:00:00 | kubectl | 2 pods not evicted (will retry after 5s): {VIOLATION}: a, b (6 times, until 00:00:10)"
    )


def test_nodes_that_do_the_same_at_once_are_one_line() -> None:
    nodes = ("n1", "n2", "n3")
    told = lines(
        *(node(0, "cordoned", name) for name in nodes),
        *(machine(1, "off", name, "reboot") for name in nodes),
        *(machine(1, "on", name) for name in nodes),
        *(node(60, "unknown", name, CONTROLLER) for name in nodes),
        *(node(70, "ready", name, CONTROLLER) for name in nodes),
    )
    assert [line.split(" | ")[2] for line in told] == [
        "3 nodes cordoned: n1, n2, n3",
        "3 machines went down for a reboot: n1, n2, n3",
        "3 nodes Unknown: its kubelet has stopped posting status; its pods are no longer Ready: n1, n2, n3",
        "3 nodes Ready: n1, n2, n3",
    ]


def test_faults_of_machines() -> None:
    told = lines(
        machine(0, "off", "n1", "crash"),
        machine(10, "on", "n1"),
        machine(20, "frozen", "n1"),
        machine(30, "thawed", "n1"),
        machine(40, "cut", "n1", "control-plane"),
        machine(50, "rejoined", "n1"),
        kubelet(60, "stopped", "n1", "killed"),
        kubelet(70, "started", "n1"),
        kubelet(80, "stopped", "n1", "restart"),
        kubelet(80, "started", "n1"),
    )
    assert [line.split(" | ")[2].removeprefix("machine/n1 ") for line in told] == [
        "lost power",
        "has power, boots",
        "froze",
        "went on",
        "lost the network to the control plane",
        "has its network back",
        "lost its kubelet",
        "has its kubelet back",
    ]


def test_steps_that_failed_and_were_skipped() -> None:
    told = lines(
        step(0, "begun", "drain n1", "n1"),
        step(9, "failed", "drain n1", "n1", "global timeout reached: 9s"),
        step(9, "skipped", "reboot n1", "n1", path="1"),
        step(9, "skipped", "uncordon n1", "n1", path="2"),
        Record(9, "plan.ended", name="rolling", reason="failed"),
    )
    assert [line.split(" | ")[2] for line in told] == [
        "FAILED: drain n1: global timeout reached: 9s",
        "2 steps skipped: reboot n1, uncordon n1",
        "rolling gives up",
    ]


def test_pods_are_told_only_where_it_is_news() -> None:
    """Not of those that end, that start again after a boot, or were there; of those that are new, or lost readiness."""
    told = lines(
        created(-5, "old"),
        pod(-4, "ready", "old", "n1"),
        pod(1, "terminating", "old", "n1", "kubectl"),
        pod(2, "not-ready", "old", "n1", "kubelet/n1"),
        pod(3, "removed", "old", "n1", "kubelet/n1"),
        created(4, "new"),
        pod(9, "ready", "new", "n1", "kubelet/n1"),
        pod(50, "not-ready", "new", "n1", "kubelet/n1"),
        pod(55, "ready", "new", "n1", "kubelet/n1"),
        machine(100, "on", "n1"),
        pod(130, "not-ready", "new", "n1", "kubelet/n1"),
        pod(140, "ready", "new", "n1", "kubelet/n1"),
    )
    assert [line.split(" | ")[2] for line in told] == [
        "pod/old deleted from n1",
        "pod/new Ready on n1",
        "pod/new not Ready on n1",
        "pod/new Ready on n1",
        "machine/n1 has power, boots",
    ]


def test_a_pod_that_is_removed_without_grace() -> None:
    assert lines(created(-5, "a"), pod(1, "removed", "a", "n1", "kubectl")) == [
        "00:00:01 | kubectl | pod/a deleted at once on n1"
    ]


def test_a_pod_that_waits() -> None:
    message = "0/2 nodes are available: 2 Insufficient cpu."
    waits = [
        pod(float(t), "unschedulable", name, by="kube-scheduler", message=message)
        for t in (1, 40)
        for name in "ab"
    ]
    assert lines(*waits) == [
        f"00:00:01 | kube-scheduler | 2 pods found no node: {message}: a, b (4 times, until 00:00:40)"
    ]


def test_warnings_are_told_but_for_those_that_others_tell() -> None:
    def event(reason: str, kind: str, value: str = "Warning") -> Record:
        return Record(
            1, "event", kind, "shop", "x", by="someone", reason=reason, message="m" * 500, value=value
        )

    told = lines(
        event("FailedCreate", "ReplicaSet"),
        event("FailedScheduling", "Pod"),
        event("Scheduled", "Pod", "Normal"),
    )
    assert told == [f"00:00:01 | someone | replicaset/x FailedCreate: {'m' * 140}..."]


def test_a_long_run_is_told_in_a_bounded_number_of_lines() -> None:
    story = Story()
    for n in range(5000):
        story(node(60.0 * n, "cordoned", f"n{n}"))
    told = story.lines(NOTHING)
    assert len(told) == FIRST + LAST + 1
    left_out = 5000 - FIRST - LAST
    assert f"{left_out:,} more lines, left out here" in told[FIRST]
    assert "n4999" in told[-1]


def test_services_that_fail_alike_are_told_together() -> None:
    """cart fails, and so do those that call it."""
    from msgspec.structs import replace

    def failing(name: str, cause: str) -> Any:
        made = service(name, (10.0, 26.0, 0.0))
        return replace(made, intervals=(replace(made.intervals[0], cause=cause),))

    cart, web = failing("cart", "1 replica, evicted"), failing("web", "it calls cart: 1 replica, evicted")
    deep = failing("gate", "it calls web: it calls cart: 1 replica, evicted")
    other = failing("db", "1 replica, lost")
    found = failures_of(result(cart, deep, other, web))
    assert [failure.text for failure in found] == [
        "cart, gate, web out for 16 s: 1 replica, evicted",
        "db out for 16 s: 1 replica, lost",
    ]


def test_stretches_that_follow_each_other_are_one_failure() -> None:
    made = service("web", (10.0, 20.0, 0.5), (20.0, 24.0, 0.0), (24.0, 30.0, 0.25), (50.0, 51.0, 0.0))
    assert [(failure.start, failure.text) for failure in failures_of(result(made))] == [
        (10.0, "web out for 4.0 s, degraded for 16 s (25% of requests succeed at worst): why 2"),
        (50.0, "web out for 1.0 s: why 4"),
    ]


def test_the_whole_text() -> None:
    scenario = SimpleNamespace(title="")
    simulation = SimpleNamespace(loaded=SimpleNamespace(name="shop.yaml", scenario=scenario), seed=7)
    run: Any = SimpleNamespace(
        simulation=simulation,
        plan=SimpleNamespace(strategy="rolling"),
        unfinished=False,
        aborted="drain n1: no",
    )
    text = Story().text(run, result(WEB, SOUND), BREACHES)
    assert text.splitlines() == [
        "shop.yaml: strategy rolling, seed 7, over 10 min 00 s",
        "",
        "00:00:10  service  web out for 21 s: why 1",
        "00:01:40  service  web degraded for 48 s (75% of requests succeed at worst): why 2",
        "",
        "service  lost     of   out  longest  degraded  the worst of it",
        "web       330  6,000  21 s     21 s      48 s  why 1",
        "",
        "no request lost: api",
        "the plan took 5 min 00 s, 4 pods evicted, 0 deleted, 0 container restarts",
        "missed: web: availability of 99.9 % asked, had 94.5 % and no outage over 5 s asked, had one of 21.0 s; "
        "out for 21 s: why 1",
        "the plan gave up: drain n1: no",
    ]
