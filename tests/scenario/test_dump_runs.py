"""A dump in a run: the controllers find everything as it was and change nothing."""

from typing import Any

import pytest

from simkube.kube.objects import Pod
from simkube.sim import Simulation
from tests.scenario.conftest import Load
from tests.scenario.test_dump import BARE, claim, deployment, dump, pod, replicaset, template, thing


def settled(load: Load, documents: list[dict[str, Any]]) -> Simulation:
    """The cluster ten minutes after time 0."""
    simulation = Simulation(load(BARE, documents), 1)
    simulation.build()
    simulation.run_until(600.0)
    return simulation


def pods(simulation: Simulation) -> dict[str, tuple[str, str, str]]:
    """Name -> UID, node, phase."""
    table: dict[Any, Pod] = dict(simulation.store.table("Pod"))
    return {p.meta.name: (p.meta.uid, p.node, p.status.phase) for p in table.values()}


def names(simulation: Simulation, kind: str) -> list[str]:
    return [name for _, name in simulation.store.table(kind)]


def test_a_deployment_keeps_its_replicaset_and_pods(load: Load) -> None:
    """Also though the dump's objects have defaults, hashes and UIDs that simkube would not give."""
    simulation = settled(load, dump())
    assert names(simulation, "ReplicaSet") == ["web-5d8"]
    assert pods(simulation) == {
        "web-5d8-aaaaa": ("uid-web-5d8-aaaaa", "node-a", "Running"),
        "web-5d8-bbbbb": ("uid-web-5d8-bbbbb", "node-b", "Running"),
    }


def test_defaults_that_the_api_wrote_are_no_other_template(load: Load) -> None:
    """The ReplicaSet of a real cluster has them; the Deployment of git has not."""
    old = replicaset()
    container = old["spec"]["template"]["spec"]["containers"][0]
    container |= {
        "imagePullPolicy": "IfNotPresent",
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
    }
    old["spec"]["template"]["spec"] |= {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
        "serviceAccountName": "web",
        "serviceAccount": "web",
    }
    old["spec"]["template"]["metadata"]["creationTimestamp"] = None
    bare = deployment()
    del bare["metadata"]["uid"]
    bare["spec"]["template"]["spec"]["serviceAccountName"] = "web"
    (whole,) = dump()
    kept = [item for item in whole["items"] if item["kind"] not in ("Deployment", "ReplicaSet")]
    simulation = settled(load, [{**whole, "items": [*kept, old]}, bare])
    assert names(simulation, "ReplicaSet") == ["web-5d8"]
    assert list(pods(simulation)) == ["web-5d8-aaaaa", "web-5d8-bbbbb"]


def daemons(hash_: str) -> list[dict[str, Any]]:
    labels = {"app": "agent"}
    spec = {"selector": {"matchLabels": labels}, "template": template(labels)}
    made = [thing("DaemonSet", "agent", "ds-1", "apps/v1", spec=spec)]
    for name, on in (("agent-aaaaa", "node-a"), ("agent-bbbbb", "node-b")):
        term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [on]}]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        metadata = {"labels": {**labels, "controller-revision-hash": hash_}}
        affinity = {"affinity": {"nodeAffinity": required}}
        made.append(pod(name, on, ("DaemonSet", "agent", "ds-1"), metadata=metadata, spec=affinity))
    return made


def test_a_daemonset_keeps_its_pods(load: Load) -> None:
    simulation = settled(load, dump(*daemons("6b7")))
    assert {name: at[1] for name, at in pods(simulation).items() if name.startswith("agent")} == {
        "agent-aaaaa": "node-a",
        "agent-bbbbb": "node-b",
    }


def test_a_statefulset_keeps_its_pods(load: Load) -> None:
    labels = {"app": "db"}
    spec = {
        "replicas": 2,
        "serviceName": "db",
        "selector": {"matchLabels": labels},
        "template": template(labels),
    }
    db = thing(
        "StatefulSet", "db", "s-1", "apps/v1", spec=spec, status={"currentRevision": "db-77", "replicas": 2}
    )
    owner = ("StatefulSet", "db", "s-1")

    def member(ordinal: int, on: str) -> dict[str, Any]:
        name = f"db-{ordinal}"
        own = {"controller-revision-hash": "db-77", "statefulset.kubernetes.io/pod-name": name}
        return pod(
            name,
            on,
            owner,
            metadata={"labels": {**labels, **own}},
            spec={"hostname": name, "subdomain": "db"},
        )

    simulation = settled(load, dump(db, member(0, "node-a"), member(1, "node-b")))
    found = pods(simulation)
    assert {name: found[name][:2] for name in ("db-0", "db-1")} == {
        "db-0": ("uid-db-0", "node-a"),
        "db-1": ("uid-db-1", "node-b"),
    }


def test_what_has_finished_is_not_done_again(load: Load) -> None:
    labels = {"job-name": "once"}
    spec = {"template": {**template(labels), "spec": {**template(labels)["spec"], "restartPolicy": "Never"}}}
    status = {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}
    job = thing("Job", "once", "j-1", "batch/v1", spec=spec, status=status)
    done = pod(
        "once-x", "node-a", ("Job", "once", "j-1"), metadata={"labels": labels}, status={"phase": "Succeeded"}
    )
    found = pods(settled(load, dump(job, done)))
    assert [name for name in found if name.startswith("once")] == ["once-x"]
    assert found["once-x"][2] == "Succeeded"


@pytest.mark.parametrize("with_volume", [True, False])
def test_a_claim_keeps_its_volume_or_gets_one(load: Load, with_volume: bool) -> None:
    volume = thing(
        "PersistentVolume",
        "pv-1",
        "p-1",
        spec={
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "claimRef": {"namespace": "default", "name": "data", "uid": "c-1"},
        },
        status={"phase": "Bound"},
    )
    storage = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "disk"}}
    storage |= {"provisioner": "ebs.csi.aws.com", "volumeBindingMode": "Immediate"}
    asked = claim()
    asked["spec"]["storageClassName"] = "disk"
    simulation = settled(load, dump(asked, storage, *([volume] if with_volume else [])))
    bound = simulation.store.get("PersistentVolumeClaim", "data", "default")
    assert bound.status["phase"] == "Bound"
    assert (bound.spec.volume_name == "pv-1") == with_volume
