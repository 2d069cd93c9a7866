"""Admission `DefaultTolerationSeconds`: pods stay 300 s on a node that is not Ready or unreachable, unless they say
otherwise (behaviour 2) [plugin/pkg/admission/defaulttolerationseconds/admission.go]."""

from weakref import WeakKeyDictionary

from msgspec.structs import replace

from simkube.cluster.nodes.node_taints import NOT_READY, UNREACHABLE
from simkube.cluster.store import Store
from simkube.kube.affinity import Toleration
from simkube.kube.objects import Pod
from simkube.kube.template import Template
from simkube.timings import Timings


class DefaultTolerationSeconds:
    """The plugin. Pods of one template get the same admitted template, as long as the first one lives."""

    def __init__(self, timings: Timings) -> None:
        self._defaults = tuple(
            Toleration(key=key, operator="Exists", effect="NoExecute", toleration_seconds=int(seconds))
            for key, seconds in (
                (NOT_READY.key, timings.default_not_ready_toleration_seconds),
                (UNREACHABLE.key, timings.default_unreachable_toleration_seconds),
            )
        )
        self._admitted: WeakKeyDictionary[Template, Template] = WeakKeyDictionary()

    def __call__(self, pod: Pod, _: Store) -> Pod:
        template = pod.template
        admitted = self._admitted.get(template)
        if admitted is None:
            tolerations = template.spec.tolerations
            missing = tuple(default for default in self._defaults if not _names(tolerations, default.key))
            if not missing:
                return pod
            spec = template.spec.model_copy(update={"tolerations": (*tolerations, *missing)})
            admitted = Template(spec, template.labels, template.annotations)
            self._admitted[template] = admitted
        return replace(pod, template=admitted)


def _names(tolerations: tuple[Toleration, ...], key: str) -> bool:
    """Some toleration speaks of NoExecute taints with this key, for however long."""
    return any(t.key in (key, "") and t.effect in ("NoExecute", "") for t in tolerations)
