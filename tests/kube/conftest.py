"""Files to read."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from simkube.kube.errors import InputError
from simkube.kube.manifests import Manifests, read_manifests

Read = Callable[..., Manifests]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Write a file (shop.yaml) and read it, named without its folder."""
    monkeypatch.chdir(tmp_path)

    def write_and_read(text: str | bytes, name: str = "shop.yaml") -> Manifests:
        path = Path(name)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(dedent(text), encoding="utf-8")
        return read_manifests([path])

    return write_and_read


@pytest.fixture
def error(read: Read) -> Callable[..., InputError]:
    """Write a file, and get the error that reading it raises."""

    def read_error(text: str | bytes, name: str = "shop.yaml") -> InputError:
        with pytest.raises(InputError) as caught:
            read(text, name)
        assert "\n" not in str(caught.value)
        return caught.value

    return read_error
