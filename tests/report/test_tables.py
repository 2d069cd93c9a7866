"""Tables for people: what stands in them, literally."""

from typing import Any

import pytest

from simkube.measure import Cost, Recovery, RecoveryResult
from simkube.measure.result import Spread
from simkube.report.tables import (
    breach_lines,
    columns,
    comparison_text,
    cost_lines,
    count,
    reasons,
    recovery_lines,
    render,
    seconds,
    service_line,
)
from simkube.scenario.scenario import Objective
from tests.report.made import BOTH, BREACHES, SOUND, WEB, comparison, line, service, trial


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.04, "0"),
        (0.1, "0.1 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (21.4, "21 s"),
        (59.6, "1 min 00 s"),
        (250.0, "4 min 10 s"),
        (3599.7, "1 h 00 min"),
        (3725.0, "1 h 02 min"),
    ],
)
def test_times(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.26, "0.3"), (3.0, "3"), (9.96, "10"), (12345.6, "12,346")]
)
def test_counts(value: float, text: str) -> None:
    assert count(value) == text


def test_a_comparison() -> None:
    """330 lost: 21 s of outage and a quarter of 48 s, at 10 requests a second."""
    text = comparison_text(BOTH, {"web": Objective()})
    assert text.splitlines() == [
        "a shop: best first by lost requests, all measured over 10 min 00 s",
        "",
        "    strategy  lost requests  longest outage    duration  evicted  node-hours  ends  objectives",
        "1.  surge                 0               0  5 min 00 s        4         0.0  done  kept",
        "2.  rolling             330            21 s  5 min 00 s        4         0.0  done  missed",
        "",
        "surge",
        "  no service failed at any time",
        "",
        "rolling",
        "  missed: web: availability of 99.9 % asked, had 94.5 % and no outage over 5 s asked, had one of 21.0 s; "
        "out for 21 s: why 1",
    ]


def test_several_runs_are_a_median_with_its_range() -> None:
    trials = [trial(n, service("web", (10.0, 10.0 + n, 0.0))) for n in (1, 2, 6)]
    text = comparison_text(comparison(line("rolling", *trials)), {})
    assert "3 runs each; median [range]" in text
    table = text.splitlines()[3:5]
    assert table[0].split()[:5] == ["1.", "rolling", "20", "2.0", "s"]
    assert table[1].split("]")[0].strip() == "[10 to 60"
    assert "out 2.0 s" in text  # the reasons are those of the run with the median


def test_from_six_runs_on_it_is_an_interval() -> None:
    trials = [trial(n, service("web", (10.0, 10.0 + n, 0.0))) for n in range(6)]
    assert "6 runs each; median [95 % interval]" in comparison_text(comparison(line("x", *trials)), {})


def test_how_plans_ended() -> None:
    failed = line("a", trial(1, WEB, ended="failed"))
    some = line("b", trial(1, WEB), trial(2, WEB, ended="unfinished"), trial(3, WEB))
    rows = comparison_text(comparison(failed, some), {}).splitlines()
    assert rows[3].split()[-1] == "failed"
    assert "unfinished in 1 of 3" in rows[4]
    assert "  the plan gave up: drain worker-1: no" in rows


def test_reasons_name_the_services_that_lost_most() -> None:
    many = [service(f"s{n}", (0.0, 10.0 * n, 0.5)) for n in range(1, 6)]
    lines = reasons(trial(1, *many, SOUND))
    assert [text.split(":")[0] for text in lines[:3]] == ["s5", "s4", "s3"]
    assert lines[3] == "and 2 more services, 150 lost requests together"  # 10 and 20 s, half of 10 a second


def test_a_service_that_missed_its_objective_is_told_once() -> None:
    other = service("web", (0.0, 5.0, 0.0), namespace="elsewhere")
    lines = reasons(trial(1, WEB, other, breaches=BREACHES))
    assert len(lines) == 2
    assert lines[0].startswith("missed: web: ")
    assert lines[1].startswith("web: 50 of 6,000 requests lost, out 5.0 s")


def test_a_line_on_a_service() -> None:
    assert service_line(WEB) == "web: 330 of 6,000 requests lost, out 21 s, degraded 48 s (why 1)"
    twice = service("web", (0.0, 5.0, 0.0), (20.0, 26.0, 0.0))
    assert service_line(twice) == "web: 110 of 6,000 requests lost, out 11 s in 2 outages (why 2)"


def test_costs() -> None:
    assert cost_lines(Cost()) == ["0 pods evicted, 0 deleted, 0 container restarts"]
    cost = Cost(
        duration=90.0,
        extra_node_hours=0.5,
        evictions=1,
        deletions=2,
        restarts=3,
        pods_lost=("shop/bare",),
        data_lost=("a/1", "a/2", "a/3", "a/4"),
    )
    assert cost_lines(cost) == [
        "the plan took 1 min 30 s, 1 pod evicted, 2 deleted, 3 container restarts, 0.50 extra node-hours",
        "1 pod lost for good: shop/bare",
        "4 pods lost their emptyDir data: a/1, a/2, a/3 and 1 more",
    ]


def recovery(pod: str, **more: Any) -> Recovery:
    known = {
        "namespace": "shop",
        "node": "n1",
        "start": 60.0,
        "reaction": 47.0,
        "repair": 5.0,
        "recovery": 13.0,
    }
    return Recovery(pod=pod, **{**known, "outage": 60.0, **more})


def test_pods_that_failed() -> None:
    gone = recovery("bare", repair=None, recovery=None, outage=None)
    blink = recovery("blink", reaction=None, repair=None, recovery=4.0, outage=4.0)
    found = RecoveryResult(failed=3, back=2, longest=(gone, recovery("web-a", successor="web-b"), blink))
    start = "stopped answering on n1 at 00:01:00"
    assert recovery_lines(found) == [
        f"pod bare {start}, Kubernetes reacted after 47 s; not back by the end",
        f"pod web-a {start}, Kubernetes reacted after 47 s, web-b in its place answers after 13 s more: "
        "out for 1 min 00 s",
        f"pod blink {start}, it answers after 4.0 s: out for 4.0 s",
    ]
    assert recovery_lines(RecoveryResult()) == []


def test_many_pods_that_failed() -> None:
    found = RecoveryResult(failed=90, back=88, reaction=Spread(47.0, 50.0), outage=Spread(100.0, 400.0))
    assert recovery_lines(found) == [
        "90 pods stopped answering without being asked to, 88 are back",
        "  reaction: median 47 s, longest 50 s",
        "  outage: median 1 min 40 s, longest 6 min 40 s",
    ]


def test_what_was_missed_is_one_line_a_service() -> None:
    assert len(breach_lines(BREACHES)) == 1
    assert breach_lines(()) == []


def test_text_is_not_markup() -> None:
    table = columns("name")
    table.add_row("[bold]web[/bold] :smile: [link=x]")
    assert "[bold]web[/bold] :smile: [link=x]" in render(table)
