"""Finding and reading the files that a user points at: bounded, text only, in a stable order."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from simkube.kube.errors import InputError

MAX_FILE = 64 * 1024 * 1024  # bytes of one file
SUFFIXES = (".yaml", ".yml", ".json")
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def find_files(paths: Sequence[Path], warnings: list[str]) -> Iterator[Path]:
    """The files named, and those of the folders named: recursively, sorted, without hidden ones.

    Kustomizations, charts and values files are no manifests: left out, with a warning. Raises `InputError` for a path
    that is not there or a folder in which nothing is left.
    """
    for path in paths:
        if path.is_dir():
            found = list(_in_folder(path, warnings))
            if not found:
                fix = "point at a folder with .yaml, .yml or .json files"
                raise InputError("there are no manifests in this folder", file=str(path), fix=fix)
            yield from found
        else:
            yield path


def read_text(path: Path) -> str:
    """The text of the file. Raises `InputError` if it cannot be read, is too large, or is not UTF-8 text."""
    file = str(path)
    try:
        if path.exists() and not path.is_file():
            raise InputError("this is neither a file nor a folder", file=file, fix="give a manifest")
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE + 1)
    except FileNotFoundError:
        raise InputError("there is no such file", file=file, fix="check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"the file cannot be read: {reason}", file=file) from None
    if len(data) > MAX_FILE:
        raise InputError(f"the file is larger than {MAX_FILE // 2**20} MiB", file=file, fix="split it")
    if b"\0" in data:
        raise InputError("this is a binary file, not a manifest", file=file, fix="give YAML or JSON text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("this is not UTF-8 text", file=file, line=line, fix="save it as UTF-8") from None


def _in_folder(folder: Path, warnings: list[str]) -> Iterator[Path]:
    for directory, folders, files in os.walk(folder):
        here = Path(directory)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if "Chart.yaml" in files:
            folders.clear()
            warnings.append(
                f"{here}: a Helm chart, left out; render it first: helm template {here} > manifests.yaml"
            )
            continue
        for name in sorted(files):
            path = here / name
            if name in KUSTOMIZATIONS:
                warnings.append(
                    f"{path}: not applied; to apply it: kubectl kustomize {here} > manifests.yaml"
                )
            elif name.startswith(".") or not name.endswith(SUFFIXES):
                continue
            elif name.startswith("values") and not name.endswith(".json"):
                warnings.append(f"{path}: Helm values, left out")
            else:
                yield path
