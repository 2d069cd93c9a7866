"""EndpointSlices follow services and their pods (behaviour 9) [pkg/controller/endpointslice, module endpointslice].

One slice family a service: address families and ports that differ from pod to pod are not told apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.errors import ApiError, ServerError
from simkube.cluster.services.slices import Contents, arrange
from simkube.cluster.store import Change, Did
from simkube.cluster.workloads.pods import generated_name
from simkube.kube.objects import Endpoint, EndpointSlice, Key, Meta, OwnerReference, Pod, Resource
from simkube.kube.selector import Selector, compile_labels
from simkube.kube.shared import generated_from
from simkube.timings import Timings

SERVICE = "Service"
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
HEADLESS = "service.kubernetes.io/headless"
MANAGER = "endpointslice-controller.k8s.io"
FOREIGN_CHANGE_DELAY = 1.0  # s after somebody else changed a slice [`endpointSliceChangeMinSyncDelay`]

# [util/controller_utils.go `podEndpointsChanged`]; a new address shows as STATUS alone. A phase does not count.
POD_CHANGES = int(Did.ADDED | Did.REMOVED | Did.META | Did.READY | Did.TERMINATING)


class EndpointSliceController(Controller):
    """kube-controller-manager's endpointslice-controller. Keys are those of services.

    Only the endpoints of pods that changed are worked out anew, and a service's slices are written once a sync.
    """

    def __init__(self, clock: Clock, client: Client, timings: Timings) -> None:
        super().__init__(clock, client)
        self.backoff_initial = timings.endpoint_retry_initial
        self.backoff_max = timings.endpoint_retry_max
        self._room = timings.endpoints_per_slice
        self._batch_period = timings.endpoint_updates_batch_period
        self._changed: dict[Key, dict[Key, None]] = {}  # service -> pods to look at
        self._all: dict[Key, None] = {}  # services of which all pods are to be looked at
        self._contents: dict[Key, Contents] = {}  # of slices
        self._services = client.table(SERVICE)
        self._pods = client.table("Pod")
        self._nodes = client.table("Node")
        self._selections = client.api.selections
        self._selections.track(SERVICE, service_selector)
        client.watch(SERVICE, self._service_changed, Did.ADDED | Did.SPEC | Did.META)
        client.watch("Pod", self._pod_changed, POD_CHANGES | int(Did.STATUS))
        client.watch("Node", self._node_removed, Did.REMOVED)
        client.watch("EndpointSlice", self._slice_changed)
        self._look_at_everything()

    def stop(self) -> None:
        super().stop()
        self._changed.clear()
        self._all.clear()

    def start(self) -> None:
        super().start()
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        for key in self.client.table(SERVICE):
            self._all[key] = None
            self.enqueue(key)

    # -- what makes a service be looked at --------------------------------------------------------------------------

    def _service_changed(self, change: Change) -> None:
        self._all[change.object.key] = None
        self.enqueue(change.object.key)

    def _pod_changed(self, change: Change) -> None:
        old, new = change.old, change.new
        before = old.status.ip if old is not None else ""
        after = new.status.ip if new is not None else ""
        if before == after and not (after and change.did & POD_CHANGES):
            return  # it has no address yet, or keeps it and nothing else matters
        meta = new.meta if new is not None else old.meta
        for key in self._selections.touched(SERVICE, change):
            self._changed.setdefault(key, {})[meta.namespace, meta.name] = None
            if self._batch_period:
                self.enqueue_after(key, self._batch_period)
            else:
                self.enqueue(key)

    def _node_removed(self, change: Change) -> None:
        """Pods without a node have no endpoint, but nothing looks until something else in their service changes."""
        for pod in self.client.pods_on(change.object.meta.name).values():
            for key in self._selections.selecting(SERVICE, pod):
                self._changed.setdefault(key, {})[pod.key] = None

    def _slice_changed(self, change: Change) -> None:
        if change.new is None:
            self._contents.pop(change.old.key, None)
        if change.by == self.client.name:
            return
        found: EndpointSlice = change.object
        if found.meta.labels.get(MANAGED_BY) == MANAGER:
            key = (found.meta.namespace, found.service)
            self._all[key] = None
            self.enqueue_after(key, FOREIGN_CHANGE_DELAY)

    # -- one service ------------------------------------------------------------------------------------------------

    def reconcile(self, key: Any) -> None:
        changed = self._changed.pop(key, {})
        service: Resource | None = self._services.get(key)
        if service is None or not has_endpoints(service):
            self._all.pop(key, None)
            return  # slices of a service without a selector are their makers'
        slices = [s for s in self.client.owned_by(service.meta.uid).values() if s.kind == "EndpointSlice"]
        labels = None  # as they are
        if key in self._all:
            labels = slice_labels(service)
            changed = dict.fromkeys(self._everything(service, slices))
        endpoints, skipped = self._endpoints(service, changed)
        try:
            self._write(service, slices, labels, endpoints)
        except ApiError:
            self._all[key] = None
            raise
        self._all.pop(key, None)
        if skipped:
            self._changed[key] = dict.fromkeys(pod.key for pod in skipped)
            raise ServerError(f"skipping Pod {skipped[0].meta.name}: Node {skipped[0].node} Not Found")

    def _everything(self, service: Resource, slices: Sequence[EndpointSlice]) -> Iterable[Key]:
        """Pods that the service selects, and those that still have an endpoint."""
        for pod in self._selections.pods(SERVICE, service.key):
            yield pod.key
        for existing in slices:
            for endpoint in existing.endpoints:
                yield (existing.meta.namespace, endpoint.pod)

    def _endpoints(
        self, service: Resource, pods: Iterable[Key]
    ) -> tuple[dict[str, Endpoint | None], list[Pod]]:
        """(the endpoint, if any, of each pod by its name; pods left out because their node does not exist)."""
        endpoints: dict[str, Endpoint | None] = {}
        skipped = []
        publish = service.spec.publish_not_ready_addresses
        selecting = (service.meta.namespace, service.meta.name)
        for key in pods:
            pod: Pod | None = self._pods.get(key)
            endpoint = None
            if pod is not None and selecting in self._selections.selecting(SERVICE, pod):
                endpoint = endpoint_of(pod, publish)
                if endpoint is not None and not publish and ("", pod.node) not in self._nodes:
                    skipped.append(pod)
                    endpoint = None
            endpoints[key[1]] = endpoint
        return endpoints, skipped

    def _write(
        self,
        service: Resource,
        slices: Sequence[EndpointSlice],
        labels: Mapping[str, str] | None,
        endpoints: Mapping[str, Endpoint | None],
    ) -> None:
        """Bring the slices up to date; a service always keeps one, be it empty."""
        client = self.client
        arranged = arrange([self._contents_of(existing) for existing in slices], endpoints, self._room)
        contents = [after.endpoints for after in arranged] or [()]
        kept = any(contents)
        for existing, content in zip(slices, contents, strict=False):
            if not content and kept:
                client.delete("EndpointSlice", existing.meta.name, existing.meta.namespace)
            elif labels is not None and labels != existing.meta.labels:
                client.update(
                    replace(existing, meta=replace(existing.meta, labels=labels), endpoints=content)
                )
            elif content is not existing.endpoints:
                client.update(replace(existing, endpoints=content))
            kept = kept or not content
        if service.meta.deletion_timestamp is None:
            for content in contents[len(slices) :]:
                client.create(self._new_slice(service, content))

    def _contents_of(self, found: EndpointSlice) -> Contents:
        key = (found.meta.namespace, found.meta.name)
        contents = self._contents.get(key)
        if contents is None or contents.endpoints is not found.endpoints:
            contents = self._contents[key] = Contents(found.endpoints)
        return contents

    def _new_slice(self, service: Resource, endpoints: tuple[Endpoint, ...]) -> EndpointSlice:
        meta = Meta(
            name=generated_name(service.meta.name, self.client.api.suffix()),
            namespace=service.meta.namespace,
            labels=slice_labels(service),
            owners=(OwnerReference(SERVICE, service.meta.name, service.meta.uid, "v1"),),
            extra=generated_from(f"{service.meta.name}-"),
        )
        return EndpointSlice(meta=meta, service=service.meta.name, endpoints=endpoints)


def endpoint_of(pod: Pod, publish_not_ready: bool) -> Endpoint | None:
    """A pod's endpoint: it has one from its address to its end [`ShouldPodBeInEndpoints`, `podToEndpoint`]."""
    meta, status = pod.meta, pod.status
    if not status.ip or status.phase in ("Succeeded", "Failed"):
        return None
    serving = status.ready is not None and status.ready.status == "True"
    terminating = meta.deletion_timestamp is not None
    return Endpoint(
        pod=meta.name,
        uid=meta.uid,
        node=pod.node,
        address=status.ip,
        ready=publish_not_ready or (serving and not terminating),
        serving=serving,
        terminating=terminating,
    )


def has_endpoints(service: Resource) -> bool:
    """Its slices are this controller's."""
    return service.spec.type != "ExternalName" and bool(service.spec.selector)


def service_selector(service: Resource) -> Selector | None:
    """Which pods are behind a service; None if its endpoints are nobody's business here."""
    return compile_labels(service.spec.selector) if has_endpoints(service) else None


def slice_labels(service: Resource) -> dict[str, str]:
    """The service's own, and whose slices they are [`setEndpointSliceLabels`]. A service that names no clusterIP has
    been given one by the API server."""
    own = {k: v for k, v in service.meta.labels.items() if k not in (SERVICE_NAME, MANAGED_BY, HEADLESS)}
    headless = {HEADLESS: ""} if service.spec.cluster_ip == "None" else {}
    return {**own, **headless, SERVICE_NAME: service.meta.name, MANAGED_BY: MANAGER}
