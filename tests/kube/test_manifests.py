"""Reading manifests: files, folders, lists, dumps, older versions, what Helm and kustomize print."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from simkube.kube.errors import InputError
from simkube.kube.manifests import read_manifests
from simkube.kube.network import ServiceSpec
from simkube.kube.node import NodeSpec
from simkube.kube.pod import PodSpec
from simkube.kube.policy import PodDisruptionBudgetSpec, PriorityClass
from simkube.kube.storage import StorageClass
from simkube.kube.workloads import DeploymentSpec, HorizontalPodAutoscalerSpec
from tests.kube.conftest import Read

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{ports: [{{port: {port}}}]}}\n"
RENDERED = """
# Source: shop/templates/serviceaccount.yaml
apiVersion: v1
kind: ServiceAccount
metadata:
  name: shop
--- # the next
# Source: shop/templates/empty.yaml
---
---
# Source: shop/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  creationTimestamp: null
  labels: &labels
    app.kubernetes.io/name: shop
spec:
  replicas: 2
  strategy: {}
  selector:
    matchLabels: *labels
  template:
    metadata:
      creationTimestamp: null
      labels: *labels
    spec:
      initContainers: null
      volumes:
      imagePullSecrets: []
      containers:
      - name: shop
        image: "shop:1.0"
        command:
        resources: {}
        env:
        - {name: PORT, value: "8080"}
status: {}
...
"""


def test_rendered_charts_load(read: Read) -> None:
    found = read(RENDERED)
    assert [str(m) for m in found.items] == ["ServiceAccount shop", "Deployment shop"]
    assert found.warnings == ()
    account, shop = found.items
    assert account.spec is None
    assert isinstance(shop.spec, DeploymentSpec)
    assert shop.spec.replicas == 2
    assert shop.spec.template.spec.containers[0].image == "shop:1.0"
    assert shop.spec.template.spec.volumes == ()
    assert shop.body["status"] == {}
    assert shop.metadata.labels == {"app.kubernetes.io/name": "shop"}
    assert (shop.source.file, shop.source.line, shop.source.document) == ("shop.yaml", 12, 3)


def test_what_kubectl_get_prints(read: Read) -> None:
    """A List with status, nulls and bound pods; the lines are those of the items."""
    dump = read(
        """
        apiVersion: v1
        items:
        - apiVersion: v1
          kind: Pod
          metadata:
            name: web-1
            namespace: prod
            uid: 8a1c
            resourceVersion: "4711"
            creationTimestamp: "2024-05-01T10:00:00Z"
            ownerReferences:
            - {apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: "77", controller: true}
          spec:
            nodeName: worker-1
            containers:
            - {name: web, image: web}
          status:
            phase: Running
        - apiVersion: v1
          kind: Node
          metadata: {name: worker-1}
          spec:
            taints: [{key: gpu, effect: NoSchedule}]
          status:
            capacity: {cpu: "4", memory: 16Gi, pods: "110"}
            conditions: [{type: Ready, status: "True"}]
        kind: List
        metadata:
          resourceVersion: ""
        """
    )
    pod, node = dump.items
    assert isinstance(pod.spec, PodSpec)
    assert pod.spec.node_name == "worker-1"
    assert pod.metadata.namespace == "prod"
    assert pod.metadata.controller is not None
    assert pod.metadata.controller.name == "web"
    assert pod.body["status"] == {"phase": "Running"}
    assert (pod.source.line, node.source.line) == (4, 20)
    assert isinstance(node.spec, NodeSpec)
    assert node.spec.taints[0].value == ""
    assert node.status is not None
    assert node.status.allocatable == {"cpu": "4", "memory": "16Gi", "pods": "110"}
    assert dump.warnings == ()
    assert pod.error(("spec", "nodeName"), "gone").line == 15


def test_lists_of_one_kind_name_it_for_their_items(read: Read) -> None:
    found = read(
        """
        apiVersion: v1
        kind: ServiceList
        items:
        - metadata: {name: a}
        - metadata: {name: b}
        """
    )
    assert [(m.kind, m.metadata.name) for m in found.items] == [("Service", "a"), ("Service", "b")]
    assert isinstance(found.items[0].spec, ServiceSpec)


def test_lists_in_lists_and_empty_lists(read: Read) -> None:
    inner = "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Service, metadata: {name: a}}]}"
    found = read(
        f"apiVersion: v1\nkind: List\nitems:\n- {inner}\n- {{apiVersion: v1, kind: List, items: null}}\n"
    )
    assert [str(m) for m in found.items] == ["Service a"]
    assert found.items[0].source.path == ("items", 0, "items", 0)


def test_items_that_are_merged_in_have_no_lines_of_their_own(read: Read) -> None:
    one = "{{apiVersion: v1, kind: Service, metadata: {{name: {}}}}}"
    items = f"[{one.format('a')}, {one.format('b')}]"
    found = read(f"apiVersion: v1\nkind: List\nitems: []\n<<: {{items: {items}}}\n")
    assert [m.source.line for m in found.items] == [1, 1]


def test_json(read: Read) -> None:
    one = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a"},
        "spec": {"ports": [{"port": 80}]},
    }
    both = f"{json.dumps(one, indent=2)}\n{json.dumps({**one, 'metadata': {'name': 'b'}})}\n"
    found = read(both, "shop.json")
    assert [m.metadata.name for m in found.items] == ["a", "b"]
    assert found.items[1].source.line == 15
    in_yaml = read(json.dumps(one, indent="\t"), "json.yaml")
    assert [m.metadata.name for m in in_yaml.items] == ["a"]


def test_fields_beside_metadata(read: Read) -> None:
    found = read(
        """
        apiVersion: scheduling.k8s.io/v1
        kind: PriorityClass
        metadata: {name: high}
        value: 1000
        ---
        apiVersion: storage.k8s.io/v1
        kind: StorageClass
        metadata: {name: fast}
        provisioner: x
        volumeBindingMode: WaitForFirstConsumer
        """
    )
    high, fast = (m.spec for m in found.items)
    assert isinstance(high, PriorityClass)
    assert high.value == 1000
    assert isinstance(fast, StorageClass)
    assert fast.volume_binding_mode == "WaitForFirstConsumer"


def test_kinds_that_are_not_modelled_are_kept_whole(read: Read) -> None:
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w:1"}, "spec": {"x": [1]}}
    (widget,) = read(json.dumps(body), "w.json").items
    assert (widget.spec, widget.body) == (None, body)
    (knative,) = read(
        "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\nspec: {x: 1}\n"
    ).items
    assert knative.spec is None


DEPLOYMENT = """
apiVersion: {version}
kind: Deployment
metadata: {{name: shop}}
spec:
  template:
    metadata: {{labels: {{app: shop}}}}
    spec: {{containers: [{{name: a, image: b}}]}}
"""


@pytest.mark.parametrize("version", ["extensions/v1beta1", "apps/v1beta1"])
def test_older_versions_take_the_selector_from_the_template(read: Read, version: str) -> None:
    found = read(DEPLOYMENT.format(version=version))
    (shop,) = found.items
    assert shop.api_version == "apps/v1"
    assert shop.body["apiVersion"] == version
    assert isinstance(shop.spec, DeploymentSpec)
    assert shop.spec.selector is not None
    assert shop.spec.selector.match_labels == {"app": "shop"}
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("shop.yaml:2: ")
    assert version in found.warnings[0]


def test_empty_selector_of_an_older_budget_selects_nothing(read: Read) -> None:
    text = (
        "apiVersion: policy/{}\nkind: PodDisruptionBudget\nmetadata: {{name: b}}\nspec: {{selector: {{}}}}\n"
    )
    (old,), (new,) = (read(text.format(version)).items for version in ("v1beta1", "v1"))
    assert isinstance(old.spec, PodDisruptionBudgetSpec)
    assert isinstance(new.spec, PodDisruptionBudgetSpec)
    assert old.spec.selector is None
    assert new.spec.selector is not None
    assert new.spec.selector.compiled.is_everything


@pytest.mark.parametrize(("version", "warnings"), [("v1", 0), ("v2", 0), ("v2beta2", 1)])
def test_autoscalers_of_every_version(read: Read, version: str, warnings: int) -> None:
    found = read(
        f"""
        apiVersion: autoscaling/{version}
        kind: HorizontalPodAutoscaler
        metadata: {{name: shop}}
        spec:
          scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: shop}}
          maxReplicas: 5
        """
    )
    assert isinstance(found.items[0].spec, HorizontalPodAutoscalerSpec)
    assert len(found.warnings) == warnings


def test_folders(tmp_path: Path) -> None:
    for name, text in {
        "b.yaml": SERVICE.format(name="b", port=1),
        "a/z.yml": SERVICE.format(name="z", port=1),
        "a/y.json": json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "y"}}),
        "a/kustomization.yaml": "resources: [z.yml]\n",
        "a/values-prod.yaml": "replicas: 3\n",
        "a/notes.txt": "hello",
        ".git/config.yaml": "not: a manifest\n",
        "a/.hidden.yaml": "not: a manifest\n",
        "chart/Chart.yaml": "name: chart\n",
        "chart/templates/x.yaml": "a: {{ .Values.a }}\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = read_manifests([tmp_path])
    assert [m.metadata.name for m in found.items] == ["b", "y", "z"]
    about = "\n".join(found.warnings)
    assert len(found.warnings) == 3
    assert all(name in about for name in ("kustomization.yaml", "values-prod.yaml", "helm template"))


def test_same_object_twice_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(SERVICE.format(name="a", port=80))
    found = read_manifests([path, tmp_path])
    assert len(found.items) == 1
    assert "the same" in found.warnings[0]


def test_two_that_differ_are_an_error_that_names_both_places(tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text(SERVICE.format(name="a", port=80))
    two.write_text("# comment\n" + SERVICE.format(name="a", port=81))
    with pytest.raises(InputError) as caught:
        read_manifests([one, two])
    assert f"{one}:1" in caught.value.message
    assert (caught.value.file, caught.value.line) == (str(two), 4)


def test_namespaces_and_groups_keep_objects_apart(read: Read) -> None:
    found = read(
        """
        {apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 1}]}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: a, namespace: b}}
        ---
        {apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: a}}
        ---
        {apiVersion: v1, kind: Service, metadata: {generateName: a-}}
        ---
        {apiVersion: v1, kind: Service, metadata: {generateName: a-}}
        """
    )
    assert len(found.items) == 5


def test_no_namespace_is_the_default_one(error: Callable[[str], InputError]) -> None:
    found = error(
        """
        {apiVersion: v1, kind: Service, metadata: {name: a}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: a, namespace: default}}
        """
    )
    assert "already defined" in str(found)


def test_fields_that_kubernetes_does_not_know_are_told_once(read: Read) -> None:
    pod = "{{apiVersion: v1, kind: Pod, metadata: {{name: {}}}, spec: {{host_network: true, {}}}}}\n---\n"
    containers = "containers: [{name: a, image: b, readinesProbe: {}, securityContext: {}}]"
    found = read("".join(pod.format(name, containers) for name in ("a", "b", "c")))
    assert len(found.items) == 3
    assert isinstance(found.items[0].spec, PodSpec)
    assert found.items[0].spec.host_network is False
    assert len(found.warnings) == 2
    assert found.warnings[0].startswith("shop.yaml:1: spec.host_network: ")
    assert "did you mean hostNetwork?" in found.warnings[0]
    assert "spec.containers[0].readinesProbe" in found.warnings[1]
    assert "did you mean readinessProbe?" in found.warnings[1]
