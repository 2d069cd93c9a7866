"""The simulated world: a plan's acts carried out on a `Simulation`, in virtual time."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import inf
from typing import Any

from msgspec.structs import replace

from simkube.clock import Timer
from simkube.cluster.api import Client
from simkube.cluster.errors import ApiError, NotFound
from simkube.cluster.store import Change, Did
from simkube.kube.objects import Key, Node, Pod
from simkube.machines.machine import Machine
from simkube.maintenance import acts
from simkube.maintenance.driver import Driver
from simkube.maintenance.log import Log, Outcome
from simkube.maintenance.plan import Leaf, Plan
from simkube.maintenance.step import Act, Answer, MachineView, Note, WaitUntil
from simkube.sim import Simulation
from simkube.trace.record import Record

OK = Answer()


class SimulatedView:
    """What a person with kubectl and a console sees of a simulation."""

    def __init__(self, simulation: Simulation, client: Client) -> None:
        self._simulation = simulation
        self._client = client

    def node(self, name: str) -> Node | None:
        found: Node | None = self._client.get("Node", name)
        return found

    def nodes(self) -> Sequence[Node]:
        return list(self._client.table("Node").values())

    def pod(self, namespace: str, name: str) -> Pod | None:
        found: Pod | None = self._client.get("Pod", name, namespace)
        return found

    def pods_on(self, node: str) -> Sequence[Pod]:
        return list(self._client.pods_on(node).values())

    def get(self, kind: str, name: str, namespace: str = "") -> Any:
        return self._client.get(kind, name, namespace)

    def table(self, kind: str) -> Mapping[Key, Any]:
        return self._client.table(kind)

    def owned_by(self, uid: str) -> Sequence[Any]:
        return list(self._client.owned_by(uid).values())

    def machine(self, name: str) -> MachineView:
        return MachineView(*self._simulation.fleet.console(name))

    def service_success(self, since: float) -> Mapping[Key, float]:
        return self._simulation.service_success(since)


class SimulatedWorld:
    """Runs one plan in a simulation: acts go to its API and machines; the clock wakes the driver."""

    def __init__(self, simulation: Simulation, plan: Plan, log: Log | None = None) -> None:
        self.simulation = simulation
        self.client = simulation.api.client("kubectl")
        self.view = SimulatedView(simulation, self.client)
        self._rules: dict[type[Act], Callable[[Any], Answer]] = {
            acts.Cordon: lambda act: self._cordon(act.node, True),
            acts.Uncordon: lambda act: self._cordon(act.node, False),
            acts.Evict: self._evict,
            acts.DeletePod: self._delete,
            acts.Reboot: lambda act: self._machine(act.node, lambda m: m.shut_down(reboot=True)),
            acts.PowerOff: lambda act: self._machine(act.node, Machine.shut_down),
            acts.PowerOn: lambda act: self._machine(act.node, Machine.power_on),
            acts.InstallKubelet: lambda act: self._machine(
                act.node, lambda m: m.install_kubelet(act.version)
            ),
            acts.AddNode: self._add,
            acts.RemoveNode: self._remove,
            acts.Scale: self._scale,
            acts.Annotate: self._annotate,
        }
        self._refused_by = ""  # the object that stood in the way of the last act that was refused
        self._timer: Timer | None = None
        self._timer_at = inf
        self.plan = plan
        self._tell(Record(self.now(), "plan.begun", name=plan.strategy))
        self.driver = Driver(plan, self, log, self._told)
        self.client.watch("Node", self._node_changed)
        self.client.watch("Pod", self._pod_changed, Did.REMOVED | Did.READY | Did.ADDED | Did.TERMINATING)
        simulation.listen(self._heard)
        self._wake_at(self.now())

    # -- World --------------------------------------------------------------------------------------------------

    def now(self) -> float:
        return self.simulation.clock.now

    def act(self, act: Act) -> Answer:
        try:
            return self._rules[type(act)](act)
        except ApiError as error:
            self._refused_by = error.by
            return Answer(error.code, error.message, error.retry_after)

    # -- waking the driver --------------------------------------------------------------------------------------

    def _node_changed(self, change: Change) -> None:
        self._changed(change.object.meta.name)

    def _pod_changed(self, change: Change) -> None:
        self._changed(change.object.node)

    def _heard(self, record: Record) -> None:
        if record.kind == "Node" and record.node:
            self._changed(record.node)

    def _changed(self, node: str) -> None:
        if self.driver.waits_on(node):
            self.driver.changed(node)
            self._wake_at(self.driver.next_wake)

    def _wake_at(self, time: float) -> None:
        if time >= self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = time
        self._timer = self.simulation.clock.at(time, self._wake)

    def _wake(self) -> None:
        self._timer, self._timer_at = None, inf
        self.driver.run()
        if self.driver.finished:
            result = "failed" if self.driver.aborted else "done"
            self._tell(
                Record(
                    self.now(),
                    "plan.ended",
                    name=self.plan.strategy,
                    reason=result,
                    message=self.driver.aborted,
                )
            )
        elif self.driver.next_wake < inf:
            self._wake_at(self.driver.next_wake)

    # -- telling ------------------------------------------------------------------------------------------------

    def _told(
        self, path: str, leaf: Leaf, what: Act | Note | Outcome | WaitUntil | None, answer: Answer | None
    ) -> None:
        if isinstance(what, WaitUntil | Note):
            return
        name, node, t = leaf.step.title, getattr(leaf.step, "node", ""), self.now()
        if what is None:
            self._tell(Record(t, "step.begun", name=name, uid=path, node=node))
        elif isinstance(what, Outcome):
            self._tell(Record(t, f"step.{what.result}", name=name, uid=path, node=node, message=what.message))
        elif answer is not None and not answer.ok:
            self._tell(
                Record(
                    t,
                    "step.refused",
                    name=name,
                    uid=path,
                    node=node,
                    by=self._refused_by,
                    reason=what.verb,
                    message=answer.message,
                    value=what.target,
                )
            )

    def _tell(self, record: Record) -> None:
        self.simulation.tell(record)

    # -- acts ---------------------------------------------------------------------------------------------------

    def _cordon(self, name: str, unschedulable: bool) -> Answer:
        node: Node = self.client.read("Node", name)
        if node.unschedulable != unschedulable:
            self.client.update(replace(node, unschedulable=unschedulable))
        return OK

    def _evict(self, act: acts.Evict) -> Answer:
        self.client.evict(act.pod, act.namespace, grace=act.grace)
        return OK

    def _delete(self, act: acts.DeletePod) -> Answer:
        self.client.delete("Pod", act.pod, act.namespace, grace=act.grace, uid=act.uid)
        return OK

    def _machine(self, name: str, do: Callable[[Machine], None]) -> Answer:
        machine = self.simulation.fleet.machines.get(name)
        if machine is None:
            return Answer(404, f"there is no machine {name}")
        do(machine)
        return OK

    def _add(self, act: acts.AddNode) -> Answer:
        self.simulation.fleet.add(act.node, act.like, act.version)
        return OK

    def _remove(self, act: acts.RemoveNode) -> Answer:
        with suppress(NotFound):
            self.client.delete("Node", act.node)
        self.simulation.fleet.remove(act.node)
        return OK

    def _scale(self, act: acts.Scale) -> Answer:
        workload = self.client.read(act.kind, act.name, act.namespace)
        if workload.spec.replicas != act.replicas:
            meta = replace(workload.meta, generation=workload.meta.generation + 1)
            spec = workload.spec.model_copy(update={"replicas": act.replicas})
            self.client.update(replace(workload, meta=meta, spec=spec))
        return OK

    def _annotate(self, act: acts.Annotate) -> Answer:
        pod: Pod = self.client.read("Pod", act.pod, act.namespace)
        wanted = {k: v for k, v in {**pod.meta.annotations, **act.annotations}.items() if v}
        if wanted != dict(pod.meta.annotations):
            self.client.update(replace(pod, meta=replace(pod.meta, annotations=wanted)))
        return OK
