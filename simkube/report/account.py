"""An account of one object: what happened to it, when, and the chain of causes behind each thing."""

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from simkube.measure.causes import clock

SCHEMA = "simkube/account/v1"
AGAIN = 6  # an entry is the same again if it is among the last so many


class Entry(Struct, frozen=True):
    """`text` happened at `t` (seconds of the run; negative: before its beginning), `times` times until `until`;
    `because`: why, the nearest cause first."""

    t: float
    text: str
    because: tuple[str, ...] = ()
    times: int = 1
    until: float | None = None


class Account(Struct, frozen=True, kw_only=True):
    """What happened to an object, in order. `summary`: the answer in a few lines."""

    schema: Literal["simkube/account/v1"] = "simkube/account/v1"
    kind: Literal["Pod", "Service", "Node"]
    namespace: str
    name: str
    summary: tuple[str, ...]
    entries: tuple[Entry, ...]

    def text(self) -> str:
        """For people."""
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        lines = [f"{self.kind} {place}", *(f"  {line}" for line in self.summary), ""]
        for entry in self.entries:
            again = f" ({entry.times} times, until {clock(entry.until or 0.0)})" if entry.times > 1 else ""
            lines.append(f"{moment(entry.t)}  {entry.text}{again}")
            lines += [f"{'':{10 + 2 * depth}}because {why}" for depth, why in enumerate(entry.because)]
        return "\n".join(lines).rstrip()

    def json(self) -> str:
        """For programs: the same as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()


def moment(t: float) -> str:
    """A time of the run; what was before it has none."""
    return clock(t) if t >= 0.0 else "before  "


def add(entries: list[Entry], entry: Entry) -> None:
    """Add an entry, or count it to the same one a moment ago."""
    for place in range(len(entries) - 1, max(len(entries) - 1 - AGAIN, -1), -1):
        before = entries[place]
        if before.text == entry.text and before.because == entry.because:
            entries[place] = Entry(before.t, before.text, before.because, before.times + 1, entry.t)
            return
    entries.append(entry)


def shortened(entries: Sequence[Entry], most: int) -> list[Entry]:
    """The entries, without some in the middle if there are too many."""
    if len(entries) <= most:
        return list(entries)
    head, tail = most * 2 // 3, most - most * 2 // 3 - 1
    left_out = len(entries) - head - tail
    gap = Entry(entries[head].t, f"... {left_out} more, left out here ...")
    return [*entries[:head], gap, *entries[len(entries) - tail :]]
