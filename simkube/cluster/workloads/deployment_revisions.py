"""A Deployment's ReplicaSets as revisions of its template: which is the new one, and what it is made like (behaviour
4.2) [pkg/controller/deployment/sync.go `getNewReplicaSet`, util/deployment_util.go]."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from msgspec.structs import replace

from simkube.cluster.workloads.pods import owned_by
from simkube.cluster.workloads.revisions import template_data, template_hash
from simkube.cluster.workloads.rollout import DESIRED_REPLICAS, MAX_REPLICAS, by_age, max_surge, number
from simkube.kube.objects import Meta, Workload
from simkube.kube.selector import LabelSelector
from simkube.kube.template import Template
from simkube.kube.workloads import DeploymentSpec, ReplicaSetSpec

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
MAX_HISTORY = 2000  # characters
MAX_NAME = 253  # of a DNS subdomain

_OWN_ANNOTATIONS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    REVISION,
    REVISION_HISTORY,
    DESIRED_REPLICAS,
    MAX_REPLICAS,
)


class TemplateHashes:
    """Hashes of templates, each worked out once. The same hash means the same template: Kubernetes compares contents,
    and counts collisions of its hash, which are too rare to matter."""

    def __init__(self) -> None:
        self._hashes: dict[Template, str] = {}

    def of(self, template: Template) -> str:
        """The template's hash, its label pod-template-hash aside [`EqualIgnoreHash`]."""
        found = self._hashes.get(template)
        if found is None:
            labels = {name: value for name, value in template.labels.items() if name != HASH_LABEL}
            plain = Template(template.spec, labels, template.annotations)
            found = self._hashes[template] = template_hash(template_data(plain))
        return found

    def find_new(self, deployment: Workload, replicasets: Sequence[Workload]) -> Workload | None:
        """The oldest ReplicaSet with the Deployment's template [`FindNewReplicaSet`]."""
        wanted = self.of(deployment.template)
        same = [replicaset for replicaset in replicasets if self.of(replicaset.template) == wanted]
        return by_age(same)[0] if len(same) > 1 else same[0] if same else None


def new_replicaset(deployment: Workload, template_hash: str, replicas: int, revision: int) -> Workload:
    """The ReplicaSet to create for the Deployment's template."""
    spec: DeploymentSpec = deployment.spec
    template = deployment.template
    labels = MappingProxyType({**template.labels, HASH_LABEL: template_hash})
    selector = spec.selector or LabelSelector()
    pods = spec.template
    return Workload(
        kind="ReplicaSet",
        meta=Meta(
            name=f"{deployment.meta.name[: MAX_NAME - 1 - len(template_hash)]}-{template_hash}",
            namespace=deployment.meta.namespace,
            labels=labels,
            annotations={**_annotations(deployment, {}, revision), **replicas_annotations(spec)},
            owners=owned_by(deployment),
        ),
        spec=ReplicaSetSpec(
            replicas=replicas,
            min_ready_seconds=spec.min_ready_seconds,
            selector=selector.model_copy(
                update={"match_labels": {**selector.match_labels, HASH_LABEL: template_hash}}
            ),
            template=pods.model_copy(
                update={"metadata": pods.metadata.model_copy(update={"labels": dict(labels)})}
            ),
        ),
        template=Template(template.spec, labels, template.annotations),
    )


def with_revision(deployment: Workload, replicaset: Workload, revision: int) -> Workload:
    """The new ReplicaSet with the Deployment's annotations and minReadySeconds, and at least this revision; the same
    object if nothing changes [`SetNewReplicaSetAnnotations`]."""
    annotations = _annotations(deployment, replicaset.meta.annotations, revision)
    delay = deployment.spec.min_ready_seconds
    if annotations is not replicaset.meta.annotations:
        replicaset = replace(replicaset, meta=replace(replicaset.meta, annotations=annotations))
    if delay != replicaset.spec.min_ready_seconds:
        generation = replicaset.meta.generation + 1
        replicaset = replace(
            replicaset,
            spec=replicaset.spec.model_copy(update={"min_ready_seconds": delay}),
            meta=replace(replicaset.meta, generation=generation),
        )
    return replicaset


def resized(deployment: Workload, replicaset: Workload, replicas: int) -> Workload:
    """The ReplicaSet with another size, and the Deployment's sizes noted in it; the same object if nothing changes."""
    noted = replicas_annotations(deployment.spec)
    meta = replicaset.meta
    if any(meta.annotations.get(name) != value for name, value in noted.items()):
        meta = replace(meta, annotations={**meta.annotations, **noted})
    if replicas == replicaset.spec.replicas:
        return replicaset if meta is replicaset.meta else replace(replicaset, meta=meta)
    spec = replicaset.spec.model_copy(update={"replicas": replicas})
    return replace(replicaset, spec=spec, meta=replace(meta, generation=meta.generation + 1))


def replicas_annotations(spec: DeploymentSpec) -> dict[str, str]:
    """The sizes that a ReplicaSet remembers, to tell a scaling from a rollout."""
    return {DESIRED_REPLICAS: str(spec.replicas), MAX_REPLICAS: str(spec.replicas + max_surge(spec))}


def last_revision(replicasets: Sequence[Workload]) -> int:
    """The highest revision among them; 0 if there is none."""
    return max([number(replicaset, REVISION) or 0 for replicaset in replicasets], default=0)


def _annotations(deployment: Workload, before: Mapping[str, str], revision: int) -> Mapping[str, str]:
    """What a ReplicaSet of this revision has; `before` itself if it has that already."""
    added = {
        name: value
        for name, value in deployment.meta.annotations.items()
        if before.get(name) != value and name not in _OWN_ANNOTATIONS
    }
    previous = before.get(REVISION, "")
    if (not previous or previous.isdigit()) and int(previous or 0) < revision:
        added[REVISION] = str(revision)
        if previous:  # rolled back to
            added[REVISION_HISTORY] = _history(before.get(REVISION_HISTORY, ""), previous)
    return {**before, **added} if added else before


def _history(history: str, revision: str) -> str:
    """Earlier revisions of a ReplicaSet, the oldest dropped where they become too many."""
    revisions = [*history.split(","), revision] if history else [revision]
    while len(",".join(revisions)) > MAX_HISTORY:
        del revisions[0]
    return ",".join(revisions)
