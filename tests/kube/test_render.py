"""Objects as the API server prints them: what was read comes out again, with its defaults."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from simkube.kube.manifests import read_manifests
from simkube.kube.render import to_manifest
from tests.kube.conftest import Read
from tests.kube.rendering import EPOCH, assert_comes_out_again, missing, read_object

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "manifests"
FILES = [*sorted(SHARED.glob("*.yaml")), *sorted((ROOT / "scenarios").glob("*/*.yaml"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_manifest_comes_out_again(path: Path, tmp_path: Path) -> None:
    """`../shared/manifests` where it is there, and the product's own."""
    for manifest in read_manifests([path]).items:
        rendered = assert_comes_out_again(manifest, tmp_path)
        assert yaml.safe_load(yaml.safe_dump(rendered)) == rendered


def test_something_missing_is_found() -> None:
    """The check above can fail."""
    assert list(missing({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]})) == []
    assert list(missing({"a": [{"b": 1}]}, {"a": [{"b": True}]})) != []
    assert list(missing({"a": [{"b": 1}]}, {"a": []})) != []
    assert list(missing({"a": {"b": ""}}, {"a": {}})) != []


ODD = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, newField: [1, {a: null}], managedFields: [{manager: kubectl}]}
    status2: {deep: [1, 2]}
    spec:
      selector: {matchLabels: {app: web}}
      futureField: {on: "yes"}
      strategy: {rollingUpdate: {maxSurge: 0, pace: slow}}
      template:
        metadata: {labels: {app: web}, future: 1}
        spec:
          dnsConfig: {options: [{name: ndots, value: "2"}]}
          containers:
            - {name: web, image: nginx, resources: {limits: {cpu: "1000m", memory: 1024Mi}}, novel: [{x: 0.5}]}
    ---
    apiVersion: example.com/v1
    kind: Service
    metadata: {name: thing}
    spec: {replicas: 3, nothing: null, list: []}
    ---
    apiVersion: batch/v1
    kind: Job
    metadata: {generateName: once-, labels: {a: b}, finalizers: [example.com/keep]}
    spec:
      maxFailedIndexes: 1
      template: {spec: {restartPolicy: Never, containers: [{name: c, image: "x:1@sha256:0"}]}}
"""


def test_unknown_fields_come_out_again(read: Read, tmp_path: Path) -> None:
    """Wherever they stand; quantities as they were given, not as they would be computed."""
    deployment, foreign, job = (assert_comes_out_again(m, tmp_path) for m in read(ODD).items)
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"] == {
        "limits": {"cpu": "1000m", "memory": "1024Mi"}
    }  # no requests in a template
    assert (foreign["apiVersion"], foreign["kind"]) == ("example.com/v1", "Service")
    assert job["metadata"]["generateName"] == "once-"


def test_the_api_servers_defaults_are_written_in(read: Read, tmp_path: Path) -> None:
    """[pkg/apis/apps/v1/defaults.go, core/v1/defaults.go], and no field that Go omits when it is zero."""
    (manifest, *_) = read(ODD).items
    spec = to_manifest(read_object(manifest.body, tmp_path), EPOCH)["spec"]
    assert (spec["replicas"], spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (1, 10, 600)
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "25%", "pace": "slow"},
    }
    assert not {"paused", "minReadySeconds"} & spec.keys()
    pods = spec["template"]["spec"]
    assert pods["restartPolicy"] == "Always"
    assert pods["dnsPolicy"] == "ClusterFirst"
    assert pods["securityContext"] == {}
    assert (pods["schedulerName"], pods["terminationGracePeriodSeconds"]) == ("default-scheduler", 30)
    assert not {"hostNetwork", "volumes", "nodeName", "enableServiceLinks"} & pods.keys()
    assert pods["containers"][0]["imagePullPolicy"] == "Always"  # nginx is nginx:latest


@pytest.mark.parametrize(
    ("kind", "spec", "shown"),
    [
        ("DaemonSet", {}, {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}),
        ("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, {"type": "OnDelete"}),
        ("StatefulSet", {}, {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}),
        ("StatefulSet", {"updateStrategy": {"type": "OnDelete"}}, {"type": "OnDelete"}),
        # `SetDefaults_StatefulSet` makes rollingUpdate only where the type is not given either
        ("StatefulSet", {"updateStrategy": {"type": "RollingUpdate"}}, {"type": "RollingUpdate"}),
    ],
)
def test_update_strategies(kind: str, spec: dict[str, Any], shown: dict[str, Any], tmp_path: Path) -> None:
    """[`SetDefaults_DaemonSet`, `SetDefaults_StatefulSet`]."""
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    whole = {"selector": {"matchLabels": {"a": "b"}}, "template": template, **spec}
    body = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "x"}, "spec": whole}
    assert to_manifest(read_object(body, tmp_path), EPOCH)["spec"]["updateStrategy"] == shown


@pytest.mark.parametrize(
    ("spec", "shown", "absent"),
    [
        (
            {},
            {"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster"},
            "external",
        ),
        ({"externalIPs": ["192.0.2.1"]}, {"externalTrafficPolicy": "Cluster"}, "allocate"),
        ({"type": "NodePort"}, {"externalTrafficPolicy": "Cluster"}, "allocate"),
        ({"type": "LoadBalancer"}, {"allocateLoadBalancerNodePorts": True}, "clusterIP"),
        ({"type": "ExternalName", "externalName": "x.example"}, {"sessionAffinity": "None"}, "internal"),
        (
            {"sessionAffinity": "ClientIP"},
            {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}}},
            "external",
        ),
    ],
)
def test_defaults_of_services(
    spec: dict[str, Any], shown: dict[str, Any], absent: str, tmp_path: Path
) -> None:
    """[`SetDefaults_Service`]."""
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": spec}
    rendered = to_manifest(read_object(body, tmp_path), EPOCH)["spec"]
    assert list(missing(shown, rendered)) == []
    assert not [name for name in rendered if name.startswith(absent)]


def test_defaults_that_go_prints_although_they_are_zero(tmp_path: Path) -> None:
    """Pointers to zero [`SetDefaults_Job`, `SetDefaults_HostPathVolumeSource`, zz_generated.defaults.go of GRPC]; the
    modes of volumes [`SetDefaults_ConfigMapVolumeSource`]."""
    container = {"name": "c", "image": "i", "livenessProbe": {"grpc": {"port": 1}}}
    volumes = [
        {"name": "a", "hostPath": {"path": "/a"}},
        {"name": "b"},
        {"name": "c", "configMap": {"name": "c"}},
    ]
    pods = {"spec": {"restartPolicy": "Never", "containers": [container], "volumes": volumes}}
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": {"template": pods}}
    spec = to_manifest(read_object(body, tmp_path), EPOCH)["spec"]
    shown = spec.pop("template")["spec"]
    assert spec == {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "manualSelector": False,
        "podReplacementPolicy": "TerminatingOrFailed",
    }
    (rendered,) = shown["containers"]
    assert (rendered["resources"], rendered["livenessProbe"]["grpc"]) == ({}, {"port": 1, "service": ""})
    assert shown["volumes"] == [
        {"name": "a", "hostPath": {"path": "/a", "type": ""}},
        {"name": "b", "emptyDir": {}},
        {"name": "c", "configMap": {"name": "c", "defaultMode": 420}},
    ]


def test_limit_ranges_show_what_follows_from_them(tmp_path: Path) -> None:
    """[`SetDefaults_LimitRangeItem`]: max is the default limit, that the default request; min comes last."""
    limits = [{"type": "Container", "max": {"cpu": "2"}, "min": {"cpu": "1", "memory": "1Gi"}}]
    body = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "x"}, "spec": {"limits": limits}}
    (item,) = to_manifest(read_object(body, tmp_path), EPOCH)["spec"]["limits"]
    assert item["default"] == {"cpu": "2"}
    assert item["defaultRequest"] == {"cpu": "2", "memory": "1Gi"}
