"""A whole cluster, rendered while things happen to it: every object is what a client of the API could read."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from simkube.cluster.nodes.leases import as_seen
from simkube.kube.manifests import read_manifests
from simkube.kube.render import to_manifest
from simkube.scenario.load import load_scenario
from simkube.sim import Simulation
from tests.kube.rendering import EPOCH, is_plain

SHOP = Path(__file__).resolve().parents[1] / "scenarios" / "shop.yaml"
TIMES = (0.0, 5.0, 45.0, 60.0, 361.0, 420.0, 700.0)

# Fields of each status [k8s.io/api types.go]; an object of another kind has none here.
STATUS = {
    "Pod": "phase conditions message reason nominatedNodeName hostIP hostIPs podIP podIPs startTime "
    "initContainerStatuses containerStatuses qosClass",
    "Node": "capacity allocatable conditions images nodeInfo",
    "Deployment": "observedGeneration replicas updatedReplicas readyReplicas availableReplicas "
    "unavailableReplicas terminatingReplicas conditions",
    "ReplicaSet": "observedGeneration replicas fullyLabeledReplicas readyReplicas availableReplicas "
    "terminatingReplicas conditions",
    "StatefulSet": "observedGeneration replicas readyReplicas currentReplicas updatedReplicas currentRevision "
    "updateRevision collisionCount availableReplicas conditions",
    "DaemonSet": "currentNumberScheduled numberMisscheduled desiredNumberScheduled numberReady observedGeneration "
    "updatedNumberScheduled numberAvailable numberUnavailable conditions",
    "PodDisruptionBudget": "observedGeneration disruptedPods disruptionsAllowed currentHealthy desiredHealthy "
    "expectedPods conditions",
    "PersistentVolume": "phase",
    "PersistentVolumeClaim": "phase accessModes capacity",
    "VolumeAttachment": "attached",
}


@cache
def moments() -> dict[float, list[dict[str, Any]]]:
    """Time -> every object, in a run in which a machine loses power at 1 s and is evicted after five minutes."""
    simulation = Simulation(load_scenario(SHOP), 1)
    simulation.build()
    found = {}
    for time in TIMES:
        simulation.run_until(time)
        found[time] = [to_manifest(as_seen(obj, time), EPOCH) for obj in simulation.store]
        if time == 0.0:
            simulation.fleet.machines["worker-1"].crash()
    return found


def every() -> Iterator[dict[str, Any]]:
    for objects in moments().values():
        yield from objects


def test_it_is_plain_data() -> None:
    assert {obj["kind"] for obj in every()} >= {*STATUS, "EndpointSlice", "Lease", "Service", "Namespace"}
    assert all(is_plain(obj) for obj in every())


def test_every_object_has_what_the_api_server_gives_it() -> None:
    for obj in every():
        metadata = obj["metadata"]
        assert {"name", "uid", "resourceVersion", "creationTimestamp"} <= metadata.keys()
        assert metadata["resourceVersion"].isdigit()
        assert metadata["creationTimestamp"].endswith("Z")


def test_statuses_have_the_fields_of_their_kinds() -> None:
    for obj in every():
        assert not obj.get("status", {}).keys() - set(STATUS.get(obj["kind"], "phase").split())


@pytest.mark.parametrize("time", TIMES)
def test_it_reads_as_a_dump_without_a_warning(time: float, tmp_path: Path) -> None:
    """A field of metadata or spec that Kubernetes does not know would be one."""
    path = tmp_path / "dump.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": moments()[time]}))
    found = read_manifests([path])
    assert len(found.items) == len(moments()[time])
    assert found.warnings == ()


def test_leases_show_the_renewals_so_far() -> None:
    """1.1: at most 10.4 s before each moment, but for the node whose power is gone."""
    for time, objects in moments().items():
        second = f"2026-01-01T00:{int(time) // 60:02}:{int(time) % 60:02}"
        for lease in (obj for obj in objects if obj["kind"] == "Lease"):
            renewed = lease["spec"]["renewTime"]
            lost = lease["metadata"]["name"] == "worker-1" and time > 20.0
            earliest = time - 10.5
            text = f"2026-01-01T00:{int(earliest) // 60:02}:{int(earliest) % 60:02}" if earliest > 0.0 else ""
            assert (renewed < text) if lost else (text <= renewed < second + ".1")


def test_pods_say_how_their_names_came_about() -> None:
    """[`GetPodFromTemplate`]: pods of a StatefulSet carry a generateName as well, which nobody used."""
    for pod in (obj for obj in every() if obj["kind"] == "Pod"):
        (owner,) = pod["metadata"]["ownerReferences"]
        assert pod["metadata"]["generateName"] == f"{owner['name']}-"
        assert pod["metadata"]["name"].startswith(pod["metadata"]["generateName"])
        assert (owner["controller"], owner["blockOwnerDeletion"]) == (True, True)


def test_a_lost_node_and_its_pods() -> None:
    """1.1 to 2: Unknown after the grace period, tainted; its pods not Ready, then marked and terminating."""
    at_60 = {(obj["kind"], obj["metadata"]["name"]): obj for obj in moments()[60.0]}
    node = at_60["Node", "worker-1"]
    ready = next(c for c in node["status"]["conditions"] if c["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("Unknown", "NodeStatusUnknown")
    effects = {t["key"]: t["effect"] for t in node["spec"]["taints"]}
    assert effects["node.kubernetes.io/unreachable"] == "NoExecute"
    pods = [
        pod for (kind, _), pod in at_60.items() if kind == "Pod" and pod["spec"].get("nodeName") == "worker-1"
    ]
    assert pods
    for pod in pods:
        conditions = {c["type"]: c["status"] for c in pod["status"]["conditions"]}
        assert (conditions["Ready"], conditions["ContainersReady"]) == ("False", "True")
        assert pod["status"]["phase"] == "Running"
    evicted = [
        obj for obj in moments()[361.0] if obj["kind"] == "Pod" and "deletionTimestamp" in obj["metadata"]
    ]
    assert evicted
    for pod in evicted:
        assert pod["status"]["conditions"][0]["type"] == "DisruptionTarget"
        assert pod["metadata"]["deletionGracePeriodSeconds"] == pod["spec"]["terminationGracePeriodSeconds"]
