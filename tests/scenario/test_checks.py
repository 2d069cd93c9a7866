"""What is refused, or told of, before anything runs."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from simkube.kube.errors import InputError
from tests.scenario.conftest import SCENARIO, WEB, Load

Refused = Callable[..., InputError]


def budget(selector: Any) -> dict[str, Any]:
    spec = {"minAvailable": 1, "selector": selector}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": spec,
    }


def manifests(*more: dict[str, Any], **pod: Any) -> str:
    """The web with more in its pods' spec, and other objects."""
    documents = [*yaml.safe_load_all(WEB)]
    documents[0]["spec"]["template"]["spec"].update(pod)
    return yaml.safe_dump_all([*documents, *more], sort_keys=False)


def line_of(text: str, written: str) -> int:
    return 1 + next(number for number, line in enumerate(text.splitlines()) if written in line)


# -- budgets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selector", "way_out"),
    [
        ({"matchLabels": {"app": "webb"}}, "of app: did you mean web?"),
        ({"matchLabels": {"apps": "web"}}, "did you mean app?"),
        ({"matchLabels": {"tier": "front"}}, "remove the budget"),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, "remove the budget"),
    ],
)
def test_a_budget_that_selects_nothing(refused: Refused, selector: Any, way_out: str) -> None:
    text = manifests(budget(selector))
    found = refused(web=text)
    assert (found.file, found.key) == ("web.yaml", "spec.selector")
    assert found.line == 1 + text.splitlines().index(
        "  selector:", text.splitlines().index("kind: PodDisruptionBudget")
    )
    assert "the budget selects no pod" in found.message
    assert way_out in found.fix


def test_a_budget_without_selector_selects_nothing(refused: Refused) -> None:
    """policy/v1: no selector at all is no pod."""
    assert refused(web=manifests(budget(None))).key == "spec"


def test_a_budget_for_everything(load: Load) -> None:
    """policy/v1: an empty selector is every pod of the namespace."""
    load(web=manifests(budget({})))


def test_a_budget_in_another_namespace(refused: Refused) -> None:
    other = budget({"matchLabels": {"app": "web"}})
    other["metadata"]["namespace"] = "shop"
    assert "selects no pod" in refused(web=manifests(other)).message


# -- room ---------------------------------------------------------------------------------------------------------


def asking(**requests: str) -> str:
    container = {"name": "web", "image": "web:1", "resources": {"requests": requests}}
    return manifests(containers=[container])


@pytest.mark.parametrize(
    ("requests", "says"),
    [
        ({"cpu": "64"}, "asks for 64 of cpu, and the largest node that it may run on (worker-1) has 4"),
        ({"cpu": "4001m"}, "asks for 4001m of cpu"),
        (
            {"memory": "64Gi"},
            "asks for 64Gi of memory, and the largest node that it may run on (worker-1) has 16Gi",
        ),
        ({"ephemeral-storage": "1Ti"}, "asks for 1Ti of ephemeral-storage"),
        (
            {"nvidia.com/gpu": "1"},
            "asks for 1 of nvidia.com/gpu, and the largest node that it may run on (worker-1) has 0",
        ),
    ],
)
def test_a_pod_that_is_too_large(refused: Refused, requests: dict[str, str], says: str) -> None:
    text = asking(**requests)
    (resource,) = requests
    found = refused(web=text)
    assert found.line == line_of(text, f"{resource}:")
    assert found.key.startswith("spec.template.spec.containers[0].resources.requests")
    assert found.message.startswith(f"Deployment web: the pod {says}")
    assert "add a larger node" in found.fix


def test_a_pod_that_just_fits(load: Load) -> None:
    load(web=asking(cpu="4", memory="16Gi"))


def test_the_largest_node_counts(load: Load, refused: Refused) -> None:
    """Node for node, not the sum of the best."""
    pools = "{nodes: [{name: a, capacity: {cpu: 32}}, {name: b, capacity: {memory: 128Gi}}]}"
    pools = f"cluster: {pools}\nmanifests: [web.yaml]\n"
    load(pools, asking(cpu="32", memory="16Gi"))
    load(pools, asking(cpu="4", memory="128Gi"))
    assert (
        "no single node has 32 of cpu and 128Gi of memory"
        in refused(pools, asking(cpu="32", memory="128Gi")).message
    )


def test_a_limit_is_the_request(refused: Refused) -> None:
    container = {"name": "web", "image": "web:1", "resources": {"limits": {"cpu": "64"}}}
    assert refused(web=manifests(containers=[container])).key.endswith("resources.limits.cpu")


def test_an_init_container_counts(refused: Refused) -> None:
    container = {"name": "init", "image": "web:1", "resources": {"requests": {"cpu": "64"}}}
    found = refused(web=manifests(initContainers=[container]))
    assert found.key == "spec.template.spec.initContainers[0].resources.requests.cpu"


def test_no_node_has_the_label(refused: Refused) -> None:
    pools = "cluster: {nodes: [{zones: [eu-a, eu-b], labels: {disk: ssd}}]}\nmanifests: [web.yaml]\n"
    found = refused(pools, manifests(nodeSelector={"topology.kubernetes.io/zone": "eu-c"}))
    assert found.key == 'spec.template.spec.nodeSelector["topology.kubernetes.io/zone"]'
    assert "no node has topology.kubernetes.io/zone=eu-c" in found.message
    assert "nodes have eu-a, eu-b" in found.fix
    found = refused(pools, manifests(nodeSelector={"gpu": "yes"}))
    assert "no node has that label" in found.fix


def test_no_node_satisfies_the_affinity(refused: Refused) -> None:
    term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    found = refused(web=manifests(affinity={"nodeAffinity": required}))
    assert found.key.startswith("spec.template.spec.affinity.nodeAffinity")


def test_every_node_is_tainted(refused: Refused, load: Load) -> None:
    pools = "cluster: {nodes: [{taints: [{key: gpu, value: 'true', effect: NoSchedule}]}]}\nmanifests: [web.yaml]\n"
    found = refused(pools)
    assert "gpu=true:NoSchedule" in found.message
    assert "node-role.kubernetes.io/control-plane:NoSchedule" in found.message
    load(pools, manifests(tolerations=[{"key": "gpu", "operator": "Exists"}]))


def test_a_soft_taint_is_no_obstacle(load: Load) -> None:
    load("cluster: {nodes: [{taints: [{key: a, effect: PreferNoSchedule}]}]}\nmanifests: [web.yaml]\n")


def test_a_daemonset_without_a_node_is_legal(load: Load) -> None:
    daemonset, service = yaml.safe_load_all(manifests(nodeSelector={"gpu": "yes"}))
    daemonset["kind"] = "DaemonSet"
    del daemonset["spec"]["replicas"]
    (warning,) = load(web=[daemonset, service]).warnings
    assert "DaemonSet web" in warning


def test_what_has_no_replicas_needs_no_room(load: Load) -> None:
    load(f"{SCENARIO}overrides: [{{kind: Deployment, name: web, replicas: 0}}]\n", asking(cpu="64"))


def test_a_pod_bound_by_hand_to_no_node(refused: Refused) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
    pod["spec"] = {"nodeName": "wroker-1", "containers": [{"name": "a", "image": "b"}]}
    found = refused(web=manifests(pod))
    assert (found.key, found.fix) == ("spec.nodeName", "did you mean worker-1?")


# -- numbers ------------------------------------------------------------------------------------------------------


def test_ten_million_replicas(refused: Refused) -> None:
    found = refused(web=WEB.replace("replicas: 2", "replicas: 10000000"))
    assert (found.line, found.key) == (5, "spec.replicas")
    assert "10000000" in found.message


def test_more_pods_than_can_be_simulated(refused: Refused) -> None:
    """Each is within its bounds, together they are not."""
    second = yaml.safe_load(
        WEB.partition("---")[0].replace("web", "api").replace("replicas: 2", "replicas: 600000")
    )
    found = refused(web=WEB.replace("replicas: 2", "replicas: 500000") + "---\n" + yaml.safe_dump(second))
    assert "1100000 pods in all, 600000 of them of Deployment api" in found.message


def test_overload_is_legal(load: Load) -> None:
    """Three nodes (a control plane of 4 cores too) of 110 pods: 400 pods of 100m and 128Mi are 40 cores, 50Gi."""
    warnings = load(web=WEB.replace("replicas: 2", "replicas: 400")).warnings
    assert [warning.partition(":")[0] for warning in warnings] == [
        "all pods together ask for 400 of room for pods, the nodes have 330",
        "all pods together ask for 40 of cpu, the nodes have 12",
        "all pods together ask for 50Gi of memory, the nodes have 48Gi",
    ]


# -- told of ------------------------------------------------------------------------------------------------------


def test_a_service_that_selects_nothing(load: Load) -> None:
    (warning,) = load(web=WEB.replace("selector: {app: web}, ports", "selector: {app: api}, ports")).warnings
    assert warning.endswith("web.yaml:16: 1 Service selects no pod of these manifests: web")


def test_kinds_that_are_not_modelled(load: Load) -> None:
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "a"}}
    carried = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    assert load(web=manifests(ingress, carried)).warnings == ("not modelled, kept without effect: 1 Ingress",)


def test_a_kind_of_the_same_name_in_another_group(load: Load) -> None:
    """A Knative Service is no Service, and may have the same name."""
    knative = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {},
    }
    loaded = load(web=manifests(knative))
    assert loaded.warnings == ("not modelled, kept without effect: 1 Service.serving.knative.dev",)
    assert [obj.meta.name for obj in loaded.objects if obj.kind == "Service"] == ["web"]


@pytest.mark.parametrize(
    ("low", "high", "runs", "word"), [(3, 9, 3, "minReplicas"), (1, 1, 1, "maxReplicas"), (1, 2, 2, "")]
)
def test_autoscalers_hold_their_bounds(load: Load, low: int, high: int, runs: int, word: str) -> None:
    """The web has two replicas; load is not simulated."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"minReplicas": low, "maxReplicas": high, "scaleTargetRef": target}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": spec,
    }
    loaded = load(web=manifests(scaler))
    (web,) = [obj for obj in loaded.objects if obj.kind == "Deployment"]
    assert web.spec.replicas == runs  # type: ignore[attr-defined]
    assert any(word in warning for warning in loaded.warnings) or not word
