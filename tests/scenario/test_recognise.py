"""A scenario is told from manifests by its keys."""

from pathlib import Path

import pytest

from simkube.scenario.recognise import looks_like_scenario


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cluster: {}\n", True),
        ("# a comment\n---\ntitle: [a, {kind: b}]\n", True),
        ("clutser: {kind: Pod}\nmanifets: []\n", True),
        ("clutser: {a: [b]}\nmanifests: []\n", True),
        ("a: 1\nkind: Pod\n", False),
        ("a: {b: 1}\nkind: Pod\n", False),
        ("apiVersion: v1\n", False),
        ("spec: {}\ncluster: {}\n", False),
        ('{"kind": "List", "items": []}', False),
        ('{"cluster": {}}', True),
        ("", False),
        ("- cluster\n", False),
        ("cluster\n", False),
        ("[a]: b\n", False),
        ("cluster: [\n", True),
        ("kind: [\n", False),
        ("\t", False),
        ("&a cluster: *b\n", True),
        ("---\n---\ncluster: {}\n", False),
    ],
)
def test_by_the_first_key_that_is_known(tmp_path: Path, text: str, expected: bool) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    assert looks_like_scenario(path) == expected


def test_no_more_is_read_than_needed(tmp_path: Path) -> None:
    """A kind says it; what follows may be as large, and as wrong, as it likes."""
    path = tmp_path / "a.yaml"
    path.write_text("kind: List\nitems:\n" + "- {a: b}\n" * 10_000 + "- {")
    assert not looks_like_scenario(path)


def test_a_folder_is_no_scenario(tmp_path: Path) -> None:
    assert not looks_like_scenario(tmp_path)
