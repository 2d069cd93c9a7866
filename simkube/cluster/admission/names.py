"""How the API's refusals name things: resources in the plural, with their group; errors of several as one."""

from collections.abc import Sequence
from functools import cache

from simkube.cluster.errors import Forbidden
from simkube.kube.kinds import group_of
from simkube.kube.objects import Object


@cache
def resource_of(api_version: str, kind: str) -> str:
    """`pods`, `deployments.apps` [apimachinery `GroupResource`, meta `UnsafeGuessKindToResource`]."""
    name, group = kind.lower(), group_of(api_version)
    if name.endswith(("s", "x", "ch")) and name != "endpoints":
        name += "es"
    elif name.endswith("y"):
        name = name[:-1] + "ies"
    elif name != "endpoints":
        name += "s"
    return f"{name}.{group}" if group else name


def forbidden(obj: Object, why: str, cause: str = "") -> Forbidden:
    """The refusal of an object [apiserver pkg/admission/errors.go `NewForbidden`]."""
    resource = resource_of(obj.api_version, obj.kind)
    return Forbidden(f'{resource} "{obj.meta.name}" is forbidden: {why}', cause=cause)


def together(errors: Sequence[str]) -> str:
    """Several errors as one, each once [apimachinery `utilerrors.NewAggregate`]."""
    different = dict.fromkeys(errors)
    return f"[{', '.join(different)}]" if len(different) > 1 else errors[0]
