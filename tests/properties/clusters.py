"""Generated scenarios: small clusters, mixed workloads, budgets, faults and plans."""

from typing import Any

from hypothesis import strategies as st

from simkube.kube.build import template_of
from simkube.kube.network import ServiceSpec
from simkube.kube.objects import Meta, Object, Pod, PodDisruptionBudget, Resource, Workload
from simkube.kube.pod import PodSpec
from simkube.kube.policy import PodDisruptionBudgetSpec
from simkube.kube.template import Template
from simkube.kube.workloads import DaemonSetSpec, DeploymentSpec, StatefulSetSpec
from simkube.scenario.load import Loaded
from simkube.scenario.nodes import make_nodes
from simkube.scenario.scenario import Scenario


def _pod_spec(cpu: int, memory: int, empty_dir: bool, readiness: bool, grace: int) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": "main",
        "image": "registry.example/app:1",
        "resources": {"requests": {"cpu": f"{cpu}m", "memory": f"{memory}Mi"}},
    }
    if readiness:
        container["readinessProbe"] = {"httpGet": {"port": 80}, "periodSeconds": 5}
    spec: dict[str, Any] = {"containers": [container], "terminationGracePeriodSeconds": grace}
    if empty_dir:
        spec["volumes"] = [{"name": "data", "emptyDir": {}}]
    return spec


pod_specs = st.builds(
    _pod_spec,
    st.integers(50, 1500),
    st.integers(32, 3000),
    st.booleans(),
    st.booleans(),
    st.sampled_from([1, 10, 30]),
)


@st.composite
def workloads(draw: st.DrawFn, name: str) -> list[Object]:
    kind = draw(st.sampled_from(["Deployment", "Deployment", "StatefulSet", "DaemonSet", "Pod"]))
    spec = draw(pod_specs)
    labels = {"app": name}
    meta = Meta(name=name, namespace="default")
    service = ServiceSpec.model_validate({"selector": labels, "ports": [{"port": 80}]})
    made: list[Object] = [Resource(api_version="v1", kind="Service", meta=meta, spec=service)]
    if kind == "Pod":
        pod = Pod(
            meta=Meta(name=name, namespace="default", labels=labels),
            template=Template(PodSpec.model_validate(spec), labels),
        )
        return [*made, pod]
    body: dict[str, Any] = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": spec},
    }
    models: dict[str, Any] = {
        "Deployment": DeploymentSpec,
        "StatefulSet": StatefulSetSpec,
        "DaemonSet": DaemonSetSpec,
    }
    if kind != "DaemonSet":
        body["replicas"] = draw(st.integers(0, 5))
    if kind == "StatefulSet":
        body["serviceName"] = name
    model = models[kind].model_validate(body)
    made.append(
        Workload(
            api_version="apps/v1", kind=kind, meta=meta, spec=model, template=template_of(model.template)
        )
    )
    budget = draw(
        st.sampled_from(
            [None, {"minAvailable": 1}, {"minAvailable": "50%"}, {"maxUnavailable": 1}, {"maxUnavailable": 0}]
        )
    )
    if budget is not None and kind in ("Deployment", "StatefulSet"):
        policy = PodDisruptionBudgetSpec.model_validate({**budget, "selector": {"matchLabels": labels}})
        made.append(PodDisruptionBudget(meta=meta, spec=policy))
    return made


@st.composite
def faults(draw: st.DrawFn, nodes: int) -> list[dict[str, Any]]:
    found = []
    for _ in range(draw(st.integers(0, 2))):
        kind = draw(
            st.sampled_from(
                ["crash", "shutdown", "reboot", "freeze", "cut", "cutControlPlane", "stopKubelet"]
            )
        )
        fault: dict[str, Any] = {
            "at": draw(st.integers(0, 600)),
            kind: f"worker-{draw(st.integers(1, nodes))}",
        }
        if draw(st.booleans()) and kind != "reboot":
            fault["for"] = draw(st.integers(1, 900))
        found.append(fault)
    return found


@st.composite
def scenarios(draw: st.DrawFn, with_faults: bool = True) -> Loaded:
    nodes = draw(st.integers(2, 6))
    scenario = Scenario.model_validate(
        {
            "cluster": {
                "version": draw(st.sampled_from(["v1.37.2", "v1.36.3", "v1.34.4", "v1.30.0"])),
                "controlPlanes": draw(st.integers(0, 1)),
                "nodes": [{"count": nodes, "zones": draw(st.sampled_from([[], ["a", "b", "c"]]))}],
            },
            "faults": draw(faults(nodes)) if with_faults else [],
        }
    )
    objects: list[Object] = [*make_nodes(scenario.cluster)]
    for index in range(draw(st.integers(1, 4))):
        objects += draw(workloads(f"app-{index}"))
    return Loaded(scenario, tuple(objects), (), "generated")


plans = st.sampled_from(
    [
        ("rolling", {"drainTimeout": "2m", "onTimeout": "skip"}),
        ("rolling", {"maxUnavailable": 2, "drainTimeout": "1m", "onTimeout": "force"}),
        ("surge", {"drainTimeout": "2m"}),
        ("blue-green", {"drainTimeout": "2m"}),
        ("gray", {"drainTimeout": "2m"}),
        ("all-at-once", {}),
        ("reboot-in-place", {}),
        ("cordon-only", {}),
    ]
)
