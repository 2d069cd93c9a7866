"""HorizontalPodAutoscalers: load is not simulated, so what they do is hold replicas within their bounds.

[pkg/controller/podautoscaler/horizontal.go `reconcileAutoscaler`: a target with 0 replicas is not scaled]
"""

from msgspec.structs import replace

from simkube.kube.objects import Workload
from simkube.kube.workloads import HorizontalPodAutoscalerSpec
from simkube.scenario.pieces import Piece, Pieces


def within_bounds(pieces: Pieces, warnings: list[str]) -> list[Piece]:
    """The pieces, with the replicas of autoscaled workloads between minReplicas and maxReplicas; told where that is a
    change."""
    result = list(pieces)
    scalable = {
        (obj.kind, *obj.key): number
        for number, (_, obj) in enumerate(pieces)
        if isinstance(obj, Workload) and hasattr(obj.spec, "replicas")
    }
    for piece in pieces:
        spec = getattr(piece.obj, "spec", None)
        if not isinstance(spec, HorizontalPodAutoscalerSpec):
            continue
        target = spec.scale_target_ref
        number = scalable.get((target.kind, piece.obj.meta.namespace, target.name))
        if number is not None:
            result[number] = _bounded(result[number], piece, spec, warnings)
    return result


def _bounded(
    target: Piece, autoscaler: Piece, spec: HorizontalPodAutoscalerSpec, warnings: list[str]
) -> Piece:
    manifest, obj = target
    if not isinstance(obj, Workload) or not obj.spec.replicas:
        return target
    has = obj.spec.replicas
    gets = min(max(has, spec.min_replicas), spec.max_replicas)
    if gets == has:
        return target
    bound = "minReplicas" if gets > has else "maxReplicas"
    warnings.append(
        f"{autoscaler.place}: {autoscaler.name} sets {target.name} to {gets} replicas, not {has} ({bound})"
    )
    return Piece(manifest, replace(obj, spec=obj.spec.model_copy(update={"replicas": gets})))
