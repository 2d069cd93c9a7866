"""One zone's queue of nodes that wait for their NoExecute taint, and the token bucket that lets them through.

[pkg/controller/nodelifecycle/scheduler/rate_limited_queue.go]. In Kubernetes every 5 s pass puts each waiting node
in again, from parallel workers over a list without order, so that which node is next is arbitrary: here it is drawn.
"""

from random import Random

from simkube.cluster.nodes.monitor_grid import ROUNDING

NEVER = float("inf")


class TokenBucket:
    """`rate` tokens a second, at most `burst`, full at first; rate 0 gives none, ever."""

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self.rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._at = now

    @property
    def claimed_rate(self) -> float:
        """What it says its rate is: one that is stopped says 1, as client-go's `fakeNeverRateLimiter` does."""
        return self.rate if self.rate > 0 else 1.0

    def take(self, now: float) -> bool:
        """Take a token, if there is one."""
        if self.ready_at(now) > now:
            return False
        self._tokens = self._filled(now) - 1.0
        self._at = now
        return True

    def ready_at(self, now: float) -> float:
        """When there will be a token."""
        if self.rate <= 0:
            return NEVER
        lack = 1.0 - self._filled(now)
        return now if lack <= ROUNDING * self.rate else now + lack / self.rate

    def _filled(self, now: float) -> float:
        return min(float(self._burst), self._tokens + (now - self._at) * self.rate)


class TaintQueue:
    """Waiting nodes by name. A node that was let through is not taken again until it has been removed."""

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self.bucket = TokenBucket(rate, burst, now)
        self._burst = burst
        self._waiting: list[str] = []
        self._place: dict[str, int] = {}
        self._seen: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, node: str) -> None:
        """Put a node in, unless it is in or was let through."""
        if node not in self._seen:
            self._seen.add(node)
            self._place[node] = len(self._waiting)
            self._waiting.append(node)

    def remove(self, node: str) -> None:
        """Forget a node; it may be added again."""
        self._seen.discard(node)
        self.let_through(node)

    def let_through(self, node: str) -> None:
        """The node has its taint, or needs none any more."""
        place = self._place.pop(node, None)
        if place is not None:
            last = self._waiting.pop()
            if last != node:
                self._waiting[place] = last
                self._place[last] = place

    def draw(self, random: Random) -> str:
        """One of the waiting nodes; it stays until it is let through."""
        return self._waiting[random.randrange(len(self._waiting))]

    def ready_at(self, now: float) -> float:
        """When the next node can be let through; `NEVER` if none waits or the zone is stopped."""
        return self.bucket.ready_at(now) if self._waiting else NEVER

    def set_rate(self, rate: float, now: float) -> None:
        """Another rate means another bucket, empty if the old one was [`SwapLimiter`]. The same: nothing changes."""
        if rate == self.bucket.claimed_rate:
            return
        had_token = self.bucket.take(now)
        self.bucket = TokenBucket(rate, self._burst, now)
        if not had_token:
            self.bucket.take(now)
