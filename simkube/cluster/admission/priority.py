"""Admission `Priority`: a pod's priority and preemption policy come from its PriorityClass
[plugin/pkg/admission/priority/admission.go]."""

from msgspec.structs import replace

from simkube.cluster.admission.names import forbidden
from simkube.cluster.admission.rewriting import Rewriting
from simkube.cluster.store import Change, Store
from simkube.kube.objects import Pod, Resource
from simkube.kube.policy import PriorityClass
from simkube.kube.template import Template

KIND = "PriorityClass"
LOWER = "PreemptLowerPriority"
SYSTEM = {
    "system-node-critical": PriorityClass(value=2_000_001_000),
    "system-cluster-critical": PriorityClass(value=2_000_000_000),
}
"""The API server makes these itself [pkg/apis/scheduling/v1/helpers.go]."""


class Priority:
    """The plugin. Pods of one template get the same admitted template until a class changes."""

    def __init__(self, store: Store) -> None:
        self._classes = store.table(KIND)
        self._admitted = Rewriting(self._resolve)
        store.watch(KIND, self._class_changed)

    def _class_changed(self, _: Change) -> None:
        self._admitted.clear()

    def admit_pod(self, pod: Pod, _: Store) -> Pod:
        """The pod with its priority. Raises `Forbidden` if there is no such class, or the pod says otherwise."""
        admitted = self._admitted(pod)
        return pod if admitted is pod.template else replace(pod, template=admitted)

    def admit_class(self, new: Resource, _: Store) -> Resource:
        """The class, unless it would be a second default. Raises `Forbidden`."""
        if new.spec.global_default and (default := self._default()) is not None:
            why = (
                f"PriorityClass {default.meta.name} is already marked as default. Only one default can exist"
            )
            raise forbidden(new, why)
        return new

    def _resolve(self, pod: Pod) -> Template:
        template, spec = pod.template, pod.template.spec
        name, found = self._class_of(pod, spec.priority_class_name)
        value, policy = found.value, found.preemption_policy
        if spec.priority not in (None, value):
            raise forbidden(
                pod,
                f"the integer value of priority ({spec.priority}) must not be provided in pod spec; priority "
                f"admission controller computed {value} from the given PriorityClass name",
            )
        if spec.preemption_policy not in (None, policy):
            raise forbidden(
                pod,
                f"the string value of PreemptionPolicy ({spec.preemption_policy}) must not be provided in pod spec; "
                f"priority admission controller computed {policy} from the given PriorityClass name",
            )
        if (name, value, policy) == (spec.priority_class_name, 0, LOWER):
            return template  # what a spec that says nothing means
        update = {"priority_class_name": name, "priority": value, "preemption_policy": policy}
        return Template(spec.model_copy(update=update), template.labels, template.annotations)

    def _class_of(self, pod: Pod, name: str) -> tuple[str, PriorityClass]:
        if not name:
            default = self._default()
            return ("", PriorityClass(value=0)) if default is None else (default.meta.name, default.spec)
        stored = self._classes.get(("", name))
        found = SYSTEM.get(name) if stored is None else stored.spec
        if found is None:
            raise forbidden(pod, f"no PriorityClass with name {name} was found")
        return name, found

    def _default(self) -> Resource | None:
        """The lowest, should there be several."""
        defaults = (one for one in self._classes.values() if one.spec.global_default)
        return min(defaults, key=lambda one: one.spec.value, default=None)
