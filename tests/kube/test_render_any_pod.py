"""Whatever pod is read, all of it comes out again."""

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simkube.kube.manifests import read_manifests
from tests.kube.rendering import assert_comes_out_again

NAMES = st.text("abcdefgh", min_size=1, max_size=6)
LABELS = st.dictionaries(NAMES, NAMES, max_size=3)
AMOUNTS = st.sampled_from(["0", "1", "100m", "0.5", "1000m", "64Mi", "1024Mi", "1e3", 2, 1.5])
ANYTHING = st.recursive(
    st.booleans() | st.integers(-9, 9) | NAMES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object that has any of the fields, and maybe one that nobody knows."""
    return st.fixed_dictionaries({}, optional={**fields, "unknownField": ANYTHING})


PROBES = some(
    httpGet=st.fixed_dictionaries({"port": st.sampled_from([80, "web"])}, optional={"path": st.just("/x")}),
    grpc=st.just({"port": 9000}),
    periodSeconds=st.integers(1, 60),
    timeoutSeconds=st.integers(1, 60),
)
PORTS = st.lists(
    st.fixed_dictionaries(
        {"containerPort": st.integers(1, 99)},
        optional={"name": NAMES, "protocol": st.sampled_from(["TCP", "UDP"])},
    ),
    max_size=2,
)
ENVIRONMENT = st.lists(
    st.sampled_from(
        [
            {"name": "A", "value": ""},
            {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "x", "apiVersion": "v1"}}},
        ]
    ),
    max_size=2,
)
IMAGE = st.fixed_dictionaries(
    {"image": st.sampled_from(["nginx", "nginx:1.27", "r.example:5000/x", "x@sha256:0", "y:latest"])}
)
CONTAINER = some(
    imagePullPolicy=st.sampled_from(["Always", "Never"]),
    command=st.lists(NAMES, max_size=2),
    env=ENVIRONMENT,
    ports=PORTS,
    resources=some(
        requests=st.dictionaries(st.sampled_from(["cpu", "memory", "a.b/c"]), AMOUNTS),
        limits=st.dictionaries(st.sampled_from(["cpu", "memory"]), AMOUNTS),
    ),
    readinessProbe=PROBES,
    lifecycle=some(preStop=st.just({"sleep": {"seconds": 5}})),
    terminationMessagePolicy=st.just("FallbackToLogsOnError"),
)
VOLUMES = st.lists(
    st.sampled_from(
        [
            {"name": "a"},
            {"name": "b", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
            {"name": "c", "configMap": {"name": "x"}},
            {
                "name": "d",
                "projected": {"sources": [{"downwardAPI": {"items": [{"fieldRef": {"fieldPath": "y"}}]}}]},
            },
            {"name": "e", "hostPath": {"path": "/x"}},
            {"name": "f", "csi": {"driver": "d.example"}},
        ]
    ),
    max_size=3,
)
SPEC = some(
    volumes=VOLUMES,
    nodeName=NAMES,
    nodeSelector=LABELS,
    hostNetwork=st.booleans(),
    hostname=NAMES,
    subdomain=NAMES,
    priority=st.integers(-5, 5),
    restartPolicy=st.sampled_from(["Always", "Never"]),
    terminationGracePeriodSeconds=st.integers(0, 99),
    serviceAccount=NAMES,
    securityContext=some(runAsUser=st.just(0)),
    tolerations=st.lists(
        st.sampled_from([{"operator": "Exists"}, {"key": "a", "effect": "NoExecute", "tolerationSeconds": 0}])
    ),
    topologySpreadConstraints=st.lists(
        st.just({"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}), max_size=1
    ),
)
METADATA = some(
    namespace=NAMES,
    uid=NAMES,
    labels=LABELS,
    annotations=LABELS,
    finalizers=st.lists(NAMES, max_size=2),
    generateName=NAMES,
    ownerReferences=st.lists(
        st.fixed_dictionaries(
            {
                "kind": st.sampled_from(["ReplicaSet", "Widget"]),
                "name": NAMES,
                "uid": NAMES,
                "apiVersion": NAMES,
            },
            optional={"controller": st.booleans(), "blockOwnerDeletion": st.booleans()},
        ),
        max_size=1,
    ),
)


@st.composite
def pod_bodies(draw: st.DrawFn) -> dict[str, Any]:
    containers = draw(st.lists(st.tuples(IMAGE, CONTAINER), min_size=1, max_size=3))
    named = [{"name": f"c{number}", **image, **more} for number, (image, more) in enumerate(containers)]
    inits = draw(st.integers(0, len(named) - 1))
    spec = {**draw(SPEC), "initContainers": named[:inits], "containers": named[inits:]}
    metadata = {**draw(METADATA), "name": draw(NAMES)}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    return {**body, **draw(some())}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(pod_bodies())
def test_any_pod_comes_out_again(tmp_path: Path, body: dict[str, Any]) -> None:
    """Everything that was read is there, and reading it again gives the same pod."""
    path = tmp_path / "pod.json"
    path.write_text(json.dumps(body))
    (manifest,) = read_manifests([path]).items
    rendered = assert_comes_out_again(manifest, tmp_path)
    assert rendered["status"]["qosClass"] in ("Guaranteed", "Burstable", "BestEffort")
