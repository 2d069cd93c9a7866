"""Admission: what the API server does to an object before it is stored, or why it does not store it.

One file a plugin; they run in the API server's order [pkg/kubeapiserver/options/plugins.go]: those that change an
object, then those that only check it.
"""

from simkube.cluster.admission.admission_node import taint_new_node
from simkube.cluster.admission.admission_tolerations import DefaultTolerationSeconds
from simkube.cluster.admission.limit_ranger import LimitRanger
from simkube.cluster.admission.namespaces import in_a_namespace
from simkube.cluster.admission.priority import Priority
from simkube.cluster.admission.quotas import Quotas
from simkube.cluster.api import Admit, Api
from simkube.kube.kinds import KINDS
from simkube.timings import Timings

NAMESPACED = (
    *(kind.name for kind in KINDS if kind.namespaced),
    *(
        "ConfigMap",
        "ControllerRevision",
        "EndpointSlice",
        "ReplicationController",
        "Secret",
        "ServiceAccount",
    ),
)


def admission(api: Api, timings: Timings) -> dict[str, list[Admit]]:
    """The plugins by kind, for `Api.admission`."""
    store = api.store
    limits, priority = LimitRanger(store), Priority(store)
    quotas = Quotas(store, api.clock, NAMESPACED)
    changing: dict[str, list[Admit]] = {
        "Node": [taint_new_node],
        "Pod": [limits.complete_pod, priority.admit_pod, DefaultTolerationSeconds(timings)],
    }
    checking: dict[str, list[Admit]] = {
        "PersistentVolumeClaim": [limits.check_claim],
        "Pod": [limits.check_pod],
        "PriorityClass": [priority.admit_class],
    }
    plugins: dict[str, list[Admit]] = {}
    for kind in dict.fromkeys((*NAMESPACED, *changing, *checking)):
        namespaced = kind in NAMESPACED
        plugins[kind] = [
            *([in_a_namespace] if namespaced else []),
            *changing.get(kind, ()),
            *checking.get(kind, ()),
            *([quotas.admit] if namespaced else []),
        ]
    return plugins
