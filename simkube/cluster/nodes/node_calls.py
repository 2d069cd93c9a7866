"""What the node lifecycle controller writes about nodes' taints and pods' Ready: jobs for `Workers`."""

from collections.abc import Callable

from msgspec.structs import replace

from simkube.cluster.api import Client
from simkube.cluster.errors import ApiError, NotFound
from simkube.cluster.nodes.node_taints import Taints, has, with_taints, without_taints
from simkube.cluster.nodes.workers import CALL, Calls
from simkube.kube.objects import Key


def swap_taints(client: Client, node: str, add: Taints, remove: Taints) -> Calls:
    """Add taints first, then remove others: two writes, both kinds are there in between [`SwapNodeControllerTaint`].
    Raises `ApiError`."""
    if add:
        yield from _write(client, node, lambda taints: with_taints(taints, add, client.api.clock.now))
    yield from remove_taints(client, node, remove)


def remove_taints(client: Client, node: str, remove: Taints) -> Calls:
    """Remove those of the taints that the node has, if any [`RemoveTaintOffNode`]. Raises `ApiError`."""
    current = client.get("Node", node)
    if current is not None and any(has(current.taints, taint) for taint in remove):
        yield from _write(client, node, lambda taints: without_taints(taints, remove))


def _write(client: Client, node: str, change: Callable[[Taints], Taints]) -> Calls:
    current = client.get("Node", node)
    if current is None:
        raise NotFound(f'nodes "{node}" not found')
    client.update(replace(current, taints=change(current.taints)))
    yield CALL


def mark_pods_not_ready(client: Client, node: str, failed: list[Key]) -> Calls:
    """Set Ready to False on all pods of a node that have the condition, one by one, whatever owns them and in any
    phase; reason and message stay, containersReady too. Pods that could not be written are added to `failed`
    [util/node `MarkPodsNotReady`]."""
    for key, pod in list(client.pods_on(node).items()):
        if pod.status.ready is not None and pod.status.ready.status != "False":
            try:
                mark_pod_not_ready(client, key, node)
            except ApiError as error:
                if not isinstance(error, NotFound):
                    failed.append(key)
            yield CALL


def mark_pod_not_ready(client: Client, key: Key, node: str) -> None:
    """The same for one pod, as it stands now. Raises `ApiError`."""
    pod = client.get("Pod", key[1], key[0])
    if pod is None or pod.node != node:
        return
    ready = pod.status.ready
    if ready is None or ready.status == "False":
        return
    marked = replace(ready, status="False", since=client.api.clock.now)
    pod = client.update(replace(pod, status=replace(pod.status, ready=marked)))
    client.event(pod, "Warning", "NodeNotReady", "Node is not ready")
