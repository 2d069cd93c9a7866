"""How a container is stopped: when SIGTERM comes, how long it may take, when it is gone (behaviour 8.5). Pure."""

from typing import NamedTuple

MINIMUM_GRACE = (
    1  # seconds: no pod is stopped with less [pkg/kubelet/pod_workers.go `calculateEffectiveGracePeriod`]
)
KILLED = 137  # exit code of SIGKILL
TERMINATED = 143  # exit code of SIGTERM without a handler


class Stop(NamedTuple):
    """What the kubelet does to one container: wait `hook` seconds for its preStop hook, then SIGTERM, and `window`
    seconds later SIGKILL."""

    hook: float
    window: float


def stop(pre_stop: float | None, grace: int, minimum: float) -> Stop:
    """`pre_stop`: length of the hook, None without one; `grace` of the pod, which the hook uses up (in whole seconds);
    `minimum`: seconds that SIGTERM gets in any case [kuberuntime_container.go `killContainer`]."""
    grace = max(MINIMUM_GRACE, grace)
    hook = 0.0 if pre_stop is None else min(pre_stop, float(grace))
    return Stop(hook, max(minimum, float(grace - int(hook))))


class End(NamedTuple):
    """The end of a process after SIGTERM: `after` seconds, `killed` by SIGKILL or not; whether it still `answers`."""

    after: float
    killed: bool
    answers: bool


def end(on_term: str, exit_time: float, window: float) -> End:
    """`on_term`: "exit" stops answering at SIGTERM, "drain" answers until it is gone, "ignore" waits for SIGKILL."""
    if on_term == "ignore" or exit_time > window:
        return End(window, True, on_term != "exit")
    return End(exit_time, False, on_term != "exit")
