"""The success fraction over clients: proxies that are blind, machines that are cut off, machines that are off."""

from pytest import approx

from tests.measure.records import machine, measured, proxy, routes, service_of, serving, silent

# three machines; endpoint a on n1, b on n2
THREE = [
    *(machine(-9, "added", node) for node in ("n1", "n2", "n3")),
    serving(-5, "a", "n1"),
    serving(-5, "b", "n2"),
    routes(-4, "web", "a", "b"),
]


def lost(*records: object) -> float:
    """Of 1 request a second over 100 s."""
    return service_of(measured([*THREE, *records], 100.0)).lost  # type: ignore[list-item]


def test_a_frozen_table_goes_on_routing_to_what_has_gone() -> None:
    """n3's proxy keeps a and b; the others follow to a alone. One client of three loses a half."""
    assert lost(proxy(10, "frozen", "n3"), silent(20, "b", "n2"), routes(20, "web", "a")) == approx(
        80.0 * (1 / 3) * 0.5
    )


def test_a_proxy_that_follows_again_has_the_shared_table() -> None:
    blind = [proxy(10, "frozen", "n3"), silent(20, "b", "n2"), routes(20, "web", "a")]
    assert lost(*blind, proxy(50, "following", "n3")) == approx(30.0 * (1 / 3) * 0.5)


def test_a_frozen_table_does_not_know_who_came() -> None:
    """a and b are replaced by c: the blind client has nobody left."""
    records = [
        proxy(10, "frozen", "n3"),
        serving(15, "c", "n1"),
        routes(16, "web", "c"),
        silent(20, "a", "n1"),
        silent(20, "b", "n2"),
    ]
    assert lost(*records) == approx(80.0 / 3)


def test_no_request_passes_to_or_from_a_machine_that_is_cut_off() -> None:
    """n2 with b is cut off: its client reaches only b, the two others only a. Half of everything is lost."""
    assert lost(machine(10, "cut", "n2")) == approx(90.0 * 0.5)


def test_a_machine_without_endpoints_that_is_cut_off_reaches_nothing() -> None:
    """n3 has no endpoint: its third of the clients loses everything, the others nothing."""
    assert lost(machine(10, "cut", "n3"), machine(40, "rejoined", "n3")) == approx(30.0 / 3)


def test_a_machine_that_lost_only_the_control_plane_still_serves() -> None:
    assert lost(machine(10, "cut", "n2", reason="control-plane")) == 0.0


def test_a_machine_that_is_off_has_no_clients() -> None:
    """n3 is blind and then off: only those who are on count."""
    records = [proxy(10, "frozen", "n3"), routes(10, "web", "a"), silent(10, "b", "n2")]
    assert lost(*records, machine(40, "off", "n3")) == approx(30.0 * (1 / 3) * 0.5)


def test_a_blind_machine_that_reboots_has_no_table() -> None:
    """n3 keeps its table until it goes off; when it is on again at 40 its proxy has none, until it sees the API."""
    records = [proxy(10, "frozen", "n3"), machine(30, "off", "n3"), machine(40, "on", "n3")]
    assert lost(*records, proxy(60, "following", "n3")) == approx(20.0 / 3)


def test_a_machine_that_was_removed_leaves_nothing_behind() -> None:
    """A new machine of the same name is neither cut off nor blind."""
    old = [machine(10, "cut", "n3"), proxy(10, "frozen", "n3"), machine(20, "removed", "n3")]
    assert lost(*old, machine(30, "added", "n3")) == approx(10.0 / 3)


def test_with_every_machine_apart_only_they_count() -> None:
    records = [machine(10, "cut", node) for node in ("n1", "n2", "n3")]
    # n1 reaches a of (a, b), n2 reaches b of (a, b), n3 reaches none
    assert lost(*records) == approx(90.0 * (1 - (0.5 + 0.5 + 0.0) / 3))
