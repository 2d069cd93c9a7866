"""A tiny world whose API admits as Kubernetes' does."""

from collections.abc import Mapping
from typing import Any

from simkube.cluster.admission import admission
from simkube.kube.objects import NOTHING, Meta, Other, Pod, Resource
from simkube.kube.policy import LimitRangeSpec, PriorityClass, ResourceQuotaSpec
from simkube.kube.storage import PersistentVolumeClaimSpec
from tests.cluster.harness import World

Resources = Mapping[str, str | int]


def container(
    requests: Resources = NOTHING, limits: Resources = NOTHING, name: str = "main", **more: Any
) -> dict[str, Any]:
    """A container with these resources."""
    asked = {"requests": dict(requests), "limits": dict(limits)}
    return {"name": name, "image": "web:1", "resources": {k: v for k, v in asked.items() if v}, **more}


class Bed(World):
    """With all plugins, and makers of what they go by."""

    def __init__(self, version: str = "v1.36.3") -> None:
        super().__init__(version)
        self.api.admission = admission(self.api, self.timings)

    def priority_class(self, name: str, value: int, **fields: Any) -> Resource:
        spec = PriorityClass.model_validate({"value": value, **fields})
        return self.hand.create(
            Resource(api_version="scheduling.k8s.io/v1", kind="PriorityClass", meta=Meta(name), spec=spec)
        )

    def limit_range(
        self, *limits: dict[str, Any], name: str = "limits", namespace: str = "default"
    ) -> Resource:
        spec = LimitRangeSpec.model_validate({"limits": limits})
        return self.hand.create(
            Resource(api_version="v1", kind="LimitRange", meta=Meta(name, namespace), spec=spec)
        )

    def quota(
        self, hard: Resources, name: str = "quota", namespace: str = "default", **spec: Any
    ) -> Resource:
        model = ResourceQuotaSpec.model_validate({"hard": dict(hard), **spec})
        return self.hand.create(
            Resource(api_version="v1", kind="ResourceQuota", meta=Meta(name, namespace), spec=model)
        )

    def claim(self, name: str, size: str | None = "1Gi", class_: str | None = None) -> Resource:
        asked = {} if size is None else {"requests": {"storage": size}}
        spec = PersistentVolumeClaimSpec.model_validate({"resources": asked, "storageClassName": class_})
        return self.hand.create(
            Resource(api_version="v1", kind="PersistentVolumeClaim", meta=Meta(name, "default"), spec=spec)
        )

    def other(self, kind: str, name: str, namespace: str = "default", api_version: str = "v1") -> Other:
        return self.hand.create(Other(api_version=api_version, kind=kind, meta=Meta(name, namespace)))

    def one(self, name: str, *containers: dict[str, Any], namespace: str = "default", **spec: Any) -> Pod:
        """A pod with these containers."""
        template = self.template(containers=list(containers or [container()]), **spec)
        return self.pod(name, template, namespace=namespace)
