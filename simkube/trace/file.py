"""Trace files: JSON Lines, one record a line, the first a header. A name that ends in .gz is compressed."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import msgspec

from simkube.kube.errors import InputError
from simkube.trace.record import SCHEMA, Record

MAX_LINE = 16 * 1024 * 1024  # bytes of one record


class Header(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The first line: which world, what was run, and `precision` of its clock in seconds."""

    schema: str = SCHEMA
    world: str = "simulated"
    precision: float = 0.001
    version: str = ""  # of Kubernetes
    scenario: str = ""
    strategy: str = ""
    seed: int | None = None
    inputs: dict[str, Any] = {}


def header(scenario: str, version: str, strategy: str, seed: int) -> Header:
    """The header of a simulated run's trace."""
    return Header(version=version, scenario=scenario, strategy=strategy, seed=seed)


class TraceWriter:
    """Writes records as they come; the file appears under its name only when it is complete (`with` block ended without
    an error), so a trace that is there is whole."""

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self._part = path.with_name(path.name + ".part")
        self._encoder = msgspec.json.Encoder()
        self._buffer = bytearray()
        self._file: IO[bytes] = _open_write(self._part, path.name.endswith(".gz"))
        self._file.write(self._encoder.encode(header) + b"\n")

    def __call__(self, record: Record) -> None:
        """Append a record."""
        self._encoder.encode_into(record, self._buffer)
        self._file.write(self._buffer)
        self._file.write(b"\n")

    def __enter__(self) -> "TraceWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is None:
            os.replace(self._part, self.path)
        else:
            self._part.unlink(missing_ok=True)


def _open_write(path: Path, compressed: bool) -> IO[bytes]:
    if not compressed:
        return open(path, "wb")
    # no name and no time in the gzip header: the same trace gives the same bytes
    return gzip.GzipFile(filename="", mode="wb", fileobj=open(path, "wb"), compresslevel=6, mtime=0)  # type: ignore[return-value]


def read_trace(path: Path) -> tuple[Header, Iterator[Record]]:
    """The header, and the records one by one. Raises `InputError` for what is not a trace, naming the line."""
    if not path.is_file():
        raise InputError(
            f"there is no trace {path}", file=str(path), fix="make one with `simkube run ... --trace FILE`"
        )
    lines = _lines(path)
    try:
        header = msgspec.json.decode(next(lines, b""), type=Header)
    except (msgspec.MsgspecError, OSError, EOFError) as error:
        raise InputError(f"not a simkube trace: {error}", file=str(path), line=1) from error
    if header.schema != SCHEMA:
        raise InputError(f"schema {header.schema!r} is not {SCHEMA!r}", file=str(path), line=1)
    return header, _records(path, lines)


def _records(path: Path, lines: Iterator[bytes]) -> Iterator[Record]:
    decoder = msgspec.json.Decoder(Record)
    number = 1
    try:
        for line in lines:
            number += 1
            yield decoder.decode(line)
    except (msgspec.MsgspecError, OSError, EOFError) as error:
        raise InputError(f"broken record: {error}", file=str(path), line=number + 1) from error


def _lines(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") if path.name.endswith(".gz") else open(path, "rb") as file:
        while line := file.readline(MAX_LINE):
            yield line
