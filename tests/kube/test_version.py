"""Versions: order as semantic versions have it."""

from itertools import pairwise

import pytest

from simkube.kube.errors import BadValue
from simkube.kube.version import Version

ASCENDING = [
    "v1.9.11",
    "v1.28.15",
    "v1.36.0-alpha.1",
    "v1.36.0-alpha.beta",
    "v1.36.0-beta.2",
    "v1.36.0-beta.11",
    "v1.36.0-rc.1",
    "v1.36.0",
    "v1.36.3",
    "v1.36.10",
    "v1.37.0",
    "v2.0.0",
]


def test_order() -> None:
    versions = [Version.parse(text) for text in ASCENDING]
    descending = versions[::-1]
    assert sorted(descending) == versions
    assert all(a < b and b > a and a != b for a, b in pairwise(versions))


@pytest.mark.parametrize("text", [*ASCENDING, "v1.28.5+k3s1", "v1.29.4-gke.1043002"])
def test_text_is_kept(text: str) -> None:
    assert str(Version.parse(text)) == text


def test_short_forms() -> None:
    assert Version.parse("1.36") == Version(1, 36, 0)
    assert str(Version.parse("1.36")) == "v1.36.0"


def test_build_does_not_count() -> None:
    assert Version.parse("v1.28.5+k3s1") == Version.parse("v1.28.5+k3s2")


def test_minors() -> None:
    old, new = Version.parse("v1.34.8"), Version.parse("v1.37.2")
    assert old.minor_version < (1, 35) <= new.minor_version


@pytest.mark.parametrize(
    "text", ["", "1", "latest", "v1.x", "1.36.3.4", "v1.36.3 ", "v1.36.99999999999", 1.36, None]
)
def test_refused(text: object) -> None:
    with pytest.raises(BadValue, match="not a Kubernetes version"):
        Version.parse(text)  # type: ignore[arg-type]
