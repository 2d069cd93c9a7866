"""Which pods a ReplicaSet that shrinks deletes first (behaviour 4.1) [CU: pkg/controller/controller_utils.go
`ActivePodsWithRanks`; RS: pkg/controller/replicaset/replica_set.go `getPodsToDelete`].

Times are compared as the API keeps them, in whole seconds: pods that became Ready within the same second are equal
there, and the next rules decide.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cmp_to_key
from math import floor, log2

from msgspec import Struct

from simkube.kube.objects import ContainerStatus, Pod

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def victims(pods: Sequence[Pod], related: Iterable[Pod], count: int, now: float) -> list[Pod]:
    """`count` of these active pods, first to go first. `related`: the pods of all ReplicaSets of the same owner, which
    count where a node has several of them; none for a ReplicaSet without an owner. Equal pods keep their order."""
    if count >= len(pods):
        return list(pods)
    crowd = Counter(pod.node for pod in related if pod.is_active)
    ranks = [_rank(pod, crowd[pod.node], now) for pod in pods]
    ranks.sort(key=cmp_to_key(_compare))
    return [rank.pod for rank in ranks[:count]]


class _Rank(Struct, frozen=True, gc=False):
    pod: Pod
    state: tuple[bool, int, bool, int, int]  # rules 1 to 5, smaller first
    ready_second: int | None
    ready_bucket: int
    restarts: tuple[int, int]
    created_second: int
    created_bucket: int


def _rank(pod: Pod, crowd: int, now: float) -> _Rank:
    ready = pod.status.ready.since if pod.is_ready and pod.status.ready is not None else None
    return _Rank(
        pod=pod,
        state=(
            bool(pod.node),
            PHASES.get(pod.status.phase, 0),
            ready is not None,
            deletion_cost(pod),
            -crowd,
        ),
        ready_second=None if ready is None else floor(ready),
        ready_bucket=0 if ready is None else _bucket(floor(ready), now),
        restarts=_restarts(pod),
        created_second=floor(pod.meta.created),
        created_bucket=_bucket(floor(pod.meta.created), now),
    )


def _compare(a: _Rank, b: _Rank) -> int:
    if a.state != b.state:
        return -1 if a.state < b.state else 1
    if a.ready_second != b.ready_second:  # 6. Ready for a shorter time goes first
        return _by_age(a, b, a.ready_bucket - b.ready_bucket)
    if a.restarts != b.restarts:  # 7. more restarts go first
        return -1 if a.restarts > b.restarts else 1
    if a.created_second != b.created_second:  # 8. younger goes first
        return _by_age(a, b, a.created_bucket - b.created_bucket)
    return 0


def _by_age(a: _Rank, b: _Rank, difference: int) -> int:
    """Ages in the same power of two are equal; the smaller UID goes first then."""
    if difference:
        return difference
    return -1 if a.pod.meta.uid < b.pod.meta.uid else 1


def _bucket(second: int, now: float) -> int:
    """floor(log2) of the nanoseconds since then; -1 for none [`logarithmicRankDiff`]."""
    age = round((now - second) * 1e9)
    return int(log2(age)) if age > 0 else -1


def deletion_cost(pod: Pod) -> int:
    """What deleting the pod costs, by its annotation; 0 if there is none, or it is not a number [core/helper
    `GetDeletionCostFromPodAnnotations`]."""
    text = pod.meta.annotations.get(DELETION_COST, "0")
    digits = text.removeprefix("-")
    plain = digits.isascii() and digits.isdigit() and (text == "0" or text[0] != "0") and len(digits) <= 10
    cost = int(text) if plain else 0
    return cost if -(2**31) <= cost < 2**31 else 0


def _restarts(pod: Pod) -> tuple[int, int]:
    """The most restarts of a container, then of a sidecar [`maxContainerRestarts`]."""
    sidecars = {container.name for container in pod.template.sidecars}
    return (
        _most(pod.status.containers),
        _most(status for status in pod.status.init_containers if status.name in sidecars),
    )


def _most(statuses: Iterable[ContainerStatus]) -> int:
    return max((status.restart_count for status in statuses), default=0)
