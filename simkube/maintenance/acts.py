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
    """An act on one pod; `grace` in seconds, None: the pod's own."""

    namespace: str
    pod: str
    uid: str
    grace: int | None = None

    @property
    def target(self) -> str:
        return self.uid


class Evict(PodAct, frozen=True):
    """POST eviction, by name, as kubectl does."""

    verb: ClassVar[str] = "evict"


class DeletePod(PodAct, frozen=True):
    """Plain DELETE: budgets are not consulted."""

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
    """Set spec.replicas of a workload."""

    kind: str
    namespace: str
    name: str
    replicas: int
    verb: ClassVar[str] = "scale"

    @property
    def target(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


class Annotate(PodAct, frozen=True):
    """Set annotations of a pod; an empty value removes one."""

    annotations: Mapping[str, str] = {}
    verb: ClassVar[str] = "annotate"
