"""What to look out for before a plan is carried out."""

from collections.abc import Iterator

from simkube.kube.objects import Workload
from simkube.maintenance.health import name_of
from simkube.maintenance.surge_pods import SCALED
from simkube.strategies.site import Site

# Labels and annotations by which GitOps tools mark what they manage [Argo CD: docs, Resource Tracking; Flux: docs,
# Kustomization and HelmRelease, labels of managed objects].
GITOPS = {
    "argocd.argoproj.io/instance": "Argo CD",
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
}


def warnings(site: Site, scales: bool) -> tuple[str, ...]:
    """In a stable order; `scales`: the plan scales workloads up and down (surgePods)."""
    found = [*_nodes(site)]
    if scales:
        found += _scaled_by_others(site)
    return tuple(found)


def _nodes(site: Site) -> Iterator[str]:
    if not site.workers:
        yield "no worker needs this maintenance: the plan does nothing with workers"
    for name in (*site.control_plane, *site.workers):
        node = site.nodes[name]
        if not node.is_ready:
            yield f"node {name} is not Ready: nobody confirms that its pods have ended, so a drain may wait for ever"
        elif node.unschedulable:
            yield f"node {name} is cordoned already, and will be uncordoned at the end unless it is removed"


def _scaled_by_others(site: Site) -> Iterator[str]:
    autoscalers = {}
    for (namespace, name), autoscaler in site.view.table("HorizontalPodAutoscaler").items():
        target = autoscaler.spec.scale_target_ref
        autoscalers[target.kind, namespace, target.name] = f"HorizontalPodAutoscaler {namespace}/{name}"
    for kind in SCALED:
        for workload in site.view.table(kind).values():
            if workload.meta.controller is not None:
                continue
            other = autoscalers.get((kind, *workload.key))
            if other is not None:
                fix = "pause it, or set its scaleDown policy to Disabled, meanwhile"
                yield f"{name_of(workload)}: {other} may undo the scaling of surgePods; {fix}"
            for tool in _gitops(workload):
                fix = "suspend the sync, or let it ignore spec.replicas, meanwhile"
                yield f"{name_of(workload)}: {tool} manages it and may undo the scaling of surgePods; {fix}"


def _gitops(workload: Workload) -> list[str]:
    marks = {**workload.meta.labels, **workload.meta.annotations}
    return sorted({tool for mark, tool in GITOPS.items() if mark in marks})
