"""ResourceQuota [apiserver pkg/admission/plugin/resourcequota; pkg/quota/v1/evaluator/core and their tests]."""

from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from simkube.cluster.admission.quotas import Quotas
from simkube.cluster.errors import Forbidden
from simkube.kube.objects import Other
from tests.cluster.admission.bed import Bed, container


@pytest.fixture
def world() -> Bed:
    return Bed()


def refusal(world: Bed, *containers: dict[str, Any], name: str = "p", **spec: Any) -> str:
    """Why a pod is refused, without its name; "" if it is not."""
    try:
        world.one(name, *containers, **spec)
    except Forbidden as refused:
        start = f'pods "{name}" is forbidden: '
        assert refused.message.startswith(start)
        return refused.message.removeprefix(start)
    return ""


def used(world: Bed) -> dict[str, str]:
    """What is used of the quota `quota` in the namespace default, as the plugin has it."""
    quotas: Quotas = world.api.admission["Pod"][-1].__self__  # type: ignore[attr-defined]
    return {name: str(value) for name, value in quotas._quotas["default"]["quota"].used.items()}


# -- refusals -----------------------------------------------------------------------------------------------------


def test_pods_beyond_the_quota_are_refused(world: Bed) -> None:
    world.quota({"pods": 2})
    assert refusal(world, name="a") == refusal(world, name="b") == ""
    assert refusal(world) == "exceeded quota: quota, requested: pods=1, used: pods=2, limited: pods=2"


def test_message_names_what_is_exceeded_only(world: Bed) -> None:
    """The case of the admission test: memory 20Gi over 1Gi used of 10Gi; cpu would fit."""
    world.quota({"cpu": "10", "memory": "10Gi", "pods": "1k"})
    assert refusal(world, container({"cpu": "1", "memory": "1024Mi"}), name="a") == ""
    assert refusal(world, container({"cpu": "1", "memory": "20Gi"})) == (
        "exceeded quota: quota, requested: memory=20Gi, used: memory=1Gi, limited: memory=10Gi"
    )
    assert refusal(world, container({"cpu": "9500m", "memory": "9.5Gi"})) == (
        "exceeded quota: quota, requested: cpu=9500m,memory=9728Mi, used: cpu=1,memory=1Gi, limited: cpu=10,memory=10Gi"
    )


def test_what_fits_exactly_fits(world: Bed) -> None:
    world.quota({"requests.cpu": "1", "limits.memory": "1Gi"})
    half = container({"cpu": "500m"}, {"memory": "512Mi"})
    assert [refusal(world, half, name=name) for name in "ab"] == ["", ""]
    assert refusal(world, half) == (
        "exceeded quota: quota, requested: limits.memory=512Mi,requests.cpu=500m, "
        "used: limits.memory=1Gi,requests.cpu=1, limited: limits.memory=1Gi,requests.cpu=1"
    )


def test_containers_must_state_cpu_and_memory_that_are_limited(world: Bed) -> None:
    """The cases of pods_test.go `TestPodConstraintsFunc`; by resource, containers by name."""
    quota = world.quota({"memory": "1Gi"})
    foo, bar = (container({"cpu": "1m"}, {"cpu": "2m"}, name=name) for name in ("foo", "bar"))
    assert refusal(world, foo, bar) == "failed quota: quota: must specify memory for: bar,foo"
    assert refusal(world, container({"memory": "1"}), initContainers=[foo]) == (
        "failed quota: quota: must specify memory for: foo"
    )
    world.change_spec(quota, hard={"memory": "1Gi", "cpu": "1", "limits.cpu": "1", "requests.memory": "1Gi"})
    assert refusal(world, container(name="foo"), container({"memory": "1"}, {"cpu": "1"}, name="bar")) == (
        "failed quota: quota: must specify cpu for: foo; limits.cpu for: foo; memory for: foo; "
        "requests.memory for: foo"
    )


def test_nothing_else_must_be_stated(world: Bed) -> None:
    world.quota({"requests.ephemeral-storage": "1Gi", "requests.nvidia.com/gpu": "1"})
    assert refusal(world) == ""


def test_limit_range_gives_what_a_quota_demands(world: Bed) -> None:
    world.quota({"requests.cpu": "250m"})
    world.limit_range({"type": "Container", "defaultRequest": {"cpu": "100m"}})
    assert [refusal(world, name=name) for name in "ab"] == ["", ""]
    assert refusal(world) == (
        "exceeded quota: quota, requested: requests.cpu=100m, used: requests.cpu=200m, limited: requests.cpu=250m"
    )


def test_what_asks_for_nothing_passes_a_full_quota(world: Bed) -> None:
    """[`RemoveZeros`]"""
    pod = world.one("a", container({"cpu": "1"}))
    world.quota({"cpu": "500m"})
    assert used(world) == {"cpu": "1"}
    assert refusal(world, container({"cpu": "0"})) == ""
    assert refusal(world, container({"cpu": "1m"}), name="q") != ""
    assert world.now(pod)


def test_every_quota_of_the_namespace_counts(world: Bed) -> None:
    world.quota({"pods": 5}, name="many")
    world.quota({"pods": 1}, name="few")
    world.other("Namespace", "shop", "")
    assert refusal(world, name="a") == ""
    assert "exceeded quota: few" in refusal(world)
    assert refusal(world, namespace="shop") == ""


# -- what is used -------------------------------------------------------------------------------------------------


def test_pod_uses_what_its_containers_do(world: Bed) -> None:
    """pods_test.go `TestPodEvaluatorUsage`: init container, extended resource, huge pages."""
    names = (
        "pods count/pods cpu requests.cpu limits.cpu memory requests.memory limits.memory ephemeral-storage "
        "requests.ephemeral-storage limits.ephemeral-storage requests.example.com/dongle example.com/dongle "
        "hugepages-2Mi requests.hugepages-2Mi"
    )
    world.quota(dict.fromkeys(names.split(), "1Ti"))
    asked = {"cpu": "1m", "memory": "32Mi", "ephemeral-storage": "1Gi", "hugepages-2Mi": "100Mi"}
    world.one(
        "p",
        container({**asked, "example.com/dongle": 3}, {"cpu": "2m", "memory": "64Mi"}),
        initContainers=[container({"cpu": "3m"}, {"cpu": "4m", "memory": "16Mi"})],
    )
    assert used(world) == {
        "pods": "1",
        "count/pods": "1",
        "cpu": "3m",
        "requests.cpu": "3m",
        "limits.cpu": "4m",
        "memory": "32Mi",
        "requests.memory": "32Mi",
        "limits.memory": "64Mi",
        "ephemeral-storage": "1Gi",
        "requests.ephemeral-storage": "1Gi",
        "limits.ephemeral-storage": "0",
        "requests.example.com/dongle": "3",
        "example.com/dongle": "0",
        "hugepages-2Mi": "100Mi",
        "requests.hugepages-2Mi": "100Mi",
    }


def test_finished_pods_count_as_objects_only(world: Bed) -> None:
    world.quota({"pods": 1, "count/pods": 2, "cpu": "1"})
    pod = world.one("a", container({"cpu": "1"}))
    assert refusal(world, container({"cpu": "1"})) != ""
    world.set_pod(pod, phase="Succeeded")
    assert used(world) == {"pods": "0", "count/pods": "1", "cpu": "0"}
    assert refusal(world, container({"cpu": "1"}), name="b") == ""
    assert refusal(world, container({"cpu": "0"})) == (
        "exceeded quota: quota, requested: count/pods=1,pods=1, used: count/pods=2,pods=1, limited: count/pods=2,pods=1"
    )
    world.hand.delete("Pod", "a", "default", grace=0)
    assert used(world) == {"pods": "1", "count/pods": "1", "cpu": "1"}


def test_terminating_pods_count_until_they_are_gone(world: Bed) -> None:
    """A replacement made at once is refused until the old pod is gone."""
    world.quota({"pods": 1})
    pod = world.one("a")
    world.set_pod(pod, phase="Running", node="n1")
    world.hand.delete("Pod", "a", "default")
    assert world.pods()[0].is_terminating
    world.run(10)
    assert refusal(world) != ""
    world.finish_deletions()
    assert refusal(world) == ""


def test_pod_that_does_not_go_stops_counting_after_twice_its_grace_period(world: Bed) -> None:
    """[`QuotaV1Pod`]: deletionTimestamp (0 + 30 s) + 30 s; seen by the next full count, every 300 s."""
    world.quota({"pods": 1, "count/pods": 5})
    pod = world.one("a")
    world.set_pod(pod, phase="Running", node="n1")
    world.hand.delete("Pod", "a", "default")
    world.run(299)
    assert refusal(world) != ""
    world.run(1)
    assert refusal(world, name="b") == ""
    assert used(world) == {"pods": "1", "count/pods": "2"}
    world.set_pod(world.get("Pod", "a"), phase="Failed")
    assert used(world) == {"pods": "1", "count/pods": "2"}
    world.hand.delete("Pod", "a", "default", grace=0)
    assert used(world) == {"pods": "1", "count/pods": "1"}


def test_pod_that_does_not_go_is_seen_when_another_one_goes(world: Bed) -> None:
    """A pod that goes has all of its namespace counted anew; before the 60 s it changes nothing."""
    world.quota({"pods": 3})
    for name in "abc":
        world.set_pod(world.one(name), phase="Running", node="n1")
    world.hand.delete("Pod", "a", "default")
    world.run(60)
    world.hand.delete("Pod", "b", "default", grace=0)
    assert refusal(world, name="d") == ""
    assert refusal(world) != ""
    world.run(1)
    world.set_pod(world.get("Pod", "c"), phase="Succeeded")
    assert [refusal(world, name=name) for name in "ef"] == ["", ""]
    assert refusal(world) != ""


def test_successor_of_the_same_name_counts_anew(world: Bed) -> None:
    """A StatefulSet's pod: what was due for the one before does not hold for it."""
    world.quota({"pods": 1})
    world.set_pod(world.one("a"), phase="Running", node="n1")
    world.hand.delete("Pod", "a", "default")
    world.run(300)
    assert refusal(world, name="b") == ""
    world.hand.delete("Pod", "b", "default", grace=0)
    world.hand.delete("Pod", "a", "default", grace=0)
    world.set_pod(world.one("a"), phase="Running", node="n1")
    assert used(world) == {"pods": "1"}
    world.hand.delete("Pod", "a", "default")  # at 300 s: would be due at 360 s
    world.hand.delete("Pod", "a", "default", grace=0)
    world.run(299)
    world.set_pod(world.one("a"), phase="Running", node="n1")
    world.hand.delete("Pod", "a", "default")  # at 599 s: due at 659 s
    world.run(1)
    assert refusal(world) != ""


def test_other_objects_are_counted_by_resource_and_group(world: Bed) -> None:
    world.quota(
        {
            "count/deployments.apps": 1,
            "configmaps": 1,
            "count/secrets": 1,
            "secrets": 5,
            "count/configmaps": 9,
        }
    )
    world.workload("Deployment", "web", replicas=1)
    world.other("ConfigMap", "a")
    secret = world.other("Secret", "a")
    for kind, api_version, why in (
        ("ConfigMap", "v1", "requested: configmaps=1, used: configmaps=1, limited: configmaps=1"),
        ("Secret", "v1", "requested: count/secrets=1, used: count/secrets=1, limited: count/secrets=1"),
    ):
        with pytest.raises(Forbidden) as refused:
            world.other(kind, "b", api_version=api_version)
        assert refused.value.message == f'{kind.lower()}s "b" is forbidden: exceeded quota: quota, {why}'
    with pytest.raises(Forbidden) as refused:
        world.workload("Deployment", "shop", replicas=1)
    assert refused.value.message.startswith(
        'deployments.apps "shop" is forbidden: exceeded quota: quota, requested: '
    )
    world.hand.delete("Secret", secret.meta.name, "default")
    assert isinstance(world.other("Secret", "b"), Other)


def test_services_count_their_node_ports(world: Bed) -> None:
    """services.go `Usage`"""
    world.quota({"services": 9, "services.nodeports": 9, "services.loadbalancers": 9})
    ports = [{"port": 80}, {"port": 81}]
    world.service("a", ports=ports)
    assert used(world) == {"services": "1", "services.nodeports": "0", "services.loadbalancers": "0"}
    world.service("b", type="NodePort", ports=ports)
    assert used(world) == {"services": "2", "services.nodeports": "2", "services.loadbalancers": "0"}
    balanced = world.service("c", type="LoadBalancer", ports=ports)
    assert used(world) == {"services": "3", "services.nodeports": "4", "services.loadbalancers": "1"}
    world.service(
        "d",
        type="LoadBalancer",
        ports=[{"port": 80, "nodePort": 30000}, {"port": 81}],
        allocateLoadBalancerNodePorts=False,
    )
    assert used(world) == {"services": "4", "services.nodeports": "5", "services.loadbalancers": "2"}
    world.change_spec(balanced, type="ClusterIP")
    assert used(world) == {"services": "4", "services.nodeports": "3", "services.loadbalancers": "1"}


def test_claims_count_their_storage_and_that_of_their_class(world: Bed) -> None:
    """persistent_volume_claims.go `Usage`"""
    gold = "gold.storageclass.storage.k8s.io/"
    hard = {
        "persistentvolumeclaims": "10",
        "requests.storage": "100Gi",
        f"{gold}requests.storage": "10Gi",
        f"{gold}persistentvolumeclaims": "5",
        "count/persistentvolumeclaims": "10",
    }
    world.quota(hard)
    world.claim("a", "20Gi")
    world.claim("b", "8Gi", "gold")
    assert used(world) == {
        "persistentvolumeclaims": "2",
        "requests.storage": "28Gi",
        f"{gold}requests.storage": "8Gi",
        f"{gold}persistentvolumeclaims": "1",
        "count/persistentvolumeclaims": "2",
    }
    world.claim("small", "1500m")  # whole bytes are counted
    assert used(world)["requests.storage"] == str(28 * 2**30 + 2)
    with pytest.raises(Forbidden) as refused:
        world.claim("c", "3Gi", "gold")
    assert refused.value.message == (
        'persistentvolumeclaims "c" is forbidden: exceeded quota: quota, '
        f"requested: {gold}requests.storage=3Gi, used: {gold}requests.storage=8Gi, "
        f"limited: {gold}requests.storage=10Gi"
    )


# -- scopes -------------------------------------------------------------------------------------------------------

SOME = container({"cpu": "1m"})
NEAR = {"topologyKey": "zone", "labelSelector": {}}


@pytest.mark.parametrize(
    ("scope", "inside", "outside"),
    [
        ("Terminating", {"activeDeadlineSeconds": 5}, {}),
        ("NotTerminating", {}, {"activeDeadlineSeconds": 5}),
        ("BestEffort", {}, {"containers": [SOME]}),
        (
            "BestEffort",
            {"containers": [container({"cpu": "0"})]},
            {"initContainers": [container(limits={"memory": "1"})]},
        ),
        ("NotBestEffort", {"containers": [SOME]}, {}),
        ("PriorityClass", {"priorityClassName": "high"}, {}),
        (
            "CrossNamespacePodAffinity",
            {
                "affinity": {
                    "podAntiAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": [{**NEAR, "namespaceSelector": {}}]
                    }
                }
            },
            {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [NEAR]}}},
        ),
    ],
)
def test_scope(world: Bed, scope: str, inside: dict[str, Any], outside: dict[str, Any]) -> None:
    """pods.go `podMatchesScopeFunc`"""
    world.priority_class("high", 10)
    world.quota({"pods": 0}, scopes=[scope])
    assert world.pod("out", world.template(**outside))
    with pytest.raises(Forbidden):
        world.pod("in", world.template(**inside))


@pytest.mark.parametrize(
    ("operator", "values", "inside"),
    [
        ("In", ["high"], {"high"}),
        ("NotIn", ["high"], {"low", ""}),
        ("Exists", [], {"high", "low"}),
        ("DoesNotExist", [], {""}),
    ],
)
def test_scope_of_priority_classes(world: Bed, operator: str, values: list[str], inside: set[str]) -> None:
    """pods.go `podMatchesSelector`: a label selector over the name of the class."""
    world.priority_class("high", 10)
    world.priority_class("low", 1)
    match = {"scopeName": "PriorityClass", "operator": operator, **({"values": values} if values else {})}
    world.quota({"pods": 0}, scope_selector={"matchExpressions": [match]})
    refused = {
        name for name in ("high", "low", "") if refusal(world, name=f"p-{name}", priorityClassName=name) != ""
    }
    assert refused == inside


def test_quota_with_scopes_demands_nothing_of_other_pods(world: Bed) -> None:
    world.quota({"cpu": "1"}, scopes=["NotBestEffort"])
    assert refusal(world) == ""
    assert refusal(world, container(name="a"), container({"memory": "1"}, name="b"), name="q") == (
        "failed quota: quota: must specify cpu for: a,b"
    )


def test_default_class_counts_for_scopes(world: Bed) -> None:
    """Priority comes before ResourceQuota."""
    world.priority_class("usual", 10, globalDefault=True)
    world.quota({"pods": 0}, scopes=["PriorityClass"])
    assert refusal(world) != ""


# -- keeping up ---------------------------------------------------------------------------------------------------


def test_quota_changes_and_goes(world: Bed) -> None:
    world.one("a")
    quota = world.quota({"pods": 1})
    assert refusal(world) != ""
    world.change_spec(quota, hard={"pods": 2})
    assert refusal(world, name="b") == ""
    assert refusal(world) != ""
    world.hand.delete("ResourceQuota", "quota", "default")
    assert refusal(world) == ""


def test_quotas_count_themselves(world: Bed) -> None:
    world.quota({"count/resourcequotas": 2, "resourcequotas": 2})
    assert used(world) == {"count/resourcequotas": "1", "resourcequotas": "1"}
    world.quota({}, name="second")
    with pytest.raises(Forbidden):
        world.quota({}, name="third")


def test_usage_followed_is_usage_counted(world: Bed) -> None:
    """After any history the plugin has what a new quota over the same objects counts."""
    hard: dict[str, str | int] = {
        "pods": 99,
        "count/pods": 99,
        "cpu": "99",
        "limits.memory": "99Gi",
        "count/configmaps": 99,
    }
    world.quota(hard)
    random = Random(3)
    templates = [
        world.template(containers=[container({"cpu": f"{n}00m"}, {"memory": f"{n}Gi"})]) for n in (1, 2, 3)
    ]
    snapshots = [world.store.snapshot()]
    for step in range(400):
        pods = world.pods()
        pod = random.choice(pods) if pods else None
        match random.randrange(7):
            case 0 | 1:
                if len(pods) < 12:
                    world.pod(f"p{step}", random.choice(templates), node=random.choice(["", "n1"]))
            case 2:
                if pod is not None and not pod.is_finished:
                    world.set_pod(pod, phase=random.choice(["Running", "Succeeded", "Failed"]), node="n1")
            case 3:
                if pod is not None:
                    world.hand.delete("Pod", pod.meta.name, "default", grace=random.choice([None, 0, 5]))
            case 4:
                world.other("ConfigMap", f"c{step}")
            case 5:
                snapshots.append(world.store.snapshot())
            case 6:
                if not step % 5:
                    world.store.restore(random.choice(snapshots))
        world.run(0.1)  # in 40 s nobody is overdue
    fresh = Quotas(world.store, world.clock, ("Pod", "ConfigMap"))
    assert {name: str(value) for name, value in fresh._quotas["default"]["quota"].used.items()} == used(world)
    assert int(used(world)["count/configmaps"]) > 0


def test_refused_object_leaves_no_trace(world: Bed) -> None:
    world.quota({"pods": 5, "cpu": "1"})
    assert refusal(world, container({"cpu": "2"})) != ""
    assert used(world) == {"pods": "0", "cpu": "0"}
    pod = world.one("a", container({"cpu": "1"}))
    world.hand.update(replace(pod, status=replace(pod.status, ip="10.0.0.1")))
    assert used(world) == {"pods": "1", "cpu": "1"}
