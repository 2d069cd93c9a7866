"""ControllerRevisions: the templates that a StatefulSet or DaemonSet has had, kept as objects of the API.

Pods carry the name of their revision in the label controller-revision-hash; a revision's object holds the template, so
that a StatefulSet can recreate a pod of an older one [pkg/controller/history/controller_history.go].
"""

import json
from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace

from simkube.cluster.api import Client
from simkube.cluster.workloads.pods import owned_by
from simkube.kube.content import spec_content
from simkube.kube.objects import Meta, Other, Workload
from simkube.kube.template import Template
from simkube.kube.workloads import PodTemplateSpec

REVISION_LABEL = "controller-revision-hash"
KIND = "ControllerRevision"
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # [apimachinery pkg/util/rand `SafeEncodeString`]


def template_data(template: Template) -> dict[str, Any]:
    """A template as a ControllerRevision holds it; equal for two templates that make the same pods."""
    metadata = {"labels": dict(template.labels), "annotations": dict(template.annotations)}
    return {
        "metadata": {name: mapping for name, mapping in metadata.items() if mapping},
        "spec": spec_content(template.spec),
    }


def template_hash(data: Mapping[str, Any]) -> str:
    """A short name for the content, of the form (not the value) that Kubernetes gives."""
    digest = blake2b(json.dumps(data, sort_keys=True, default=str).encode(), digest_size=4).digest()
    return "".join(ALPHABET[int(digit)] for digit in str(int.from_bytes(digest, "big")))


class Revisions:
    """The revisions of one controller's workloads, through its client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._names: dict[str, tuple[Template, str]] = {}  # workload's UID -> its template, the name of that
        self._templates: dict[tuple[str, str], Template] = {}  # (workload's UID, name) -> template

    def of(self, owner: Workload, shown: str = "") -> str:
        """The name of the revision of the workload's template; its object is made if there is none.

        `shown`: the name that pods from before (a dump without ControllerRevisions) show for this template.
        """
        known = self._names.get(owner.meta.uid)
        if known is not None and known[0] is owner.template:
            return known[1]
        data = template_data(owner.template)
        history = self.history(owner)
        same = [revision for revision in history if template_data(_kept(revision)) == data]
        if same:
            name = same[-1].meta.name
            if same[-1] is not history[-1]:  # rolled back: the old revision becomes the newest
                number = {"revision": number_of(history[-1]) + 1}
                self._client.update(replace(same[-1], extra={**same[-1].extra, **number}))
        else:
            name = (not history and shown) or f"{owner.meta.name}-{template_hash(data)}"
            self._client.create(_revision(owner, name, data, number_of(history[-1]) + 1 if history else 1))
        self._names[owner.meta.uid] = (owner.template, name)
        self._templates[owner.meta.uid, name] = owner.template
        return name

    def template(self, owner: Workload, name: str) -> Template:
        """The template of a revision; the workload's own if that revision is not kept."""
        template = self._templates.get((owner.meta.uid, name))
        if template is None:
            kept = self._client.get(KIND, name, owner.meta.namespace)
            template = owner.template if kept is None else _kept(kept)
            self._templates[owner.meta.uid, name] = template
        return template

    def history(self, owner: Workload) -> list[Other]:
        """The workload's revisions, oldest first."""
        owned = self._client.owned_by(owner.meta.uid).values()
        return sorted((obj for obj in owned if obj.kind == KIND), key=number_of)

    def truncate(self, owner: Workload, live: Collection[str]) -> None:
        """Delete the oldest revisions beyond `revisionHistoryLimit` that are not `live`."""
        dead = [revision for revision in self.history(owner) if revision.meta.name not in live]
        for revision in dead[: max(0, len(dead) - owner.spec.revision_history_limit)]:
            self._client.delete(KIND, revision.meta.name, owner.meta.namespace)
            self._templates.pop((owner.meta.uid, revision.meta.name), None)

    def forget(self, uid: str) -> None:
        """The workload is gone."""
        self._names.pop(uid, None)
        for key in [key for key in self._templates if key[0] == uid]:
            del self._templates[key]


def number_of(revision: Other) -> int:
    """`revision`: larger is newer."""
    return int(revision.extra.get("revision", 0))


def _kept(revision: Other) -> Template:
    """The template that a revision holds."""
    template: dict[str, Any] = (revision.extra.get("data") or {}).get("spec", {}).get("template", {})
    spec = PodTemplateSpec.model_validate({k: v for k, v in template.items() if k != "$patch"})
    return Template(spec.spec, spec.metadata.labels, spec.metadata.annotations)


def _revision(owner: Workload, name: str, data: Mapping[str, Any], number: int) -> Other:
    return Other(
        api_version="apps/v1",
        kind=KIND,
        meta=Meta(name, owner.meta.namespace, labels=owner.template.labels, owners=owned_by(owner)),
        extra={"revision": number, "data": {"spec": {"template": data}}},
    )
