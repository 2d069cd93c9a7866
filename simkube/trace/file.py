"""Trace files: JSON Lines, one record a line, the first a header. A name that ends in .gz is compressed."""

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import msgspec

from simkube.kube.errors import InputError
from simkube.trace.record import SCHEMA, Record
from simkube.trace.values import check_value

MAX_LINE = 16 * 1024 * 1024  # bytes of one record

# what a file that is no trace, is damaged or was cut short can raise
_BROKEN = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, OSError, EOFError, zlib.error)
_FIX = "give a file that `simkube run ... --trace FILE` wrote"


class Header(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The first line: which world, what was run, and `precision` of its clock in seconds."""

    schema: str
    world: str = "simulated"
    precision: float = 0.001
    version: str = ""  # of Kubernetes
    scenario: str = ""
    strategy: str = ""
    seed: int | None = None
    inputs: dict[str, Any] = {}


def header(scenario: str, version: str, strategy: str, seed: int) -> Header:
    """The header of a simulated run's trace."""
    return Header(schema=SCHEMA, version=version, scenario=scenario, strategy=strategy, seed=seed)


class TraceWriter:
    """Writes records as they come; the file appears under its name only when it is complete (`with` block ended without
    an error), so a trace that is there is whole."""

    def __init__(self, path: Path, header: Header) -> None:
        """Raises `InputError` if the file cannot be written."""
        if path.is_dir():
            raise InputError("is a folder", file=str(path), fix="name a file for the trace")
        self.path = path
        self._part = path.with_name(path.name + ".part")
        self._encoder = msgspec.json.Encoder()
        self._buffer = bytearray()
        try:
            self._raw: IO[bytes] = open(self._part, "wb")  # noqa: SIM115  __exit__ closes it
        except OSError as error:
            raise InputError(
                f"cannot write: {error.strerror}", file=str(path), fix="name a place that can be written"
            ) from None
        self._file = _compressed(self._raw) if path.name.endswith(".gz") else self._raw
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
        try:
            self._file.close()
            self._raw.close()  # a GzipFile leaves it open
            if kind is None:
                os.replace(self._part, self.path)
        finally:
            self._part.unlink(missing_ok=True)


def _compressed(raw: IO[bytes]) -> IO[bytes]:
    # no name and no time in the gzip header: the same trace gives the same bytes
    return gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0)  # type: ignore[return-value]


def read_trace(path: Path) -> tuple[Header, Iterator[Record]]:
    """The header, and the records one by one. Raises `InputError` for what is not a trace, naming the line."""
    if not path.is_file():
        fix = "make one with `simkube run ... --trace FILE`"
        raise InputError("there is no such trace", file=str(path), fix=fix)
    lines = _lines(path)
    try:
        header = msgspec.json.decode(next(lines, b""), type=Header)
    except _BROKEN as error:
        raise InputError(f"not a simkube trace: {error}", file=str(path), line=1, fix=_FIX) from None
    if header.schema != SCHEMA:
        raise InputError(f"schema {header.schema!r} is not {SCHEMA!r}", file=str(path), line=1, fix=_FIX)
    return header, _records(path, lines)


def _records(path: Path, lines: Iterator[bytes]) -> Iterator[Record]:
    decoder = msgspec.json.Decoder(Record)
    number = 1
    while True:
        number += 1
        try:
            line = next(lines, b"")
            if not line:
                return
            record = decoder.decode(line)
            check_value(record)
        except _BROKEN as error:
            raise InputError(f"broken record: {error}", file=str(path), line=number, fix=_FIX) from None
        yield record


def _lines(path: Path) -> Iterator[bytes]:
    """The lines. Raises `EOFError` if one is longer than `MAX_LINE`."""
    with gzip.open(path, "rb") if path.name.endswith(".gz") else open(path, "rb") as file:
        while line := file.readline(MAX_LINE):
            if len(line) == MAX_LINE:
                raise EOFError(f"longer than {MAX_LINE} bytes")
            yield line
