"""PriorityClasses that manifests count on and do not bring: those of the cluster that they were written for.

The API refuses pods of a class that it does not know. Each is taken to have value 0, that of pods without a class, or
what pods of a dump say. A dump that brings its nodes is believed to be whole: nothing is added.
"""

from simkube.kube.objects import Meta, Object, Resource
from simkube.kube.policy import PriorityClass
from simkube.scenario.pieces import Pieces, made_by

BUILT_IN = ("system-cluster-critical", "system-node-critical")


def missing_priorities(pieces: Pieces, whole: bool, warnings: list[str]) -> list[Object]:
    """The classes that pods ask for and that are not there; told of in one warning. `whole`: only tell."""
    known = {obj.meta.name for _, obj in pieces if obj.kind == "PriorityClass"} | {"", *BUILT_IN}
    values: dict[str, int] = {}
    for _, obj in pieces:
        made = made_by(obj, 0)
        if made is not None and (name := made.template.spec.priority_class_name) not in known:
            values[name] = made.template.spec.priority or values.get(name, 0)
    if values:
        told = ", ".join(values if whole else (f"{name} (value {value})" for name, value in values.items()))
        what = f"{told}; their pods cannot be created" if whole else told
        warnings.append(f"PriorityClass not among the manifests: {what}")
    return [] if whole else [_class(name, value) for name, value in values.items()]


def _class(name: str, value: int) -> Resource:
    spec = PriorityClass(value=value)
    return Resource(api_version="scheduling.k8s.io/v1", kind="PriorityClass", meta=Meta(name), spec=spec)
