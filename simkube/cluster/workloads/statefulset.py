"""StatefulSet controller: pods with a name and storage of their own, one after the other (behaviour, 4.3)."""

from collections.abc import Hashable, Sequence
from typing import cast
from weakref import WeakKeyDictionary

from msgspec.structs import replace

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.errors import AlreadyExists, ApiError, NotFound
from simkube.cluster.store import Change, Did
from simkube.cluster.workloads.pods import new_pod, owned_by
from simkube.cluster.workloads.revisions import REVISION_LABEL, Revisions
from simkube.cluster.workloads.roster import Decision, Roster, revision_of
from simkube.cluster.workloads.set_claims import are_stale, keep_policy, make_claims, with_claims
from simkube.kube.objects import Key, Pod, Workload
from simkube.kube.template import Template
from simkube.timings import Timings

KIND = "StatefulSet"
STALE_CLAIM_RETRY = 1.0  # seconds; Kubernetes waits for the set's next event, which is not far


class StatefulSetController(Controller):
    """`statefulset-controller`. Keys are those of the sets."""

    def __init__(self, clock: Clock, client: Client, timings: Timings) -> None:
        super().__init__(clock, client)
        self._minor = timings.version.minor
        self._revisions = Revisions(client)
        self._rosters: dict[Key, tuple[str, Roster]] = {}  # with the set's UID
        self._dirty: dict[Key, dict[int, None]] = {}  # ordinals that changed since
        self._templates: WeakKeyDictionary[Template, dict[int, Template]] = WeakKeyDictionary()
        client.watch(KIND, self._set_changed, Did.ADDED | Did.REMOVED | Did.SPEC | Did.META | Did.TERMINATING)
        interest = Did.ADDED | Did.REMOVED | Did.META | Did.TERMINATING | Did.READY | Did.PHASE
        client.watch("Pod", self._pod_changed, interest, owner=KIND)
        self._look_at_everything()

    def stop(self) -> None:
        super().stop()
        self._rosters.clear()
        self._dirty.clear()

    def start(self) -> None:
        super().start()
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        for key in self.client.table(KIND):
            self.enqueue(key)

    # -- what happened ------------------------------------------------------------------------------------------

    def _set_changed(self, change: Change) -> None:
        self.enqueue(change.object.key)

    def _pod_changed(self, change: Change) -> None:
        pod: Pod = change.object
        owner = pod.meta.controller
        if owner is not None and owner.kind == KIND:
            self._mark(pod, owner.name)
        elif owner is None and change.new is not None and change.did & (Did.ADDED | Did.META):
            self._mark(pod, pod.meta.name.rpartition("-")[0])
        if change.old is not None and change.old.meta.owners != pod.meta.owners:
            before = change.old.meta.controller
            if before is not None and before.kind == KIND:
                self._mark(pod, before.name)

    def _mark(self, pod: Pod, set_name: str) -> None:
        key = (pod.meta.namespace, set_name)
        ordinal = ordinal_of(pod, set_name)
        if ordinal is not None and self.client.get(KIND, set_name, key[0]) is not None:
            self._dirty.setdefault(key, {})[ordinal] = None
            self.enqueue(key)

    # -- reconciling --------------------------------------------------------------------------------------------

    def reconcile(self, key: Hashable) -> None:
        namespace, name = cast(Key, key)
        owner: Workload | None = self.client.get(KIND, name, namespace)
        if owner is None:
            self._forget((namespace, name))
            return
        roster = self._roster(owner)
        try:
            if owner.meta.deletion_timestamp is None:
                self._act(owner, roster, roster.decide())
        finally:
            self._report(owner, roster)
            if roster.due:
                self.enqueue_at(owner.key, min(roster.due.values()))

    def _forget(self, key: Key) -> None:
        uid, _ = self._rosters.pop(key, ("", None))
        self._revisions.forget(uid)
        self._dirty.pop(key, None)

    def _roster(self, owner: Workload) -> Roster:
        """The set's pods as they are now; built anew when the set changed."""
        now = self.clock.now
        uid, roster = self._rosters.get(owner.key, ("", None))
        dirty = self._dirty.pop(owner.key, {})
        for ordinal in dirty:
            self._adopt(owner, ordinal)
        shown_first, shown_last = self._shown(owner) if roster is None else ("", "")
        update = self._revisions.of(owner, shown_last)
        current = owner.status.current_revision or shown_first or update
        if (
            roster is None
            or uid != owner.meta.uid
            or roster.spec is not owner.spec
            or (roster.current, roster.update) != (current, update)
        ):
            roster = Roster(owner.spec, current, update, self._minor)
            self._rosters[owner.key] = (owner.meta.uid, roster)
            for pod in _members(self.client, owner):
                roster.note(_ordinal(pod, owner), pod, now)
            self._keep_claims(owner, roster)
        else:
            due = (ordinal for ordinal, since in roster.due.items() if since <= now)
            for ordinal in (*dirty, *due):
                roster.note(ordinal, self._member(owner, ordinal), now)
        return roster

    def _shown(self, owner: Workload) -> tuple[str, str]:
        """The revisions that the lowest and the highest pod say they are of; "" without pods."""
        pods = sorted(_members(self.client, owner), key=lambda pod: _ordinal(pod, owner))
        return (revision_of(pods[0]), revision_of(pods[-1])) if pods else ("", "")

    def _member(self, owner: Workload, ordinal: int) -> Pod | None:
        pod: Pod | None = self.client.get("Pod", f"{owner.meta.name}-{ordinal}", owner.meta.namespace)
        controller = pod.meta.controller if pod is not None else None
        return pod if controller is not None and controller.uid == owner.meta.uid else None

    def _adopt(self, owner: Workload, ordinal: int) -> None:
        """A pod without controller that has the name and labels of one of the set's becomes one [`ClaimPods`]."""
        pod: Pod | None = self.client.get("Pod", f"{owner.meta.name}-{ordinal}", owner.meta.namespace)
        if pod is None or pod.meta.controller is not None or pod.is_terminating:
            return
        selector = owner.spec.selector
        if (
            selector is not None
            and selector.matches(pod.meta.labels)
            and owner.meta.deletion_timestamp is None
        ):
            meta = replace(pod.meta, owners=(*pod.meta.owners, *owned_by(owner)))
            self.client.update(replace(pod, meta=meta))

    # -- acting -------------------------------------------------------------------------------------------------

    def _act(self, owner: Workload, roster: Roster, decision: Decision) -> None:
        for ordinal, revision in decision.create:
            if are_stale(self.client, owner, ordinal):
                self.enqueue_after(owner.key, STALE_CLAIM_RETRY)
                return
            self._create(owner, ordinal, revision)
        for ordinal in decision.claims:
            make_claims(self.client, owner, ordinal)
        for pod in decision.delete:
            self._delete(owner, pod)

    def _create(self, owner: Workload, ordinal: int, revision: str) -> None:
        name = f"{owner.meta.name}-{ordinal}"
        try:
            make_claims(self.client, owner, ordinal)
            self.client.create(self._pod(owner, ordinal, revision))
        except ApiError as error:
            if not isinstance(error, AlreadyExists):
                self._tell(owner, name, "create", error)
            raise
        keep_policy(self.client, owner, ordinal, scaled_down=False)
        self._tell(owner, name, "create")

    def _pod(self, owner: Workload, ordinal: int, revision: str) -> Pod:
        template = self._revisions.template(owner, revision)
        name = f"{owner.meta.name}-{ordinal}"
        if owner.spec.volume_claim_templates:
            variants = self._templates.setdefault(template, {})
            if ordinal not in variants:
                variants[ordinal] = with_claims(template, owner, ordinal)
            template = variants[ordinal]
        labels = {
            **template.labels,
            "statefulset.kubernetes.io/pod-name": name,
            "apps.kubernetes.io/pod-index": str(ordinal),
            REVISION_LABEL: revision,
        }
        return new_pod(owner, template, name, labels)

    def _delete(self, owner: Workload, pod: Pod) -> None:
        try:
            self.client.delete("Pod", pod.meta.name, pod.meta.namespace)
        except NotFound:
            pass
        except ApiError as error:
            self._tell(owner, pod.meta.name, "delete", error)
            raise
        self._tell(owner, pod.meta.name, "delete")

    def _tell(self, owner: Workload, pod: str, verb: str, error: ApiError | None = None) -> None:
        said = verb.title() if self._minor >= 35 else verb
        what = f"{said} Pod {pod} in StatefulSet {owner.meta.name}"
        if error is None:
            self.client.event(owner, "Normal", f"Successful{verb.title()}", f"{what} successful")
        else:
            self.client.event(
                owner, "Warning", f"Failed{verb.title()}", f"{what} failed error: {error.message}"
            )

    def _keep_claims(self, owner: Workload, roster: Roster) -> None:
        if owner.spec.volume_claim_templates and owner.meta.deletion_timestamp is None:
            for ordinal in roster.pods:
                keep_policy(self.client, owner, ordinal, scaled_down=ordinal not in roster.ordinals)

    # -- reporting ----------------------------------------------------------------------------------------------

    def _report(self, owner: Workload, roster: Roster) -> None:
        current: Workload | None = self.client.get(KIND, owner.meta.name, owner.meta.namespace)
        if current is None or current.meta.uid != owner.meta.uid:
            return
        status = roster.status(owner.meta.generation)
        if status == current.status:
            return
        self.client.update(replace(current, status=status))
        if status.current_revision != roster.current:
            roster.current = status.current_revision
            live = {roster.current, roster.update, *map(revision_of, roster.pods.values())}
            self._revisions.truncate(owner, live)


def ordinal_of(pod: Pod, set_name: str) -> int | None:
    """The ordinal in the pod's name, None if it is not named as one of this set's."""
    parent, _, number = pod.meta.name.rpartition("-")
    return int(number) if parent == set_name and number.isascii() and number.isdigit() else None


def _ordinal(pod: Pod, owner: Workload) -> int:
    ordinal = ordinal_of(pod, owner.meta.name)
    return -1 if ordinal is None else ordinal


def _members(client: Client, owner: Workload) -> Sequence[Pod]:
    """The set's pods, out of all that it owns."""
    owned = client.owned_by(owner.meta.uid).values()
    return [obj for obj in owned if isinstance(obj, Pod) and _ordinal(obj, owner) >= 0]
