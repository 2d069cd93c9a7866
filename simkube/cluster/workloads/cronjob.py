"""CronJob controller: makes a Job whenever the schedule falls due; between two times it costs nothing.

[pkg/controller/cronjob/cronjob_controllerv2.go, utils.go]. Times in `status` are seconds of virtual time.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from msgspec.structs import replace

from simkube.clock import Clock
from simkube.cluster.api import Client
from simkube.cluster.controller import Controller
from simkube.cluster.errors import AlreadyExists, ApiError, NotFound
from simkube.cluster.store import Change, Did
from simkube.cluster.workloads.job_status import finished
from simkube.cluster.workloads.schedule import Schedule, most_recent, parse_schedule, rfc3339
from simkube.kube.build import template_of
from simkube.kube.errors import BadValue
from simkube.kube.objects import Key, Meta, OwnerReference, Resource, Workload
from simkube.kube.template import Template
from simkube.kube.workloads import CronJobSpec

KIND = "CronJob"
PADDING = 0.1  # seconds after its time a Job is made [`nextScheduleDelta`]
MANY = 100  # missed start times of which an event warns
TIMESTAMP = "batch.kubernetes.io/cronjob-scheduled-timestamp"


class _Plan(NamedTuple):
    """What is known of a CronJob's spec: its schedule (None: it is not one) and the template of its Jobs' pods."""

    spec: CronJobSpec
    schedule: Schedule | None
    template: Template


class CronJobController(Controller):
    """`cronjob-controller`. Keys are those of CronJobs. `epoch`: Unix time of second 0 of the run."""

    def __init__(self, clock: Clock, client: Client, epoch: float) -> None:
        super().__init__(clock, client)
        self._epoch = epoch
        self._plans: dict[Key, _Plan] = {}
        client.watch(KIND, self._changed, Did.ADDED | Did.REMOVED | Did.SPEC | Did.META | Did.TERMINATING)
        client.watch("Job", self._job_changed, Did.ADDED | Did.REMOVED | Did.STATUS)
        self._look_at_everything()

    def start(self) -> None:
        super().start()
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        for key in self.client.table(KIND):
            self.enqueue(key)

    def _changed(self, change: Change) -> None:
        self.enqueue(change.object.key)

    def _job_changed(self, change: Change) -> None:
        job: Workload = change.object
        owner = job.meta.controller
        if owner is None or owner.kind != KIND:
            return
        if change.old is None or change.new is None or finished(job) != finished(change.old):
            self.enqueue((job.meta.namespace, owner.name))

    # -- a sync -------------------------------------------------------------------------------------------------

    def reconcile(self, key: Hashable) -> None:
        namespace, name = place = cast(Key, key)
        cronjob: Resource | None = self.client.get(KIND, name, namespace)
        if cronjob is None:
            self._plans.pop(place, None)
            return
        jobs = [job for job in self.client.owned_by(cronjob.meta.uid).values() if job.kind == "Job"]
        status = dict(cronjob.status)
        self._clean(cronjob, jobs)
        self._note_jobs(cronjob, jobs, status)
        try:
            if cronjob.meta.deletion_timestamp is None and not cronjob.spec.suspend:
                self._schedule(cronjob, status)
        finally:
            if status != dict(cronjob.status):
                self.client.update(replace(cronjob, status=status))

    def _plan(self, cronjob: Resource) -> _Plan:
        plan = self._plans.get(cronjob.key)
        if plan is None or plan.spec is not cronjob.spec:
            spec: CronJobSpec = cronjob.spec
            schedule: Schedule | None = None
            try:
                schedule = parse_schedule(spec.schedule, spec.time_zone)
            except BadValue as error:
                message = f'unparseable schedule: "{spec.schedule}" : {error.message}'
                self.client.event(cronjob, "Warning", "UnparseableSchedule", message)
            plan = self._plans[cronjob.key] = _Plan(
                spec, schedule, template_of(spec.job_template.spec.template)
            )
        return plan

    def _note_jobs(self, cronjob: Resource, jobs: Sequence[Workload], status: dict[str, Any]) -> None:
        """Take what has ended or vanished out of `status.active`."""
        by_uid = {job.meta.uid: job for job in jobs}
        active = []
        for reference in status.get("active", ()):
            job = by_uid.get(reference["uid"])
            end = finished(job) if job is not None else None
            if job is not None and end is None:
                active.append(reference)
                continue
            self._tell(
                cronjob,
                "MissingJob" if end is None else "SawCompletedJob",
                f"Active job went missing: {reference['name']}"
                if end is None
                else f"Saw completed job: {reference['name']}, condition: {end.type}",
            )
        if active or "active" in status:
            status["active"] = tuple(active)
        done = [job.status.completion_time for job in jobs if job.status.completion_time is not None]
        if done:
            status["lastSuccessfulTime"] = max(*done, status.get("lastSuccessfulTime", done[0]))

    def _clean(self, cronjob: Resource, jobs: Sequence[Workload]) -> None:
        """Delete the oldest ended Jobs beyond the history limits [`cleanupFinishedJobs`]."""
        limits = {
            "Complete": cronjob.spec.successful_jobs_history_limit,
            "Failed": cronjob.spec.failed_jobs_history_limit,
        }
        for type_, limit in limits.items():
            ended = [job for job in jobs if (end := finished(job)) is not None and end.type == type_]
            ended.sort(key=lambda job: (job.status.start_time or 0.0, job.meta.name))
            for job in ended[: max(0, len(ended) - limit)]:
                self._delete(cronjob, job.meta.name)

    def _schedule(self, cronjob: Resource, status: dict[str, Any]) -> None:
        """Make the Job that is due, if one is, and wait for the next time [`syncCronJob`]."""
        plan = self._plan(cronjob)
        if plan.schedule is None:
            return
        now = self._epoch + self.clock.now
        since = self._epoch + status.get("lastScheduleTime", cronjob.meta.created)
        deadline = cronjob.spec.starting_deadline_seconds
        if deadline is not None:
            since = max(since, now - deadline)
        due, missed = most_recent(plan.schedule, since, now)
        if missed > MANY:
            advice = "Set or decrease .spec.startingDeadlineSeconds or check clock skew"
            self._tell(cronjob, "TooManyMissedTimes", f"too many missed start times. {advice}", "Warning")
        if due is not None:
            self._start(cronjob, plan, due, status)
        following = plan.schedule(now if due is None else due)
        if following is not None:
            self.enqueue_at(cronjob.key, max(now, following) + PADDING - self._epoch)

    def _start(self, cronjob: Resource, plan: _Plan, due: float, status: dict[str, Any]) -> None:
        active: Sequence[Mapping[str, str]] = status.get("active", ())
        name = f"{cronjob.meta.name}-{int(due) // 60}"
        if any(reference["name"] == name for reference in active):
            return
        if active and cronjob.spec.concurrency_policy == "Forbid":
            message = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self._tell(cronjob, "JobAlreadyActive", message)
            return
        if cronjob.spec.concurrency_policy == "Replace":
            for reference in active:
                self._delete(cronjob, reference["name"])
            status["active"] = active = ()
        try:
            job = self.client.create(self._job(cronjob, plan, name, due))
        except AlreadyExists:
            job = self.client.read("Job", name, cronjob.meta.namespace)
            if job.meta.controller is None or job.meta.controller.uid != cronjob.meta.uid:
                return
        except ApiError as error:
            self._tell(cronjob, "FailedCreate", f"Error creating job: {error.message}", "Warning")
            raise
        else:
            self._tell(cronjob, "SuccessfulCreate", f"Created job {name}")
        status["active"] = (*active, {"name": name, "namespace": cronjob.meta.namespace, "uid": job.meta.uid})
        status["lastScheduleTime"] = due - self._epoch

    def _job(self, cronjob: Resource, plan: _Plan, name: str, due: float) -> Workload:
        metadata = plan.spec.job_template.metadata
        owner = OwnerReference(KIND, cronjob.meta.name, cronjob.meta.uid, cronjob.api_version)
        meta = Meta(
            name,
            cronjob.meta.namespace,
            labels=metadata.labels,
            annotations={**metadata.annotations, TIMESTAMP: rfc3339(due, plan.spec.time_zone)},
            owners=(owner,),
        )
        spec = plan.spec.job_template.spec
        return Workload(api_version="batch/v1", kind="Job", meta=meta, spec=spec, template=plan.template)

    def _delete(self, cronjob: Resource, name: str) -> None:
        try:
            self.client.delete("Job", name, cronjob.meta.namespace)
        except NotFound:
            return
        self._tell(cronjob, "SuccessfulDelete", f"Deleted job {name}")

    def _tell(self, cronjob: Resource, reason: str, message: str, type_: str = "Normal") -> None:
        self.client.event(cronjob, type_, reason, message)
