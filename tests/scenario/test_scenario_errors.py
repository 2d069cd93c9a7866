"""What a scenario file says wrong is told with its line, key and the way out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from simkube.kube.errors import InputError
from tests.scenario.conftest import SCENARIO, WEB, Load

Refused = Callable[..., InputError]


@pytest.mark.parametrize(
    ("more", "line", "key", "says", "way_out"),
    [
        ("clutser: {}", 4, "clutser", "unknown key", "did you mean cluster?"),
        ("maintenance: {upgradeto: v1.37.2}", 4, "maintenance.upgradeto", "unknown key", "upgradeTo"),
        ("slo:\n  web: {maxOutge: 5s}", 5, "slo.web.maxOutge", "unknown key", "maxOutage"),
        ("behaviour:\n  trafic: {}", 5, "behaviour.trafic", "unknown key", "traffic"),
        ("behaviour:\n  startup: -8s", 5, "behaviour.startup", "negative", "write 8s"),
        (
            "behaviour:\n  startup: {default: {lognormal: {median: 8s, p59: 9s}}}",
            5,
            "behaviour.startup",
            "p59",
            "p95",
        ),
        ("behaviour:\n  traffic:\n    web: {rps: -1}", 6, "behaviour.traffic.web.rps", "-1", ""),
        (
            "behaviour:\n  traffic: {webb: {rps: 1}}",
            5,
            "behaviour.traffic.webb",
            "no Service webb",
            "did you mean web?",
        ),
        (
            "behaviour:\n  calls: {web: [webb]}",
            5,
            "behaviour.calls.web[0]",
            "no Service webb",
            "did you mean web?",
        ),
        ("behaviour: {exit: {wbe: 3s}}", 4, "behaviour.exit.wbe", "no workload or image wbe", "web"),
        ("behaviour: {neverReady: [frontend]}", 4, "behaviour.neverReady[0]", "frontend", "there are web"),
        ("slo: {shop: {maxLost: 1}}", 4, "slo.shop", "no Service shop", "there are web"),
        ("slo: {web: {availability: 101%}}", 4, "slo.web.availability", "not a share", "99.9%"),
        ("slo: {web: {availability: many}}", 4, "slo.web.availability", "not a share", "99.9%"),
        ("faults: [{at: 1m, crash: worker-7}]", 4, "faults[0].crash", "no node worker-7", "worker-1"),
        ("faults: [{at: 1m, kill: web-1}]", 4, "faults[0].kill", "no workload web-1", "did you mean web?"),
        ("faults: [{at: 1m, crush: worker-1}]", 4, "faults[0].crush", "unknown key", "crash"),
        ("faults: [{at: 1m}]", 4, "faults[0]", "what breaks", "cutControlPlane"),
        (
            "faults: [{at: 1m, crash: worker-1, cut: worker-1}]",
            4,
            "faults[0]",
            "crash and cut",
            "of their own",
        ),
        ("faults: [{at: 1m, for: 1m, reboot: worker-1}]", 4, "faults[0]", "reboot has no `for`", "remove"),
        ("faults: [{crash: worker-1}]", 4, "faults[0].at", "missing", "add at"),
        ("faults: [{at: -1m, crash: worker-1}]", 4, "faults[0].at", "negative", "write 1m"),
        ("faults: [{at: 5 min, crash: worker-1}]", 4, "faults[0].at", "not a duration", "5m"),
        (
            "timings: {node-monitor-grace: 40s}",
            4,
            "timings.node-monitor-grace",
            "unknown",
            "node-monitor-grace-period",
        ),
        ("timings: {node-monitor-grace-period: 40}\ntitle: 5", 5, "title", "not text", '"5"'),
        (
            "timings: {node-monitor-grace-period: soon}",
            4,
            "timings.node-monitor-grace-period",
            "not a duration",
            "30s",
        ),
        (
            "overrides: [{kind: Deployment, name: webb, replicas: 3}]",
            4,
            "overrides[0]",
            "no Deployment webb",
            "web?",
        ),
        (
            "overrides: [{kind: StatefulSet, name: web, replicas: 3}]",
            4,
            "overrides[0]",
            "no StatefulSet",
            "Deployment web",
        ),
        (
            "overrides: [{kind: Service, name: web, replicas: 3}]",
            4,
            "overrides[0].replicas",
            "no replicas",
            "have",
        ),
        (
            "overrides: [{kind: Deployment, name: web, namespace: shop}]",
            4,
            "overrides[0]",
            "shop",
            "namespace default",
        ),
        (
            "overrides: [{kind: Deployment, name: web, replicas: 10000000}]",
            4,
            "overrides[0].replicas",
            "10000000",
            "",
        ),
        ("seed: -1", 4, "seed", "-1", ""),
        ("seed: one", 4, "seed", "not a whole number", ""),
        ("until: [1]", 4, "until", "not a duration", "30s"),
        ("strategy: rolling\nsteps: [{do: cordon, node: worker-1}]", 0, "", "exclude each other", "keep one"),
        ("schema: simkube/scenario/v2", 4, "schema", "simkube/scenario/v2", "simkube/scenario/v1"),
        ("cluster: {}", 4, "cluster", "given twice", "remove one"),
    ],
)
def test_place_and_way_out(refused: Refused, more: str, line: int, key: str, says: str, way_out: str) -> None:
    found = refused(f"{SCENARIO}{more}\n")
    assert (found.key, found.file) == (key, "scenario.yaml")
    assert says in found.message
    assert way_out in found.fix
    if line:
        assert found.line == line


@pytest.mark.parametrize(
    ("cluster", "key", "says", "way_out"),
    [
        ("{version: 1.30, nodes: [{}]}", "cluster.version", "1.3 and 1.30 are the same", "quote it"),
        ("{version: latest, nodes: [{}]}", "cluster.version", "not a Kubernetes version", "v1.36.3"),
        ("{version: v1.20.1, nodes: [{}]}", "cluster.version", "not supported", "1.28 to 1.37"),
        ("{version: v2.0.0, nodes: [{}]}", "cluster.version", "not supported", "1.28 to 1.37"),
        ("{nodes: []}", "cluster.nodes", "no worker nodes", "count: 6"),
        ("{nodes: [{count: 0}]}", "cluster.nodes", "no worker nodes", "count: 6"),
        ("{nodes: [{count: three}]}", "cluster.nodes[0].count", "not a whole number", "3"),
        ("{nodes: [{count: 100000}]}", "cluster.nodes[0].count", "100000", ""),
        ("{nodes: [{count: 15000}, {name: b, count: 15000}]}", "cluster", "30000 nodes", "20000"),
        ("{nodes: [{}, {}]}", "cluster.nodes[1].name", "two nodes worker-1", "another name"),
        ("{nodes: [{name: Worker}]}", "cluster.nodes[0].name", "no name for nodes", "lower case"),
        (
            "{nodes: [{name: control-plane}], controlPlanes: 3}",
            "cluster.nodes[0].name",
            "control plane",
            "another",
        ),
        ("{nodes: [{capacity: {memory: 4Gb}}]}", "cluster.nodes[0].capacity.memory", "4Gb", "4Gi or 4G"),
        ("{nodes: [{capacity: {cpu: -1}}]}", "cluster.nodes[0].capacity.cpu", "negative", "0 or more"),
        (
            "{nodes: [{taints: [{key: a, effect: NoSchedul}]}]}",
            "cluster.nodes[0].taints[0].effect",
            "NoSchedul",
            "NoSchedule?",
        ),
        ("{nodes: {worker: 3}}", "cluster.nodes", "not a list", "dash"),
        ("6", "cluster", "not a mapping", "key: value"),
        ("{controlPlanes: 9, nodes: [{}]}", "cluster.controlPlanes", "9", ""),
    ],
)
def test_clusters(refused: Refused, cluster: str, key: str, says: str, way_out: str) -> None:
    found = refused(f"manifests: [web.yaml]\ncluster: {cluster}\n")
    assert (found.line, found.key) == (2, key)
    assert says in found.message
    assert way_out in found.fix


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("# nothing\n", "empty"),
        ("- a\n", "not a mapping"),
        ("cluster: {}\n---\nmanifests: []\n", "one document"),
        ("cluster: {nodes: [{}]}\n", "no manifests"),
        ("cluster: {nodes: [{}]}\nmanifests: [nope.yaml]\n", "no such file"),
        ("cluster: {nodes: [\n", "broken YAML"),
        ("cluster: &a [*a]\n", "no anchor before it"),
    ],
)
def test_files_that_are_no_scenario(refused: Refused, text: str, says: str) -> None:
    assert says in refused(text).message


def test_one_line_as_a_user_reads_it(refused: Refused) -> None:
    assert str(refused(f"clutser: {{}}\n{SCENARIO}")) == (
        "scenario.yaml:1: clutser: unknown key clutser; did you mean cluster?"
    )


def test_keys_without_a_value_are_absent(load: Load) -> None:
    """A section whose lines are all commented out."""
    loaded = load(f"{SCENARIO}faults:\noverrides:\nslo:\nbehaviour:\n")
    assert loaded.scenario.faults == ()


def test_names_are_warnings_with_other_manifests(load: Load, tmp_path: Path) -> None:
    """The scenario's cluster, other manifests: what the scenario says of services that are not there has no effect."""
    more = "slo: {cart: {maxLost: 1}, web: {maxLost: 1}}\noverrides: [{kind: Deployment, name: cart, replicas: 2}]\n"
    other = tmp_path / "other.yaml"
    other.write_text(WEB)
    loaded = load(SCENARIO + more, manifests=[other])
    assert [warning.rpartition("/")[2] for warning in loaded.warnings] == [
        "scenario.yaml:5: overrides[0]: the manifests have no Deployment cart in namespace default",
        "scenario.yaml: names that are not in these manifests: cart",
    ]
