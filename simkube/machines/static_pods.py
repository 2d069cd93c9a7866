"""Static pods (behaviour 8.7): what a kubelet runs from its manifest folder, and the mirrors it shows to the API."""

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from simkube.cluster.errors import ApiError
from simkube.kube.objects import Meta, OwnerReference, Pod, PodStatus
from simkube.kube.pod import Toleration
from simkube.kube.template import Template
from simkube.machines.pod_worker import PodWorker
from simkube.machines.recipe import Recipe

if TYPE_CHECKING:
    from simkube.machines.kubelet import Kubelet

MIRROR = "kubernetes.io/config.mirror"
HASH = "kubernetes.io/config.hash"
SOURCE = "kubernetes.io/config.source"


class Manifest(NamedTuple):
    """A file of the manifest folder."""

    name: str
    template: Template
    namespace: str = "kube-system"


def is_mirror(pod: Pod) -> bool:
    """The pod stands for a static one."""
    return MIRROR in pod.meta.annotations


def static_pod(manifest: Manifest, node: str, minor: int) -> Pod:
    """The pod as the kubelet makes it of a manifest. Its UID is a hash of the content and the node; each minor of the
    kubelet hashes another form of it [pkg/kubelet/config/common.go `applyDefaults`]."""
    spec = manifest.template.spec
    content = f"{spec.to_dict()}\x1f{manifest.namespace}/{manifest.name}\x1f{node}\x1f{minor}"
    uid = blake2b(content.encode(), digest_size=16).hexdigest()
    everything = Toleration(operator="Exists", effect="NoExecute")
    tolerant = spec.model_copy(update={"tolerations": (*spec.tolerations, everything)})
    template = Template(tolerant, manifest.template.labels, manifest.template.annotations)
    annotations = {**manifest.template.annotations, HASH: uid, SOURCE: "file"}
    meta = Meta(manifest.name, manifest.namespace, uid, labels=template.labels, annotations=annotations)
    return Pod(meta=meta, template=template, node=node)


class StaticWorker(PodWorker):
    """The work on a static pod: the API is told through its mirror, and has no say in its end."""

    __slots__ = ("manifest",)

    def __init__(self, kubelet: "Kubelet", pod: Pod, recipe: Recipe, manifest: Manifest) -> None:
        super().__init__(kubelet, pod, recipe)
        self.manifest = manifest

    def write(self, status: PodStatus) -> None:
        self.pod = replace(self.pod, status=status)
        mirror = self.kubelet.statics.mirror_of(self.pod)
        if mirror is not None and mirror.meta.annotations.get(MIRROR) == self.uid:
            try:
                self.kubelet.client.update(replace(mirror, status=status))
            except ApiError:
                self.kubelet.statuses.post_later(self)

    def catch_up(self) -> None:
        self.write(self.status())

    def confirm_gone(self) -> None:
        self.kubelet.forget(self)
        self.kubelet.statics.ended(self)


class StaticPods:
    """A kubelet's static pods. The machine keeps the manifests (by "namespace/name"), the kubelet the rest."""

    __slots__ = ("_kubelet", "_running")

    def __init__(self, kubelet: "Kubelet") -> None:
        self._kubelet = kubelet
        self._running: dict[str, StaticWorker] = {}

    # -- the folder ---------------------------------------------------------------------------------------------

    def put(self, manifest: Manifest) -> None:
        """A manifest was written into the folder, or over an old one."""
        name = f"{manifest.namespace}/{manifest.name}"
        self._kubelet.machine.manifests[name] = manifest
        if self._kubelet.running:
            self._look(name)

    def remove(self, name: str) -> None:
        """The manifest of "namespace/name" was taken out of the folder."""
        self._kubelet.machine.manifests.pop(name, None)
        if self._kubelet.running:
            self._look(name)

    def start(self) -> None:
        """The kubelet has started and reads the folder."""
        for name in self._kubelet.machine.manifests:
            self._look(name)

    def _look(self, name: str) -> None:
        """Make what runs follow the folder. A changed pod starts only when the one before has ended entirely; that is
        looked at every 10 to 15 s [pod_workers.go `allowStaticPodStart`]."""
        kubelet = self._kubelet
        manifest = kubelet.machine.manifests.get(name)
        running = self._running.get(name)
        if running is not None:
            if manifest is None or running.manifest is not manifest:
                running.asked_to_stop()
            if manifest is not None and running.manifest is not manifest:
                wait = running.stretched(kubelet.rules.timings.static_pod_requeue)
                kubelet.alarms.at(f"static {name}", kubelet.clock.now + wait, lambda: self._look(name))
            return
        if manifest is not None:
            self._start(name, manifest)

    def _start(self, name: str, manifest: Manifest) -> None:
        kubelet = self._kubelet
        machine = kubelet.machine
        pod = static_pod(manifest, machine.name, kubelet.rules.minor)
        recipe = machine.fleet.recipes.of(pod)
        worker = StaticWorker(kubelet, pod, recipe, manifest)
        self._running[name] = worker
        kubelet.workers[pod.meta.uid] = worker
        kubelet.admitted.count(recipe, 1)
        if kubelet.watching:
            self._mirror(worker)
        sandbox = machine.sandboxes.get(pod.meta.uid)
        if sandbox is not None:
            worker.take_over(sandbox, ready=True)
        else:
            worker.begin(0.0)

    def ended(self, worker: StaticWorker) -> None:
        """A static pod has ended here; its mirror goes with its manifest."""
        name = f"{worker.manifest.namespace}/{worker.manifest.name}"
        if self._running.get(name) is worker:
            del self._running[name]
        if name not in self._kubelet.machine.manifests:
            mirror = self.mirror_of(worker.pod)
            if mirror is not None:
                self._delete(mirror)

    # -- mirrors ------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """The node is known: show its static pods to the API, and take back what is no longer true."""
        kubelet = self._kubelet
        for worker in self._running.values():
            self._mirror(worker)
        names = {
            f"{w.pod.meta.namespace}/{w.pod.meta.name}-{kubelet.machine.name}" for w in self._running.values()
        }
        for pod in list(kubelet.client.pods_on(kubelet.machine.name).values()):
            if is_mirror(pod) and f"{pod.meta.namespace}/{pod.meta.name}" not in names:
                self._delete(pod)

    def mirror_changed(self, mirror: Pod) -> None:
        """Somebody deleted a mirror (or marked it): it is made anew; containers are not touched."""
        for worker in self._running.values():
            meta = worker.pod.meta
            if (meta.namespace, f"{meta.name}-{self._kubelet.machine.name}") == mirror.key:
                kubelet = self._kubelet
                kubelet.alarms.at(
                    f"mirror {mirror.meta.name}", kubelet.clock.now + kubelet.latency, self.show
                )

    def mirror_of(self, pod: Pod) -> Pod | None:
        """The mirror of a static pod in the API."""
        name = f"{pod.meta.name}-{self._kubelet.machine.name}"
        found: Pod | None = self._kubelet.client.get("Pod", name, pod.meta.namespace)
        return found

    def _mirror(self, worker: StaticWorker) -> None:
        kubelet, pod = self._kubelet, worker.pod
        mirror = self.mirror_of(pod)
        if mirror is not None:
            if mirror.meta.annotations.get(MIRROR) == pod.meta.uid and not mirror.is_terminating:
                return
            self._delete(mirror)
        node = kubelet.client.get("Node", kubelet.machine.name)
        if node is None:
            return
        meta = replace(
            pod.meta,
            name=f"{pod.meta.name}-{kubelet.machine.name}",
            uid="",
            annotations={**pod.meta.annotations, MIRROR: pod.meta.uid},
            owners=(OwnerReference("Node", node.meta.name, node.meta.uid, "v1", block_owner_deletion=None),),
        )
        try:
            kubelet.client.create(Pod(meta=meta, template=pod.template, node=pod.node, status=pod.status))
        except ApiError:
            kubelet.statuses.post_later(worker)

    def _delete(self, mirror: Pod) -> None:
        meta = mirror.meta
        try:
            self._kubelet.client.delete("Pod", meta.name, meta.namespace, grace=0, uid=meta.uid)
        except ApiError:
            return  # it is gone, or is looked at again with the next list
