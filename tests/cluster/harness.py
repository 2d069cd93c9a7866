"""A tiny world for tests of controllers: a clock, a store and its API, and hands to make and change objects.

world = World()
DeploymentController(world.clock, world.client("deployment-controller"), world.timings)
web = world.workload("Deployment", "web", replicas=3)
world.run(1)
world.set_pod(world.pods()[0], phase="Running", ready=True)
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from msgspec.structs import replace

from simkube.clock import Clock
from simkube.cluster.api import Api, Client
from simkube.cluster.store import Change, Store
from simkube.kube.network import ServiceSpec
from simkube.kube.objects import (
    NOTHING,
    Condition,
    Meta,
    Node,
    NodeResources,
    NodeStatus,
    Object,
    OwnerReference,
    Pod,
    PodDisruptionBudget,
    PodStatus,
    Resource,
    Taint,
    Workload,
)
from simkube.kube.pod import PodSpec
from simkube.kube.policy import PodDisruptionBudgetSpec
from simkube.kube.template import Template
from simkube.kube.workloads import (
    DaemonSetSpec,
    DeploymentSpec,
    JobSpec,
    ReplicaSetSpec,
    StatefulSetSpec,
)
from simkube.timings import Timings

SPECS: dict[str, Any] = {
    "Deployment": DeploymentSpec,
    "ReplicaSet": ReplicaSetSpec,
    "StatefulSet": StatefulSetSpec,
    "DaemonSet": DaemonSetSpec,
    "Job": JobSpec,
}


class World:
    """Nothing runs here but what a test starts. Times are seconds of virtual time, from 0."""

    def __init__(self, version: str = "v1.36.3", timings: Mapping[str, str | float] | None = None) -> None:
        self.clock = Clock()
        self.store = Store()
        self.timings = Timings.for_version(version, timings)
        self.api = Api(self.store, self.clock, Random(7), self.timings)
        self.hand = self.client("test")  # makes what the test makes
        self.events: list[tuple[str, str, str]] = []  # (name of the object, reason, message)
        self.api.event_sink = lambda obj, _type, reason, message, _by: self.events.append(
            (obj.meta.name, reason, message)
        )

    def client(self, name: str) -> Client:
        return self.api.client(name)

    def run(self, seconds: float) -> None:
        """Let that much time pass."""
        self.clock.run_until(self.clock.now + seconds)

    def changes(self, kind: str) -> list[Change]:
        """Every change of objects of this kind from now on, as it happens."""
        seen: list[Change] = []
        self.store.watch(kind, seen.append)
        return seen

    # -- making ----------------------------------------------------------------------------------------------

    def node(
        self,
        name: str,
        labels: Mapping[str, str] = NOTHING,
        ready: str = "True",
        taints: tuple[Taint, ...] = (),
        unschedulable: bool = False,
        cpu: int = 4000,
        memory: int = 16 << 30,
        pods: int = 110,
    ) -> Node:
        """A node with 4 cores, 16 GiB and room for 110 pods."""
        resources = NodeResources(cpu, memory, pods)
        status = NodeStatus(resources, resources, (Condition("Ready", ready, self.clock.now),))
        labels = {"kubernetes.io/hostname": name, **labels}
        return self.hand.create(
            Node(meta=Meta(name, labels=labels), status=status, taints=taints, unschedulable=unschedulable)
        )

    def template(self, app: str = "web", labels: Mapping[str, str] | None = None, **spec: Any) -> Template:
        """A pod template with label app=`app` (or `labels`), one container, and fields of the pod's spec."""
        spec.setdefault("containers", [{"name": "main", "image": f"{app}:1"}])
        return Template(PodSpec.model_validate(spec), {"app": app} if labels is None else labels)

    def workload(
        self, kind: str, name: str, template: Template | None = None, namespace: str = "default", **spec: Any
    ) -> Workload:
        """A Deployment, ReplicaSet, StatefulSet, DaemonSet or Job; `spec` in snake_case or Kubernetes' names.
        Its selector defaults to the labels of the template, and that to app=`name`."""
        template = template or self.template(name)
        spec.setdefault("selector", {"match_labels": dict(template.labels)})
        api_version = "batch/v1" if kind == "Job" else "apps/v1"
        return self.hand.create(
            Workload(
                api_version=api_version,
                kind=kind,
                meta=Meta(name, namespace),
                spec=SPECS[kind].model_validate(spec),
                template=template,
            )
        )

    def pod(
        self,
        name: str,
        template: Template | None = None,
        node: str = "",
        phase: str = "Pending",
        ready: bool = False,
        owner: Object | None = None,
        namespace: str = "default",
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] = NOTHING,
    ) -> Pod:
        """A pod of the template (by default app=web), bound to `node` unless that is ""."""
        template = template or self.template()
        owners = (
            (OwnerReference(owner.kind, owner.meta.name, owner.meta.uid, owner.api_version),) if owner else ()
        )
        meta = Meta(
            name,
            namespace,
            labels=template.labels if labels is None else labels,
            annotations=annotations,
            owners=owners,
        )
        status = PodStatus(phase=phase)
        if phase == "Running":
            condition = Condition("Ready", "True" if ready else "False", self.clock.now)
            status = replace(status, ready=condition, ip="10.0.0.1", start_time=self.clock.now)
        return self.hand.create(Pod(meta=meta, template=template, node=node, status=status))

    def budget(
        self, name: str, app: str = "web", namespace: str = "default", **spec: Any
    ) -> PodDisruptionBudget:
        """A PodDisruptionBudget over the pods with label app=`app`."""
        spec.setdefault("selector", {"match_labels": {"app": app}})
        return self.hand.create(
            PodDisruptionBudget(meta=Meta(name, namespace), spec=PodDisruptionBudgetSpec.model_validate(spec))
        )

    def service(self, name: str, app: str = "web", namespace: str = "default", **spec: Any) -> Resource:
        """A Service over the pods with label app=`app`."""
        spec.setdefault("selector", {"app": app})
        return self.hand.create(
            Resource(
                api_version="v1",
                kind="Service",
                meta=Meta(name, namespace),
                spec=ServiceSpec.model_validate(spec),
            )
        )

    # -- looking ---------------------------------------------------------------------------------------------

    def get(self, kind: str, name: str, namespace: str = "default") -> Any:
        """The object as it stands, or None; nodes have no namespace."""
        return self.store.get(kind, name, "" if kind in ("Node", "Lease") else namespace)

    def pods(self, app: str | None = None) -> list[Pod]:
        """All pods (of label app=`app`), oldest first."""
        pods = self.store.table("Pod").values()
        return [pod for pod in pods if app is None or pod.meta.labels.get("app") == app]

    # -- changing --------------------------------------------------------------------------------------------

    def now(self, obj: Any) -> Any:
        """The current version of an object."""
        return self.store.get(obj.kind, obj.meta.name, obj.meta.namespace)

    def change(self, obj: Any, **fields: Any) -> Any:
        """Write an object with some fields (`meta`, `node`, `taints` ...) changed."""
        return self.hand.update(replace(self.now(obj), **fields))

    def change_meta(self, obj: Any, **fields: Any) -> Any:
        """Write an object with some of its metadata changed."""
        current = self.now(obj)
        return self.hand.update(replace(current, meta=replace(current.meta, **fields)))

    def change_spec(self, obj: Any, **fields: Any) -> Any:
        """Write an object with fields of its spec changed, as a user does: the generation rises."""
        current = self.now(obj)
        spec = type(current.spec).model_validate({**current.spec.model_dump(exclude_unset=True), **fields})
        meta = replace(current.meta, generation=current.meta.generation + 1)
        return self.hand.update(replace(current, meta=meta, spec=spec))

    def set_pod(
        self, pod: Pod, phase: str | None = None, ready: bool | None = None, node: str | None = None
    ) -> Pod:
        """Report a pod's status as its kubelet would; `node` binds it first."""
        current = self.now(pod)
        status = current.status
        if phase is not None:
            status = replace(status, phase=phase, ip=status.ip or "10.0.0.1")
        if ready is not None and ready != current.is_ready:
            condition = Condition("Ready", "True" if ready else "False", self.clock.now)
            status = replace(status, ready=condition)
        return self.hand.update(replace(current, status=status, node=current.node if node is None else node))

    def start_pods(self, node: str = "n1") -> None:
        """Every pod that is not yet bound is: it runs and is Ready from now on."""
        for pod in self.pods():
            if not pod.node and not pod.is_terminating:
                self.set_pod(pod, phase="Running", ready=True, node=node)

    def finish_deletions(self) -> None:
        """Every terminating pod is gone, as when its kubelet has confirmed."""
        for pod in self.pods():
            if pod.is_terminating:
                self.hand.delete("Pod", pod.meta.name, pod.meta.namespace, grace=0)
