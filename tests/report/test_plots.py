"""Plots: the arithmetic behind them, and that they are files, always the same, whatever the names are."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import pytest

from simkube.report.availability_plot import COLUMNS, LEVELS, availability_figure, levels_of
from simkube.report.gantt_plot import COLUMNS as AREA_COLUMNS
from simkube.report.gantt_plot import gantt_figure, lanes_of, node_totals
from simkube.report.node_history import NodeHistory, State, Stay
from simkube.report.plots import draw_all
from simkube.report.style import plain, save, styled, ticks_of, time_text
from simkube.report.tradeoff_plot import front_of, mark_of, tradeoff_figure
from simkube.studies.compare import Comparison
from simkube.trace.file import TraceWriter, header
from simkube.trace.record import Record
from tests.report.made import BOTH, SOUND, WEB, WINDOW, comparison, line, service, trial

ALL, MOST, HALF, FEW, NONE = range(len(LEVELS))


def seen(points: Sequence[tuple[float, float]], window: float = float(COLUMNS)) -> dict[int, int]:
    """The columns that are not whole; a column is a second."""
    return {column: level for column, level in enumerate(levels_of(points, window)) if level}


def test_a_column_shows_the_worst_moment_in_it() -> None:
    points = [(0.0, 1.0), (10.2, 0.95), (10.4, 0.0), (10.5, 0.6), (10.9, 1.0)]
    assert seen(points) == {10: NONE}


def test_what_spans_columns_is_seen_in_all_of_them() -> None:
    assert seen([(0.0, 1.0), (10.5, 0.4), (13.5, 1.0)]) == {10: FEW, 11: FEW, 12: FEW, 13: FEW}
    assert seen([(0.0, 1.0), (10.0, 0.4), (12.0, 1.0)]) == {10: FEW, 11: FEW}


def test_the_shortest_failure_is_seen() -> None:
    assert seen([(0.0, 1.0), (0.001, 0.0), (0.002, 1.0)]) == {0: NONE}
    end = float(COLUMNS)
    assert seen([(0.0, 1.0), (end - 0.001, 0.0)]) == {COLUMNS - 1: NONE}


@pytest.mark.parametrize(
    ("s", "level"),
    [(1.0, ALL), (0.999, MOST), (0.9, MOST), (0.89, HALF), (0.5, HALF), (0.01, FEW), (0.0, NONE)],
)
def test_levels(s: float, level: int) -> None:
    assert seen([(0.0, s)]).get(5, ALL) == level


def test_totals_of_nodes_are_averages_over_columns() -> None:
    """A column of 10 s: one node down from 5 to 25, another from 12 to 18, a third absent until 30."""
    states = {
        "a": [(-9.0, State.READY), (5.0, State.DOWN), (25.0, State.READY)],
        "b": [(-9.0, State.READY), (12.0, State.DOWN), (18.0, State.READY)],
        "c": [(30.0, State.READY)],
    }
    found = node_totals(states, 10.0 * AREA_COLUMNS)
    assert list(found[State.DOWN][:4]) == pytest.approx([0.5, 1.6, 0.5, 0.0])
    assert list(found[State.READY][:4]) == pytest.approx([1.5, 0.4, 1.5, 3.0])


def test_pods_share_rows_when_they_do_not_meet() -> None:
    a, b, c, d = (Stay("a", 0, 10), Stay("b", 5), Stay("c", 10, 20), Stay("d", 12, 14))
    assert lanes_of([d, c, b, a]) == [[a, c], [b], [d]]


def history(*records: Record) -> NodeHistory:
    made = NodeHistory()
    for record in records:
        made(record)
    return made


def node(t: float, what: str, name: str = "n1", **more: object) -> Record:
    return Record(t, f"node.{what}", "Node", name=name, **more)  # type: ignore[arg-type]


ADDED = {"zone": "", "role": "worker", "cpu": 4000, "memory": 16 * 2**30}


def machine(t: float, what: str, reason: str = "") -> Record:
    return Record(t, f"machine.{what}", "Node", name="n1", node="n1", reason=reason)


def kubelet(t: float, what: str, reason: str = "") -> Record:
    return Record(t, f"kubelet.{what}", "Node", name="n1", node="n1", reason=reason)


UP = [node(-9, "added", value=ADDED), node(-9, "ready"), machine(-9, "on"), kubelet(-9, "started")]


def test_the_states_of_a_node_that_is_maintained() -> None:
    maintenance = [
        Record(0, "step.begun", name="drain n1", uid="0", node="n1"),
        node(0, "cordoned"),
        Record(20, "step.done", name="drain n1", uid="0", node="n1"),
        kubelet(20, "stopped", "shutdown"),
        machine(30, "off", "reboot"),
        machine(30, "on"),
        node(60, "unknown"),
        kubelet(62, "started"),
        node(65, "ready"),
        Record(66, "step.begun", name="install kubelet v1.37.2 on n1", uid="1", node="n1"),
        kubelet(66, "stopped", "restart"),
        kubelet(66, "started"),
        Record(70, "step.done", name="install kubelet v1.37.2 on n1", uid="1", node="n1"),
        node(70, "uncordoned"),
    ]
    assert history(*UP, *maintenance).states["n1"] == [
        (-9, State.READY),
        (0, State.DRAINING),
        (20, State.CORDONED),
        (30, State.DOWN),
        (62, State.NOT_READY),
        (65, State.CORDONED),
        (66, State.UPGRADING),
        (70, State.READY),
    ]


def test_a_node_that_joins_and_goes() -> None:
    life = [
        machine(0, "added"),
        machine(0, "on"),
        kubelet(40, "started"),
        node(41, "added"),
        node(50, "ready"),
        node(90, "removed"),
        machine(90, "off", "crash"),
        machine(90, "removed"),
    ]
    assert history(*life).states["n1"] == [
        (0, State.DOWN),
        (40, State.NOT_READY),
        (50, State.READY),
        (90, State.ABSENT),
    ]


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (machine(5, "frozen"), machine(9, "thawed")),
        (machine(5, "cut"), machine(9, "rejoined")),
        (kubelet(5, "stopped", "killed"), kubelet(9, "started")),
    ],
)
def test_a_node_without_contact(begin: Record, end: Record) -> None:
    assert history(*UP, begin, end).states["n1"] == [
        (-9, State.READY),
        (5, State.NO_CONTACT),
        (9, State.READY),
    ]


def pod(t: float, what: str, name: str, owner: str = "ReplicaSet/web", **more: object) -> Record:
    value = {"owner": owner} if what == "created" else None
    return Record(t, f"pod.{what}", "Pod", "shop", name, name, "n1", value=value, **more)  # type: ignore[arg-type]


def test_the_pods_of_a_node() -> None:
    found = history(
        *UP,
        *(pod(-5, "created", name) for name in "ab"),
        *(pod(-5, "bound", name) for name in "ab"),
        pod(-4, "serving", "a"),
        pod(10, "terminating", "a"),
        pod(12, "silent", "a"),
        pod(14, "removed", "a"),
        pod(20, "phase", "b", reason="Failed"),
        pod(30, "removed", "b"),
        pod(1, "created", "static", "Node/n1"),
        pod(1, "bound", "static"),
    )
    assert found.pods == {"n1": [(-5, 2), (14, 1), (20, 0)]}
    assert found.stays is not None
    a, b = found.stays["n1"]
    assert (a.start, a.terminating, a.serving, a.end) == (-5, 10, [(-4, 12)], 14)
    assert (b.serving, b.end) == ([], 20)


def big(nodes: int, pods: int) -> NodeHistory:
    made = NodeHistory()
    for n in range(nodes):
        made(node(-9, "added", f"n{n}"))
        made(node(-9, "ready", f"n{n}"))
    for p in range(pods):
        made(Record(-5, "pod.bound", "Pod", "shop", f"p{p}", f"p{p}", f"n{p % nodes}"))
    return made


def test_of_many_pods_and_nodes_only_numbers_are_kept() -> None:
    assert big(10, 500).stays is not None
    many_pods = big(10, 5000)
    assert many_pods.stays is None
    assert many_pods.pods is not None
    assert big(5000, 10_000).pods is None


# -- files ----------------------------------------------------------------------------------------------------------


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def drawn(folder: Path, made: Comparison) -> dict[str, bytes]:
    """All plots of a comparison whose runs have these few records."""
    records = [
        *UP,
        pod(-5, "created", "a$b$"),
        pod(-5, "bound", "a$b$"),
        pod(-4, "serving", "a$b$"),
        node(10, "cordoned"),
    ]
    (folder / "traces").mkdir(parents=True)
    for line_ in made.lines:
        name = "".join(c if c.isalnum() or c in "-_" else "-" for c in line_.strategy)
        for trial_ in line_.trials:
            with TraceWriter(
                folder / "traces" / f"{name}-{trial_.seed}.jsonl.gz", header("", "", "", 1)
            ) as write:
                for record in records:
                    write(record)
    draw_all(made, folder)
    return pictures(folder)


def test_every_plot_is_drawn_as_png_and_svg(tmp_path: Path) -> None:
    files = drawn(tmp_path, BOTH)
    names = ["availability", "gantt-rolling", "gantt-surge", "tradeoff"]
    assert list(files) == sorted(f"{name}.{kind}" for name in names for kind in ("png", "svg"))
    assert all(data.startswith(b"\x89PNG") for name, data in files.items() if name.endswith("png"))
    assert all(b"</svg>" in data[-20:] for name, data in files.items() if name.endswith("svg"))


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    assert drawn(tmp_path / "one", BOTH) == drawn(tmp_path / "two", BOTH)


def test_files_tell_no_date_and_no_version(tmp_path: Path) -> None:
    for name, data in drawn(tmp_path, BOTH).items():
        assert b"Software" not in data, name
        assert b"<dc:date>" not in data, name


def test_names_from_files_are_no_formulas_and_letters_may_be_missing(tmp_path: Path) -> None:
    """Broken mathtext raises; a letter that the font lacks would warn, and warnings are errors here."""
    odd = service("$\\frac{$-名前-\x07-" + "x" * 200, (10.0, 20.0, 0.0))
    files = drawn(tmp_path, comparison(line("my $trat$egy/名", trial(1, odd))))
    assert "gantt-my--trat-egy-名.png" in files
    assert plain("名a\nb$\x07") == "?a?b$?"
    assert len(plain("x" * 300)) == 60


def test_hundreds_of_services_and_strategies_do_not_explode() -> None:
    services = [service(f"s{n}", (10.0, 20.0 + n, 0.0)) for n in range(300)]
    made = comparison(*(line(f"strategy-{n}", trial(1, *services)) for n in range(40)))
    with styled():
        height = availability_figure(made).get_figheight()
        tradeoff_figure(made)
    assert height < 60  # inches: 12 strategies of 13 strips


def test_thousands_of_nodes_do_not_explode() -> None:
    for nodes, pods in ((5000, 0), (60, 5000), (10, 500)):
        with styled():
            figure = gantt_figure(big(nodes, pods), "title", "subtitle", WINDOW, 300.0)
        assert figure.get_figheight() < 30


@pytest.mark.parametrize(
    "made",
    [comparison(), comparison(line("x", trial(1))), comparison(line("x", trial(1, SOUND), trial(2, SOUND)))],
)
def test_nothing_to_draw_is_drawn_too(made: Comparison, tmp_path: Path) -> None:
    assert "availability.png" in drawn(tmp_path, made)


def test_nothing_of_matplotlib_is_changed_for_others(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    drawn(tmp_path, BOTH)
    assert dict(matplotlib.rcParams) == before
    code = "import sys, simkube.report.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_front_holds_what_nothing_else_beats_both_ways() -> None:
    def at(name: str, duration: float, lost: float, ended: str = "done") -> object:
        from msgspec.structs import replace

        from simkube.studies.intervals import figure

        made = line(name, trial(1, WEB, ended=ended))
        return replace(made, duration=figure([duration]), lost=figure([lost]))

    lines = [
        at("a", 10, 50),
        at("b", 20, 20),
        at("c", 30, 20),
        at("d", 15, 60),
        at("e", 5, 5, "failed"),
        at("f", 40, 0),
    ]
    assert [found.strategy for found in front_of(lines)] == ["a", "b", "f"]  # type: ignore[arg-type]


def test_marks() -> None:
    assert mark_of(line("x", trial(1, WEB))) == "sound"
    assert mark_of(line("x", trial(1, WEB), kept=True)) == "kept"
    assert mark_of(line("x", trial(1, WEB), kept=False)) == "missed"
    assert mark_of(line("x", trial(1, WEB, ended="unfinished"), kept=True)) == "failed"


@pytest.mark.parametrize(
    ("end", "step", "last"),
    [(1.0, 1, 1), (95.0, 10, 90), (450.0, 60, 420), (4020.0, 600, 3600), (86400.0, 14400, 86400)],
)
def test_ticks_are_round_times(end: float, step: float, last: float) -> None:
    found, ticks = ticks_of(end, 10)
    assert (found, ticks[-1]) == (step, last)
    assert len(ticks) <= 11


def test_ticks_of_a_year() -> None:
    step, ticks = ticks_of(365 * 86400.0, 10)
    assert len(ticks) <= 11
    assert time_text(ticks[1], step) == f"{step / 86400:g} d"


@pytest.mark.parametrize(
    ("t", "step", "text"), [(75.0, 5, "0:01:15"), (4500.0, 300, "1:15"), (129600.0, 43200, "1.5 d")]
)
def test_times_on_an_axis(t: float, step: float, text: str) -> None:
    assert time_text(t, step) == text


def test_a_picture_is_saved_in_both_forms(tmp_path: Path) -> None:
    with styled():
        save(tradeoff_figure(BOTH), tmp_path, "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.png", "x.svg"]
