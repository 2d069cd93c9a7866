"""Specs of pods as the API server prints them [pkg/apis/core/v1/defaults.go `SetDefaults_Pod`]."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from simkube.kube.manifests import read_manifests
from simkube.kube.objects import (
    Meta,
    OwnerReference,
)
from simkube.kube.render import to_manifest
from tests.kube.rendering import EPOCH, WEB, a_pod, assert_comes_out_again


def test_a_pod_shows_what_a_template_does_not() -> None:
    """[`SetDefaults_Pod`]: requests from limits, host ports with the host's network, service links."""
    container = {
        **WEB,
        "resources": {"limits": {"cpu": "1000m", "memory": "1Gi"}, "requests": {"cpu": "0.5"}},
        "ports": [{"containerPort": 80}],
    }
    init = {"name": "init", "image": "i", "resources": {"limits": {"cpu": "1"}}}
    whole = {"initContainers": [init], "containers": [container], "hostNetwork": True}
    spec = to_manifest(a_pod(whole, node="n1"), EPOCH)["spec"]
    (shown,) = spec["containers"]
    assert spec["initContainers"][0]["resources"]["requests"] == {"cpu": "1"}
    assert shown["resources"]["requests"] == {"cpu": "0.5", "memory": "1Gi"}
    assert shown["ports"] == [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]
    assert (spec["enableServiceLinks"], spec["nodeName"]) == (True, "n1")


def test_pods_of_one_template_share_nothing_that_is_rendered() -> None:
    """The template is worked out once, and copied."""
    one = a_pod(node="n1")
    rendered = to_manifest(one, EPOCH)["spec"]
    rendered["containers"][0]["image"] = "other"
    rendered["tolerations"] = []
    other = to_manifest(replace(one, node="n2"), EPOCH)["spec"]
    assert (other["nodeName"], other["containers"][0]["image"]) == ("n2", "nginx:1.27")
    assert "tolerations" not in other


def test_the_pod_of_a_daemonset_is_bound_to_its_node_by_affinity() -> None:
    """[pkg/controller/daemon/util `ReplaceDaemonSetPodNodeNameNodeAffinity`]: required is replaced, preferred stays."""
    preferred = [{"weight": 1, "preference": {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}}]
    required = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "os", "operator": "Exists"}]}]}
    affinity = {
        "nodeAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": preferred,
            "requiredDuringSchedulingIgnoredDuringExecution": required,
        }
    }
    pod = a_pod({"containers": [WEB], "affinity": affinity}, pinned="n1")
    shown = to_manifest(pod, EPOCH)["spec"]["affinity"]["nodeAffinity"]
    fields = [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]
    assert shown == {
        "preferredDuringSchedulingIgnoredDuringExecution": preferred,
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": fields}]},
    }


@pytest.mark.parametrize(
    ("kind", "annotations", "hostname"),
    [
        ("StatefulSet", {}, "web-1"),
        ("Job", {"batch.kubernetes.io/job-completion-index": "4"}, "web-4"),
        ("Job", {}, None),
        ("ReplicaSet", {}, None),
    ],
)
def test_hostnames_that_controllers_give(
    kind: str, annotations: dict[str, str], hostname: str | None
) -> None:
    """[stateful_set_utils.go `initIdentity`, job_controller.go `manageJob`]."""
    meta = Meta("web-1", "shop", owners=(OwnerReference(kind, "web", "u"),), annotations=annotations)
    assert to_manifest(a_pod(meta=meta), EPOCH)["spec"].get("hostname") == hostname


def dumped(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    """A pod as `kubectl get -o yaml` prints it."""
    owner = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "name": "web",
        "uid": "u1",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata = {
        "name": name,
        "namespace": "shop",
        "uid": "u2",
        "generateName": "web-",
        "ownerReferences": [owner],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [WEB], "nodeName": "n1", **spec},
    }


PINNED = {
    "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []},
    "nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 5, "preference": {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}}
        ],
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}
            ]
        },
    },
}


@pytest.mark.parametrize(
    "body",
    [
        dumped("StatefulSet", "web-0", hostname="web-0", subdomain="web"),
        dumped("StatefulSet", "web-0", hostname="other"),
        dumped("DaemonSet", "web-abcde", affinity=PINNED),
        dumped("ReplicaSet", "web-abcde", hostname="mine", priority=0, serviceAccountName="default"),
        {**dumped("Job", "web-abcde"), "spare": {"a": [1]}},
    ],
    ids=lambda body: body["metadata"]["ownerReferences"][0]["kind"],
)
def test_pods_of_a_dump_come_out_again(body: dict[str, Any], tmp_path: Path) -> None:
    """With what is each pod's own, which its template does not hold."""
    path = tmp_path / "pod.json"
    path.write_text(json.dumps(body))
    (manifest,) = read_manifests([path]).items
    assert_comes_out_again(manifest, tmp_path)
