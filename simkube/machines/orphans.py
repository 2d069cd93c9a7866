"""Containers that run though no pod of the API is behind them: what is left after a forced deletion or a restore."""

from typing import TYPE_CHECKING

from simkube.machines.container import Container
from simkube.machines.sandbox import Sandbox
from simkube.machines.termination import MINIMUM_GRACE, stop

if TYPE_CHECKING:
    from simkube.machines.kubelet import Kubelet


class Orphan:
    """One such pod, being ended with the least grace there is [kubelet.go `SyncTerminatingRuntimePod`]."""

    __slots__ = ("_kubelet", "_sandbox")

    def __init__(self, kubelet: "Kubelet", sandbox: Sandbox) -> None:
        self._kubelet = kubelet
        self._sandbox = sandbox

    def end(self) -> None:
        sandbox = self._sandbox
        sandbox.watcher = self
        kubelet = self._kubelet
        minimum = kubelet.rules.timings.minimum_sigterm_window
        for container in sandbox.containers:
            hook = container.recipe.pre_stop
            time = None if hook is None else hook.draw(kubelet.randoms, "preStop", sandbox.recipe.tally.name)
            container.stop(*stop(time, MINIMUM_GRACE, minimum))
        self._gone()

    def exited(self, container: Container) -> None:
        self._gone()

    def answering(self, container: Container) -> None:
        """Nobody cares."""

    def silent(self, container: Container) -> None:
        """Nobody cares."""

    def _gone(self) -> None:
        sandbox = self._sandbox
        if not sandbox.running and sandbox.watcher is self:
            self._kubelet.machine.remove_sandbox(sandbox)
            if sandbox.recipe.data:
                sandbox.record("data.lost")
