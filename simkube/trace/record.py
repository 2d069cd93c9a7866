"""A trace record: one thing that happened, in the simulation or on a real cluster, in one flat form.

`what` says it, as "subject.happened". docs/trace.md lists all of them with the fields they fill.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

SCHEMA = "simkube/trace/v1"


class Record(Struct, frozen=True, omit_defaults=True, gc=False):
    """`t` in seconds since the run began (negative: before); `by` who did it (an API client, a step); `value` details
    whose form depends on `what`. Fields that do not apply stay empty and are left out of the file."""

    t: float
    what: str
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    node: str = ""
    by: str = ""
    reason: str = ""
    message: str = ""
    value: Any = None


Sink = Callable[[Record], None]
