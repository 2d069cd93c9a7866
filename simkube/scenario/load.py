"""Reading a scenario: the file, its manifests, its overrides; every error names the place and the way out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from pydantic import ValidationError

from simkube.kube.build import Builder
from simkube.kube.errors import InputError, key_text, nearest
from simkube.kube.files import read_text
from simkube.kube.invalid import first_problem
from simkube.kube.manifests import read_manifests
from simkube.kube.objects import Object, Workload
from simkube.kube.yaml import line_of, read_documents
from simkube.scenario.nodes import make_nodes
from simkube.scenario.scenario import Override, Scenario


@dataclass(frozen=True)
class Loaded:
    """A scenario with everything it names read in: `objects` in the order in which they are created, nodes first."""

    scenario: Scenario
    objects: tuple[Object, ...]
    warnings: tuple[str, ...]
    name: str


def looks_like_scenario(path: Path) -> bool:
    """A YAML file whose first document is no Kubernetes object. Raises `InputError` for what cannot be read."""
    if path.is_dir():
        return False
    first = next(iter(read_documents(read_text(path), str(path))), None)
    return (
        first is None or not isinstance(first.value, dict) or not {"apiVersion", "kind"} <= first.value.keys()
    )


def load_scenario(path: Path, manifests: Sequence[Path] = (), version: str = "") -> Loaded:
    """Read a scenario file; `manifests` and `version` replace its own. Raises `InputError`."""
    scenario = read_scenario(path)
    if version:
        cluster = scenario.cluster.model_copy(update={"version": version})
        scenario = scenario.model_copy(update={"cluster": cluster})
    paths = list(manifests) or [path.parent / name for name in scenario.manifests]
    return assemble(scenario, paths, path.name, str(path))


def bare_scenario(scenario: Scenario, manifests: Sequence[Path]) -> Loaded:
    """A scenario without a file: the cluster from the command line, the manifests from `manifests`."""
    return assemble(scenario, manifests, manifests[0].name if manifests else "")


def read_scenario(path: Path) -> Scenario:
    """The scenario of a file, its manifests not yet read."""
    text = read_text(path)
    documents = list(read_documents(text, str(path)))
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        what = (
            "is empty"
            if not documents
            else "holds more than one document"
            if len(documents) > 1
            else "is no mapping"
        )
        raise InputError(f"the scenario {what}", file=str(path), fix="start with `cluster:` and `manifests:`")
    value = documents[0].value
    if "apiVersion" in value and "kind" in value:
        fix = f"name it under `manifests:` of a scenario, or run `simkube compare {path} --nodes 3`"
        raise InputError("this is a Kubernetes manifest, not a scenario", file=str(path), line=1, fix=fix)
    return parse_scenario(value, str(path), text)


def parse_scenario(value: dict[str, Any], file: str, text: str = "") -> Scenario:
    """The scenario that a mapping describes. Raises `InputError` with file, line, key and the nearest known key."""
    try:
        return Scenario.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        path = tuple(detail["loc"])
        message, fix = _say(detail["type"], path, error)
        where = _written(path, value)
        raise InputError(
            message, file=file, line=line_of(text, 0, where) if text else 0, key=key_text(where), fix=fix
        ) from None


def _written(path: tuple[int | str, ...], value: Any) -> tuple[int | str, ...]:
    """The part of pydantic's path that stands in the file (it adds the names of union members)."""
    found: list[int | str] = []
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[part]
            found.append(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
            found.append(part)
    return tuple(found)


def _say(kind: str, path: tuple[int | str, ...], error: ValidationError) -> tuple[str, str]:
    if kind == "extra_forbidden":
        known = _known_keys(path[:-1])
        hint = nearest(str(path[-1]), known)
        return f"unknown key {path[-1]}", hint or f"known here: {', '.join(known)}"
    problem = first_problem(error)
    return problem.message, problem.fix


def _known_keys(path: tuple[int | str, ...]) -> list[str]:
    """The keys that the scenario's JSON Schema knows at a path."""
    schema = Scenario.model_json_schema(by_alias=True)
    return sorted(_keys_at(schema, schema, path))


def _keys_at(root: dict[str, Any], schema: dict[str, Any], path: tuple[int | str, ...]) -> set[str]:
    schema = _resolve(root, schema)
    options = [_resolve(root, s) for s in (*schema.get("anyOf", ()), *schema.get("oneOf", ()))] or [schema]
    keys: set[str] = set()
    for option in options:
        properties = option.get("properties", {})
        if not path:
            keys |= properties.keys()
        elif path[0] in properties:
            keys |= _keys_at(root, properties[path[0]], path[1:])
        elif isinstance(option.get("items"), dict):
            keys |= _keys_at(root, option["items"], path[1:])
        elif isinstance(option.get("additionalProperties"), dict):
            keys |= _keys_at(root, option["additionalProperties"], path[1:])
    return keys


def _resolve(root: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def assemble(scenario: Scenario, paths: Sequence[Path], name: str, file: str = "") -> Loaded:
    """Read the manifests at `paths` and put the scenario's nodes and overrides to them."""
    if not paths:
        raise InputError(
            "there are no manifests: nothing would run",
            file=file,
            fix="name files or folders under `manifests:`",
        )
    read = read_manifests(paths)
    builder = Builder()
    pairs = [(manifest, builder.build(manifest)) for manifest in read.items]
    nodes: list[Object] = list(make_nodes(scenario.cluster))
    own = [obj for manifest, obj in pairs if manifest.kind == "Node"]
    names = {node.meta.name for node in own}
    nodes = [*own, *(node for node in nodes if node.meta.name not in names)]
    if own and not scenario.cluster.nodes:
        nodes = own
    if not any("node-role.kubernetes.io/control-plane" not in node.meta.labels for node in nodes):
        fix = "add a pool under `cluster.nodes:`, or --nodes 6 on the command line"
        raise InputError("the cluster has no worker nodes", file=file, key="cluster.nodes", fix=fix)
    objects = [obj for manifest, obj in pairs if manifest.kind != "Node"]
    for override in scenario.overrides:
        objects = _override(override, objects, file)
    return Loaded(scenario, (*nodes, *objects), read.warnings, name)


def _override(override: Override, objects: list[Object], file: str) -> list[Object]:
    target = (override.kind, override.namespace, override.name)
    found = False
    result: list[Object] = []
    for obj in objects:
        if (obj.kind, obj.meta.namespace, obj.meta.name) == target:
            found = True
            if override.replicas is not None:
                if not isinstance(obj, Workload) or not hasattr(obj.spec, "replicas"):
                    raise InputError(f"{override.kind} has no replicas", file=file, key="overrides")
                obj = replace(obj, spec=obj.spec.model_copy(update={"replicas": override.replicas}))
        result.append(obj)
    if not found:
        names = [f"{obj.kind}/{obj.meta.name}" for obj in objects]
        hint = nearest(f"{override.kind}/{override.name}", names)
        raise InputError(
            f"no {override.kind} {override.namespace}/{override.name} among the manifests",
            file=file,
            key="overrides",
            fix=hint,
        )
    return result
