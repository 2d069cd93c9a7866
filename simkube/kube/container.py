"""Containers of a pod: resources, ports, probes, lifecycle. Defaults: [pkg/apis/core/v1/defaults.go]."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator

from simkube.kube.model import Int, IntOrString, KubeModel, Resources, Seconds, empty_dict, names


class ResourceRequirements(KubeModel):
    """Quantities as written; a limit without a request is the request too (`simkube.kube.template`)."""

    also_known: ClassVar[frozenset[str]] = names("claims")

    requests: Resources = empty_dict()
    limits: Resources = empty_dict()


class ContainerPort(KubeModel):
    """`ports[]`. With host networking `host_port` defaults to `container_port`."""

    container_port: Int
    host_port: Int | None = None
    host_ip: str = ""
    name: str = ""
    protocol: str = "TCP"


class HTTPGetAction(KubeModel):
    """`httpGet`."""

    also_known: ClassVar[frozenset[str]] = names("httpHeaders protocol")

    port: IntOrString
    path: str = "/"
    host: str = ""
    scheme: str = "HTTP"


class TCPSocketAction(KubeModel):
    """`tcpSocket`."""

    port: IntOrString
    host: str = ""


class GRPCAction(KubeModel):
    """`grpc`."""

    also_known: ClassVar[frozenset[str]] = names("mode")

    port: Int
    service: str = ""


class ExecAction(KubeModel):
    """`exec`."""

    command: tuple[str, ...] = ()


class SleepAction(KubeModel):
    """`sleep`."""

    seconds: Seconds


def _zero_is(default: int) -> AfterValidator:
    """Kubernetes takes 0 for "not set" in a probe's numbers [`SetDefaults_Probe`]."""
    return AfterValidator(lambda value: value or default)


class Probe(KubeModel):
    """A readiness, liveness or startup probe; times in seconds."""

    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    exec: ExecAction | None = None
    grpc: GRPCAction | None = None
    initial_delay_seconds: Seconds = 0
    timeout_seconds: Annotated[Seconds, _zero_is(1)] = 1
    period_seconds: Annotated[Seconds, _zero_is(10)] = 10
    success_threshold: Annotated[Seconds, _zero_is(1)] = 1
    failure_threshold: Annotated[Seconds, _zero_is(3)] = 3
    termination_grace_period_seconds: Seconds | None = None


class LifecycleHandler(KubeModel):
    """What a `postStart` or `preStop` hook does."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    sleep: SleepAction | None = None


class Lifecycle(KubeModel):
    """`lifecycle`."""

    also_known: ClassVar[frozenset[str]] = names("stopSignal")

    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None


class Container(KubeModel):
    """`containers[]` and `initContainers[]`. An init container with restart_policy Always is a sidecar."""

    also_known: ClassVar[frozenset[str]] = names(
        "envFrom resizePolicy restartPolicyRules securityContext stdin stdinOnce "
        "terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts "
        "workingDir"
    )

    name: str = ""
    image: str = ""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[Any, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    resources: ResourceRequirements = ResourceRequirements()
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    restart_policy: Literal["Always", "OnFailure", "Never"] | None = None
