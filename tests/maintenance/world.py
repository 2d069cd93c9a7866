"""A fake world for tests: nodes, pods and machines that do what a test says, on a clock of its own. No simulator.

world = FakeWorld()
world.node("w1")
world.pod("web-1", "w1", exits=3)          # gone 3 s after it was asked to go
world.answers["evict", "default/web-1"] = [Answer(429, BUDGET)]   # first answers; then they are accepted
driver = world.run(plan)
"""

from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from math import inf
from typing import Any

import msgspec
from msgspec.structs import replace

from simkube.kube.objects import (
    NOTHING,
    Condition,
    Key,
    Meta,
    Node,
    NodeResources,
    NodeStatus,
    OwnerReference,
    Pod,
    PodStatus,
    Resource,
    Workload,
    WorkloadStatus,
)
from simkube.kube.pod import PodSpec
from simkube.kube.template import Template
from simkube.kube.workloads import DaemonSetSpec, DeploymentSpec, ReplicaSetSpec, StatefulSetSpec
from simkube.maintenance import acts
from simkube.maintenance.driver import Driver
from simkube.maintenance.log import Log, Outcome
from simkube.maintenance.plan import Block, Leaf, Plan
from simkube.maintenance.step import Act, Answer, Entry, Journal, MachineView, WaitUntil

BUDGET = "Cannot evict pod as it would violate the pod's disruption budget."
REFUSED = Answer(429, BUDGET)
RESOURCES = NodeResources(4000, 16 << 30)
SPECS: dict[str, Any] = {
    "Deployment": DeploymentSpec,
    "ReplicaSet": ReplicaSetSpec,
    "StatefulSet": StatefulSetSpec,
    "DaemonSet": DaemonSetSpec,
}


class Killed(Exception):
    """The driver's process dies."""


class DiskLog(Log):
    """A log on a disk that survives: lines of JSON. It dies when about to write line `dies_at` (counted from 0), with
    `after` once it is written."""

    def __init__(self, dies_at: int | None = None, after: bool = False) -> None:
        super().__init__()
        self.lines: list[bytes] = []
        self.dies_at, self.after = dies_at, after

    def write(self, path: str, line: Entry | Outcome | float) -> None:
        dies = len(self.lines) == self.dies_at
        if dies and not self.after:
            raise Killed
        kind = "entry" if isinstance(line, Entry) else "outcome" if isinstance(line, Outcome) else "begun"
        self.lines.append(msgspec.json.encode([kind, path, line]))
        if dies:
            raise Killed

    def read_back(self) -> "DiskLog":
        """A new log from what is on the disk."""
        log = DiskLog()
        for line in self.lines:
            kind, path, value = msgspec.json.decode(line)
            if kind == "begun":
                log.journals[path] = Journal(value)
            elif kind == "entry":
                log.journals[path].add(msgspec.convert(value, Entry))
            else:
                log.settle(path, Outcome(*value))
        log.lines = list(self.lines)
        return log


class FakeWorld:
    def __init__(self) -> None:
        self.time = 0.0
        self.tables: dict[str, dict[Key, Any]] = {}
        self.machines: dict[str, MachineView] = {}
        self.exits: dict[str, float] = {}  # seconds from eviction to being gone, by UID
        self.answers: dict[tuple[str, str], list[Answer]] = {}
        self.refused_until: dict[
            str, float
        ] = {}  # evictions of this pod are refused by a budget before this time
        self.acts: list[tuple[float, Act]] = []
        self.success: Mapping[Key, float] = {}
        self.boot_time = 30.0
        self.on_gone: Callable[[Pod], None] | None = None
        self.driver: Driver | None = None
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    # -- making ----------------------------------------------------------------------------------------------

    def node(self, name: str, labels: Mapping[str, str] = NOTHING, version: str = "v1.36.3") -> Node:
        status = NodeStatus(RESOURCES, RESOURCES, (Condition("Ready", "True"),), kubelet_version=version)
        node = Node(meta=Meta(name, labels=labels), status=status)
        self.tables.setdefault("Node", {})["", name] = node
        self.machines[name] = MachineView(True, True, -1000.0, True, version)
        return node

    def pod(
        self,
        name: str,
        node: str,
        exits: float = 0.0,
        owner: Workload | tuple[str, str] | None = ("ReplicaSet", "rs"),
        namespace: str = "default",
        phase: str = "Running",
        annotations: Mapping[str, str] = NOTHING,
        empty_dir: bool = False,
        labels: Mapping[str, str] = NOTHING,
        ready: bool = True,
        deleted: float | None = None,
    ) -> Pod:
        volumes = [{"name": "v", "emptyDir": {}}] if empty_dir else []
        template = Template(PodSpec.model_validate({"containers": [{"name": "c"}], "volumes": volumes}))
        self._count += 1
        uid = f"{name}-uid-{self._count}"
        owners: tuple[OwnerReference, ...] = ()
        if isinstance(owner, Workload):
            owners = (OwnerReference(owner.kind, owner.meta.name, owner.meta.uid),)
        elif owner is not None:
            owners = (OwnerReference(owner[0], owner[1], f"{owner[1]}-uid"),)
        meta = Meta(
            name,
            namespace,
            uid,
            labels=labels,
            owners=owners,
            annotations=annotations,
            deletion_timestamp=deleted,
        )
        status = PodStatus(phase=phase, ready=Condition("Ready", "True" if ready else "False"))
        pod = Pod(meta=meta, template=template, node=node, status=status)
        self.exits[uid] = exits
        self.put(pod)
        return pod

    def workload(
        self,
        kind: str,
        name: str,
        replicas: int = 1,
        ready: int | None = None,
        owner: Workload | None = None,
        **meta: Any,
    ) -> Workload:
        spec = SPECS[kind]() if kind == "DaemonSet" else SPECS[kind](replicas=replicas)
        owners = () if owner is None else (OwnerReference(owner.kind, owner.meta.name, owner.meta.uid),)
        status = WorkloadStatus(replicas=replicas, ready=replicas if ready is None else ready)
        workload = Workload(
            kind=kind,
            meta=Meta(name, "default", f"{kind}-{name}-uid", owners=owners, **meta),
            spec=spec,
            template=Template(PodSpec()),
            status=status,
        )
        self.put(workload)
        return workload

    def autoscaler(self, name: str, kind: str, target: str) -> None:
        from simkube.kube.workloads import HorizontalPodAutoscalerSpec

        spec = HorizontalPodAutoscalerSpec.model_validate(
            {"scaleTargetRef": {"kind": kind, "name": target}, "maxReplicas": 9}
        )
        meta = Meta(name, "default", f"{name}-uid")
        self.put(Resource(api_version="autoscaling/v2", kind="HorizontalPodAutoscaler", meta=meta, spec=spec))

    def put(self, obj: Any) -> None:
        self.tables.setdefault(obj.kind, {})[obj.key] = obj
        self.changed(getattr(obj, "node", "") or obj.meta.name)

    def set_ready(self, kind: str, name: str, ready: int) -> None:
        workload = self.get(kind, name, "default")
        self.put(replace(workload, status=replace(workload.status, ready=ready)))

    def set_node(self, name: str, ready: bool | None = None, **fields: Any) -> None:
        node = self.tables["Node"]["", name]
        if ready is not None:
            conditions = (Condition("Ready", "True" if ready else "Unknown", self.time),)
            node = replace(node, status=replace(node.status, conditions=conditions))
        self.put(replace(node, **fields))

    def set_machine(self, name: str, **fields: Any) -> None:
        self.machines[name] = self.machines[name]._replace(**fields)
        self.changed(name)

    def remove_pod(self, pod: Pod) -> None:
        current = self.pod_named(*pod.key)
        if current is not None and current.meta.uid == pod.meta.uid:
            del self.tables["Pod"][pod.key]
            self.changed(pod.node)
            if self.on_gone is not None:
                self.on_gone(pod)

    def at(self, time: float, call: Callable[[], None]) -> None:
        self._count += 1
        heappush(self._events, (time, self._count, call))

    def after(self, delay: float, call: Callable[[], None]) -> None:
        self.at(self.time + delay, call)

    def changed(self, node: str) -> None:
        if self.driver is not None and self.driver.waits_on(node):
            self.driver.changed(node)

    # -- View ------------------------------------------------------------------------------------------------

    @property
    def view(self) -> "FakeWorld.View":
        return FakeWorld.View(self)

    class View:
        def __init__(self, world: "FakeWorld") -> None:
            self.world = world

        def node(self, name: str) -> Node | None:
            return self.world.tables.get("Node", {}).get(("", name))

        def nodes(self) -> Sequence[Node]:
            return list(self.world.tables.get("Node", {}).values())

        def pod(self, namespace: str, name: str) -> Pod | None:
            return self.world.pod_named(namespace, name)

        def pods_on(self, node: str) -> Sequence[Pod]:
            return [pod for pod in self.world.tables.get("Pod", {}).values() if pod.node == node]

        def get(self, kind: str, name: str, namespace: str = "") -> Any:
            return self.world.get(kind, name, namespace)

        def table(self, kind: str) -> Mapping[Key, Any]:
            return self.world.tables.get(kind, {})

        def owned_by(self, uid: str) -> Sequence[Any]:
            raise NotImplementedError

        def machine(self, name: str) -> MachineView:
            return self.world.machines.get(name, MachineView(False, False, 0.0, False, ""))

        def service_success(self, since: float) -> Mapping[Key, float]:
            return self.world.success

    def get(self, kind: str, name: str, namespace: str = "") -> Any:
        return self.tables.get(kind, {}).get((namespace, name))

    def pod_named(self, namespace: str, name: str) -> Pod | None:
        return self.tables.get("Pod", {}).get((namespace, name))

    # -- World -----------------------------------------------------------------------------------------------

    def now(self) -> float:
        return self.time

    def act(self, act: Act) -> Answer:
        self.acts.append((self.time, act))
        scripted = self.answers.get((act.verb, act.target))
        answer = scripted.pop(0) if scripted else Answer()
        if act.verb == "evict" and self.time < self.refused_until.get(act.target, 0.0):
            return REFUSED
        return (getattr(self, "_" + act.verb.replace("-", "_"))(act) or answer) if answer.ok else answer

    def _cordon(self, act: acts.Cordon, unschedulable: bool = True) -> Answer | None:
        if ("", act.node) not in self.tables["Node"]:
            return Answer(404, f'nodes "{act.node}" not found')
        if self.tables["Node"]["", act.node].unschedulable != unschedulable:
            self.set_node(act.node, unschedulable=unschedulable)
        return None

    def _uncordon(self, act: acts.Uncordon) -> Answer | None:
        return self._cordon(act, False)  # type: ignore[arg-type]

    def _evict(self, act: acts.Evict | acts.DeletePod) -> Answer | None:
        pod = self.pod_named(act.namespace, act.pod)
        if pod is None:
            return Answer(404, f'pods "{act.pod}" not found')
        if pod.meta.deletion_timestamp is None:
            grace = 30 if act.grace is None else act.grace
            self.put(replace(pod, meta=replace(pod.meta, deletion_timestamp=self.time + grace)))
            delay = self.exits[pod.meta.uid]
            if delay == 0:
                self.remove_pod(pod)
            elif delay < inf:
                self.after(delay, lambda: self.remove_pod(pod))
        return None

    _delete = _evict

    def _reboot(self, act: acts.Reboot) -> Answer | None:
        if self.machines[act.node].on:
            self.set_machine(act.node, on=False, kubelet_running=False)
            self.after(self.boot_time, lambda: self.boot(act.node))
        return None

    def boot(self, name: str) -> None:
        self.set_machine(name, on=True, kubelet_running=True, booted_at=self.time)

    def _power_off(self, act: acts.PowerOff) -> Answer | None:
        self.after(5, lambda: self.set_machine(act.node, on=False, kubelet_running=False))
        return None

    def _power_on(self, act: acts.PowerOn) -> Answer | None:
        self.after(self.boot_time, lambda: self.boot(act.node))
        return None

    def _install_kubelet(self, act: acts.InstallKubelet) -> Answer | None:
        self.set_machine(act.node, kubelet_version=act.version)
        node = self.tables["Node"]["", act.node]
        status = replace(node.status, kubelet_version=act.version)
        self.after(4, lambda: self.put(replace(self.tables["Node"]["", act.node], status=status)))
        return None

    def _add_node(self, act: acts.AddNode) -> Answer | None:
        if act.node not in self.machines:
            self.machines[act.node] = MachineView(True, True, self.time, True, act.version)
            self.after(self.boot_time, lambda: self.put(self.node(act.node, version=act.version)))
        return None

    def _remove_node(self, act: acts.RemoveNode) -> Answer | None:
        self.tables["Node"].pop(("", act.node), None)
        self.machines.pop(act.node, None)
        for pod in self.view.pods_on(act.node):
            self.remove_pod(pod)
        self.changed(act.node)
        return None

    def _scale(self, act: acts.Scale) -> Answer | None:
        workload = self.get(act.kind, act.name, act.namespace)
        self.put(replace(workload, spec=workload.spec.model_copy(update={"replicas": act.replicas})))
        return None

    def _annotate(self, act: acts.Annotate) -> Answer | None:
        pod = self.pod_named(act.namespace, act.pod)
        if pod is None:
            return Answer(404, f'pods "{act.pod}" not found')
        self.put(
            replace(pod, meta=replace(pod.meta, annotations={**pod.meta.annotations, **act.annotations}))
        )
        return None

    # -- running ---------------------------------------------------------------------------------------------

    def run(self, plan: Plan, log: Log | None = None, told: Any = None, until: float = 1e7) -> Driver:
        """Run the plan until it has finished, is stuck, or it is `until`."""
        driver = self.driver = Driver(plan, self, log, told)
        while not driver.finished:
            driver.run()
            due = min(driver.next_wake, self._events[0][0] if self._events else inf)
            if driver.finished or due > until or due == inf:
                break
            assert due >= self.time
            self.pass_to(due)
        return driver

    def pass_to(self, time: float) -> None:
        """Let everything happen up to this time."""
        self.time = time
        while self._events and self._events[0][0] <= time:
            heappop(self._events)[2]()

    # -- looking ---------------------------------------------------------------------------------------------

    def times(self, verb: str, target: str | None = None) -> list[float]:
        """When acts of a verb were tried."""
        return [t for t, act in self.acts if act.verb == verb and (target is None or act.target == target)]

    @property
    def pods(self) -> list[str]:
        return [f"{pod.meta.namespace}/{pod.meta.name}" for pod in self.tables.get("Pod", {}).values()]


def one(*steps: Any) -> Plan:
    """A plan of these steps, one after the other."""
    return Plan(
        Block("test", tuple(step if isinstance(step, Leaf | Block) else Leaf(step) for step in steps))
    )


class Told:
    """Keeps what a driver tells."""

    def __init__(self) -> None:
        self.all: list[tuple[str, Any, Any]] = []

    def __call__(self, path: str, leaf: Leaf, what: Any, answer: Any) -> None:
        if not isinstance(what, WaitUntil):
            self.all.append((path, what, answer))
