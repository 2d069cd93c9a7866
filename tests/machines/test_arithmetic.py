"""The pure parts: stopping, probes' ticks, backoffs, hooks, pull policies, names of workloads."""

import pytest

from simkube.kube.container import Container, LifecycleHandler, Probe
from simkube.kube.content import default_pull_policy
from simkube.kube.objects import Meta, OwnerReference, Pod
from simkube.kube.pod import PodSpec
from simkube.kube.template import Template
from simkube.machines.backoff import Backoff, next_attempt, next_backoff, remaining
from simkube.machines.grid import tick_after, tick_from
from simkube.machines.probes import Ticks, probe_plan
from simkube.machines.recipe import hook_time, workload_of
from simkube.machines.termination import End, Stop, end, stop
from simkube.scenario.distribution import Constant


@pytest.mark.parametrize(
    ("pre_stop", "grace", "meant"),
    [
        (None, 30, Stop(0.0, 30.0)),  # SIGTERM at once, SIGKILL after the grace
        (5.0, 30, Stop(5.0, 25.0)),  # the hook consumes the grace
        (29.5, 30, Stop(29.5, 2.0)),  # in whole seconds: 30 - 29 = 1, but at least 2
        (60.0, 30, Stop(30.0, 2.0)),  # the hook is cut at the grace: worst case grace + 2 s
        (None, 0, Stop(0.0, 2.0)),  # at least 1 s of grace, and 2 s of SIGTERM
        (None, 1, Stop(0.0, 2.0)),
        (5.0, 1, Stop(1.0, 2.0)),
    ],
)
def test_8_5_hook_and_window(pre_stop: float | None, grace: int, meant: Stop) -> None:
    assert stop(pre_stop, grace, 2.0) == meant


@pytest.mark.parametrize(
    ("on_term", "exit_time", "window", "meant"),
    [
        ("exit", 1.0, 30.0, End(1.0, False, False)),
        ("exit", 40.0, 30.0, End(30.0, True, False)),
        ("exit", 30.0, 30.0, End(30.0, False, False)),
        ("drain", 5.0, 30.0, End(5.0, False, True)),
        ("ignore", 1.0, 30.0, End(30.0, True, True)),
    ],
)
def test_8_5_sigterm_and_sigkill(on_term: str, exit_time: float, window: float, meant: End) -> None:
    assert end(on_term, exit_time, window) == meant


def test_8_4_probe_ticks() -> None:
    ticks = Ticks(first=3.0, base=3.0, period=10.0)  # 3, 13, 23 ...
    assert ticks.at_or_after(0.0) == 3.0
    assert ticks.at_or_after(3.0) == 3.0
    assert ticks.at_or_after(3.1) == 13.0
    assert ticks.after(13.0) == 23.0
    assert ticks.nth(4.0, 3) == 33.0
    early = Ticks(first=4.0, base=0.0, period=10.0)  # 4, then 10, 20 ...
    assert [early.nth(0.0, n) for n in (1, 2, 3)] == [4.0, 10.0, 20.0]


def test_8_4_probe_defaults_and_messages() -> None:
    container = Container.model_validate({"ports": [{"containerPort": 8080, "name": "web"}]})
    plan = probe_plan(Probe.model_validate({"httpGet": {"port": "web", "path": "/healthz"}}), container)
    assert plan is not None
    assert (plan.delay, plan.period, plan.timeout, plan.successes, plan.failures) == (0.0, 10.0, 1.0, 1, 3)
    address = "{ip}:8080"
    refused = f'Get "http://{address}/healthz": dial tcp {address}: connect: connection refused'
    assert plan.failure == refused
    assert probe_plan(None, container) is None


def test_8_4_crash_loop_backoff_doubles_from_10_to_300_and_resets_after_10_minutes() -> None:
    backoff: Backoff | None = None
    waits = []
    now = 0.0
    for _ in range(8):
        now += 1.0  # it runs for a second
        wait = remaining(backoff, now, now, 600.0)
        waits.append(wait)
        now += wait
        backoff = next_backoff(backoff, now - wait, now, 10.0, 300.0, 600.0)
    assert waits == [0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]
    exit_after_long_run = now + 601.0
    assert remaining(backoff, exit_after_long_run, exit_after_long_run, 600.0) == 0.0
    assert next_backoff(backoff, exit_after_long_run, exit_after_long_run, 10.0, 300.0, 600.0).wait == 10.0
    assert remaining(backoff, now + 599.0, now + 599.0, 600.0) == 300.0


def test_a_caller_that_fails_tries_again_after_waits_that_double() -> None:
    def nothing(_: int) -> float:
        return 0.0

    # from 100 on: 100.8, 102.4, 105.6, 112, 124.8, 150.4, 180.4 (cap 30), 210.4 ...
    assert next_attempt(100.0, 100.0, 0.8, 30.0, 1.0, nothing) == pytest.approx(100.8)
    assert next_attempt(100.0, 106.0, 0.8, 30.0, 1.0, nothing) == pytest.approx(112.0)
    assert next_attempt(100.0, 181.0, 0.8, 30.0, 1.0, nothing) == pytest.approx(210.4)
    assert next_attempt(100.0, 100.0, 0.8, 30.0, 1.0, lambda _: 0.5) == pytest.approx(101.2)


def test_loops_come_round_on_their_grid() -> None:
    assert tick_after(3.0, 10.0, 3.0) == 13.0
    assert tick_after(3.0, 10.0, 12.9) == 13.0
    assert tick_from(3.0, 10.0, 3.0) == 3.0
    assert tick_from(3.0, 10.0, 3.1) == 13.0
    assert tick_after(-7200.4, 1.0, 5.0) == pytest.approx(5.6)


@pytest.mark.parametrize(
    ("hook", "seconds"),
    [
        ({"sleep": {"seconds": 7}}, 7.0),
        ({"exec": {"command": ["sleep", "15"]}}, 15.0),
        ({"exec": {"command": ["/bin/sleep", "15"]}}, 15.0),
        ({"exec": {"command": ["/bin/sh", "-c", "sleep 5"]}}, 5.0),
        ({"exec": {"command": ["bash", "-c", "exec sleep 2.5s"]}}, 2.5),
        (
            {"exec": {"command": ["/bin/sh", "-c", "sleep 5; nginx -s quit"]}},
            1.0,
        ),  # more than a sleep: the default
        ({"httpGet": {"port": 80}}, 1.0),
    ],
)
def test_a_hooks_time_is_read_where_it_is_a_plain_sleep(hook: dict[str, object], seconds: float) -> None:
    assert hook_time(LifecycleHandler.model_validate(hook), Constant(1.0)) == Constant(seconds)


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("registry:5000/nginx", "Always"),
        ("registry:5000/nginx:1.27", "IfNotPresent"),
        ("nginx@sha256:0123", "IfNotPresent"),
    ],
)
def test_8_4_default_pull_policy(image: str, policy: str) -> None:
    assert default_pull_policy(image) == policy


@pytest.mark.parametrize(
    ("kind", "owner", "labels", "workload"),
    [
        ("ReplicaSet", "web-5d4f8", {"pod-template-hash": "5d4f8"}, "web"),
        ("ReplicaSet", "web", {}, "web"),
        ("StatefulSet", "db", {}, "db"),
        ("Job", "backup-29384756", {}, "backup"),
        ("Job", "migrate", {}, "migrate"),
        ("", "", {}, "p"),
    ],
)
def test_a_workload_is_what_the_user_named(
    kind: str, owner: str, labels: dict[str, str], workload: str
) -> None:
    owners = (OwnerReference(kind, owner, "u"),) if kind else ()
    pod = Pod(meta=Meta("p", "default", labels=labels, owners=owners), template=Template(PodSpec(), labels))
    assert workload_of(pod) == workload
