"""Admission `LimitRanger`: a namespace's LimitRanges give containers requests and limits, and refuse what is out of
bounds [plugin/pkg/admission/limitranger/admission.go]."""

from typing import Any
from weakref import WeakSet

from msgspec.structs import replace

from simkube.cluster.admission.amounts import requests_of
from simkube.cluster.admission.limits import claim_errors, pod_errors
from simkube.cluster.admission.names import forbidden, together
from simkube.cluster.admission.rewriting import Rewriting
from simkube.cluster.store import Change, Did, Store
from simkube.kube.container import Container, ResourceRequirements
from simkube.kube.objects import Pod, Resource
from simkube.kube.policy import LimitRangeItem
from simkube.kube.template import Template

KIND = "LimitRange"
ANNOTATION = "kubernetes.io/limit-ranger"

Items = tuple[LimitRangeItem, ...]


class _Ranges:
    """The LimitRanges of a namespace, and what they made of templates."""

    def __init__(self, ranges: dict[str, Items]) -> None:
        self.ranges = ranges
        self.completed = Rewriting(lambda pod: _completed(pod.template, ranges))
        self.passed: WeakSet[Template] = WeakSet()


class LimitRanger:
    """The plugin; pods are completed first, and checked when the other plugins have had their say."""

    def __init__(self, store: Store) -> None:
        self._namespaces: dict[str, _Ranges] = {}
        for obj in store.table(KIND).values():
            self._put(obj)
        store.watch(KIND, self._changed, Did.ADDED | Did.REMOVED | Did.SPEC)

    def _changed(self, change: Change) -> None:
        if change.new is not None:
            self._put(change.new)
            return
        namespace, name = change.old.key
        ranges = self._namespaces.pop(namespace).ranges
        if left := {other: items for other, items in ranges.items() if other != name}:
            self._namespaces[namespace] = _Ranges(left)

    def _put(self, obj: Resource) -> None:
        namespace, name = obj.key
        known = self._namespaces.get(namespace)
        self._namespaces[namespace] = _Ranges(
            {**(known.ranges if known is not None else {}), name: obj.spec.limits}
        )

    def complete_pod(self, pod: Pod, _: Store) -> Pod:
        """The pod with the defaults of the namespace, and an annotation that says which [`PodMutateLimitFunc`]."""
        known = self._namespaces.get(pod.meta.namespace)
        if known is None:
            return pod
        template, meta = pod.template, pod.meta
        completed = known.completed(pod)
        if completed is template:
            return pod
        if meta.annotations == template.annotations:
            annotations = completed.annotations
        else:
            annotations = {**meta.annotations, ANNOTATION: completed.annotations[ANNOTATION]}
        return replace(pod, template=completed, meta=replace(meta, annotations=annotations))

    def check_pod(self, pod: Pod, _: Store) -> Pod:
        """The pod, if it is within bounds. Raises `Forbidden`."""
        known = self._namespaces.get(pod.meta.namespace)
        if known is not None and pod.template not in known.passed:
            for items in known.ranges.values():
                if errors := pod_errors(items, pod.template.spec):
                    raise forbidden(pod, together(errors))
            known.passed.add(pod.template)
        return pod

    def check_claim(self, claim: Resource, _: Store) -> Resource:
        """The claim, if it is within bounds. Raises `Forbidden`."""
        known = self._namespaces.get(claim.meta.namespace)
        if known is not None:
            for items in known.ranges.values():
                if errors := claim_errors(items, claim.spec.resources.requests):
                    raise forbidden(claim, together(errors))
        return claim


def _completed(template: Template, ranges: dict[str, Items]) -> Template:
    """The template with what one LimitRange after the other adds; itself if that is nothing."""
    spec, said = template.spec, ""
    for items in ranges.values():
        limits: dict[str, Any] = {}
        requests: dict[str, Any] = {}
        for item in items:
            limits |= item.defaults
            requests |= item.default_requests
        notes: list[str] = []
        update = {
            "containers": tuple(_filled(c, requests, limits, "container", notes) for c in spec.containers),
            "init_containers": tuple(
                _filled(c, requests, limits, "init container", notes) for c in spec.init_containers
            ),
        }
        if notes:
            spec, said = spec.model_copy(update=update), f"LimitRanger plugin set: {'; '.join(notes)}"
    if not said:
        return template
    return Template(spec, template.labels, {**template.annotations, ANNOTATION: said})


def _filled(
    container: Container, requests: dict[str, Any], limits: dict[str, Any], what: str, notes: list[str]
) -> Container:
    """[`mergeContainerResources`]"""
    written = container.resources
    asked = requests_of(container)
    more_requests = {name: value for name, value in requests.items() if name not in asked}
    more_limits = {name: value for name, value in limits.items() if name not in written.limits}
    for more, kind in ((more_requests, "request"), (more_limits, "limit")):
        if more:
            notes.append(f"{', '.join(sorted(more))} {kind} for {what} {container.name}")
    if not (more_requests or more_limits):
        return container
    resources = ResourceRequirements(
        requests={**written.requests, **more_requests},
        limits={**written.limits, **more_limits},
    )
    return container.model_copy(update={"resources": resources})
