"""What befell a service in one failure: to how many of its endpoints, on which nodes, and through whom it calls."""

from collections.abc import Iterable
from typing import NamedTuple

TOLD = 3  # different things that an account names at most


class Blame(NamedTuple):
    """What happened to one endpoint: `how` says it with "{nodes}" in the place of its node. Without an endpoint (`node`
    is ""), it happened to the service."""

    how: str
    node: str = ""


class Failure:
    """Of `size` endpoints: by endpoint what happened to it, by service which of those it calls failed."""

    __slots__ = ("_blames", "_calls", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._blames: dict[str, Blame] = {}
        self._calls: dict[str, Failure] = {}

    def copy(self) -> "Failure":
        made = Failure(self.size)
        made._blames, made._calls = dict(self._blames), dict(self._calls)
        return made

    def blame(self, key: str, blame: Blame) -> None:
        """What happened to an endpoint (or, with another key, to the service)."""
        self._blames.setdefault(key, blame)

    def call(self, service: str, failure: "Failure") -> None:
        """A service that it calls fails."""
        self._calls[service] = failure

    def forgive(self, endpoints: Iterable[str]) -> None:
        """These endpoints are well again, or no longer any."""
        for uid in endpoints:
            self._blames.pop(uid, None)

    def answers(self, service: str) -> None:
        """A service that it calls is well again."""
        self._calls.pop(service, None)

    @property
    def text(self) -> str:
        """The newest first: it is what made the failure what it is."""
        return self._text(())

    def _text(self, within: tuple["Failure", ...]) -> str:
        """`within` are those whose account this is part of: services may call each other in a circle."""
        within = (*within, self)
        told = [
            f"it calls {service}: {failure._text(within)}"
            for service, failure in reversed(self._calls.items())
            if failure not in within
        ]
        told += self._endpoints()
        more = [f"and {len(told) - TOLD} more such things"] if len(told) > TOLD else []
        return "; ".join(told[:TOLD] + more)

    def _endpoints(self) -> list[str]:
        nodes: dict[str, dict[str, None]] = {}
        counts: dict[str, int] = {}
        for how, node in reversed(self._blames.values()):
            nodes.setdefault(how, {})[node] = None
            counts[how] = counts.get(how, 0) + (node != "")
        return [self._told(how, counts[how], list(named)) for how, named in nodes.items()]

    def _told(self, how: str, count: int, nodes: list[str]) -> str:
        if not count:
            return how
        shown = nodes if len(nodes) <= TOLD else [*nodes[:TOLD], f"{len(nodes) - TOLD} more"]
        named = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
        what = how.replace("{nodes}", named)
        return f"1 replica, {what}" if self.size == 1 else f"{count} of {self.size} replicas {what}"
