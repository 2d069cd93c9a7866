"""The pods that a pod is one of, for spreading by default: those of its services and its ReplicaSet or StatefulSet."""

from simkube.cluster.scheduler.plugin import Ask
from simkube.cluster.scheduler.state import State
from simkube.cluster.selection import Selectors
from simkube.cluster.store import Change, Did
from simkube.kube.selector import Selector, compile_labels, compile_selector

OWNERS = {"ReplicaSet": "apps/v1", "StatefulSet": "apps/v1"}


class DefaultSelectors:
    """[plugins/helper/spread.go `DefaultSelector`]"""

    def __init__(self, state: State) -> None:
        self._state = state
        self._services = Selectors()
        for service in state.client.table("Service").values():
            self._add(service.key, service.spec)
        state.client.watch("Service", self._service_changed, Did.ADDED | Did.REMOVED | Did.SPEC)

    def of(self, ask: Ask) -> Selector:
        """The merged selector; that of everything if nothing selects the pod."""
        selectors: list[Selector] = []
        for key in self._services.selecting(ask.namespace, ask.labels):
            found = self._services.get(key)
            assert found is not None
            selectors.append(found)
        owner = ask.owner
        if owner is not None and OWNERS.get(owner.kind) == owner.api_version:
            workload = self._state.client.get(owner.kind, owner.name, ask.namespace)
            if workload is not None:
                selectors.append(compile_selector(workload.spec.selector))
        equal = {pair for selector in selectors for pair in selector.equal}
        tests = tuple(dict.fromkeys(test for selector in selectors for test in selector.tests))
        return Selector(tuple(sorted(equal)), tests, any(selector.never for selector in selectors))

    def _service_changed(self, change: Change) -> None:
        key = change.object.key
        self._services.discard(key)
        if change.new is not None:
            self._add(key, change.new.spec)
        self._state.tallies.forget(key[0])

    def _add(self, key: tuple[str, str], spec: object) -> None:
        labels = getattr(spec, "selector", None)
        if labels:  # a service without a selector selects nothing
            self._services.put(key, compile_labels(labels))
