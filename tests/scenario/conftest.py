"""Scenarios and manifests written by tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from simkube.kube.errors import InputError
from simkube.scenario.load import Loaded, load_scenario

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
          resources:
            requests: {cpu: 100m, memory: 128Mi}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
SCENARIO = """cluster:
  nodes: [{name: worker, count: 2}]
manifests: [web.yaml]
"""

Load = Callable[..., Loaded]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a scenario's text, with `web.yaml` beside it."""

    def load(scenario: str = SCENARIO, web: str | list[Any] = WEB, **more: Any) -> Loaded:
        text = web if isinstance(web, str) else yaml.safe_dump_all(web)
        (tmp_path / "web.yaml").write_text(text)
        path = tmp_path / "scenario.yaml"
        path.write_text(scenario)
        return load_scenario(path, **more)

    return load


@pytest.fixture
def refused(load: Load) -> Callable[..., InputError]:
    """The error that loading ends with, its file by its name alone."""

    def refused(scenario: str = SCENARIO, web: str | list[Any] = WEB, **more: Any) -> InputError:
        with pytest.raises(InputError) as caught:
            load(scenario, web, **more)
        error = caught.value
        assert "\n" not in str(error)
        return InputError(
            error.message, file=Path(error.file).name, line=error.line, key=error.key, fix=error.fix
        )

    return refused
