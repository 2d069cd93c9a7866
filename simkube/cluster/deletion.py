"""DELETE of an object (behaviour, section 3): graceful for pods, finalizers hold everything."""

from msgspec.structs import replace

from simkube.cluster.store import Store
from simkube.kube.objects import Object, Pod


def grace_period(pod: Pod, asked: int | None) -> int:
    """Seconds a DELETE gives this pod [pkg/registry/core/pod/strategy.go `CheckGracefulDelete`]."""
    period = pod.template.spec.termination_grace_period_seconds if asked is None else asked
    if not pod.node or pod.is_finished:
        return 0
    return 1 if period < 0 else period


def delete(store: Store, obj: Object, grace: int | None, now: float, by: str) -> None:
    """Remove the object, or mark it: a pod with a grace period keeps its object until its kubelet confirms, and
    finalizers keep any object [apiserver pkg/registry/rest/delete.go]."""
    meta = obj.meta
    period = grace_period(obj, grace) if isinstance(obj, Pod) else 0
    if period == 0 and not meta.finalizers:
        store.remove(obj.kind, meta.name, meta.namespace, by)
        return
    if meta.deletion_timestamp is not None:  # a second DELETE may only shorten
        stored = meta.deletion_grace_period_seconds or 0
        if period >= stored:
            return
        moved = max(now, meta.deletion_timestamp - stored + period)
        if moved == now and period:
            period = 1
        meta = replace(meta, deletion_timestamp=moved, deletion_grace_period_seconds=period)
    else:
        meta = replace(
            meta,
            deletion_timestamp=now + period,
            deletion_grace_period_seconds=period,
            generation=meta.generation + 1,
        )
    store.put(replace(obj, meta=meta), by)
