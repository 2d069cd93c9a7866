"""The control plane's processes: admission in the API, the controller-manager's controllers, the scheduler.

Every controller has a client of its own with the rate limit of its process, as kube-controller-manager gives each of
its controllers one [cmd/kube-controller-manager, `--kube-api-qps` 20, `--kube-api-burst` 30].
"""

from functools import partial

from simkube.clock import Clock
from simkube.cluster.admission import admission
from simkube.cluster.api import Api
from simkube.cluster.collection.garbage import GarbageCollector
from simkube.cluster.collection.podgc import PodGarbageCollector
from simkube.cluster.controller import Controller
from simkube.cluster.disruption.controller import DisruptionController
from simkube.cluster.nodes.node_lifecycle import NodeLifecycle
from simkube.cluster.nodes.taint_eviction import TaintEviction
from simkube.cluster.scheduler import Scheduler
from simkube.cluster.services.endpoints import EndpointSliceController
from simkube.cluster.volumes.attach_detach import AttachDetach
from simkube.cluster.volumes.csi_driver import CsiDrivers
from simkube.cluster.volumes.ephemeral import EphemeralVolumeController
from simkube.cluster.volumes.facts import Storage
from simkube.cluster.volumes.volume_binder import VolumeBinder
from simkube.cluster.workloads.cronjob import CronJobController
from simkube.cluster.workloads.daemonset import DaemonSetController
from simkube.cluster.workloads.deployment import DeploymentController
from simkube.cluster.workloads.job import JobController
from simkube.cluster.workloads.replicaset import ReplicaSetController
from simkube.cluster.workloads.statefulset import StatefulSetController
from simkube.cluster.workloads.ttl import TtlAfterFinishedController
from simkube.randoms import Randoms
from simkube.timings import Timings


class ControlPlane:
    """All of it, running. `controllers` are those of the controller-manager, by name."""

    def __init__(self, clock: Clock, api: Api, timings: Timings, randoms: Randoms) -> None:
        api.admission = admission(api, timings)
        qps, burst = timings.controller_manager_client_qps, timings.controller_manager_client_burst
        client = partial(api.client, qps=qps, burst=burst)
        self.controllers: dict[str, Controller] = {
            "deployment-controller": DeploymentController(clock, client("deployment-controller"), timings),
            "replicaset-controller": ReplicaSetController(clock, client("replicaset-controller"), timings),
            "statefulset-controller": StatefulSetController(clock, client("statefulset-controller"), timings),
            "daemonset-controller": DaemonSetController(clock, client("daemonset-controller"), timings),
            "job-controller": JobController(clock, client("job-controller"), timings),
            "cronjob-controller": CronJobController(clock, client("cronjob-controller"), 0.0),
            "ttl-after-finished-controller": TtlAfterFinishedController(
                clock, client("ttl-after-finished-controller")
            ),
            "disruption-controller": DisruptionController(clock, client("disruption-controller"), timings),
            "endpointslice-controller": EndpointSliceController(
                clock, client("endpointslice-controller"), timings
            ),
            "node-lifecycle-controller": NodeLifecycle(
                clock, client("node-lifecycle-controller"), timings, randoms.stream("node-lifecycle")
            ),
            "taint-eviction-controller": TaintEviction(clock, client("taint-eviction-controller"), timings),
            "pod-garbage-collector": PodGarbageCollector(clock, client("pod-garbage-collector"), timings),
            "garbage-collector": GarbageCollector(clock, client("garbage-collector")),
            "persistentvolume-binder": VolumeBinder(clock, client("persistentvolume-binder")),
            "attachdetach-controller": AttachDetach(clock, client("attachdetach-controller"), timings),
            "ephemeral-volume-controller": EphemeralVolumeController(
                clock, client("ephemeral-volume-controller")
            ),
        }
        scheduler = api.client("kube-scheduler", timings.scheduler_client_qps, timings.scheduler_client_burst)
        self.scheduler = Scheduler(clock, scheduler, timings, randoms.stream("scheduler"))
        self.drivers = CsiDrivers(clock, api.client("csi-drivers"), Storage())
