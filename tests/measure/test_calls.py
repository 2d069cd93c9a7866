"""Who calls whom: a service succeeds only if all that it calls do."""

from pytest import approx

from simkube.measure.services import Traffic
from tests.measure.records import measured, routes, service_of, serving, silent


def pair(service: str) -> list:
    one, two = f"{service}-1", f"{service}-2"
    return [serving(-5, one), serving(-5, two), routes(-4, service, one, two)]


def test_success_is_the_product_along_the_calls() -> None:
    half = [silent(10, "web-1"), silent(10, "cart-1"), serving(20, "web-1"), serving(20, "cart-1")]
    result = measured([*pair("web"), *pair("cart"), *half], 100.0, calls={"web": ["cart"]})
    assert service_of(result).lost == approx(10.0 * (1 - 0.5 * 0.5))
    assert service_of(result, "cart").lost == approx(10.0 * 0.5)


def test_a_shared_callee_counts_once() -> None:
    """web calls a and b, both call db: db's half counts once for web, not twice."""
    records = [*pair("web"), *pair("a"), *pair("b"), *pair("db"), silent(10, "db-1"), serving(20, "db-1")]
    calls = {"web": ["a", "b"], "a": ["db"], "b": ["db"]}
    result = measured(records, 100.0, calls=calls)
    for name in ("web", "a", "b", "db"):
        assert service_of(result, name).lost == approx(10.0 * 0.5), name


def test_an_outage_of_what_is_called_is_an_outage() -> None:
    records = [*pair("web"), *pair("cart"), routes(10, "cart"), routes(14, "cart", "cart-1")]
    service = service_of(measured(records, 100.0, {"web": Traffic(5.0)}, {"web": ["cart"]}))
    assert service.outage_total == approx(4.0)
    assert service.lost == approx(20.0)
    assert service.intervals[0].cause == (
        "it calls cart: 2 of 2 replicas no longer ready on n1 at 00:00:10, routed to again after 4.0 s"
    )


def test_the_cause_no_longer_names_what_is_well_again() -> None:
    """db degrades and recovers while cart is out: the outage of web is cart's, and then cart's alone."""
    db = [silent(10, "db-1"), serving(30, "db-1")]
    cart = [routes(20, "cart"), routes(40, "cart", "cart-1"), routes(50, "cart", "cart-1", "cart-2")]
    records = sorted([*pair("web"), *pair("cart"), *pair("db"), *db, *cart], key=lambda record: record.t)
    result = measured(records, 100.0, calls={"web": ["cart", "db"]})
    first, second = service_of(result).intervals
    assert first.cause == "it calls db: 1 of 2 replicas stopped answering on n1 at 00:00:10, then out"
    assert second.cause == (
        "it calls cart: 2 of 2 replicas no longer ready on n1 at 00:00:20; "
        "it calls db: 1 of 2 replicas stopped answering on n1 at 00:00:10, routed to again after 20 s"
    )


def test_services_that_call_each_other_end() -> None:
    records = [*pair("web"), *pair("cart"), silent(10, "web-1"), silent(11, "cart-1"), serving(20, "web-1")]
    result = measured(records, 100.0, calls={"web": ["cart"], "cart": ["web"]})
    expected = 1 * 0.5 + 9 * 0.75 + 80 * 0.5
    assert service_of(result).lost == approx(expected)
    assert service_of(result, "cart").lost == approx(expected)


def test_a_callee_nobody_has_heard_of_is_no_failure() -> None:
    assert service_of(measured(pair("web"), 100.0, calls={"web": ["elsewhere"]})).lost == 0.0
