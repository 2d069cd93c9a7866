"""The store: versioned objects, their indices, and watches. What etcd has.

A write replaces an object, gives it the next revision as resourceVersion, and tells the watchers at once, in the order
in which they subscribed. A watcher states which kinds of change it cares about, so that the cost of a write follows
the number of those who need it.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from enum import IntFlag
from typing import Any, NamedTuple, TypeVar, cast

from msgspec.structs import force_setattr

from simkube.kube.objects import Key, Node, Object, Pod


class Did(IntFlag):
    """What a change did; a change may do several things."""

    ADDED = 1
    REMOVED = 2
    META = 4  # labels, annotations, owners, finalizers
    SPEC = 8  # a node's cordon and taints, a workload's spec ...
    STATUS = 16  # anything in status, beyond what has a flag of its own
    BOUND = 32  # a pod got its node
    READY = 64  # a pod's or node's condition Ready changed its status
    PHASE = 128  # a pod's phase changed
    TERMINATING = 256  # deletionTimestamp was set, or moved


ANY = Did(511)
_ADDED, _REMOVED, _META, _SPEC, _STATUS = (
    int(d) for d in (Did.ADDED, Did.REMOVED, Did.META, Did.SPEC, Did.STATUS)
)
_BOUND, _READY, _PHASE, _TERMINATING = (int(d) for d in (Did.BOUND, Did.READY, Did.PHASE, Did.TERMINATING))


class Change(NamedTuple):
    """One write: the object before (None: created) and after (None: removed), what it did, and who wrote it."""

    old: Any
    new: Any
    did: int
    revision: int
    by: str

    @property
    def object(self) -> Any:
        """The object after the change, or the last one if it was removed."""
        return self.new if self.new is not None else self.old


Watcher = Callable[[Change], None]
O = TypeVar("O", bound=Object)  # noqa: E741


class Snapshot(NamedTuple):
    """The whole store at a revision."""

    revision: int
    objects: Mapping[str, Mapping[Key, Object]]


class Store:
    """Objects by kind and key. Iteration is in order of creation, so runs repeat."""

    def __init__(self) -> None:
        self.revision = 0
        self._kinds: dict[str, dict[Key, Object]] = {}
        self._pods_on: dict[str, dict[Key, Pod]] = {}
        self._owned: dict[str, dict[Key, Object]] = {}
        self._watchers: dict[str, list[tuple[int, str, Watcher]]] = {}
        self._interested: dict[
            tuple[str, int, str], tuple[Watcher, ...]
        ] = {}  # by kind, what a change did, and kind of the controller
        self._node_watchers: dict[str, Watcher] = {}

    # -- reading ------------------------------------------------------------------------------------------------

    def get(self, kind: str, name: str, namespace: str = "") -> Any:
        """The object, or None."""
        table = self._kinds.get(kind)
        return None if table is None else table.get((namespace, name))

    def table(self, kind: str) -> Mapping[Key, Any]:
        """All objects of a kind, by key, live: copy before writing while iterating."""
        return self._kinds.setdefault(kind, {})

    def kinds(self) -> list[str]:
        """Kinds that have had an object."""
        return list(self._kinds)

    def pods_on(self, node: str) -> Mapping[Key, Pod]:
        """Pods bound to a node, in any phase; live."""
        return self._pods_on.get(node) or {}

    def owned_by(self, uid: str) -> Mapping[Key, Any]:
        """Objects whose controller has this UID; live."""
        return self._owned.get(uid) or {}

    # -- watching -----------------------------------------------------------------------------------------------

    def watch(self, kind: str, watcher: Watcher, did: int = ANY, owner: str = "") -> None:
        """Call `watcher` for every change of that kind that does one of `did`. Kind "*": of every kind. With `owner`
        not for objects that have, and had, a controller of another kind than that."""
        self._interested.clear()
        if kind == "*":
            for watchers in self._watchers.values():
                watchers.append((int(did), owner, watcher))
        self._watchers.setdefault(kind, list(self._watchers.get("*", ()))).append((int(did), owner, watcher))

    def watch_pods_on(self, node: str, watcher: Watcher | None) -> None:
        """Call `watcher` (one a node; None ends it) for every change of a pod bound to this node: a kubelet's watch."""
        if watcher is None:
            self._node_watchers.pop(node, None)
        else:
            self._node_watchers[node] = watcher

    # -- writing ------------------------------------------------------------------------------------------------

    def put(self, obj: O, by: str) -> O:
        """Write an object; returns it with its new version. The caller gives up `obj` and has checked everything."""
        meta = obj.meta
        table = self._kinds.get(obj.kind)
        if table is None:
            table = self._kinds[obj.kind] = {}
        key = (meta.namespace, meta.name)
        old = table.get(key)
        self.revision += 1
        force_setattr(obj, "version", self.revision)
        table[key] = obj
        if isinstance(obj, Pod):
            did = _pod_change(cast("Pod | None", old), obj)
            if obj.node:
                on = self._pods_on.get(obj.node)
                if on is None:
                    on = self._pods_on[obj.node] = {}
                on[key] = obj
        else:
            did = _change(old, obj)
        if meta.owners:
            owner = meta.controller
            if owner is not None:
                owned = self._owned.get(owner.uid)
                if owned is None:
                    owned = self._owned[owner.uid] = {}
                owned[key] = obj
        if did & _META and old is not None and old.meta.owners != meta.owners:
            previous = old.meta.controller
            current = meta.controller
            if previous is not None and (current is None or current.uid != previous.uid):
                self._owned[previous.uid].pop(key, None)
        # a NamedTuple's own constructor takes twice as long
        self._tell(tuple.__new__(Change, (old, obj, did, self.revision, by)))
        return obj

    def remove(self, kind: str, name: str, namespace: str, by: str) -> None:
        """Take an object out. Raises KeyError if it is not there."""
        key = (namespace, name)
        old = self._kinds[kind].pop(key)
        self._forget(key, old)
        self.revision += 1
        self._tell(Change(old, None, _REMOVED, self.revision, by))

    def _forget(self, key: Key, old: Object) -> None:
        if isinstance(old, Pod) and old.node:
            self._pods_on[old.node].pop(key, None)
        owner = old.meta.controller
        if owner is not None:
            self._owned[owner.uid].pop(key, None)

    def _tell(self, change: Change) -> None:
        _, obj, did, _, _ = change
        if obj is None:
            obj = change.old
        controller = obj.meta.controller
        owner = "" if controller is None or did & _META else controller.kind  # "": of all kinds, perhaps
        interested = self._interested.get((obj.kind, did, owner))
        if interested is None:
            interested = self._find_interested(obj.kind, did, owner)
        for watcher in interested:
            watcher(change)
        if type(obj) is Pod and obj.node:
            kubelet = self._node_watchers.get(obj.node)
            if kubelet is not None:
                kubelet(change)

    def _find_interested(self, kind: str, did: int, owner: str) -> tuple[Watcher, ...]:
        watchers = self._watchers.get(kind)
        if watchers is None:
            watchers = self._watchers[kind] = list(self._watchers.get("*", ()))
        found = tuple(
            watcher
            for interest, wanted, watcher in watchers
            if interest & did and (not owner or wanted in ("", owner))
        )
        self._interested[kind, did, owner] = found
        return found

    # -- backup -------------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The store as it stands; objects are shared, since nothing changes them."""
        return Snapshot(self.revision, {kind: dict(table) for kind, table in self._kinds.items() if table})

    def restore(self, snapshot: Snapshot, by: str = "restore") -> None:
        """Put a snapshot back, telling watchers of each difference. The revision goes on from the larger of the two."""
        for kind, table in list(self._kinds.items()):
            kept: Mapping[Key, Object] = snapshot.objects.get(kind, {})
            for namespace, name in [key for key in table if key not in kept]:
                self.remove(kind, name, namespace, by)
        for kind, objects in snapshot.objects.items():
            for key, obj in objects.items():
                current = self._kinds.get(kind, {}).get(key)
                if current is not obj:
                    if current is not None:
                        self._forget(key, current)
                    self.put(copy(obj), by)
        self.revision = max(self.revision, snapshot.revision)

    def __iter__(self) -> Iterator[Object]:
        for table in self._kinds.values():
            yield from table.values()


def _pod_change(old: Pod | None, new: Pod) -> int:
    if old is None:
        return _ADDED | (_BOUND if new.node else 0)
    did = 0
    before, after = old.status, new.status
    if before is not after:
        did = _STATUS
        if before.phase != after.phase:
            did |= _PHASE
        if before.ready is not after.ready and old.is_ready != new.is_ready:
            did |= _READY
    if old.node != new.node:
        did |= _BOUND
    if old.meta is not new.meta:
        if old.meta.deletion_timestamp == new.meta.deletion_timestamp:
            did |= _META
        else:
            did |= _TERMINATING
            if old.meta.owners != new.meta.owners or old.meta.labels != new.meta.labels:
                did |= _META
    if old.template is not new.template:
        did |= _SPEC
    return did or _STATUS


def _change(old: Object | None, new: Object) -> int:
    if old is None:
        return _ADDED
    did = 0
    if old.meta is not new.meta:
        did |= _TERMINATING if old.meta.deletion_timestamp != new.meta.deletion_timestamp else 0
        did |= _META if _meta_differs(old, new) else 0
    if isinstance(new, Node) and isinstance(old, Node):
        if old.unschedulable != new.unschedulable or old.taints != new.taints:
            did |= _SPEC
        if old.status is not new.status:
            did |= _STATUS | (_READY if old.is_ready != new.is_ready else 0)
        return did or _STATUS
    if getattr(old, "spec", None) is not getattr(new, "spec", None):
        did |= _SPEC
    if getattr(old, "status", None) is not getattr(new, "status", None):
        did |= _STATUS
    return did or _STATUS


def _meta_differs(old: Object, new: Object) -> bool:
    before, after = old.meta, new.meta
    return (before.labels, before.annotations, before.owners, before.finalizers, before.generation) != (
        after.labels,
        after.annotations,
        after.owners,
        after.finalizers,
        after.generation,
    )
