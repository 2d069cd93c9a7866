"""What the API server refuses of a spec although each field is well formed [pkg/apis/{core,apps,batch}/validation]."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from simkube.kube.errors import KeyPath, shown
from simkube.kube.invalid import Problem, first_problem
from simkube.kube.meta import ObjectMeta
from simkube.kube.pod import PodSpec
from simkube.kube.selector import resolve_int_or_percent
from simkube.kube.storage import PersistentVolumeClaimTemplate
from simkube.kube.workloads import (
    CronJobSpec,
    DaemonSetSpec,
    DeploymentSpec,
    JobSpec,
    PodTemplateSpec,
    ReplicaSetSpec,
    StatefulSetSpec,
)

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def metadata_problems(metadata: ObjectMeta, strict: bool) -> Iterator[Problem]:
    """No name, or (`strict`) one that is no DNS name; paths count from the object."""
    name = metadata.name
    if not name:
        if not metadata.generate_name:
            yield Problem(("metadata", "name"), "the object has no name", "add metadata.name")
    elif strict and (len(name) > 253 or not _NAME.fullmatch(name)):
        allowed = "use lower case letters, digits, - and ."
        yield Problem(("metadata", "name"), f"{shown(name)} is not a name that Kubernetes accepts", allowed)


def spec_problems(spec: Any) -> Iterator[Problem]:
    """Paths count from the spec."""
    if isinstance(spec, PodSpec):
        yield from _pod(spec, ())
    elif isinstance(spec, DeploymentSpec | ReplicaSetSpec | StatefulSetSpec | DaemonSetSpec):
        yield from _workload(spec)
    elif isinstance(spec, JobSpec):
        yield from _job(spec, ())
    elif isinstance(spec, CronJobSpec):
        yield from _job(spec.job_template.spec, ("jobTemplate", "spec"))


def _pod(spec: PodSpec, at: KeyPath) -> Iterator[Problem]:
    if not spec.containers:
        yield Problem((*at, "containers"), "a pod needs at least one container", "add containers")
    names: set[str] = set()
    for field, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for index, container in enumerate(containers):
            place = (*at, field, index)
            if not container.name:
                yield Problem((*place, "name"), "the container has no name", "add name")
            elif container.name in names:
                message = f"a second container is named {shown(container.name)}"
                yield Problem((*place, "name"), message, "give each its own name")
            if not container.image:
                yield Problem((*place, "image"), "the container has no image", "add image")
            names.add(container.name)
    for index, volume in enumerate(spec.volumes):
        if volume.ephemeral is not None:
            yield from _claim_template(
                volume.ephemeral, (*at, "volumes", index, "ephemeral", "volumeClaimTemplate")
            )


def _claim_template(ephemeral: dict[str, Any], at: KeyPath) -> Iterator[Problem]:
    try:
        PersistentVolumeClaimTemplate.model_validate(ephemeral.get("volumeClaimTemplate") or {})
    except ValidationError as error:
        problem = first_problem(error)
        yield problem._replace(path=(*at, *problem.path))


def _template(template: PodTemplateSpec, at: KeyPath, restart_policies: tuple[str, ...]) -> Iterator[Problem]:
    yield from _pod(template.spec, (*at, "template", "spec"))
    policy = template.spec.restart_policy
    if policy not in restart_policies:
        message = f"a pod of this kind cannot have restartPolicy {policy}"
        fix = f"write restartPolicy: {' or '.join(restart_policies)}"
        yield Problem((*at, "template", "spec", "restartPolicy"), message, fix)


def _workload(spec: DeploymentSpec | ReplicaSetSpec | StatefulSetSpec | DaemonSetSpec) -> Iterator[Problem]:
    labels = spec.template.metadata.labels
    if spec.selector is None or spec.selector.compiled.is_everything:
        yield Problem(("selector",), "the selector is missing or empty", "add selector.matchLabels")
    elif not spec.selector.matches(labels):
        message = "the selector does not match the labels of the template"
        yield Problem(("selector",), message, "make template.metadata.labels match it")
    yield from _template(spec.template, (), ("Always",))
    update = spec.strategy.rolling_update if isinstance(spec, DeploymentSpec) else None
    if update and not (_amount(update.max_unavailable) or _amount(update.max_surge)):
        message = "maxUnavailable and maxSurge are both 0: no pod could ever be replaced"
        yield Problem(("strategy", "rollingUpdate"), message, "set one of them to 1")


def _job(spec: JobSpec, at: KeyPath) -> Iterator[Problem]:
    yield from _template(spec.template, at, ("OnFailure", "Never"))


def _amount(value: int | str) -> int:
    return resolve_int_or_percent(value, 100, round_up=True)
