"""Admission `NamespaceLifecycle`: nothing is created in a namespace that is not there or is being deleted
[apiserver pkg/admission/plugin/namespace/lifecycle/admission.go]."""

from typing import TypeVar

from simkube.cluster.admission.names import forbidden
from simkube.cluster.errors import NotFound
from simkube.cluster.store import Store
from simkube.kube.objects import Object, Other

O = TypeVar("O", bound=Object)  # noqa: E741

ALWAYS = ("default", "kube-system", "kube-public", "kube-node-lease")
"""The API server makes these itself [pkg/controlplane/controller/systemnamespaces]."""
TERMINATING = "NamespaceTerminating"


def in_a_namespace(obj: O, store: Store) -> O:
    """The object, if its namespace takes it. Raises `NotFound`, `Forbidden` with cause `NamespaceTerminating`."""
    name = obj.meta.namespace
    namespace: Other | None = store.get("Namespace", name)
    if namespace is None:
        if name not in ALWAYS:
            raise NotFound(f'namespaces "{name}" not found')
    elif namespace.meta.deletion_timestamp is not None or _phase(namespace) == "Terminating":
        why = f"unable to create new content in namespace {name} because it is being terminated"
        raise forbidden(obj, why, TERMINATING)
    return obj


def _phase(namespace: Other) -> object:
    return (namespace.extra.get("status") or {}).get("phase")
