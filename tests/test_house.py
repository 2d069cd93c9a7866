"""What must hold for the project as a whole."""

import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Put together here, so that this file does not name them either.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("proxy", "golang", "org"),
        ("registry", "npmjs", "org"),
        ("static", "crates", "io"),
        ("index", "crates", "io"),
        ("repo1", "maven", "org"),
        ("deb", "debian", "org"),
    )
)
HEAVY = ("matplotlib", "numpy", "pandas", "pydantic", "simpy", "yaml")


def git(*arguments: str) -> str:
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True, capture_output=True, text=True).stdout


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    """Package -> what stands in constraints.txt for it."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return {normal(re.split(r"[^\w.-]", line, maxsplit=1)[0]): line for line in lines}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
def test_no_tracked_file_names_a_package_registry() -> None:
    found = subprocess.run(
        ["git", "-C", ROOT, "grep", "-IlF", *(f"-e{host}" for host in REGISTRY_HOSTS)],
        capture_output=True,
        text=True,
    )
    assert found.returncode in (0, 1), found.stderr
    assert found.stdout == ""


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
def test_nothing_that_is_built_or_cached_is_tracked() -> None:
    assert git("ls-files", "--cached", "--ignored", "--exclude-standard") == ""


def test_every_constraint_is_one_exact_version() -> None:
    assert [line for line in pins().values() if not re.fullmatch(r"[\w.-]+==[\w.!+]+", line)] == []


def test_every_dependency_is_pinned_and_explained() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = pyproject["project"]["optional-dependencies"].values()
    wanted = [
        *pyproject["build-system"]["requires"],
        *pyproject["project"]["dependencies"],
        *chain.from_iterable(extras),
    ]
    names = {normal(re.split(r"[^\w.-]", requirement, maxsplit=1)[0]) for requirement in wanted}
    assert names - pins().keys() == set()
    explained = (ROOT / "docs" / "dependencies.md").read_text().lower()
    assert [name for name in sorted(names) if f"`{name}`" not in explained] == []


def test_every_folder_of_the_package_is_a_package() -> None:
    """Without an `__init__.py` the layers of its modules go unchecked."""
    folders = {module.parent for module in (ROOT / "simkube").rglob("*.py")}
    assert [
        str(folder.relative_to(ROOT)) for folder in sorted(folders) if not (folder / "__init__.py").exists()
    ] == []


@pytest.mark.skipif(find_spec("simkube.cli") is None, reason="there is no command line yet")
def test_the_command_line_starts_without_the_heavy_packages() -> None:
    program = f"import sys, simkube.cli; print([name for name in {HEAVY} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("[]\n", "")
