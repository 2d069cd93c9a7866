"""The control plane's processes: admission in the API, the controller-manager's controllers, the scheduler.

Every controller has a client of its own with the rate limit of its process, as kube-controller-manager gives each of
its controllers one [cmd/kube-controller-manager, `--kube-api-qps` 20, `--kube-api-burst` 30].
"""

from collections.abc import Callable
from functools import partial

from simkube.clock import Clock
from simkube.cluster.admission import admission
from simkube.cluster.api import Api, Client
from simkube.cluster.controller import Controller
from simkube.cluster.cronjob import CronJobController
from simkube.cluster.daemonset import DaemonSetController
from simkube.cluster.deployment import DeploymentController
from simkube.cluster.disruption import DisruptionController
from simkube.cluster.endpoints import EndpointsController
from simkube.cluster.garbage import GarbageCollector
from simkube.cluster.job import JobController
from simkube.cluster.node_lifecycle import NodeLifecycle
from simkube.cluster.podgc import PodGC
from simkube.cluster.replicaset import ReplicaSetController
from simkube.cluster.scheduler import Scheduler
from simkube.cluster.statefulset import StatefulSetController
from simkube.cluster.taint_eviction import TaintEviction
from simkube.cluster.volumes import AttachDetach, VolumeBinder
from simkube.randoms import Randoms
from simkube.timings import Timings


class ControlPlane:
    """All of it, running."""

    def __init__(self, clock: Clock, api: Api, timings: Timings, randoms: Randoms) -> None:
        admission(api, timings)
        manager = partial(api.client, qps=timings.controller_manager_client_qps, burst=timings.controller_manager_client_burst)
        makers: dict[str, Callable[[Client], Controller]] = {
            "deployment-controller": lambda c: DeploymentController(clock, c, timings),
            "replicaset-controller": lambda c: ReplicaSetController(clock, c, timings),
            "statefulset-controller": lambda c: StatefulSetController(clock, c, timings),
            "daemonset-controller": lambda c: DaemonSetController(clock, c, timings, randoms.stream("daemonset")),
            "job-controller": lambda c: JobController(clock, c, timings),
            "cronjob-controller": lambda c: CronJobController(clock, c, timings),
            "disruption-controller": lambda c: DisruptionController(clock, c, timings),
            "endpointslice-controller": lambda c: EndpointsController(clock, c, timings),
            "node-lifecycle-controller": lambda c: NodeLifecycle(clock, c, timings, randoms.stream("node-lifecycle")),
            "taint-eviction-controller": lambda c: TaintEviction(clock, c, timings),
            "pod-garbage-collector": lambda c: PodGC(clock, c, timings),
            "garbage-collector": lambda c: GarbageCollector(clock, c),
            "persistentvolume-binder": lambda c: VolumeBinder(clock, c, timings),
            "attachdetach-controller": lambda c: AttachDetach(clock, c, timings),
        }
        self.controllers = {name: make(manager(name)) for name, make in makers.items()}
        scheduler = api.client("kube-scheduler", timings.scheduler_client_qps, timings.scheduler_client_burst)
        self.scheduler = Scheduler(clock, scheduler, timings, randoms.stream("scheduler"))
