"""Long-lived connections: they stay with their endpoint until it goes, then come back to one that is routed to."""

from collections.abc import Sequence
from math import inf


class Connections:
    """The connections of all clients of one service, as shares of 1. `cut` counts those that ended because their
    endpoint went: 1.0 is all of them once.

    A connection survives its endpoint's leaving the proxies' tables (conntrack keeps it), not the end of the process at
    its other side. Then it is made anew, to all endpoints alike that are routed to and answer, or waits until there is
    one. A new endpoint gets none of those that live."""

    __slots__ = ("_at", "_waiting", "cut", "waits_since")

    def __init__(self) -> None:
        self._at: dict[str, float] = {}  # endpoint -> share of the connections
        self._waiting = 1.0
        self.waits_since = -inf  # when the newest of those that wait ended; infinity when none waits
        self.cut = 0.0

    def connect(self, endpoints: Sequence[str]) -> None:
        """Those that wait are made, to these endpoints alike."""
        if endpoints:
            share = self._waiting / len(endpoints)
            for uid in endpoints:
                self._at[uid] = self._at.get(uid, 0.0) + share
            self._waiting, self.waits_since = 0.0, inf

    def end(self, uid: str, t: float) -> None:
        """An endpoint's process is gone, its connections with it."""
        share = self._at.pop(uid, 0.0)
        if share:
            self.cut += share
            self._waiting += share
            self.waits_since = t
