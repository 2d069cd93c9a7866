"""What running a pod of one template means on any machine: manifest and `behaviour:` together, once a template."""

import re
from collections.abc import Sequence
from enum import IntEnum

from simkube.kube.container import Container, LifecycleHandler
from simkube.kube.content import default_pull_policy
from simkube.kube.objects import Pod
from simkube.kube.template import Requests, Template
from simkube.machines.probes import ProbePlan, probe_plan
from simkube.scenario.behaviour import Behaviour, Crash
from simkube.scenario.distribution import Constant, Distribution

_SLEEP = re.compile(r"\s*(?:exec\s+)?sleep\s+(\d+(?:\.\d+)?)s?\s*;?\s*")
_CRON_RUN = re.compile(r"-\d{8,}$")


class Kind(IntEnum):
    """What a container is to its pod."""

    INIT = 0
    SIDECAR = 1  # an init container with restartPolicy Always
    MAIN = 2


class Tally:
    """How often something has happened to a workload in this run: draws are numbered by it, so that the n-th start has
    the same luck under every strategy."""

    __slots__ = ("exits", "looks", "name", "starts")

    def __init__(self, name: str) -> None:
        self.name = name  # namespace/workload
        self.starts = self.exits = self.looks = 0


class ContainerRecipe:
    """One container."""

    __slots__ = (
        "answers",
        "crash",
        "duration",
        "exit",
        "image",
        "kind",
        "liveness",
        "name",
        "never_ready",
        "on_term",
        "pre_stop",
        "pull",
        "readiness",
        "restart",
        "startup",
        "startup_probe",
    )

    def __init__(self, container: Container, kind: Kind, policy: str, job: bool, find: "_Finder") -> None:
        behaviour, image = find.behaviour, container.image
        self.name = container.name
        self.image = image
        self.kind = kind
        self.pull = container.image_pull_policy or default_pull_policy(image)
        self.restart = "Always" if kind == Kind.SIDECAR else (container.restart_policy or policy)
        if kind == Kind.INIT and self.restart == "Always":
            self.restart = (
                "OnFailure"  # an init container that has succeeded is done [`computeInitContainerActions`]
            )
        self.startup: Distribution = find.time("startup", image)
        self.exit: Distribution = find.time("exit", image)
        self.on_term = behaviour.on_term.of(find.namespace, find.workload, image)
        hook = container.lifecycle.pre_stop if container.lifecycle is not None else None
        self.pre_stop = None if hook is None else hook_time(hook, find.time("pre_stop", image))
        self.crash: Crash | None = None
        self.never_ready = False
        self.duration: Distribution | None = None  # None: it runs until it is stopped
        if kind == Kind.INIT:
            self.duration = find.time("init", image)
        else:
            self.never_ready = behaviour.is_never_ready(find.namespace, find.workload, image)
        if kind == Kind.MAIN:
            self.crash = behaviour.crash_of(find.namespace, find.workload, image)
            self.duration = find.time("job_duration", image) if job else None
        probed = kind != Kind.INIT
        self.readiness: ProbePlan | None = (
            probe_plan(container.readiness_probe, container) if probed else None
        )
        self.liveness: ProbePlan | None = probe_plan(container.liveness_probe, container) if probed else None
        self.startup_probe: ProbePlan | None = (
            probe_plan(container.startup_probe, container) if probed else None
        )
        self.answers = kind == Kind.MAIN  # a pod answers when these do

    @property
    def probed(self) -> bool:
        """Whether the kubelet probes it at all."""
        return self.readiness is not None or self.liveness is not None or self.startup_probe is not None


class Recipe:
    """One template (of one workload)."""

    __slots__ = (
        "answering",
        "containers",
        "data",
        "grace",
        "has_sidecars",
        "host_network",
        "host_ports",
        "memory_data",
        "pod_start",
        "pod_stop",
        "probed",
        "requests",
        "selective",
        "tally",
        "template",
    )

    def __init__(self, template: Template, tally: Tally, job: bool, find: "_Finder") -> None:
        spec = template.spec
        self.template = template
        self.tally = tally
        policy = spec.restart_policy
        inits = [
            ContainerRecipe(c, Kind.SIDECAR if c.restart_policy == "Always" else Kind.INIT, policy, job, find)
            for c in spec.init_containers
        ]
        mains = [ContainerRecipe(c, Kind.MAIN, policy, job, find) for c in spec.containers]
        if any(c.ports for c in spec.containers):
            for recipe, container in zip(mains, spec.containers, strict=True):
                recipe.answers = bool(container.ports)
        self.containers: tuple[ContainerRecipe, ...] = (*inits, *mains)  # in the order in which they start
        self.answering = tuple(i for i, c in enumerate(self.containers) if c.answers)
        self.probed = any(c.probed for c in self.containers)
        self.has_sidecars = any(c.kind == Kind.SIDECAR for c in inits)
        self.grace = spec.termination_grace_period_seconds
        self.host_network = spec.host_network
        self.host_ports = _host_ports([*template.sidecars, *spec.containers])
        self.requests: Requests = template.requests
        self.selective = bool(spec.node_selector) or (
            spec.affinity is not None and spec.affinity.node_affinity is not None
        )
        volumes = [v.empty_dir for v in spec.volumes if v.empty_dir is not None]
        self.data = bool(volumes)  # it keeps data that go with it
        self.memory_data = any(v.medium == "Memory" for v in volumes)
        self.pod_start: Distribution = find.behaviour.pod_start
        self.pod_stop: Distribution = find.behaviour.pod_stop


class _Finder:
    """Behaviour as it is for one workload."""

    def __init__(self, behaviour: Behaviour, namespace: str, workload: str) -> None:
        self.behaviour, self.namespace, self.workload = behaviour, namespace, workload

    def time(self, what: str, image: str) -> Distribution:
        return getattr(self.behaviour, what).of(self.namespace, self.workload, image)  # type: ignore[no-any-return]


class Recipes:
    """All recipes of a run."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._recipes: dict[tuple[Template, str], Recipe] = {}
        self._tallies: dict[str, Tally] = {}

    def of(self, pod: Pod) -> Recipe:
        """The recipe of a pod; one for all pods of a template and owner."""
        owners = pod.meta.owners
        key = (pod.template, owners[0].uid if owners else pod.meta.name)
        found = self._recipes.get(key)
        if found is None:
            found = self._recipes[key] = self._make(pod)
        return found

    def _make(self, pod: Pod) -> Recipe:
        namespace, workload = pod.meta.namespace, workload_of(pod)
        name = f"{namespace}/{workload}"
        tally = self._tallies.setdefault(name, Tally(name))
        owner = pod.meta.controller
        job = owner is not None and owner.kind == "Job"
        return Recipe(pod.template, tally, job, _Finder(self._behaviour, namespace, workload))


def workload_of(pod: Pod) -> str:
    """The name that a user gave: the Deployment's, not its ReplicaSet's; the CronJob's, not its Job's."""
    owner = pod.meta.controller
    if owner is None:
        return pod.meta.name
    if owner.kind == "ReplicaSet":
        template_hash = pod.meta.labels.get("pod-template-hash", "")
        return owner.name.removesuffix(f"-{template_hash}") if template_hash else owner.name
    if owner.kind == "Job":
        return _CRON_RUN.sub("", owner.name)
    if owner.kind == "Node":  # a static pod's mirror: <name>-<node>
        return pod.meta.name.removesuffix(f"-{owner.name}")
    return owner.name


def hook_time(hook: LifecycleHandler, default: Distribution) -> Distribution:
    """How long a preStop hook takes: what it sleeps, if that is all it does, else `default`."""
    if hook.sleep is not None:
        return Constant(float(hook.sleep.seconds))
    command = hook.exec.command if hook.exec is not None else ()
    if (
        len(command) == 3
        and command[0].rpartition("/")[2] in ("sh", "bash", "ash")
        and command[1] in ("-c", "-ec")
    ):
        text = command[2]
    else:
        text = " ".join(command).removeprefix("/bin/").removeprefix("/usr/bin/")
    slept = _SLEEP.fullmatch(text)
    return default if slept is None else Constant(float(slept[1]))


def _host_ports(containers: Sequence[Container]) -> tuple[tuple[str, int], ...]:
    """(protocol, port) that the containers take on their node."""
    return tuple((p.protocol, p.host_port) for c in containers for p in c.ports if p.host_port)
