"""What holds of the measures of any trace."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from simkube.measure.services import Traffic
from simkube.trace.record import Record
from tests.measure.records import machine, measured, proxy, routes, serving, silent

PODS = st.sampled_from([f"p{n}" for n in range(5)])
NODES = st.sampled_from(["n1", "n2", "n3"])
SERVICES = st.sampled_from(["web", "cart", "db"])
END = 100.0


@st.composite
def traces(draw: st.DrawFn) -> list[Record]:
    """Records in any order that their form allows, also such as no run would write."""
    times = sorted(draw(st.lists(st.integers(-10, int(END)), min_size=1, max_size=40)))
    found = [machine(-20, "added", node) for node in ("n1", "n2", "n3")]
    for t in times:
        kind = draw(st.sampled_from(["serving", "silent", "routes", "routes", "machine", "proxy"]))
        if kind == "routes":
            found.append(routes(t, draw(SERVICES), *draw(st.lists(PODS, unique=True, max_size=4))))
        elif kind == "machine":
            what = st.sampled_from(["off", "on", "cut", "rejoined", "frozen", "thawed", "removed", "added"])
            found.append(machine(t, draw(what), draw(NODES)))
        elif kind == "proxy":
            found.append(proxy(t, draw(st.sampled_from(["frozen", "following"])), draw(NODES)))
        else:
            found.append((serving if kind == "serving" else silent)(t, draw(PODS), draw(NODES)))
    return found


@given(traces(), st.booleans(), st.floats(0.0, 1000.0))
def test_shares_stay_within_bounds_and_add_up(records: list[Record], calls: bool, rps: float) -> None:
    traffic = {name: Traffic(rps, persistent=True) for name in ("web", "cart", "db")}
    needs = {"web": ["cart"], "cart": ["db", "web"]} if calls else {}
    for service in measured(records, END, traffic, needs).services:
        assert 0.0 <= service.availability_time <= 1.0
        assert 0.0 <= service.availability_requests <= 1.0
        assert 0.0 <= service.lost <= service.sent * (1 + 1e-9)
        assert 0.0 <= service.outage_longest <= service.outage_total * (1 + 1e-9)
        assert service.outage_total + service.degraded <= END * (1 + 1e-9)
        assert service.lost >= rps * service.outage_total * (1 - 1e-9)
        assert service.lost <= rps * (service.outage_total + service.degraded) * (1 + 1e-9)
        assert service.connections_cut >= 0.0


@given(traces())
def test_intervals_are_what_the_totals_sum_up(records: list[Record]) -> None:
    for service in measured(records, END).services:
        out = sum(i.duration for i in service.intervals if i.state == "out")
        degraded = sum(i.duration for i in service.intervals if i.state == "degraded")
        assert out == approx(service.outage_total)
        assert degraded == approx(service.degraded)
        for before, after in zip(service.intervals, service.intervals[1:], strict=False):
            assert before.end <= after.start
        assert all(i.cause and 0.0 <= i.worst < 1.0 for i in service.intervals)


@given(traces())
def test_lost_is_the_integral_over_the_points(records: list[Record]) -> None:
    for service in measured(records, END).services:
        ends = [t for t, _ in service.points[1:]] + [END]
        pairs = zip(service.points, ends, strict=True)
        assert service.lost == approx(sum((end - t) * (1 - s) for (t, s), end in pairs), abs=1e-9)


@given(traces(), st.integers(1, 99))
def test_a_window_is_the_sum_of_its_parts(records: list[Record], middle: int) -> None:
    """Lost requests of [0, m] and [m, end] make up those of [0, end]."""
    whole = measured(records, END)
    first = measured([r for r in records if r.t <= middle], middle)
    second = measured(records, END, start=middle)
    assert first.lost + second.lost == approx(whole.lost, abs=1e-9)
