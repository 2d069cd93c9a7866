"""`spec` of a Service. Defaults: [pkg/apis/core/v1/defaults.go `SetDefaults_Service`]."""

from typing import ClassVar, Literal

from pydantic import model_validator

from simkube.kube.model import Bool, Int, IntOrString, KubeModel, Labels, empty_dict, names


class ServicePort(KubeModel):
    """`ports[]`; `target_port` defaults to `port`."""

    also_known: ClassVar[frozenset[str]] = names("appProtocol")

    port: Int
    target_port: IntOrString = 0
    name: str = ""
    protocol: str = "TCP"
    node_port: Int | None = None

    @model_validator(mode="after")
    def _target(self) -> "ServicePort":
        self._derive("target_port", self.port)
        return self


class ServiceSpec(KubeModel):
    """`spec` of a Service. Without a selector its endpoints are nobody's business here; clusterIP "None": headless."""

    also_known: ClassVar[frozenset[str]] = names(
        "allocateLoadBalancerNodePorts clusterIPs externalIPs healthCheckNodePort ipFamilies "
        "ipFamilyPolicy ipFamily loadBalancerClass loadBalancerIP loadBalancerSourceRanges "
        "sessionAffinityConfig topologyKeys"
    )

    type: Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] = "ClusterIP"
    selector: Labels = empty_dict()
    ports: tuple[ServicePort, ...] = ()
    cluster_ip: str = ""
    external_name: str = ""
    publish_not_ready_addresses: Bool = False
    external_traffic_policy: Literal["Cluster", "Local"] = "Cluster"
    internal_traffic_policy: Literal["Cluster", "Local"] = "Cluster"
    session_affinity: Literal["None", "ClientIP"] = "None"
    traffic_distribution: str | None = None
