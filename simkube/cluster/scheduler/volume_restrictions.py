"""VolumeRestrictions: a claim with access mode ReadWriteOncePod serves one pod at a time."""

from simkube.cluster.scheduler.claims import CLAIM, nowhere
from simkube.cluster.scheduler.nodes import Bools, Window
from simkube.cluster.scheduler.plugin import Ask, Event, Filter, Happening, Plugin, Rejected
from simkube.cluster.scheduler.state import State
from simkube.cluster.scheduler.tallies import LabelClass, Mark
from simkube.kube.objects import Key, Pod
from simkube.kube.template import Template
from simkube.timings import Timings

ONCE = "ReadWriteOncePod"


class VolumeRestrictions(Plugin):
    """[plugins/volumerestrictions/volume_restrictions.go]. Disks that the pod itself names (gcePersistentDisk ...) are
    not compared."""

    name = "VolumeRestrictions"
    wakes_on = Happening.NODE_ADDED | Happening.POD_REMOVED | Happening.CLAIM

    def __init__(self, state: State, timings: Timings) -> None:
        super().__init__(state, timings)
        self._users: dict[Key, int] = {}  # claim -> assigned pods that use it

    def filter_claims(self, ask: Ask, pod: Pod) -> Filter | None:
        namespace = pod.meta.namespace
        once: list[Key] = []
        for name in ask.template.claims:
            claim = self.state.client.get(CLAIM, name, namespace)
            if claim is None:
                raise Rejected(self.name, f'persistentvolumeclaim "{name}" not found')
            if ONCE in claim.spec.access_modes:
                once.append((namespace, name))
        return _Unused(self.state, once, self._users) if once else None

    def mark(self, template: Template, label_class: LabelClass) -> Mark | None:
        claims = [(label_class.namespace, name) for name in template.claims]
        if not claims:
            return None

        def count(_: int, pods: int) -> None:
            for claim in claims:
                self._users[claim] = self._users.get(claim, 0) + pods

        return count

    def wakes(self, event: Event, ask: Ask, pod: Pod) -> bool:
        if event.what is Happening.NODE_ADDED:
            return True
        if event.what is Happening.CLAIM:
            claim = event.new
            return event.old is None and claim.key in {
                (pod.meta.namespace, name) for name in ask.template.claims
            }
        gone = event.old
        same = set(gone.template.claims) & set(ask.template.claims)
        return gone.meta.namespace == pod.meta.namespace and bool(same)


class _Unused(Filter):
    plugin = VolumeRestrictions.name
    reason = (
        "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by "
        "another pod"
    )
    resolvable = True

    def __init__(self, state: State, claims: list[Key], users: dict[Key, int]) -> None:
        self._state = state
        self._claims = claims
        self._users = users

    def passes(self, window: Window) -> Bools | None:
        used = any(self._users.get(claim, 0) for claim in self._claims)
        return nowhere(self._state.nodes, window) if used else None
