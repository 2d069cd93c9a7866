"""Garbage collector: what is owned goes with its last owner (background deletion).

Kubernetes collects whatever names an owner that it cannot find. Here only an owner that was there and went counts, so
that one which a dump merely does not show leaves its dependents alone [pkg/controller/garbagecollector].
"""

from collections.abc import Hashable
from typing import NamedTuple, cast

from msgspec.structs import replace

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.errors import NotFound
from simkube.cluster.store import Change, Did
from simkube.kube.objects import Object


class Dependent(NamedTuple):
    """An object that has lost an owner."""

    kind: str
    namespace: str
    name: str
    uid: str


class GarbageCollector(Controller):
    """`generic-garbage-collector`. Keys are dependents."""

    def __init__(self, clock: Clock, client: Client) -> None:
        super().__init__(clock, client)
        self._gone: dict[str, None] = {}  # UIDs of owners that went, of which a dependent may be left
        self._others: dict[
            str, dict[Dependent, None]
        ] = {}  # by the UID of an owner that does not control them
        client.watch("*", self._changed, Did.ADDED | Did.REMOVED | Did.META)
        for obj in client.api.store:
            self._note(obj)

    def start(self) -> None:
        super().start()
        for uid in self._gone:
            self._collect(uid)

    def _changed(self, change: Change) -> None:
        new: Object | None = change.new
        if new is not None:
            if change.old is None:
                self._gone.pop(new.meta.uid, None)  # it is back from a backup
            self._note(new)
            return
        uid = change.old.meta.uid
        if self.client.owned_by(uid) or uid in self._others:
            self._gone[uid] = None
            if self._running:
                self._collect(uid)

    def _note(self, obj: Object) -> None:
        """Remember the owners that do not control the object; the store knows the one that does."""
        owners = obj.meta.owners
        if not owners or (len(owners) == 1 and owners[0].controller):
            return
        controller = obj.meta.controller
        for owner in owners:
            if owner is not controller:
                self._others.setdefault(owner.uid, {})[_dependent(obj)] = None

    def _collect(self, uid: str) -> None:
        for obj in self.client.owned_by(uid).values():
            self.enqueue(_dependent(obj))
        for dependent in self._others.get(uid, ()):
            self.enqueue(dependent)

    def reconcile(self, key: Hashable) -> None:
        """Delete a dependent whose owners are all gone; one that still has an owner only loses the dangling ones."""
        kind, namespace, name, uid = cast(Dependent, key)
        try:
            obj: Object = self.client.read(kind, name, namespace)
        except NotFound:
            return
        if obj.meta.uid != uid or obj.meta.deletion_timestamp is not None:
            return
        dangling = [owner for owner in obj.meta.owners if owner.uid in self._gone]
        kept = tuple(owner for owner in obj.meta.owners if owner not in dangling)
        if kept and dangling:
            self.client.update(replace(obj, meta=replace(obj.meta, owners=kept)))
        elif dangling:
            self.client.delete(kind, name, namespace, uid=uid)


def _dependent(obj: Object) -> Dependent:
    return Dependent(obj.kind, obj.meta.namespace, obj.meta.name, obj.meta.uid)
