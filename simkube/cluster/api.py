"""The API front: the one way to the store, for controllers, kubelets, a drain and every other client.

It admits, versions, applies the rules of deletion and binding, and can refuse, be slow or be gone. A `Client` is one
caller's connection: it has a name (the writer, in traces), a rate limit as client-go's, and can be cut off by itself.
"""

from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from msgspec.structs import replace

from simkube.clock import Clock
from simkube.cluster.deletion import delete
from simkube.cluster.disruption.eviction import evict
from simkube.cluster.errors import AlreadyExists, Conflict, NotFound, Unavailable
from simkube.cluster.selection import Selections
from simkube.cluster.store import ANY, Store, Watcher
from simkube.kube.objects import Condition, Object, Pod, PodDisruptionBudget
from simkube.kube.selector import Selector, compile_selector
from simkube.timings import Timings

O = TypeVar("O", bound=Object)  # noqa: E741

Admit = Callable[[Any, Store], Any]
"""An admission plugin: the object to create and the store; returns it, changed or not, or raises `ApiError`."""

EventSink = Callable[[Object, str, str, str, str], None]
"""Takes a Kubernetes Event: object, type ("Normal", "Warning"), reason, message, reporting component."""


SAFE = "bcdfghjklmnpqrstvwxz2456789"


class Api:
    """The API server over a store. `available` False: every call raises `Unavailable`; `latency` is what a reaction to
    a watch takes, in seconds (request and delivery together); `throttled` False lifts clients' rate limits. `timings`
    are those of the API server's own version. `selections` know who selects which pods."""

    def __init__(
        self, store: Store, clock: Clock, random: Random, timings: Timings, latency: float = 0.01
    ) -> None:
        self.store = store
        self.clock = clock
        self.timings = timings
        self.latency = latency
        self.available = True
        self.throttled = True
        self.admission: dict[str, list[Admit]] = {}
        self.event_sink: EventSink | None = None
        self.selections = Selections(store)
        self.selections.track("PodDisruptionBudget", budget_selector)
        self._random = random

    def client(self, name: str, qps: float = 0.0, burst: int = 0) -> "Client":
        """A connection for the caller `name`; `qps` 0 means without a rate limit."""
        return Client(self, name, qps, burst)

    def uid(self) -> str:
        """A new UID, from the run's random stream."""
        bits = f"{self._random.getrandbits(128):032x}"
        return f"{bits[:8]}-{bits[8:12]}-{bits[12:16]}-{bits[16:20]}-{bits[20:]}"

    def suffix(self) -> str:
        """Five characters as generateName appends them [apimachinery `pkg/util/rand`: no vowels, no 0, 1, 3]."""
        chance = self._random.random
        return "".join([SAFE[int(chance() * len(SAFE))] for _ in range(5)])


class Client:
    """One caller's connection to the API.

    Reads come in two forms. `cached` reads (`get`, `table`, `pods_on`, `owned_by`: those of the store) are an
    informer's: they answer from what the caller has seen, also while the API is away. `read` is a live GET and raises
    `Unavailable` then. Writes are always live.
    """

    def __init__(self, api: Api, name: str, qps: float, burst: int) -> None:
        self.api = api
        self.name = name
        self.connected = True
        store = self._store = api.store
        self.get, self.table = store.get, store.table
        self.pods_on, self.owned_by = store.pods_on, store.owned_by
        self._qps = qps
        self._burst = float(burst)
        self._tokens = self._burst
        self._refilled = api.clock.now

    # -- availability and rate ----------------------------------------------------------------------------------

    @property
    def reachable(self) -> bool:
        """A call would be answered now."""
        return self.connected and self.api.available

    def _call(self) -> None:
        if not (self.connected and self.api.available):
            raise Unavailable("the API server cannot be reached")
        if self._qps and self.api.throttled:
            self._refill()
            self._tokens -= 1.0

    def _refill(self) -> None:
        now = self.api.clock.now
        if now > self._refilled:
            tokens = self._tokens + (now - self._refilled) * self._qps
            self._tokens = tokens if tokens < self._burst else self._burst
            self._refilled = now

    def wait(self) -> float:
        """Seconds until the rate limit lets the next call through. A caller that overdrew waits here before more."""
        if not self._qps or not self.api.throttled:
            return 0.0
        self._refill()
        missing = 1.0 - self._tokens
        return missing / self._qps if missing > 1e-6 else 0.0  # less might not move the clock

    # -- reading ------------------------------------------------------------------------------------------------

    def read(self, kind: str, name: str, namespace: str = "") -> Any:
        """A live GET. Raises `NotFound`, `Unavailable`."""
        self._call()
        found = self._store.get(kind, name, namespace)
        if found is None:
            raise NotFound(f'{kind.lower()}s "{name}" not found')
        return found

    def watch(self, kind: str, watcher: Watcher, did: int = ANY, owner: str = "") -> None:
        """Be told of changes, as they happen (see `Store.watch`)."""
        self._store.watch(kind, watcher, did, owner)

    def watch_pods_on(self, node: str, watcher: Watcher | None) -> None:
        self._store.watch_pods_on(node, watcher)

    # -- writing ------------------------------------------------------------------------------------------------

    def create(self, obj: O) -> O:
        """POST: admission, UID (kept if the object brings one), creation time. Raises `AlreadyExists`, `Forbidden`,
        `Unavailable`."""
        self._call()
        api, store, meta = self.api, self._store, obj.meta
        if store.get(obj.kind, meta.name, meta.namespace) is not None:
            raise AlreadyExists(f'{obj.kind.lower()}s "{meta.name}" already exists')
        obj = replace(obj, meta=replace(meta, uid=meta.uid or api.uid(), created=api.clock.now))
        for admit in api.admission.get(obj.kind, ()):
            obj = admit(obj, store)
        return store.put(obj, self.name)

    def update(self, obj: O) -> O:
        """PUT (spec, metadata or status): `obj` derives from a version read before. Raises `NotFound` if the object is
        gone, `Conflict` if it has changed since. The last finalizer's removal ends a deletion."""
        self._call()
        meta = obj.meta
        current = self._store.get(obj.kind, meta.name, meta.namespace)
        if current is None or current.meta.uid != meta.uid:
            raise NotFound(f'{obj.kind.lower()}s "{meta.name}" not found')
        if current.version != obj.version:
            raise Conflict(
                f'Operation cannot be fulfilled on {obj.kind.lower()}s "{meta.name}": the object has been modified'
            )
        deleting = (
            current.meta.deletion_timestamp is not None and not current.meta.deletion_grace_period_seconds
        )
        if deleting and not meta.finalizers:  # [registry store.go `ShouldDeleteDuringUpdate`]
            self._store.remove(obj.kind, meta.name, meta.namespace, self.name)
            return obj
        return self._store.put(obj, self.name)

    def bind(self, pod: Pod, node: str) -> Pod:
        """POST binding: sets spec.nodeName and condition PodScheduled=True. Raises `Conflict` if the pod is bound."""
        self._call()
        current: Pod | None = self._store.get("Pod", pod.meta.name, pod.meta.namespace)
        if current is None or current.meta.uid != pod.meta.uid:
            raise NotFound(f'pods "{pod.meta.name}" not found')
        if current.node or current.is_terminating:
            raise Conflict(
                f'pod {pod.meta.name} is already assigned to node "{current.node}" or being deleted'
            )
        scheduled = Condition("PodScheduled", "True", self.api.clock.now)
        status = replace(current.status, scheduled=scheduled, nominated_node="")
        return self._store.put(replace(current, node=node, status=status), self.name)

    def delete(
        self, kind: str, name: str, namespace: str = "", *, grace: int | None = None, uid: str | None = None
    ) -> None:
        """DELETE. A pod is deleted gracefully: see `simkube.cluster.deletion`. `grace` in seconds, None: the pod's own.
        Raises `NotFound`, `Conflict` (another UID), `Unavailable`."""
        self._call()
        obj = self._store.get(kind, name, namespace)
        if obj is None:
            raise NotFound(f'{kind.lower()}s "{name}" not found')
        if uid is not None and obj.meta.uid != uid:
            raise Conflict(
                f"Precondition failed: UID in precondition: {uid}, UID in object meta: {obj.meta.uid}"
            )
        delete(self._store, obj, grace, self.api.clock.now, self.name)

    def evict(self, name: str, namespace: str, *, grace: int | None = None, uid: str | None = None) -> None:
        """POST eviction: see `simkube.cluster.disruption.eviction` for the answers."""
        self._call()
        api, store = self.api, self._store
        pod = store.get("Pod", name, namespace)
        if pod is None or (uid is not None and pod.meta.uid != uid):
            raise NotFound(f'pods "{name}" not found')
        table = store.table("PodDisruptionBudget")
        budgets = [table[key] for key in api.selections.selecting("PodDisruptionBudget", pod)]
        evict(store, pod, budgets, grace, api.clock.now, self.name, api.timings)

    def event(self, obj: Object, type_: str, reason: str, message: str) -> None:
        """Post a Kubernetes Event about an object; lost, as in reality, when the API is away."""
        if self.api.event_sink is not None and self.reachable:
            self.api.event_sink(obj, type_, reason, message, self.name)


def budget_selector(budget: PodDisruptionBudget) -> Selector:
    """Which pods a budget is about: an empty selector is all of the namespace, none at all is no pod [policy/v1]."""
    return compile_selector(budget.spec.selector)
