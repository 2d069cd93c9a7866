"""What-ifs: an object changed without editing its manifest."""

from collections.abc import Sequence

from msgspec.structs import replace

from simkube.kube.errors import InputError, nearest
from simkube.kube.objects import Workload
from simkube.scenario.pieces import Piece, Pieces
from simkube.scenario.scenario import Override
from simkube.scenario.source import Source


def overridden(
    pieces: Pieces, overrides: Sequence[Override], source: Source, warnings: list[str] | None = None
) -> list[Piece]:
    """The pieces with the scenario's overrides applied. One that names no object raises `InputError`, or, with
    `warnings`, is left out and told of there."""
    result = list(pieces)
    for number, override in enumerate(overrides):
        try:
            result = _overridden(result, number, override, source)
        except InputError as error:
            if warnings is None:
                raise
            warnings.append(str(error))
    return result


def _overridden(pieces: Pieces, number: int, override: Override, source: Source) -> list[Piece]:
    result = list(pieces)
    target = (override.kind, override.namespace, override.name)
    index = next((i for i, (_, obj) in enumerate(result) if (obj.kind, *obj.key) == target), -1)
    if index < 0:
        raise source.error(("overrides", number), *_nothing(override, pieces))
    if override.replicas is not None:
        manifest, obj = result[index]
        if not isinstance(obj, Workload) or not hasattr(obj.spec, "replicas"):
            message = f"{override.kind} {override.name} has no replicas"
            fix = "Deployment, ReplicaSet and StatefulSet have"
            raise source.error(("overrides", number, "replicas"), message, fix)
        spec = obj.spec.model_copy(update={"replicas": override.replicas})
        result[index] = Piece(manifest, replace(obj, spec=spec))
    return result


def _nothing(override: Override, pieces: Pieces) -> tuple[str, str]:
    """Message and fix for an override that meets nothing: another namespace or kind, or a misspelt name."""
    message = f"the manifests have no {override.kind} {override.name} in namespace {override.namespace}"
    for _, obj in pieces:
        if obj.meta.name == override.name and obj.meta.namespace:
            elsewhere = obj.meta.namespace != override.namespace
            place = f" in namespace {obj.meta.namespace}" if elsewhere else ""
            return message, f"did you mean {obj.kind} {obj.meta.name}{place}?"
    return message, nearest(override.name, [obj.meta.name for _, obj in pieces if obj.kind == override.kind])
