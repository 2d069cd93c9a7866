"""Outage, degradation, lost requests, availability: formulas of `simkube.measure.result`, worked out by hand."""

from pytest import approx

from simkube.measure.services import Traffic
from simkube.trace.record import Record
from tests.measure.records import machine, measured, pod, routes, service_of, serving, silent

TWO = [serving(-5, "a"), serving(-5, "b", "n2"), routes(-4, "web", "a", "b")]


def test_a_service_that_never_fails_loses_nothing() -> None:
    service = service_of(measured(TWO, 100.0, {"web": Traffic(10.0)}))
    assert (service.sent, service.lost) == (1000.0, 0.0)
    assert (service.outage_total, service.outage_longest, service.degraded) == (0.0, 0.0, 0.0)
    assert (service.availability_time, service.availability_requests) == (1.0, 1.0)
    assert service.intervals == ()
    assert service.points == ((0.0, 1.0),)


def test_one_of_two_endpoints_silent_is_degraded_by_half() -> None:
    service = service_of(measured([*TWO, silent(10, "a"), serving(30, "a")], 100.0, {"web": Traffic(10.0)}))
    assert service.degraded == approx(20.0)
    assert service.lost == approx(10.0 * 20.0 * 0.5)
    assert service.availability_requests == approx(1.0 - 0.5 * 20.0 / 100.0)
    assert service.availability_time == 1.0  # some request always succeeded
    (interval,) = service.intervals
    assert (interval.start, interval.end, interval.state, interval.worst) == (10.0, 30.0, "degraded", 0.5)
    assert service.points == ((0.0, 1.0), (10.0, 0.5), (30.0, 1.0))


def test_outages_add_up_and_the_longest_is_told() -> None:
    both = [silent(10, "a"), silent(10, "b"), serving(15, "a"), serving(15, "b")]
    again = [silent(50, "a"), silent(50, "b"), serving(62, "a"), serving(62, "b")]
    service = service_of(measured([*TWO, *both, *again], 100.0, {"web": Traffic(2.0)}))
    assert service.outage_total == approx(5.0 + 12.0)
    assert service.outage_longest == approx(12.0)
    assert service.degraded == 0.0  # both fell at one moment
    assert service.lost == approx(2.0 * 17.0)
    assert service.availability_time == approx(0.83)
    assert service.availability_requests == approx(0.83)


def test_an_empty_table_is_an_outage_though_the_container_answers() -> None:
    service = service_of(measured([*TWO, routes(20, "web"), routes(25, "web", "b")], 100.0))
    assert service.outage_total == approx(5.0)
    assert service.lost == approx(5.0)  # 1 request a second if nothing is said


def test_routing_to_a_dead_endpoint_loses_its_share() -> None:
    """9: the endpoints of a crashed node stay in the tables until its pods are marked."""
    third = [serving(-5, "c"), routes(-3, "web", "a", "b", "c")]
    crash = [machine(10, "off", "n2"), silent(10, "b", "n2"), routes(57, "web", "a", "c")]
    service = service_of(measured([*TWO, *third, *crash], 100.0, {"web": Traffic(3.0)}))
    assert service.degraded == approx(47.0)
    assert service.lost == approx(47.0)  # 3 a second, a third of them


def test_a_failure_that_lasts_is_counted_up_to_the_end() -> None:
    service = service_of(measured([*TWO, silent(90, "a"), silent(95, "b")], 100.0))
    assert service.degraded == approx(5.0)
    assert service.outage_total == approx(5.0)
    assert service.lost == approx(5.0 * 0.5 + 5.0)
    assert [i.end for i in service.intervals] == [95.0, 100.0]
    assert service.intervals[1].cause.endswith("not over by the end")


def test_what_was_before_the_window_does_not_count() -> None:
    before = [silent(-3, "a"), silent(-2, "b"), serving(-1, "a"), serving(-1, "b")]
    assert service_of(measured([*TWO, *before], 100.0)).lost == 0.0


def test_a_failure_from_before_the_window_counts_from_its_start() -> None:
    service = service_of(measured([*TWO, silent(-3, "a"), silent(-3, "b"), serving(4, "a")], 10.0))
    assert service.outage_total == approx(4.0)
    assert service.degraded == approx(6.0)


def test_the_window_may_start_later() -> None:
    down = [silent(10, "a"), silent(10, "b"), serving(30, "a"), serving(30, "b")]
    result = measured([*TWO, *down], 120.0, {"web": Traffic(1.0)}, start=20.0)
    assert result.window == 100.0
    assert service_of(result).sent == 100.0
    assert service_of(result).outage_total == approx(10.0)


def test_the_same_failures_cost_the_same_in_a_longer_window() -> None:
    """All strategies of a comparison share a window: it changes what was sent, not what was lost."""
    down = [silent(10, "a"), serving(30, "a")]
    short, long = (service_of(measured([*TWO, *down], end)) for end in (50.0, 500.0))
    assert short.lost == long.lost
    assert long.sent == 10 * short.sent
    assert long.availability_requests > short.availability_requests


def test_without_traffic_availability_weighs_time_alone() -> None:
    down = [silent(10, "a"), silent(10, "b"), serving(35, "a"), serving(35, "b")]
    service = service_of(measured([*TWO, *down], 100.0, {"web": Traffic(0.0)}))
    assert (service.sent, service.lost) == (0.0, 0.0)
    assert service.availability_requests == approx(0.75)


def test_services_come_in_order_of_name_and_add_up() -> None:
    more = [serving(-5, "z"), routes(-4, "api", "z"), silent(10, "z"), serving(14, "z")]
    result = measured([*TWO, *more, silent(20, "a"), serving(24, "a")], 100.0)
    assert [service.name for service in result.services] == ["api", "web"]
    assert result.lost == approx(4.0 + 2.0)
    assert result.longest_outage == approx(4.0)


def test_a_gate_may_ask_during_the_run() -> None:
    from simkube.measure.services import Services

    services = Services({}, {})
    for record in [*TWO, silent(10, "a"), serving(30, "a"), silent(40, "a"), silent(40, "b")]:
        services(record)
    key = ("shop", "web")
    assert services.availability(0.0, 50.0)[key] == approx(1.0 - (20 * 0.5 + 10.0) / 50.0)
    assert services.availability(20.0, 40.0)[key] == approx(1.0 - 10 * 0.5 / 20.0)
    assert services.availability(45.0, 45.0)[key] == 0.0  # of no time: what is


def test_the_cause_names_the_eviction_and_who_came() -> None:
    """The words of the issue: "1 replica, evicted from worker-3 at 00:14:05, Ready again on worker-1 after 21 s"."""
    one = [serving(-5, "cart-x", "worker-3"), routes(-4, "web", "cart-x")]
    evicted = [
        pod(845, "terminating", "cart-x", "worker-3", reason="EvictionByEvictionAPI"),
        silent(846, "cart-x", "worker-3"),
        pod(847, "removed", "cart-x", "worker-3"),
        routes(847, "web"),
        serving(866, "cart-y", "worker-1"),
        routes(867, "web", "cart-y"),
    ]
    (interval,) = service_of(measured([*one, *evicted], 1000.0)).intervals
    assert (
        interval.cause == "1 replica, evicted from worker-3 at 00:14:05, Ready again on worker-1 after 21 s"
    )


def test_the_cause_counts_the_replicas_that_went_with_a_node() -> None:
    third = [serving(-5, "c", "n2"), routes(-3, "web", "a", "b", "c")]
    crash = [machine(60, "off", "n2"), silent(60, "b", "n2"), silent(60, "c", "n2"), routes(110, "web", "a")]
    (interval,) = service_of(measured([*TWO, *third, *crash], 200.0)).intervals
    assert interval.cause == (
        "2 of 3 replicas lost as n2 went down at 00:01:00, no longer routed to after 50 s"
    )


def test_the_cause_of_an_empty_table_is_what_befell_its_own_pods() -> None:
    """Another service's pod that was evicted later is no cause, and a pod's end outlives the pod until the proxies
    follow."""
    pods = [serving(-5, "a", "n1"), routes(-4, "web", "a")]
    ends = [
        pod(10, "terminating", "a", "n1", reason="DeletionByTaintManager"),
        pod(10.5, "removed", "a", "n1"),
        pod(11, "terminating", "other", "n9", reason="EvictionByEvictionAPI"),
        routes(12, "web"),
    ]
    (interval,) = service_of(measured([*pods, *ends], 100.0)).intervals
    assert interval.cause == (
        "1 replica, deleted by the taint manager from n1 at 00:00:10, not over by the end"
    )


def test_an_endpoint_that_is_ready_before_it_answers() -> None:
    """8.4: without a readiness probe a container counts as ready as soon as it runs."""
    early = [routes(10, "web", "a", "b", "c"), serving(25, "c", "n1")]
    (interval,) = service_of(measured([*TWO, *early], 100.0)).intervals
    assert interval.worst == approx(2 / 3)
    assert interval.cause == (
        "1 of 3 replicas Ready on n1 at 00:00:10 but not answering, Ready again on n1 after 15 s"
    )


def test_a_failure_that_gets_worse_says_so() -> None:
    records = [*TWO, silent(10, "a"), silent(20, "b", "n2"), serving(26, "b", "n2"), serving(30, "a")]
    first, second, third = service_of(measured(records, 100.0)).intervals
    assert (first.state, second.state, third.state) == ("degraded", "out", "degraded")
    assert first.cause == "1 of 2 replicas stopped answering on n1 at 00:00:10, then out"
    assert second.cause == (  # the newest first
        "1 of 2 replicas stopped answering on n2 at 00:00:20; 1 of 2 replicas stopped answering on n1 at "
        "00:00:10, Ready again on n2 after 6.0 s"
    )
    assert third.cause == "1 of 2 replicas stopped answering on n1 at 00:00:10, Ready again on n1 after 4.0 s"


def test_the_cause_names_all_nodes_that_went_at_one_time() -> None:
    """An orderly shutdown: kubelets stop, containers get SIGTERM, the machines go off later."""
    down = [
        *(Record(5, "kubelet.stopped", node=node, reason="shutdown") for node in ("n1", "n2")),
        silent(5, "a", "n1"),
        silent(5.5, "b", "n2"),
        machine(15, "off", "n1", reason="reboot"),
        machine(15, "off", "n2", reason="reboot"),
    ]
    back = [Record(60, "kubelet.started", node="n1"), serving(70, "a", "n1"), silent(80, "a", "n1")]
    first, second, third, fourth = service_of(measured([*TWO, *down, *back], 100.0)).intervals
    assert first.cause == "1 of 2 replicas lost as n1 shut down at 00:00:05, then out"
    assert second.cause == (
        "2 of 2 replicas lost as n2 and n1 shut down at 00:00:05, Ready again on n1 after 1 min 04 s"
    )
    assert third.cause == "1 of 2 replicas lost as n2 shut down at 00:00:05, then out"
    assert fourth.cause.startswith(
        "1 of 2 replicas stopped answering on n1 at 00:01:20; 1 of 2 replicas lost"
    )


def test_a_shutdown_that_ends_pods_first_is_told_by_its_pods() -> None:
    """8.6: with a grace period for it the kubelet ends pods itself, marked TerminationByKubelet."""
    marked = pod(9, "disrupted", "a", "n1", reason="TerminationByKubelet")
    (interval,) = service_of(measured([*TWO, marked, silent(10, "a", "n1")], 100.0)).intervals
    assert interval.cause == "1 of 2 replicas ended by the shutdown of n1 at 00:00:09, not over by the end"
