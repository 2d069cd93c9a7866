"""The program, called as from a shell."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from simkube.cli.app import call

WEB = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1
          resources: {requests: {cpu: 100m, memory: 128Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
SCENARIO = """cluster:
  nodes: [{name: worker, count: 2}]
manifests: [web.yaml]
behaviour: {startup: 2s, exit: 1s}
faults: [{at: 5s, crash: worker-1, for: 20s}]
"""


class Ended(NamedTuple):
    """How a call ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that says what is wrong."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert (self.code, len(lines), self.out) == (2, 1, ""), self
        assert self.err.endswith(f"{lines[0]}\n")
        return lines[0].removeprefix("error: ")


Simkube = Callable[..., Ended]


@pytest.fixture
def simkube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Simkube:
    """Call the program in a folder with `web.yaml` and `scenario.yaml`."""
    monkeypatch.chdir(tmp_path)
    Path("web.yaml").write_text(WEB)
    Path("scenario.yaml").write_text(SCENARIO)

    def simkube(*arguments: object) -> Ended:
        capsys.readouterr()
        code = call([str(argument) for argument in arguments])
        return Ended(code, *capsys.readouterr())

    return simkube
