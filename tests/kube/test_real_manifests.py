"""Manifests that projects publish load without a special case. Skipped where they are not: no part of the clone."""

from collections import Counter
from pathlib import Path

import pytest

from simkube.kube.manifests import read_manifests
from simkube.kube.workloads import DeploymentSpec, StatefulSetSpec

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "manifests"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{FOLDER} is not here")


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("online-boutique.yaml", {"Deployment": 12, "Service": 12, "ServiceAccount": 11}),
        ("guestbook.yaml", {"Deployment": 3, "Service": 3}),
        ("cassandra.yaml", {"Service": 1, "StatefulSet": 1, "StorageClass": 1}),
    ],
)
def test_published_manifests_load(name: str, kinds: dict[str, int]) -> None:
    text = (FOLDER / name).read_text()
    in_text = Counter(
        line.removeprefix("kind: ").strip() for line in text.splitlines() if line.startswith("kind: ")
    )
    found = read_manifests([FOLDER / name])
    assert Counter(m.kind for m in found.items) == in_text == kinds
    assert found.warnings == ()
    assert all(
        text.splitlines()[m.source.line - 1].split(":")[0] in ("apiVersion", "kind") for m in found.items
    )


def test_what_was_read_is_what_is_written() -> None:
    for manifest in read_manifests([FOLDER / "online-boutique.yaml"]).items:
        if manifest.spec is not None:
            assert manifest.spec.to_dict() == manifest.body["spec"]


def test_facts_of_the_shop() -> None:
    by_name = {str(m): m.spec for m in read_manifests([FOLDER / "online-boutique.yaml"]).items}
    frontend = by_name["Deployment frontend"]
    assert isinstance(frontend, DeploymentSpec)
    (server,) = frontend.template.spec.containers
    assert server.resources.requests == {"cpu": "100m", "memory": "64Mi"}
    assert server.readiness_probe is not None
    assert server.readiness_probe.initial_delay_seconds == 10
    assert server.readiness_probe.http_get is not None
    assert server.readiness_probe.http_get.port == 8080


def test_facts_of_cassandra() -> None:
    stateful = next(
        m.spec for m in read_manifests([FOLDER / "cassandra.yaml"]).items if m.kind == "StatefulSet"
    )
    assert isinstance(stateful, StatefulSetSpec)
    assert stateful.replicas == 3
    assert stateful.template.spec.termination_grace_period_seconds == 1800
    (container,) = stateful.template.spec.containers
    assert container.lifecycle is not None
    assert container.lifecycle.pre_stop is not None
    assert container.lifecycle.pre_stop.exec is not None
    assert container.lifecycle.pre_stop.exec.command[-1] == "nodetool drain"
    (claim,) = stateful.volume_claim_templates
    assert claim.spec.resources.requests == {"storage": "1Gi"}
