"""Objects read, built and rendered; what is missing of what was read; equality of what is modelled."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from simkube.kube.build import Builder
from simkube.kube.content import spec_content
from simkube.kube.errors import KeyPath
from simkube.kube.manifests import Manifest, read_manifests
from simkube.kube.model import KubeModel
from simkube.kube.objects import Meta, Object, Pod, Workload
from simkube.kube.pod import PodSpec
from simkube.kube.render import to_manifest
from simkube.kube.template import Template

EPOCH = 1767225600.0  # 2026-01-01T00:00:00Z

WEB = {"name": "web", "image": "nginx:1.27"}


def a_pod(spec: dict[str, Any] | None = None, **fields: Any) -> Pod:
    template = Template(PodSpec.model_validate(spec or {"containers": [WEB]}))
    return Pod(**{"meta": Meta("web-1", "shop"), "template": template, **fields})


def built(manifest: Manifest) -> Object:
    return Builder().build(manifest)


def read_back(rendered: Any, folder: Path) -> Manifest:
    """The one object of a YAML file with this content, as JSON writes it: PyYAML leaves the text `y` unquoted, which
    means true to kubectl."""
    path = folder / "rendered.yaml"
    path.write_text(json.dumps(rendered), encoding="utf-8")
    (manifest,) = read_manifests([path]).items
    return manifest


def read_object(body: Mapping[str, Any], folder: Path) -> Object:
    """The stored object of a manifest."""
    path = folder / "given.json"
    path.write_text(json.dumps(body), encoding="utf-8")
    (manifest,) = read_manifests([path]).items
    return built(manifest)


def missing(given: Any, rendered: Any, at: KeyPath = ()) -> Iterator[str]:
    """Paths of what was given and is not rendered as it was. null is the same as absent, and so is what is empty in
    metadata."""
    if isinstance(given, dict) and isinstance(rendered, dict):
        for name, value in given.items():
            if value is not None and (value or at[:1] != ("metadata",) or name in rendered):
                yield from missing(value, rendered.get(name), (*at, name))
    elif isinstance(given, list) and isinstance(rendered, list) and len(given) == len(rendered):
        for index, (before, after) in enumerate(zip(given, rendered, strict=True)):
            yield from missing(before, after, (*at, index))
    elif type(given) is not type(rendered) or given != rendered:
        yield f"{at}: {given!r} became {rendered!r}"


def is_plain(value: Any) -> bool:
    """Nothing but what JSON has, in dicts and lists of the very types that YAML's safe dumper takes."""
    if type(value) is dict:
        return all(type(name) is str and is_plain(item) for name, item in value.items())
    if type(value) is list:
        return all(map(is_plain, value))
    return value is None or type(value) in (str, int, float, bool)


def modelled(value: Any) -> Any:
    """A model's attributes, all the way down, whether given or default; of pod specs also what is carried."""
    if isinstance(value, PodSpec):
        return spec_content(value)
    if isinstance(value, KubeModel):
        return {name: modelled(getattr(value, name)) for name in type(value).model_fields}
    return [modelled(item) for item in value] if isinstance(value, tuple) else value


def with_requests(content: dict[str, Any]) -> dict[str, Any]:
    """A pod's spec content in which limits are requests where there are none, as the API server writes it into pods."""
    for container in (*content.get("initContainers", ()), *content["containers"]):
        resources = container.setdefault("resources", {})
        resources["requests"] = {**resources.get("limits", {}), **resources.get("requests", {})}
    return content


def said(obj: Object) -> Any:
    """What must be equal of an object that was rendered and read again."""
    spec = getattr(obj, "spec", None)
    template = obj.template if isinstance(obj, Pod | Workload) else None
    return (
        (obj.api_version, obj.kind, obj.meta),
        with_requests(spec_content(obj.template.spec)) if isinstance(obj, Pod) else modelled(spec),
        (template.labels, template.annotations, template.requests) if template else None,
        getattr(obj, "node", ""),
        getattr(obj, "pinned", ""),
        obj.extra,
    )


def assert_comes_out_again(manifest: Manifest, folder: Path) -> dict[str, Any]:
    """Everything that was read is rendered, and reading that again gives the same object; returns what is rendered."""
    obj = built(manifest)
    rendered = to_manifest(obj, EPOCH)
    assert is_plain(rendered)
    given = {**manifest.body, "apiVersion": manifest.api_version}
    assert list(missing(given, rendered)) == []
    again = built(read_back(rendered, folder))
    assert said(again) == said(obj)
    assert to_manifest(again, EPOCH) == rendered
    return rendered
