"""A run: both worlds on one clock. Belief (store, API, controllers) and truth (machines) are put together here.

A run begins in the past: at negative times the cluster is built and settles, with containers that start at once and no
rate limits, so that at time 0 everything that can run does. From then on time is real.
"""

from collections.abc import Callable, Mapping, Sequence

from simkube.clock import Clock
from simkube.cluster.api import Api
from simkube.cluster.control_plane import ControlPlane
from simkube.cluster.errors import ApiError
from simkube.cluster.store import Change, Did, Store
from simkube.kube.objects import Key, Meta, Node, Object, Other
from simkube.machines.faults import schedule
from simkube.machines.fleet import Fleet
from simkube.measure import Measures
from simkube.measure.services import Traffic
from simkube.randoms import Randoms
from simkube.scenario.load import Loaded
from simkube.timings import Timings
from simkube.trace.record import Record, Sink
from simkube.trace.transitions import KINDS, transitions

STEP = 1.0  # seconds after which pods that were bound while the cluster is built are running
BUILD = 600.0  # seconds before time 0 in which the cluster is built
QUIET = 360.0  # settled: nothing is due within this time (longer than the five-minute eviction)
PATIENCE = 3600.0  # how long after its plan a run may go on when it does not settle
DAY = 86400.0

FIRST = (
    "Namespace",
    "PriorityClass",
    "StorageClass",
    "LimitRange",
    "ResourceQuota",
    "PersistentVolume",
    "Service",
)

# What the measures fold, of all that changes of objects tell (see simkube.measure).
_MEASURED = {
    "Pod": Did.ADDED | Did.REMOVED | Did.TERMINATING | Did.BOUND | Did.PHASE | Did.READY,
    "Node": Did.ADDED | Did.REMOVED | Did.READY,
    "PodDisruptionBudget": Did.ADDED | Did.STATUS | Did.REMOVED,
    **dict.fromkeys(("Deployment", "ReplicaSet", "StatefulSet"), Did.ADDED | Did.REMOVED | Did.SPEC),
    "DaemonSet": Did.ADDED | Did.REMOVED | Did.SPEC | Did.STATUS,
}
MEASURED = {kind: int(did) for kind, did in _MEASURED.items()}  # `&` of an IntFlag takes ten times as long


class Simulation:
    """One run of a scenario with one seed. Records go to the measures and to `sinks`; without sinks only what the
    measures need is told."""

    def __init__(self, loaded: Loaded, seed: int, sinks: Sequence[Sink] = ()) -> None:
        scenario = loaded.scenario
        behaviour = scenario.behaviour
        self.loaded = loaded
        self.seed = seed
        self.clock = Clock(-BUILD)
        self.randoms = Randoms(seed)
        self.timings = Timings.for_version(scenario.cluster.version, scenario.timings)
        self.store = Store()
        self.api = Api(
            self.store, self.clock, self.randoms.stream("api"), self.timings, behaviour.api_latency
        )
        self.measures = Measures(*traffic_of(loaded))
        self.changed_at = 0.0  # when something last changed, in belief or truth
        self._sinks: list[Sink] = [self.measures, *sinks]
        self._watch(everything=bool(sinks))
        if sinks:
            self.api.event_sink = self._event
        self.control_plane = ControlPlane(self.clock, self.api, self.timings, self.randoms)
        self.fleet = Fleet(self.clock, self.api, self.timings, self.randoms, behaviour, self.tell)

    # -- telling ------------------------------------------------------------------------------------------------

    def tell(self, record: Record) -> None:
        """Give a record to the measures and the sinks."""
        self.changed_at = record.t
        for sink in self._sinks:
            sink(record)

    def _give(self, record: Record) -> None:
        for sink in self._sinks:
            sink(record)

    def listen(self, sink: Sink) -> None:
        """Give the records that are told from now on to one more sink."""
        self._sinks.append(sink)

    def _watch(self, everything: bool) -> None:
        for kind in KINDS:
            if everything:
                self.store.watch(kind, self._change)
            elif kind in MEASURED:
                self.store.watch(kind, self._change, MEASURED[kind])

    def _change(self, change: Change) -> None:
        """What is told only because somebody listens must not decide when a run has settled."""
        old, new, did, _, by = change
        measured = MEASURED.get((old if new is None else new).kind, 0)
        give = self.tell if did & measured else self._give
        for record in transitions(old, new, self.clock.now, by):
            give(record)

    def _event(self, obj: Object, type_: str, reason: str, message: str, by: str) -> None:
        meta = obj.meta
        self._give(
            Record(
                self.clock.now,
                "event",
                obj.kind,
                meta.namespace,
                meta.name,
                meta.uid,
                by=by,
                reason=reason,
                message=message,
                value=type_,
            )
        )

    def _tell_traffic(self) -> None:
        """What no object says: how much is asked of a service, and whom it asks. It comes first in a trace."""
        traffic, calls = traffic_of(self.loaded)
        for key in sorted({**traffic, **calls}):
            asked = traffic.get(key, Traffic())
            called = ["/".join(callee) for callee in calls.get(key, ())]
            value = {"rps": asked.rps, "persistent": asked.persistent, "calls": called}
            self.tell(Record(self.clock.now, "service.traffic", "Service", *key, value=value))

    # -- running ------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Create everything and let it settle, without rate limits and with containers that run at once; the clock then
        shows 0. Raises `InputError` for an object that the API server refuses."""
        self._tell_traffic()
        self.api.throttled = False
        client = self.api.client("kubectl")
        objects = self.loaded.objects
        named = {obj.meta.name for obj in objects if obj.kind == "Namespace"}
        for namespace in dict.fromkeys(obj.meta.namespace for obj in objects if obj.meta.namespace):
            if namespace not in named:
                client.create(Other(api_version="v1", kind="Namespace", meta=Meta(name=namespace)))
        rank: dict[str, int] = {kind: index for index, kind in enumerate(FIRST)}
        for obj in sorted(objects, key=lambda o: rank.get(o.kind, len(FIRST))):
            try:
                created = client.create(obj)
            except ApiError as error:
                message = f"the API server refuses it: {error.message}"
                raise self.loaded.error(obj, message, "change it, or what refuses it") from None
            if isinstance(created, Node):
                self.fleet.join(created, watching=False)
        while self.clock.next_due <= 0.0:
            self.clock.run_until(min(0.0, max(self.clock.now + STEP, self.clock.next_due)))
            self.fleet.adopt_pods()
        self.clock.run_until(0.0)
        self.fleet.listen()
        self.api.throttled = True
        self.changed_at = 0.0
        schedule(self.fleet, self.loaded.scenario.faults)

    def run_until(self, time: float) -> None:
        self.clock.run_until(time)

    def settle(self, limit: float, busy: Callable[[], bool] = lambda: False) -> float:
        """Go on until nothing is due within `QUIET` seconds and `busy` says no, or until `limit`; returns when the last
        change was."""
        clock = self.clock
        while clock.next_due <= limit:
            if clock.next_due - max(self.changed_at, clock.now) > QUIET and not busy():
                break
            clock.step()
        return min(self.changed_at, limit)

    def service_success(self, since: float) -> Mapping[Key, float]:
        """Share of time-weighted requests that succeeded since `since`, by service; for gates."""
        return self.measures.services.availability(since, self.clock.now)


def traffic_of(loaded: Loaded) -> tuple[dict[Key, Traffic], dict[Key, list[Key]]]:
    """`behaviour.traffic` and `behaviour.calls` by (namespace, name); a bare name is a service of that name in any
    namespace of the scenario."""
    behaviour = loaded.scenario.behaviour
    services = [obj.key for obj in loaded.objects if obj.kind == "Service"]

    def keys(name: str) -> list[Key]:
        namespace, slash, plain = name.partition("/")
        return (
            [key for key in services if key == (namespace, plain)]
            if slash
            else [k for k in services if k[1] == name]
        )

    traffic = {
        key: Traffic(t.rps, t.connections == "persistent")
        for name, t in behaviour.traffic.items()
        for key in keys(name)
    }
    calls = {
        key: [callee for other in others for callee in keys(other)]
        for name, others in behaviour.calls.items()
        for key in keys(name)
    }
    return traffic, calls
