"""Admission `ResourceQuota`: what a namespace may use in all. Usage follows the store object by object.

[apiserver pkg/admission/plugin/resourcequota/controller.go]
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from simkube.clock import Clock
from simkube.cluster.admission.amounts import NONE, Amount, Amounts, amounts, plus
from simkube.cluster.admission.names import forbidden
from simkube.cluster.admission.overdue import Overdue, expiry
from simkube.cluster.admission.usage import REQUIRED, in_scope, living_pod, unstated, usage_of
from simkube.cluster.store import Change, Did, Store
from simkube.kube.objects import Object, Pod, Resource
from simkube.kube.policy import ResourceQuotaSpec
from simkube.kube.template import Template

O = TypeVar("O", bound=Object)  # noqa: E741

KIND = "ResourceQuota"

_OBJECT = Did.ADDED | Did.REMOVED | Did.SPEC
_POD = _OBJECT | Did.PHASE | Did.TERMINATING


class PodUse(NamedTuple):
    """What a quota counts of a pod that lives, and of one that does not; what its containers should say but do not."""

    living: Amounts
    lasting: Amounts
    unstated: str


class Quota:
    """One ResourceQuota, and what is used of it."""

    def __init__(self, name: str, spec: ResourceQuotaSpec) -> None:
        self.name = name
        self.hard = amounts(spec.hard)
        self.used: Amounts = dict.fromkeys(self.hard, NONE)
        self._demanded = REQUIRED & self.hard.keys()
        self._scopes: list[Any] = [{"scopeName": scope, "operator": "Exists"} for scope in spec.scopes]
        self._scopes += (spec.scope_selector or {}).get("matchExpressions") or ()
        self._pods: WeakKeyDictionary[Template, PodUse] = WeakKeyDictionary()

    def of_pod(self, pod: Pod) -> PodUse:
        """The same for all pods of a template."""
        found = self._pods.get(pod.template)
        if found is None:
            spec, lasting = pod.template.spec, self.of(pod)
            if self._covers(pod):
                living = {**lasting, **self._counted(living_pod(spec))}
                found = PodUse(living, lasting, unstated(spec, self._demanded))
            else:
                found = PodUse(lasting, lasting, "")
            self._pods[pod.template] = found
        return found

    def of(self, obj: Object) -> Amounts:
        """What it counts of an object for being there."""
        return self._counted(usage_of(obj)) if self._covers(obj) else {}

    def exceeded(self, asked: Amounts) -> str:
        """Why so much more is too much, or ""."""
        used, hard = self.used, self.hard
        over = [name for name, value in asked.items() if used[name].nanos + value.nanos > hard[name].nanos]
        if not over:
            return ""
        over.sort()
        return (
            f"exceeded quota: {self.name}, requested: {_text(asked, over)}, used: {_text(used, over)}, "
            f"limited: {_text(hard, over)}"
        )

    def change(self, before: Amounts, after: Amounts) -> None:
        """Something used `before` and uses `after`."""
        used = self.used
        for name, value in before.items():
            used[name] = Amount(used[name].nanos - value.nanos, used[name].binary)
        for name, value in after.items():
            used[name] = plus(used[name], value)

    def _counted(self, used: Amounts) -> Amounts:
        return {name: value for name, value in used.items() if value.nanos and name in self.hard}

    def _covers(self, obj: Object) -> bool:
        """It is of all of the scopes, and nothing but a pod is of any."""
        if not self._scopes:
            return True
        return isinstance(obj, Pod) and all(in_scope(scope, obj.template.spec) for scope in self._scopes)


def _text(values: Amounts, names: Sequence[str]) -> str:
    return ",".join(f"{name}={values[name]}" for name in names)


class Quotas:
    """The plugin. Objects of `kinds` count."""

    def __init__(self, store: Store, clock: Clock, kinds: Sequence[str]) -> None:
        self._store = store
        self._clock = clock
        self._kinds = kinds
        self._began = clock.now
        self._quotas: dict[str, dict[str, Quota]] = {}
        self._overdue: dict[str, Overdue] = {}
        for kind in kinds:
            store.watch(kind, self._changed, _POD if kind == "Pod" else _OBJECT)
        store.watch(KIND, self._quota_changed, _OBJECT)  # the last: a new quota counts itself
        for obj in store.table(KIND).values():
            self._put(obj)

    def admit(self, obj: O, _: Store) -> O:
        """The object, if every quota of its namespace has room for it. Raises `Forbidden`."""
        namespace = obj.meta.namespace
        quotas = self._quotas.get(namespace)
        if quotas:
            if isinstance(obj, Pod):
                self._let_go(namespace)
                for quota in quotas.values():
                    if why := quota.of_pod(obj).unstated:
                        raise forbidden(obj, f"failed quota: {quota.name}: {why}")
            for quota in quotas.values():
                asked = quota.of_pod(obj).living if isinstance(obj, Pod) else quota.of(obj)
                if why := quota.exceeded(asked):
                    raise forbidden(obj, why)
        return obj

    # -- keeping up ---------------------------------------------------------------------------------------------

    def _quota_changed(self, change: Change) -> None:
        if change.new is not None:
            self._put(change.new)
            return
        namespace, name = change.old.key
        del self._quotas[namespace][name]
        if not self._quotas[namespace]:
            del self._quotas[namespace], self._overdue[namespace]

    def _put(self, obj: Resource) -> None:
        """Count what is there."""
        namespace, name = obj.key
        quota = Quota(name, obj.spec)
        new = namespace not in self._quotas
        self._quotas.setdefault(namespace, {})[name] = quota
        if new:
            self._overdue[namespace] = Overdue(self._began)
            self._expect(namespace)
        for kind in self._kinds:
            for other in self._store.table(kind).values():
                if other.meta.namespace == namespace:
                    quota.change({}, self._use(quota, other))

    def _expect(self, namespace: str) -> None:
        for pod in self._store.table("Pod").values():
            if pod.meta.namespace == namespace and pod.is_terminating:
                self._overdue[namespace].expect(pod)

    def _changed(self, change: Change) -> None:
        namespace = change.object.meta.namespace
        quotas = self._quotas.get(namespace)
        if quotas:
            for quota in quotas.values():
                before = {} if change.old is None else self._use(quota, change.old)
                after = {} if change.new is None else self._use(quota, change.new)
                if before is not after:
                    quota.change(before, after)
            if isinstance(change.object, Pod):
                self._note(self._overdue[namespace], change.old, change.new)

    def _use(self, quota: Quota, obj: Object) -> Amounts:
        if not isinstance(obj, Pod):
            return quota.of(obj)
        use = quota.of_pod(obj)
        overdue = self._overdue[obj.meta.namespace]
        return use.lasting if obj.is_finished or obj.key in overdue.pods else use.living

    def _note(self, overdue: Overdue, old: Pod | None, new: Pod | None) -> None:
        finished = new is not None and new.is_finished and not (old is not None and old.is_finished)
        if new is None or finished:
            overdue.count(self._clock.now)
        elif new.is_terminating:
            overdue.expect(new)
        if new is None and old is not None:
            overdue.pods.discard(old.key)

    def _let_go(self, namespace: str) -> None:
        """Count no longer what is overdue."""
        overdue = self._overdue[namespace]
        for expired, key in overdue.due(self._clock.now):
            pod: Pod | None = self._store.get("Pod", key[1], key[0])
            if pod is None or not pod.is_terminating or expiry(pod) != expired:
                continue
            before = [self._use(quota, pod) for quota in self._quotas[namespace].values()]
            overdue.pods.add(key)
            for quota, was in zip(self._quotas[namespace].values(), before, strict=True):
                quota.change(was, self._use(quota, pod))
