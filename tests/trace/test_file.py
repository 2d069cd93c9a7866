"""Trace files: what was written is read again, whole or not at all; what is no trace is named, with its line."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from simkube.kube.errors import InputError
from simkube.trace.file import Header, TraceWriter, header, read_trace
from simkube.trace.record import SCHEMA, Record

HEAD = header("shop", "v1.37.2", "rolling", 7)
NODE = {"zone": "a", "role": "worker", "cpu": 4000, "memory": 2**30}
ENDPOINT = ["u1", "web-1", "worker-1", True, True, False]
RECORDS = [
    Record(-600.0, "node.added", "Node", name="worker-1", value=NODE),
    Record(0.125, "pod.terminating", "Pod", "shop", "web-1", "u1", "worker-1", "kubectl", value=30),
    Record(
        1.5,
        "slice.changed",
        "EndpointSlice",
        "shop",
        "web",
        value=[["u1", "web-1", "worker-1", True, True, False]],
    ),
    Record(2.0, "event", value="Normal", message="a line\nand another, “quoted”"),
]


def write(path: Path, records: list[Record] = RECORDS) -> None:
    with TraceWriter(path, HEAD) as writer:
        for record in records:
            writer(record)


@pytest.mark.parametrize("name", ["trace.jsonl", "trace.jsonl.gz"])
def test_what_was_written_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write(path)
    head, records = read_trace(path)
    assert head == HEAD
    assert list(records) == RECORDS
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_the_file_is_json_lines_with_its_schema_first(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    write(path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == {
        "schema": "simkube/trace/v1",
        "version": "v1.37.2",
        "scenario": "shop",
        "strategy": "rolling",
        "seed": 7,
    }
    assert lines[2] == {
        "t": 0.125,
        "what": "pod.terminating",
        "kind": "Pod",
        "namespace": "shop",
        "name": "web-1",
        "uid": "u1",
        "node": "worker-1",
        "by": "kubectl",
        "value": 30,
    }


@pytest.mark.parametrize("name", ["trace.jsonl", "trace.jsonl.gz"])
def test_the_same_records_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    one, two = tmp_path / "one" / name, tmp_path / "two" / name
    for path in (one, two):
        path.parent.mkdir()
        write(path)
    assert one.read_bytes() == two.read_bytes()


def test_gzip_tells_no_time_and_no_name(tmp_path: Path) -> None:
    """RFC 1952, 2.3: byte 3 holds the flags (no FNAME), bytes 4 to 7 the time (0: none)."""
    path = tmp_path / "trace.jsonl.gz"
    write(path)
    assert path.read_bytes()[3:8] == bytes(5)
    assert gzip.decompress(path.read_bytes()).count(b"\n") == 1 + len(RECORDS)


@pytest.mark.parametrize("name", ["trace.jsonl", "trace.jsonl.gz"])
def test_a_run_that_is_interrupted_leaves_what_was_there(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), TraceWriter(path, HEAD) as writer:
        writer(RECORDS[0])
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"trace\.jsonl: cannot write: No such file or directory; name a place"
    ):
        TraceWriter(tmp_path / "nowhere" / "trace.jsonl", HEAD)


def broken(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        _, records = read_trace(path)
        list(records)
    return str(caught.value)


def test_no_such_file(tmp_path: Path) -> None:
    assert "there is no such trace" in broken(tmp_path / "trace.jsonl")
    assert "there is no such trace" in broken(tmp_path)  # a folder


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"apiVersion: v1\n", b"\xff\xfe\x00", b"[]\n", b'{"t": 1, "what": "event"}\n', b"[" * 5000],
)
def test_what_is_no_trace(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert "file:1: not a simkube trace" in broken(path)


def test_another_schema(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text('{"schema": "simkube/trace/v9"}\n')
    assert "trace.jsonl:1: schema 'simkube/trace/v9' is not 'simkube/trace/v1'" in broken(path)


@pytest.mark.parametrize(
    "line", [b'{"t": 1}', b'{"t": "soon", "what": "event"}', b"\xff", b"", b'{"t": 1, "what":']
)
def test_a_broken_record_is_named_with_its_line(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "trace.jsonl"
    write(path, RECORDS[:1])
    path.write_bytes(path.read_bytes() + line + b"\n")
    assert "trace.jsonl:3: broken record" in broken(path)


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_gzip(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "trace.jsonl.gz"
    write(path, [Record(float(t), "event", message=str(t * t)) for t in range(5000)])
    data = bytearray(path.read_bytes())
    if damage == "cut":
        del data[len(data) // 2 :]
    else:
        data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    assert "broken record" in broken(path)


def test_something_else_than_gzip_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl.gz"
    path.write_text(json.dumps({"schema": SCHEMA}))
    assert "not a simkube trace: Not a gzipped file" in broken(path)


def test_a_header_of_another_world(tmp_path: Path) -> None:
    """What a later kind of run adds to the header is no reason to refuse its trace."""
    path = tmp_path / "trace.jsonl"
    path.write_text(json.dumps({"schema": SCHEMA, "world": "kind", "precision": 1.0, "more": [1]}) + "\n")
    head, records = read_trace(path)
    assert head == Header(schema=SCHEMA, world="kind", precision=1.0)
    assert list(records) == []


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("node.added", None),
        ("node.added", {"zone": "a", "role": "worker", "cpu": "4", "memory": 1}),
        ("pod.created", ["ReplicaSet/web"]),
        ("proxy.routes", [["uid"]]),
        ("workload.scaled", {}),
        ("event", 1),
    ],
)
def test_a_value_of_another_form_is_a_broken_record(tmp_path: Path, what: str, value: Any) -> None:
    """What reads traces relies on the forms in `simkube.trace.values`."""
    path = tmp_path / "trace.jsonl"
    record = {"t": 1.0, "what": what, "value": value}
    path.write_text(f'{{"schema": "{SCHEMA}"}}\n{json.dumps(record)}\n')
    with pytest.raises(InputError, match="broken record") as caught:
        list(read_trace(path)[1])
    assert caught.value.line == 2
