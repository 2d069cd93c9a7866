"""DELETE of an object (behaviour 3): graceful for pods, finalizers hold everything.

[apiserver pkg/registry/rest/delete.go `BeforeDelete`, pkg/registry/generic/registry/store.go `Delete`]
"""

from msgspec.structs import replace

from simkube.cluster.store import Store
from simkube.kube.objects import Meta, Object, Pod


def grace_period(pod: Pod, asked: int | None) -> int:
    """Seconds that a first DELETE gives this pod [pkg/registry/core/pod/strategy.go `CheckGracefulDelete`]."""
    if not pod.node or pod.is_finished:
        return 0
    period = pod.template.spec.termination_grace_period_seconds if asked is None else asked
    return 1 if period < 0 else period


def delete(store: Store, obj: Object, asked: int | None, now: float, by: str) -> None:
    """Remove the object, or mark it: a pod with a grace period keeps its object until its kubelet confirms, and
    finalizers keep any object. `asked` is the request's gracePeriodSeconds."""
    meta = obj.meta
    if meta.deletion_timestamp is None:
        period = grace_period(obj, asked) if isinstance(obj, Pod) else 0
        marked = replace(
            meta,
            deletion_timestamp=now + period,
            deletion_grace_period_seconds=period,
            generation=meta.generation + 1,
        )
    else:
        marked = shortened(meta, asked, now)
        if marked is meta and meta.deletion_grace_period_seconds:
            return
    if marked.deletion_grace_period_seconds or meta.finalizers:
        if marked is not meta:
            store.put(replace(obj, meta=marked), by)
    else:
        store.remove(obj.kind, meta.name, meta.namespace, by)


def shortened(meta: Meta, asked: int | None, now: float) -> Meta:
    """What another DELETE makes of an object that is being deleted: a period can only become shorter, and does not
    end in the past."""
    stored = meta.deletion_grace_period_seconds or 0
    if asked is None or meta.deletion_timestamp is None:
        return meta
    period = 1 if asked < 0 else asked
    if period >= stored:
        return meta
    moved = meta.deletion_timestamp - stored + period
    if moved < now:
        moved, period = now, min(period, 1)
    return replace(meta, deletion_timestamp=moved, deletion_grace_period_seconds=period)
