"""What a kubelet tells the API about one pod: its status, and at the end that it is gone."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from simkube.cluster.errors import ApiError, Unavailable
from simkube.kube.objects import Pod, PodStatus
from simkube.machines.prober import Prober
from simkube.machines.recipe import Kind, Recipe
from simkube.machines.sandbox import Sandbox
from simkube.machines.stage import Stage
from simkube.machines.status import NOBODY, phase_of, pod_status

if TYPE_CHECKING:
    from simkube.machines.kubelet import Kubelet


class PodReport:
    """The part of a pod's worker that writes to the API. `pod` is the newest object that the kubelet has seen; `final`
    overrides phase, reason and message of a pod that ends for a reason of the node's."""

    __slots__ = (
        "ended",
        "final",
        "kubelet",
        "pod",
        "probers",
        "recipe",
        "sandbox",
        "stage",
        "taken",
        "waiting",
    )

    kubelet: "Kubelet"
    pod: Pod
    recipe: Recipe
    stage: Stage
    taken: bool  # what it requests counts on this node
    sandbox: Sandbox | None
    probers: dict[str, Prober] | None
    waiting: dict[str, tuple[str, str]] | None
    final: PodStatus | None
    ended: PodStatus | None  # the last status, once nothing runs any more

    @property
    def uid(self) -> str:
        return self.pod.meta.uid

    def post(self) -> None:
        """Write the pod's status if it is no longer what the API says."""
        old, status = self.pod.status, self.status()
        if (
            status.phase == old.phase
            and status.ready is old.ready
            and status.ip == old.ip
            and status.containers == old.containers
            and status.init_containers == old.init_containers
            and status.reason == old.reason
        ):
            return
        self.write(status)

    def status(self) -> PodStatus:
        """The status as it is now."""
        sandbox, old = self.sandbox, self.pod.status
        if self.ended is not None:
            return replace(self.ended, disrupted=self.ended.disrupted or old.disrupted)
        now = self.kubelet.clock.now
        terminal = self.stage >= Stage.STOPPED
        if sandbox is None:  # it never came to run
            return (
                self._finally(pod_status(self.pod, (), (), "Failed", NOBODY, old.ip, now))
                if terminal
                else old
            )
        containers = sandbox.containers
        probers = self.probers
        if probers is None:
            ready = [container.running for container in containers]
        else:
            ready = [
                c.running and (p := probers.get(c.recipe.name)) is not None and p.ready for c in containers
            ]
        phase = phase_of(containers, terminal)
        status = pod_status(self.pod, containers, ready, phase, self.waiting or NOBODY, sandbox.ip, now)
        return status if self.final is None else self._finally(status)

    def _finally(self, status: PodStatus) -> PodStatus:
        final = self.final
        if final is None or self.stage < Stage.STOPPING:
            return status
        phase = "Succeeded" if status.phase == "Succeeded" else final.phase
        return replace(
            status, phase=phase, reason=final.reason, message=final.message, disrupted=final.disrupted
        )

    def write(self, status: PodStatus) -> None:
        """Patch the status; while the API cannot be reached the status manager tries again every 10 s."""
        try:
            self.pod = self.kubelet.client.update(replace(self.pod, status=status))
        except Unavailable:
            self.kubelet.statuses.post_later(self)
        except ApiError:
            self.kubelet.statuses.refresh(self)

    def confirm_gone(self) -> None:
        """Tell the API that the pod has ended here: DELETE without grace, for this UID alone [status_manager.go]."""
        pod = self.pod
        if pod.meta.deletion_timestamp is None:
            return
        try:
            self.kubelet.client.delete("Pod", pod.meta.name, pod.meta.namespace, grace=0, uid=pod.meta.uid)
        except Unavailable:
            self.kubelet.statuses.post_later(self)
        except ApiError:
            self.kubelet.forget(self)
        else:
            self.kubelet.forget(self)

    def catch_up(self) -> None:
        """What could not be told before is told now."""
        self.post()
        if self.stage == Stage.CLEAN:
            self.confirm_gone()

    def waits(self, container: str, reason: str, message: str) -> None:
        """A container waits for something."""
        self.waiting = {**(self.waiting or {}), container: (reason, message)}

    def event(self, type_: str, reason: str, message: str) -> None:
        """Post an Event about the pod."""
        self.kubelet.client.event(self.pod, type_, reason, message)

    def main_containers_run(self) -> bool:
        """One of the main containers runs."""
        sandbox = self.sandbox
        return sandbox is not None and any(
            c.running for c in sandbox.containers if c.recipe.kind == Kind.MAIN
        )
