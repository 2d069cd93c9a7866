"""`--out DIR`: everything or nothing."""

import resource
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from simkube.kube.errors import InputError
from simkube.report import folder
from simkube.report.folder import compare_into, file_name, write_text
from simkube.studies.compare import Comparison
from simkube.trace.file import read_trace
from simkube.trace.record import Record
from tests.report.made import WEB, comparison, line, trial

LOADED: Any = SimpleNamespace(
    name="shop", scenario=SimpleNamespace(cluster=SimpleNamespace(version="v1.37.2"))
)


def running(fails: BaseException | None = None) -> Callable[..., Comparison]:
    """Stands for `compare`: every run writes two records."""

    def compare(
        loaded: Any, planners: Mapping[str, Any], seeds: Sequence[int], rank: str, sinks: Any, progress: Any
    ) -> Comparison:
        for seed in seeds:
            for strategy in planners:
                for sink in sinks(strategy, seed):
                    sink(Record(0.0, "plan.begun", name=strategy))
                    sink(Record(1.0, "plan.ended", name=strategy))
                if fails is not None:
                    raise fails
        return comparison(*(line(name, *(trial(seed, WEB) for seed in seeds)) for name in planners))

    return compare


def into(out: Path, seeds: Sequence[int] = (1,)) -> Comparison:
    planners: Any = {"rolling": None, "a/b": None}
    return compare_into(out, LOADED, planners, seeds, "lost", lambda *_: None)


def tree(path: Path) -> list[str]:
    return sorted(str(found.relative_to(path)) for found in path.rglob("*"))


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simkube.report.plots.draw_all", lambda comparison, out: None)
    monkeypatch.setattr(folder, "compare", running())


def test_results_and_a_trace_a_run(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    into(out, (1, 2))
    traces = [f"traces/{name}-{seed}.jsonl.gz" for name in ("a-b", "rolling") for seed in (1, 2)]
    assert tree(out) == ["results.json", "traces", *traces]
    head, records = read_trace(out / "traces" / "rolling-2.jsonl.gz")
    assert (head.strategy, head.seed, head.scenario) == ("rolling", 2, "shop")
    assert [record.what for record in records] == ["plan.begun", "plan.ended"]
    assert tree(tmp_path / "deep") == [
        "out",
        *(f"out/{name}" for name in tree(out)),
    ]  # nothing is left beside it


@pytest.mark.parametrize("fails", [KeyboardInterrupt(), InputError("no"), RuntimeError("a bug")])
def test_a_failure_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: BaseException
) -> None:
    out = tmp_path / "out"
    into(out)
    before = {name: (out / name).read_bytes() for name in tree(out) if (out / name).is_file()}
    monkeypatch.setattr(folder, "compare", running(fails))
    with pytest.raises(type(fails)):
        into(out)
    assert {name: (out / name).read_bytes() for name in tree(out) if (out / name).is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    with pytest.raises(type(fails)):
        into(tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_new_results_take_the_place_of_old_ones(tmp_path: Path) -> None:
    out = tmp_path / "out"
    into(out, (1, 2))
    (out / "notes.txt").write_text("mine")
    (out / "gantt-surge.png").write_text("of a strategy that is not compared now")
    into(out, (3,))
    assert tree(out) == [
        "notes.txt",
        "results.json",
        "traces",
        "traces/a-b-3.jsonl.gz",
        "traces/rolling-3.jsonl.gz",
    ]


def test_files_are_not_kept_open_for_all_runs(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        into(tmp_path / "out", range(100))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(tree(tmp_path / "out" / "traces")) == 200


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(InputError, match="name a"):
            into(out)
    with pytest.raises(InputError, match=r"cannot write: .*; name a place that can be written"):
        write_text(tmp_path / "no" / "x", "text")
    assert tree(tmp_path) == ["file"]


def test_text_is_written_whole(tmp_path: Path) -> None:
    write_text(tmp_path / "x", "täxt\n")
    assert (tmp_path / "x").read_bytes() == "täxt\n".encode()
    assert tree(tmp_path) == ["x"]


def test_names_of_strategies_as_names_of_files() -> None:
    assert file_name("../a b$c_d-e") == "---a-b-c_d-e"
