"""A pod's status as its kubelet computes it from what runs. Pure.

[pkg/kubelet/kubelet_pods.go `getPhase`, `generateAPIPodStatus`; pkg/kubelet/status/generate.go]
"""

from collections.abc import Mapping, Sequence

from simkube.kube.objects import Condition, ContainerStatus, Pod, PodStatus
from simkube.machines.container import Container
from simkube.machines.recipe import Kind

Waiting = Mapping[str, tuple[str, str]]
"""Container -> (reason, message) of those that wait for something."""

NOBODY: Waiting = {}


def restarts(container: Container) -> bool:
    """A container that has exited is to be started again."""
    policy = container.recipe.restart
    return policy == "Always" or (policy == "OnFailure" and container.exit_code != 0)


def phase_of(containers: Sequence[Container], terminal: bool) -> str:
    """`status.phase`. `terminal`: nothing of the pod will be started again."""
    waiting = running = False
    stopped = succeeded = again = 0
    for container in containers:
        kind = container.recipe.kind
        if kind == Kind.INIT:
            exited = not container.running and container.finished_at is not None
            if exited and container.exit_code != 0 and not restarts(container):
                return "Failed"
            if not exited and not terminal:
                waiting = True
        elif container.running:
            running = True
        elif kind == Kind.MAIN:
            if container.finished_at is None:
                waiting = True
            else:
                stopped += 1
                succeeded += container.exit_code == 0
                again += restarts(container)
    if terminal:
        return "Succeeded" if stopped and stopped == succeeded and not waiting else "Failed"
    if waiting:
        return "Pending"
    if running or again:
        return "Running"
    return "Succeeded" if stopped == succeeded else "Failed"


def pod_status(
    pod: Pod,
    containers: Sequence[Container],
    ready: Sequence[bool],
    phase: str,
    waiting: Waiting,
    ip: str,
    now: float,
) -> PodStatus:
    """The whole status; what others wrote into the pod's status stays. `ready` beside `containers`."""
    old = pod.status
    inits: list[ContainerStatus] = []
    mains: list[ContainerStatus] = []
    unready: list[str] = []
    initialized = True
    for container, is_ready in zip(containers, ready, strict=True):
        recipe = container.recipe
        kind = recipe.kind
        if kind == Kind.INIT:
            initialized = initialized and container.succeeded
        elif not is_ready:
            unready.append(recipe.name)
        (mains if kind == Kind.MAIN else inits).append(
            _container_status(container, is_ready, waiting, bool(inits))
        )
    condition = _ready(old.ready, phase, unready, now)
    return PodStatus(
        phase,
        condition,
        old.scheduled,
        old.disrupted,
        condition.status == "True",
        initialized,
        ip,
        old.start_time if old.start_time is not None else now,
        tuple(mains),
        tuple(inits),
        old.reason if phase == old.phase else "",
        old.message if phase == old.phase else "",
        old.nominated_node,
    )


def _container_status(
    container: Container, ready: bool, waiting: Waiting, after_inits: bool
) -> ContainerStatus:
    name = container.recipe.name
    if container.running:
        return ContainerStatus(name, "running", ready, container.started_at, None, container.restarts)
    if name in waiting:
        reason, message = waiting[name]
        return ContainerStatus(
            name, "waiting", False, restart_count=container.restarts, reason=reason, message=message
        )
    if container.finished_at is None:
        reason = "PodInitializing" if after_inits else "ContainerCreating"
        return ContainerStatus(name, "waiting", False, reason=reason)
    ready = container.recipe.kind == Kind.INIT and container.exit_code == 0
    return ContainerStatus(
        name,
        "terminated",
        ready,
        container.started_at,
        container.finished_at,
        container.restarts,
        container.exit_code,
        container.reason,
    )


def _ready(old: Condition | None, phase: str, unready: list[str], now: float) -> Condition:
    if phase == "Succeeded":
        reason, message = "PodCompleted", ""
    elif phase == "Failed":
        reason, message = "PodFailed", ""
    elif unready:
        reason, message = "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    else:
        if old is not None and old.status == "True":
            return old
        return Condition("Ready", "True", now)
    if old is not None and old.status == "False":
        if old.reason == reason and old.message == message:
            return old
        return Condition("Ready", "False", old.since, reason, message)
    return Condition("Ready", "False", now, reason, message)
