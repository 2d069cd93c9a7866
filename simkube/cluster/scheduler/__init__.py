"""The scheduler (kube-scheduler): one file a plugin, arrays that follow the store, the queue, the cycle."""

from simkube.cluster.scheduler.scheduler import Scheduler

__all__ = ["Scheduler"]
