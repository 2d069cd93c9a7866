"""Who selects whom by labels: the pods of a budget, a service, a ReplicaSet, and those of them that select a pod.

Pods with the same labels stand in one group, and what selects a group is worked out once, when the group or the
selector appears. A change of a pod then costs the same however many pods and selectors there are.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from simkube.cluster.store import Change, Did, Store
from simkube.kube.objects import Key, Pod
from simkube.kube.selector import Selector
from simkube.kube.template import Template

SelectorOf: TypeAlias = Callable[[Any], Selector | None]
"""The compiled selector of an object; None if it selects no pods at all."""

Pair: TypeAlias = tuple[str, str]
NO_PAIR: Pair = ("", "")


class Selectors:
    """Selectors by the key of their object, found by the labels that they select within their namespace.

    Each stands under one of the labels it demands, so only those that share a label with a pod are looked at.
    """

    def __init__(self) -> None:
        self._selectors: dict[Key, tuple[Selector, Pair]] = {}
        self._by_pair: dict[tuple[str, Pair], dict[Key, Selector]] = {}

    def __len__(self) -> int:
        return len(self._selectors)

    def get(self, key: Key) -> Selector | None:
        found = self._selectors.get(key)
        return None if found is None else found[0]

    def put(self, key: Key, selector: Selector) -> None:
        """Add a selector, or replace the one of this key."""
        self.discard(key)
        namespace = key[0]
        rarest = min(
            selector.equal, key=lambda pair: len(self._by_pair.get((namespace, pair), ())), default=NO_PAIR
        )
        self._selectors[key] = (selector, rarest)
        self._by_pair.setdefault((namespace, rarest), {})[key] = selector

    def discard(self, key: Key) -> None:
        """Forget a selector, if it is there."""
        found = self._selectors.pop(key, None)
        if found is not None:
            bucket = (key[0], found[1])
            del self._by_pair[bucket][key]
            if not self._by_pair[bucket]:
                del self._by_pair[bucket]

    def selecting(self, namespace: str, labels: Mapping[str, str]) -> tuple[Key, ...]:
        """Keys of those that select these labels, by name."""
        found = []
        for pair in (NO_PAIR, *labels.items()):
            candidates = self._by_pair.get((namespace, pair))
            if candidates:
                found += [key for key, selector in candidates.items() if selector.matches(labels)]
        return tuple(sorted(found))


class _Group:
    """The pods of a namespace with the same labels; `selected` holds, by kind, the keys of what selects them."""

    __slots__ = ("labels", "namespace", "pods", "selected", "templates")

    def __init__(self, namespace: str, labels: Mapping[str, str]) -> None:
        self.namespace = namespace
        self.labels = labels
        self.pods: dict[Key, None] = {}
        self.selected: dict[str, tuple[Key, ...]] = {}
        self.templates: dict[Template, None] = {}  # those under which the group is found without its labels


class Selections:
    """The selections of a store, as they stand at this moment. Only kinds that were given to `track` are known."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pods: Mapping[Key, Pod] = store.table("Pod")
        self._selectors: dict[str, Selectors] = {}
        self._members: dict[str, dict[Key, dict[_Group, None]]] = {}
        self._groups: dict[str, dict[frozenset[Pair], _Group]] = {}
        self._by_template: dict[tuple[str, Template], _Group] = {}
        for pod in self._pods.values():
            self._add(pod)
        store.watch("Pod", self._pod_changed, Did.ADDED | Did.REMOVED | Did.META)

    # -- asking -----------------------------------------------------------------------------------------------------

    def selecting(self, kind: str, pod: Pod) -> tuple[Key, ...]:
        """Keys of the objects of this kind that select the pod, by name."""
        meta, template = pod.meta, pod.template
        group = None
        if meta.labels is template.labels:  # so most are found
            group = self._by_template.get((meta.namespace, template))
        if group is None:
            group = self._find(pod)
            if group is None:
                return self._selectors[kind].selecting(meta.namespace, meta.labels)
        return group.selected[kind]

    def touched(self, kind: str, change: Change) -> tuple[Key, ...]:
        """Keys of the objects of this kind that select the pod before or after a change of it."""
        old, new = change.old, change.new
        if new is None:
            return self.selecting(kind, old)
        if old is None or old.meta.labels is new.meta.labels or old.meta.labels == new.meta.labels:
            return self.selecting(kind, new)
        return tuple(dict.fromkeys((*self.selecting(kind, old), *self.selecting(kind, new))))

    def moved(self, kind: str, change: Change) -> bool:
        """Other objects of this kind select the pod after a change of its metadata than before."""
        return self.selecting(kind, change.old) != self.selecting(kind, change.new)

    def pods(self, kind: str, key: Key) -> Iterator[Pod]:
        """The pods that an object selects, in any phase."""
        for group in self._members[kind].get(key, ()):
            for pod in group.pods:
                yield self._pods[pod]

    # -- keeping up ---------------------------------------------------------------------------------------------------

    def track(self, kind: str, selector_of: SelectorOf) -> None:
        """Know the selections of this kind from now on."""
        if kind in self._selectors:
            return
        selectors = self._selectors[kind] = Selectors()
        members = self._members[kind] = {}
        for key, obj in self._store.table(kind).items():
            selector = selector_of(obj)
            if selector is not None:
                selectors.put(key, selector)
                members[key] = {}
        for groups in self._groups.values():
            for group in groups.values():
                self._select(kind, group)

        def changed(change: Change) -> None:
            self._selector_changed(
                kind, change.object.key, selector_of(change.new) if change.new is not None else None
            )

        self._store.watch(kind, changed, Did.ADDED | Did.REMOVED | Did.SPEC)

    def _selector_changed(self, kind: str, key: Key, selector: Selector | None) -> None:
        selectors, members = self._selectors[kind], self._members[kind]
        before = selectors.get(key)
        if before is selector or before == selector:
            return
        selectors.discard(key)
        for group in members.pop(key, ()):
            group.selected[kind] = tuple(k for k in group.selected[kind] if k != key)
        if selector is not None:
            selectors.put(key, selector)
            matching = members[key] = {}
            for group in self._groups.get(key[0], {}).values():
                if selector.matches(group.labels):
                    matching[group] = None
                    group.selected[kind] = tuple(sorted((*group.selected[kind], key)))

    def _pod_changed(self, change: Change) -> None:
        old, new = change.old, change.new
        if old is not None:
            if new is not None and (old.meta.labels is new.meta.labels or old.meta.labels == new.meta.labels):
                return
            self._take(old)
        if new is not None:
            self._add(new)

    def _find(self, pod: Pod) -> _Group | None:
        meta, template = pod.meta, pod.template
        if meta.labels is not template.labels and meta.labels != template.labels:
            return self._groups.get(meta.namespace, {}).get(frozenset(meta.labels.items()))
        place = (meta.namespace, template)
        group = self._by_template.get(place)
        if group is None:
            group = self._groups.get(meta.namespace, {}).get(frozenset(meta.labels.items()))
            if group is not None:
                self._by_template[place] = group
                group.templates[template] = None
        return group

    def _add(self, pod: Pod) -> None:
        group = self._find(pod)
        if group is None:
            group = _Group(pod.meta.namespace, pod.meta.labels)
            self._groups.setdefault(group.namespace, {})[frozenset(group.labels.items())] = group
            for kind in self._selectors:
                self._select(kind, group)
        group.pods[pod.key] = None

    def _select(self, kind: str, group: _Group) -> None:
        keys = self._selectors[kind].selecting(group.namespace, group.labels)
        group.selected[kind] = keys
        for key in keys:
            self._members[kind][key][group] = None

    def _take(self, pod: Pod) -> None:
        group = self._find(pod)
        if group is None:
            raise KeyError(pod.key)
        del group.pods[pod.key]
        if group.pods:
            return
        del self._groups[group.namespace][frozenset(group.labels.items())]
        for template in group.templates:
            del self._by_template[group.namespace, template]
        for kind, keys in group.selected.items():
            for key in keys:
                del self._members[kind][key][group]
