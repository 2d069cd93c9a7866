"""Manifests: what kubectl would apply, read from files and folders, each object with the place where it stands."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from simkube.kube.checks import metadata_problems, spec_problems
from simkube.kube.errors import InputError, KeyPath, key_text, shown
from simkube.kube.files import find_files, read_text
from simkube.kube.invalid import Problem, first_problem
from simkube.kube.json import read_json
from simkube.kube.kinds import Kind, group_of, kind_of, misspelt
from simkube.kube.meta import ObjectMeta
from simkube.kube.model import KubeModel
from simkube.kube.node import NodeStatus
from simkube.kube.older import as_current
from simkube.kube.unknown import unknown_fields
from simkube.kube.yaml import Document, line_of, read_documents

MAX_UNKNOWN = 20  # warnings about unknown fields; each costs a second look at the file

Model = TypeVar("Model", bound=KubeModel)


@dataclass(frozen=True, slots=True)
class Source:
    """Where an object stands: the file as the user named it, its first line, the document (from 0), the path in it."""

    file: str
    line: int
    document: int
    path: KeyPath = ()

    def error(self, path: KeyPath, message: str, fix: str = "") -> InputError:
        """The error about the key at `path` of the object; its line is looked up in the file."""
        try:
            line = line_of(read_text(Path(self.file)), self.document, (*self.path, *path)) or self.line
        except InputError:
            line = self.line
        return InputError(message, file=self.file, line=line, key=key_text((*self.path, *path)), fix=fix)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object. `body` is the whole of it as read; `spec` the model of its kind, None for kinds without one.

    `api_version` is the kind's current one even if the file names an older; PriorityClass and StorageClass, whose
    fields stand beside metadata, have those in `spec`. `status` is there for nodes.
    """

    api_version: str
    kind: str
    metadata: ObjectMeta
    body: dict[str, Any]
    spec: KubeModel | None
    source: Source
    status: NodeStatus | None = None

    def error(self, path: KeyPath, message: str, fix: str = "") -> InputError:
        """The error about a key of this object, e.g. `("spec", "replicas")`, with file and line."""
        return self.source.error(path, message, fix)

    def __str__(self) -> str:
        return f"{self.kind} {self.metadata.name or self.metadata.generate_name}"


@dataclass(frozen=True, slots=True)
class Manifests:
    """What was read, in order, and what the user should know about it (one line each)."""

    items: tuple[Manifest, ...]
    warnings: tuple[str, ...]


def read_manifests(paths: Sequence[Path]) -> Manifests:
    """All objects of the files and folders, lists taken apart. Raises `InputError` for the first thing that is wrong.

    An object that is there twice, word for word, counts once (with a warning); two that differ are an error: kubectl
    would let the last one win, which is hardly what is meant.
    """
    warnings: list[str] = []
    items: dict[tuple[str, ...], Manifest] = {}
    for path in find_files(paths, warnings):
        for manifest in _read_file(path, warnings):
            key = _identity(manifest, len(items))
            first = items.setdefault(key, manifest)
            if first is manifest:
                continue
            place = f"{first.source.file}:{first.source.line}"
            if first.body != manifest.body:
                message = f"{manifest} is already defined, differently, at {place}"
                raise manifest.error(("metadata", "name"), message, "keep one of them")
            source = manifest.source
            warnings.append(
                f"{source.file}:{source.line}: {manifest} is the same as at {place}; counted once"
            )
    if not items:
        named = ", ".join(str(path) for path in paths)
        raise InputError(
            "there is no Kubernetes object in it", file=named, fix="give a manifest with an object"
        )
    warnings.extend(_unknown(items.values()))
    return Manifests(tuple(items.values()), tuple(warnings))


def _unknown(manifests: Iterable[Manifest]) -> Iterator[str]:
    """One line for each field that Kubernetes does not know, once for a kind, at most `MAX_UNKNOWN`."""
    seen: set[tuple[str, ...]] = set()
    for manifest in manifests:
        spec_at = ("spec",) if "spec" in manifest.body else ()
        for at, model in ((("metadata",), manifest.metadata), (spec_at, manifest.spec)):
            for problem in unknown_fields(model, at) if model else ():
                mark = (manifest.kind, *(part for part in problem.path if isinstance(part, str)))
                if mark in seen:
                    continue
                if len(seen) == MAX_UNKNOWN:
                    return
                seen.add(mark)
                yield str(manifest.error(*problem))


def _identity(manifest: Manifest, number: int) -> tuple[str, ...]:
    if not manifest.metadata.name:
        return ("", str(number))  # generateName: always another one
    namespace = manifest.metadata.namespace or "default"
    return (group_of(manifest.api_version), manifest.kind, namespace, manifest.metadata.name)


def _read_file(path: Path, warnings: list[str]) -> Iterator[Manifest]:
    text, file = read_text(path), str(path)
    as_json = path.suffix == ".json"
    for document in read_json(text, file) if as_json else read_documents(text, file):
        source = Source(file, document.line, document.number)
        for body, place in _objects(document.value, document, source):
            yield _manifest(body, place, warnings)


def _objects(value: Any, document: Document, source: Source) -> Iterator[tuple[dict[str, Any], Source]]:
    """The object, or those of a List, each with kind and apiVersion."""
    if not isinstance(value, dict):
        fix = "start with apiVersion and kind"
        raise source.error((), f"{shown(value)} is not a Kubernetes object", fix)
    api_version, kind = _text(value, "apiVersion", source), _text(value, "kind", source)
    items = value.get("items")
    if not (
        kind == "List" or (kind.endswith("List") and "items" in value and isinstance(items, list | None))
    ):
        yield value, source
        return
    if not isinstance(items, list | None):
        raise source.error(("items",), f"{shown(items)} is not a list", "start each item with a dash")
    lines = () if source.path else document.item_lines
    for index, item in enumerate(items or ()):
        line = lines[index] if index < len(lines) else source.line
        place = replace(source, line=line, path=(*source.path, "items", index))
        if isinstance(item, dict) and kind != "List":
            item = {"apiVersion": api_version, "kind": kind.removesuffix("List"), **item}
        yield from _objects(item, document, place)


def _text(body: dict[str, Any], key: str, source: Source) -> str:
    value = body.get(key)
    if value is None or value == "":
        raise source.error((key,) if key in body else (), f"{key} is missing", f"add {key}")
    if not isinstance(value, str):
        raise source.error((key,), f"{shown(value)} is not text", "write it as text")
    return value


def _manifest(body: dict[str, Any], source: Source, warnings: list[str]) -> Manifest:
    api_version, name = body["apiVersion"], body["kind"]
    kind = kind_of(api_version, name)
    if kind is None and (wrong := misspelt(api_version, name)):
        key, fix = wrong
        raise source.error((key,), f"Kubernetes has no kind {shown(name)} in {shown(api_version)}", fix)
    metadata = _validated(ObjectMeta, body.get("metadata"), ("metadata",), source)
    for problem in metadata_problems(metadata, strict=kind is not None):
        raise _located(problem, (), source)
    if kind is None:
        return Manifest(api_version, name, metadata, body, None, source)
    if api_version in kind.old:
        place = f"{source.file}:{source.line}"
        warnings.append(
            f"{place}: {api_version} of {name} is gone from Kubernetes; read as {kind.api_version}"
        )
    spec = _spec(kind, body, api_version, source)
    status = _validated(NodeStatus, body.get("status"), ("status",), source) if name == "Node" else None
    return Manifest(kind.api_version, name, metadata, body, spec, source, status)


def _spec(kind: Kind, body: dict[str, Any], api_version: str, source: Source) -> KubeModel:
    at: KeyPath = () if kind.flat else ("spec",)
    if kind.flat:
        written: Any = {
            key: value for key, value in body.items() if key not in ("apiVersion", "kind", "metadata")
        }
    else:
        written = body.get("spec")
        if api_version in kind.old and isinstance(written, dict):
            written = as_current(written, api_version)
    spec = _validated(kind.model, written, at, source)
    for problem in spec_problems(spec):
        raise _located(problem, at, source)
    return spec


def _validated(model: type[Model], value: Any, at: KeyPath, source: Source) -> Model:
    try:
        return model.model_validate({} if value is None else value, by_alias=True, by_name=False)
    except ValidationError as error:
        raise _located(first_problem(error), at, source) from None


def _located(problem: Problem, at: KeyPath, source: Source) -> InputError:
    return source.error((*at, *problem.path), problem.message, problem.fix)
