"""Clusters for the benchmarks, made in memory: Deployments of 30 replicas, each with a Service and a budget."""

from simkube.kube.build import template_of
from simkube.kube.network import ServiceSpec
from simkube.kube.objects import Meta, Object, PodDisruptionBudget, Resource, Workload
from simkube.kube.policy import PodDisruptionBudgetSpec
from simkube.kube.workloads import DeploymentSpec
from simkube.scenario.load import Loaded
from simkube.scenario.nodes import make_nodes
from simkube.scenario.scenario import Scenario

REPLICAS = 30
PODS_PER_NODE = 30


def fleet(nodes: int) -> Loaded:
    """`nodes` workers in three zones with 30 pods each; every workload may miss 10 % of its pods."""
    scenario = Scenario.model_validate(
        {
            "cluster": {
                "controlPlanes": 1,
                "nodes": [
                    {
                        "name": "worker",
                        "count": nodes,
                        "zones": ["a", "b", "c"],
                        "capacity": {"cpu": 16, "memory": "64Gi", "pods": 110},
                    }
                ],
            }
        }
    )
    objects: list[Object] = [*make_nodes(scenario.cluster)]
    for index in range(nodes * PODS_PER_NODE // REPLICAS):
        objects += _workload(f"app-{index}")
    return Loaded(scenario, tuple(objects), (), f"{nodes} nodes")


def _workload(name: str) -> list[Object]:
    labels = {"app": name}
    container = {
        "name": "main",
        "image": f"registry.example/{name}:1",
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}},
    }
    spec = DeploymentSpec.model_validate(
        {
            "replicas": REPLICAS,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        }
    )
    budget = PodDisruptionBudgetSpec.model_validate(
        {"maxUnavailable": "10%", "selector": {"matchLabels": labels}}
    )
    service = ServiceSpec.model_validate({"selector": labels, "ports": [{"port": 80}]})
    meta = Meta(name=name, namespace="default")
    return [
        Resource(api_version="v1", kind="Service", meta=meta, spec=service),
        PodDisruptionBudget(meta=meta, spec=budget),
        Workload(
            api_version="apps/v1",
            kind="Deployment",
            meta=meta,
            spec=spec,
            template=template_of(spec.template),
        ),
    ]
