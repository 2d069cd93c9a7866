"""Whether somebody listens to a run changes nothing about it."""

from pathlib import Path

from simkube.scenario.load import load_scenario
from simkube.studies.planners import planner_for
from simkube.studies.run import single
from simkube.trace.record import Record

SCENARIO = """
schema: simkube/scenario/v1
cluster: {nodes: [{name: worker, count: 2, capacity: {cpu: 1, memory: 4Gi, pods: 110}}]}
manifests: [m.yaml]
"""
TOO_MANY = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 5
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: x, resources: {requests: {cpu: 400m}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


def test_results_are_the_same_with_and_without_a_trace(tmp_path: Path) -> None:
    """A pod that fits nowhere makes events and conditions again and again, which only a trace holds."""
    (tmp_path / "m.yaml").write_text(TOO_MANY)
    (tmp_path / "s.yaml").write_text(SCENARIO)
    loaded = load_scenario(tmp_path / "s.yaml")
    planner = planner_for(loaded, "surge").planner
    records: list[Record] = []
    alone, result = single(loaded, 1, planner)
    heard, same = single(loaded, 1, planner, [records.append])
    assert records
    assert heard.settled_at == alone.settled_at
    assert same == result
