"""Creating and deleting pods for a workload, with the Events that Kubernetes posts about it.

[pkg/controller/controller_utils.go `RealPodControl`]
"""

from simkube.cluster.api import Client
from simkube.cluster.errors import ApiError, NotFound
from simkube.kube.objects import Pod, Workload


def create_pod(client: Client, owner: Workload, pod: Pod) -> Pod:
    """POST the pod. Raises what the API answers, after an event FailedCreate."""
    try:
        created = client.create(pod)
    except ApiError as error:
        client.event(owner, "Warning", "FailedCreate", f"Error creating: {error.message}")
        raise
    client.event(owner, "Normal", "SuccessfulCreate", f"Created pod: {pod.meta.name}")
    return created


def delete_pod(client: Client, owner: Workload, pod: Pod) -> None:
    """DELETE the pod with its own grace; it may be gone already."""
    try:
        client.delete("Pod", pod.meta.name, pod.meta.namespace)
    except NotFound:
        return
    except ApiError as error:
        client.event(owner, "Warning", "FailedDelete", f"Error deleting: {error.message}")
        raise
    client.event(owner, "Normal", "SuccessfulDelete", f"Deleted pod: {pod.meta.name}")
