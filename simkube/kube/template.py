"""What all pods of one template share: spec, labels, and the facts that deciders ask of them, computed once."""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from simkube.kube.quantity import bytes_of, milli_cpu

if TYPE_CHECKING:
    from simkube.kube.pod import Container, PodSpec

# A container without a request counts as this when scoring [pkg/scheduler/util/pod_resources.go].
DEFAULT_MILLI_CPU = 100
DEFAULT_MEMORY = 200 * 1024 * 1024


class Requests(NamedTuple):
    """Resource requests of a pod: milli-cores, bytes, bytes of ephemeral storage, extended resources by name."""

    cpu: int
    memory: int
    ephemeral_storage: int
    extended: Mapping[str, int]


class Template:
    """A pod template after admission. Two templates are the same only if they are the same object."""

    def __init__(
        self,
        spec: "PodSpec",
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        self.spec = spec
        self.labels: Mapping[str, str] = _frozen(labels)
        self.annotations: Mapping[str, str] = _frozen(annotations)

    @cached_property
    def requests(self) -> Requests:
        """What the scheduler subtracts: max(sum of containers and sidecars, largest init container) plus overhead."""
        return _requests(self.spec, 0, 0)

    @cached_property
    def nonzero_requests(self) -> Requests:
        """The same with scoring's stand-ins for containers that request no cpu or memory."""
        return _requests(self.spec, DEFAULT_MILLI_CPU, DEFAULT_MEMORY)

    @cached_property
    def has_empty_dir(self) -> bool:
        """Some volume is an emptyDir, in memory or on disk."""
        return any(volume.empty_dir is not None for volume in self.spec.volumes)

    @cached_property
    def claims(self) -> tuple[str, ...]:
        """Names of the PersistentVolumeClaims that its volumes mount, in the pod's namespace."""
        claims = (volume.persistent_volume_claim for volume in self.spec.volumes)
        return tuple(dict.fromkeys(claim.claim_name for claim in claims if claim is not None))

    @cached_property
    def has_claims(self) -> bool:
        """Its pods have claims, of their own (generic ephemeral volumes) or by name."""
        return bool(self.claims) or any(volume.ephemeral is not None for volume in self.spec.volumes)

    @cached_property
    def images(self) -> tuple[str, ...]:
        """The images of init containers and containers, each once, in order."""
        return tuple(dict.fromkeys(c.image for c in (*self.spec.init_containers, *self.spec.containers)))

    @cached_property
    def sidecars(self) -> "tuple[Container, ...]":
        """Restartable init containers (restartPolicy Always)."""
        return tuple(c for c in self.spec.init_containers if c.restart_policy == "Always")

    @cached_property
    def priority(self) -> int:
        return self.spec.priority or 0


def _frozen(mapping: Mapping[str, str] | None) -> Mapping[str, str]:
    """A copy, or the same if it is one already: templates made of one another share what they have in common."""
    return mapping if isinstance(mapping, MappingProxyType) else MappingProxyType(dict(mapping or {}))


def _requests(spec: "PodSpec", default_cpu: int, default_memory: int) -> Requests:
    """[component-helpers resource `PodRequests`]: sidecars count beside the containers and beside later init ones."""

    def of(container: "Container") -> dict[str, int]:
        asked: Mapping[str, Any] = container.resources.requests or {}
        found = {name: _amount(name, value) for name, value in asked.items()}
        for name, value in (container.resources.limits or {}).items():
            found.setdefault(name, _amount(name, value))  # a limit without a request is the request
        if default_cpu:
            found.setdefault("cpu", default_cpu)
            found.setdefault("memory", default_memory)
        return found

    total: dict[str, int] = {}
    for container in spec.containers:
        _add(total, of(container))
    sidecars: dict[str, int] = {}
    peak: dict[str, int] = {}
    for container in spec.init_containers:
        need = of(container)
        if container.restart_policy == "Always":
            _add(sidecars, need)
            need = {}
        both = dict(sidecars)
        _add(both, need)
        for name, value in both.items():
            peak[name] = max(peak.get(name, 0), value)
    _add(total, sidecars)
    for name, value in peak.items():
        total[name] = max(total.get(name, 0), value)
    for name, quantity in (spec.overhead or {}).items():
        total[name] = total.get(name, 0) + _amount(name, quantity)
    return Requests(
        total.pop("cpu", 0),
        total.pop("memory", 0),
        total.pop("ephemeral-storage", 0),
        MappingProxyType({name: value for name, value in total.items() if value}),
    )


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, value in more.items():
        total[name] = total.get(name, 0) + value


def _amount(name: str, quantity: Any) -> int:
    return milli_cpu(quantity) if name == "cpu" else bytes_of(quantity)
