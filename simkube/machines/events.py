"""The texts of the Events that kubelets post about pods, as each minor words them."""

from simkube.kube.duration import format_duration
from simkube.kube.objects import Pod
from simkube.machines.rules import Rules


def created(rules: Rules, container: str) -> str:
    """Reason Created [kuberuntime_container.go]."""
    if not rules.names_containers_in_events:
        return "Container created"
    return f"Created container {container}" if rules.minor == 28 else f"Created container: {container}"


def started(rules: Rules, container: str) -> str:
    """Reason Started."""
    return f"Started container {container}" if rules.names_containers_in_events else "Container started"


def present(rules: Rules, image: str) -> str:
    """Reason Pulled, of an image that needs no pull [images/image_manager.go]."""
    text = f'Container image "{image}" already present on machine'
    return f"{text} and can be accessed by the pod" if rules.says_image_is_accessible else text


def pulled(rules: Rules, image: str, took: float, waited: float, size: int) -> str:
    """Reason Pulled, after a pull of `took` seconds, `waited` with the time in the queue."""
    times = f"{_milliseconds(took)} ({_milliseconds(waited)} including waiting)"
    text = f'Successfully pulled image "{image}" in {times}'
    return f"{text}. Image size: {size} bytes." if rules.names_image_size else text


def refused(image: str) -> str:
    """Reason Failed, of an image that the registry does not have, as containerd says it."""
    return (
        f'Failed to pull image "{image}": rpc error: code = NotFound desc = failed to pull and unpack image '
        f'"{image}": failed to resolve reference "{image}": {image}: not found'
    )


def crash_loop(container: str, pod: Pod) -> str:
    """Reason BackOff [kuberuntime_manager.go `doBackOff`, util/format `Pod`]."""
    meta = pod.meta
    return f"Back-off restarting failed container {container} in pod {meta.name}_{meta.namespace}({meta.uid})"


def crash_loop_message(container: str, pod: Pod, wait: float) -> str:
    """The message of a container that waits with reason CrashLoopBackOff."""
    meta = pod.meta
    pod_text = f"{meta.name}_{meta.namespace}({meta.uid})"
    return f"back-off {format_duration(wait)} restarting failed container={container} pod={pod_text}"


def _milliseconds(seconds: float) -> str:
    return format_duration(int(seconds * 1000) / 1000)
