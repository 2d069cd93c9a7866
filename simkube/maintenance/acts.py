"""The acts: everything that steps ask a world to do. Each is harmless when done twice."""

from collections.abc import Mapping
from typing import ClassVar

from simkube.maintenance.step import Act


class NodeAct(Act, frozen=True):
    """An act on one node or machine."""

    node: str

    @property
    def target(self) -> str:
        return self.node


class Cordon(NodeAct, frozen=True):
    verb: ClassVar[str] = "cordon"


class Uncordon(NodeAct, frozen=True):
    verb: ClassVar[str] = "uncordon"


class PodAct(Act, frozen=True):
    """An act on one pod, by name; `uid` is that of the pod seen under the name when the act was decided."""

    namespace: str
    pod: str
    uid: str

    @property
    def target(self) -> str:
        return f"{self.namespace}/{self.pod}"

    @property
    def detail(self) -> str:
        return self.uid


class Evict(PodAct, frozen=True):
    """POST eviction, as kubectl does; `grace` in seconds, None: the pod's own."""

    grace: int | None = None
    verb: ClassVar[str] = "evict"


class DeletePod(PodAct, frozen=True):
    """Plain DELETE: budgets are not consulted; `grace` as in `Evict`."""

    grace: int | None = None
    verb: ClassVar[str] = "delete"


class Reboot(NodeAct, frozen=True):
    """Restart the machine in an orderly way; it comes back by itself."""

    verb: ClassVar[str] = "reboot"


class PowerOff(NodeAct, frozen=True):
    """Shut the machine down in an orderly way, to stay off."""

    verb: ClassVar[str] = "power-off"


class PowerOn(NodeAct, frozen=True):
    verb: ClassVar[str] = "power-on"


class InstallKubelet(NodeAct, frozen=True):
    """Put another kubelet version on the machine and restart the kubelet; containers go on."""

    version: str
    verb: ClassVar[str] = "install-kubelet"


class AddNode(NodeAct, frozen=True):
    """Make a new machine like `like` under the name `node`, which joins by itself; `version` of its kubelet."""

    like: str
    version: str = ""
    verb: ClassVar[str] = "add-node"


class RemoveNode(NodeAct, frozen=True):
    """Delete the Node object and give the machine back."""

    verb: ClassVar[str] = "remove-node"


class Scale(Act, frozen=True):
    """Set spec.replicas of a workload; `way`, "up" or "down", tells a step's two scalings of one workload apart."""

    kind: str
    namespace: str
    name: str
    replicas: int
    way: str
    verb: ClassVar[str] = "scale"

    @property
    def target(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name} {self.way}"

    @property
    def detail(self) -> int:
        return self.replicas


class Annotate(PodAct, frozen=True):
    """Set annotations of a pod; an empty value removes one."""

    annotations: Mapping[str, str] = {}
    verb: ClassVar[str] = "annotate"
