"""What `python -m tests.fuzz` found, as the smallest input that shows it."""

from pathlib import Path

import pytest

from tests.cli.conftest import WEB, Simkube
from tests.fuzz.inputs import DUMP, case
from tests.fuzz.judge import problem


@pytest.mark.parametrize(
    ("kind", "api_version"),
    [
        ("PodDisruptionBudget", "x"),
        ("Service", "serving.knative.dev/v1"),
        ("Job", "batch.volcano.sh/v1alpha1"),
    ],
)
def test_a_familiar_kind_of_an_unknown_group(simkube: Simkube, kind: str, api_version: str) -> None:
    """It was taken for the kind that it is named like, and had none of its fields."""
    more = f"---\napiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: web}}\n"
    Path("web.yaml").write_text(WEB + more)
    assert simkube("run", "web.yaml").code == 0


def test_a_name_longer_than_a_file_s_may_be(simkube: Simkube) -> None:
    assert simkube("run", "a" * 2000).code == 2


@pytest.mark.parametrize("kind", ["Widget", "ConfigMap"])
def test_a_replicaset_that_owns_more_than_pods(simkube: Simkube, kind: str) -> None:
    """They were counted as its pods."""
    owner = "{apiVersion: apps/v1, kind: ReplicaSet, name: web-5d8, uid: r-1, controller: true}"
    metadata = f"{{name: web, namespace: default, uid: w-1, ownerReferences: [{owner}]}}"
    Path("dump.yaml").write_text(f"{DUMP}---\napiVersion: v1\nkind: {kind}\nmetadata: {metadata}\n")
    assert simkube("run", "dump.yaml").code == 0


def test_a_warning_with_what_a_terminal_obeys(simkube: Simkube) -> None:
    """Kinds that are not modelled are named as they are written."""
    Path("web.yaml").write_text(
        f'{WEB}---\napiVersion: v1\nkind: "Wid\\e[31mget\\u202e"\nmetadata: {{name: a}}\n'
    )
    ended = simkube("run", "web.yaml")
    assert ended.code == 0
    assert "Wid [31mget " in ended.err


@pytest.mark.parametrize("number", range(40))
def test_a_few_cases(tmp_path: Path, number: int) -> None:
    """`make fuzz` tries many more."""
    one = case(2026, number)
    assert problem(one, tmp_path) == ""
