"""NodeUnschedulable: no pod goes to a cordoned node unless it tolerates the cordon's taint."""

from simkube.cluster.nodes.node_taints import UNSCHEDULABLE
from simkube.cluster.nodes.tolerations import matching
from simkube.cluster.scheduler.nodes import Bools, Nodes, Window
from simkube.cluster.scheduler.plugin import Ask, Event, Filter, Happening, Plugin
from simkube.kube.objects import Pod


class NodeUnschedulable(Plugin):
    """[plugins/nodeunschedulable/node_unschedulable.go]"""

    name = "NodeUnschedulable"
    wakes_on = Happening.NODE_ADDED | Happening.NODE_TAINTS

    def filter(self, ask: Ask) -> Filter | None:
        if matching(UNSCHEDULABLE, ask.spec.tolerations) is not None:
            return None
        return _NotCordoned(self.state.nodes)

    def wakes(self, event: Event, ask: Ask, pod: Pod) -> bool:
        return not event.new.unschedulable and (event.old is None or event.old.unschedulable)


class _NotCordoned(Filter):
    plugin = NodeUnschedulable.name
    reason = "node(s) were unschedulable"

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def passes(self, window: Window) -> Bools | None:
        nodes = self._nodes
        return nodes.schedulable[window] if nodes.cordoned else None
