"""The objects of a scenario beside the manifests that they come from, while they are made ready to run."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from simkube.kube.errors import InputError, KeyPath
from simkube.kube.manifests import Manifest
from simkube.kube.objects import Object, Pod, Workload
from simkube.kube.template import Template
from simkube.kube.workloads import CronJobSpec


class Piece(NamedTuple):
    """An object and its manifest."""

    manifest: Manifest
    obj: Object

    def error(self, at: KeyPath, message: str, fix: str = "") -> InputError:
        """The error about a key of the manifest, with file and line."""
        return self.manifest.error(at, message, fix)

    @property
    def place(self) -> str:
        """`shop.yaml:12`."""
        source = self.manifest.source
        return f"{source.file}:{source.line}"

    @property
    def name(self) -> str:
        """`Deployment shop/frontend`; without the namespace where that is "default" or there is none."""
        namespace, name = self.obj.key
        return f"{self.obj.kind} {name if namespace in ('', 'default') else f'{namespace}/{name}'}"


Pieces: TypeAlias = Sequence[Piece]


class Made(NamedTuple):
    """What pods an object makes (or is): their template, where the manifest has its spec, and how many there are."""

    template: Template
    at: KeyPath
    pods: int


def made_by(obj: Object, nodes: int) -> Made | None:
    """The pods of a workload or bare pod at rest; None for what makes none. DaemonSets: one a node."""
    if isinstance(obj, Pod):
        return Made(obj.template, ("spec",), 1)
    if isinstance(obj, Workload):
        return Made(obj.template, ("spec", "template", "spec"), _count(obj, nodes))
    spec = getattr(obj, "spec", None)
    if isinstance(spec, CronJobSpec):
        pod = spec.job_template.spec.template
        template = Template(pod.spec, pod.metadata.labels, pod.metadata.annotations)
        return Made(template, ("spec", "jobTemplate", "spec", "template", "spec"), 0)
    return None


def _count(obj: Workload, nodes: int) -> int:
    spec = obj.spec
    if obj.kind == "DaemonSet":
        return nodes
    if obj.kind == "Job":
        most = spec.parallelism if spec.completions is None else min(spec.parallelism, spec.completions)
        return 0 if spec.suspend else int(most)
    return int(spec.replicas)
