"""What manifests cannot know: how long things take on machines, what processes do, who calls whom.

Every value has a default; its origin stands beside it. Names are those of a workload ("frontend", or "shop/frontend"
with its namespace) or a container's image; the most exact one that is given counts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic.alias_generators import to_camel

from simkube.kube.errors import BadValue, nearest, shown
from simkube.kube.quantity import bytes_of
from simkube.scenario.distribution import (
    SHAPES,
    TIME_SCHEMA,
    Constant,
    Distribution,
    Lognormal,
    Time,
    parse_distribution,
)
from simkube.scenario.units import Duration

T = TypeVar("T")
D = TypeVar("D")

OnTerm = Literal["exit", "drain", "ignore"]
UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Named(Generic[T]):
    """A default, and other values by the name of a workload or image."""

    default: T
    by_name: Mapping[str, T]

    def of(self, namespace: str, workload: str, image: str = "") -> T:
        """The value for a container."""
        return _find(self.by_name, namespace, workload, image, self.default)

    def to_plain(self, one: Callable[[T], Any]) -> dict[str, Any]:
        """As a scenario writes it."""
        return {"default": one(self.default), **{name: one(value) for name, value in self.by_name.items()}}


def _find(by_name: Mapping[str, T], namespace: str, workload: str, image: str, default: D) -> T | D:
    """namespace/workload counts before workload, and that before image."""
    for name in (f"{namespace}/{workload}", workload, image) if by_name else ():
        if name in by_name:
            return by_name[name]
    return default


def _named(value: Any, parse: Callable[[Any], T], default: T, whole: Callable[[Any], bool]) -> Named[T]:
    """From one value for all (where `whole` says that it is one), or a mapping by name with `default` among them."""
    if isinstance(value, Named):
        return value
    if whole(value):
        return Named(parse(value), {})
    found: dict[str, T] = {}
    for name, one in value.items():
        try:
            found[str(name)] = parse(one)
        except BadValue as error:
            raise BadValue(f"{name}: {error.message}", error.fix) from None
    return Named(found.pop("default", default), found)


def _is_time(value: Any) -> bool:
    return not isinstance(value, dict) or (len(value) == 1 and next(iter(value)) in {*SHAPES, "constant"})


def _times(default: Distribution) -> Any:
    """The annotation of a field with times by name."""
    schema = {"anyOf": [TIME_SCHEMA, {"type": "object", "additionalProperties": TIME_SCHEMA}]}
    return Annotated[
        Named[Distribution],
        PlainValidator(lambda value: _named(value, parse_distribution, default, _is_time)),
        PlainSerializer(lambda value: value.to_plain(lambda time: time.to_plain())),
        WithJsonSchema(schema),
    ]


def _on_term(value: Any) -> OnTerm:
    if value not in ("exit", "drain", "ignore"):
        raise BadValue(f"{shown(value)} is no way to take SIGTERM", "write exit, drain or ignore")
    return value  # type: ignore[no-any-return]


def _size(value: Any) -> int | None:
    """Bytes; None: the registry does not have it."""
    if value == UNAVAILABLE:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadValue(f"{shown(value)} is not a size", f'write one such as 200Mi, or "{UNAVAILABLE}"')
    if isinstance(value, str) and not value[:1].isdigit():
        raise BadValue(
            f"{shown(value)} is not a size", nearest(value, [UNAVAILABLE]) or "write one such as 200Mi"
        )
    return bytes_of(value)


def _rate(value: Any) -> float:
    size = _size(value)
    if not size:
        raise BadValue(f"{shown(value)} is not a rate above 0", "write bytes a second, such as 50Mi")
    return float(size)


STARTUP = Lognormal(8.0, 25.0)
EXIT = Constant(1.0)
JOB = Constant(60.0)
INIT = Constant(2.0)
PRE_STOP = Constant(1.0)
IMAGE_SIZE = 200 * 1024 * 1024

OnTerms = Annotated[
    Named[OnTerm],
    PlainValidator(lambda v: _named(v, _on_term, "exit", lambda value: not isinstance(value, dict))),
    PlainSerializer(lambda value: value.to_plain(str)),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["exit", "drain", "ignore"]},
                {"type": "object", "additionalProperties": {"enum": ["exit", "drain", "ignore"]}},
            ]
        }
    ),
]
Sizes = Annotated[
    Named[int | None],
    PlainValidator(lambda v: _named(v, _size, IMAGE_SIZE, lambda value: not isinstance(value, dict))),
    PlainSerializer(lambda value: value.to_plain(lambda size: UNAVAILABLE if size is None else size)),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["string", "number"]},
                {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
            ]
        }
    ),
]

Rate = Annotated[float, PlainValidator(_rate), WithJsonSchema({"type": ["string", "number"]})]


class Part(BaseModel):
    """Base of the parts of `behaviour:`."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Crash(Part):
    """The main containers of each pod exit `after` they started, `times` times (without it: for ever)."""

    after: Duration = 5.0
    exit_code: int = Field(1, ge=0, le=255)
    times: int | None = Field(None, ge=1)


class Traffic(Part):
    """Requests to a service, from every machine alike."""

    rps: float = Field(1.0, ge=0, le=1e9, allow_inf_nan=False, description="Requests a second")
    connections: Literal["per-request", "persistent"] = "per-request"


class Behaviour(Part):
    """The section `behaviour:` of a scenario."""

    startup: _times(STARTUP) = Field(  # type: ignore[valid-type]
        Named(STARTUP, {}),
        description="From a container's start until it answers. Default: median 8s, p95 25s, an assumption that lies "
        "between compiled services (under 1s) and JVMs (10 to 60s)",
    )
    exit: _times(EXIT) = Field(  # type: ignore[valid-type]
        Named(EXIT, {}),
        description="From SIGTERM until a container's process is gone; what is longer than the pod's grace ends with "
        "SIGKILL. Default: 1s, an assumption",
    )
    on_term: OnTerms = Field(
        Named("exit", {}),
        description="What a process does at SIGTERM: exit (stops answering at once: Go's http.Server.Shutdown, nginx "
        "and any process without a handler close the listener first), drain (answers until it is gone), ignore "
        "(answers until SIGKILL). Default: exit",
    )
    pre_stop: _times(PRE_STOP) = Field(  # type: ignore[valid-type]
        Named(PRE_STOP, {}),
        description="Length of preStop hooks that are no plain sleep. Default: 1s, an assumption",
    )
    init: _times(INIT) = Field(  # type: ignore[valid-type]
        Named(INIT, {}), description="How long an init container runs. Default: 2s, an assumption"
    )
    job_duration: _times(JOB) = Field(  # type: ignore[valid-type]
        Named(JOB, {}),
        description="How long a Job's container runs until it exits 0. Default: 60s, an assumption",
    )
    images: Sizes = Field(
        Named(IMAGE_SIZE, {}),
        description='Size by image, compressed as pulled; "unavailable": the registry does not have it. '
        "Default: 200Mi, an assumption",
    )
    pull_rate: Rate = Field(
        50.0 * 1024 * 1024,
        description="Bytes a second that one machine pulls and unpacks. Default: 50Mi, an assumption",
    )
    boot: Time = Field(
        Lognormal(60.0, 120.0),
        description="From power on until the kubelet's process starts. Default: median 60s, p95 2m, an assumption for "
        "virtual machines; hardware takes 3 to 10 minutes",
    )
    shutdown: Time = Field(
        Constant(10.0),
        description="From the order to shut down until the power is off, once pods are done with. Default: 10s, an "
        "assumption",
    )
    kubelet_start: Time = Field(
        Constant(1.5),
        description="From the start of the kubelet's process until its first node status. Default: 1.5s; 1.6s and "
        "1.7s were measured from restart to Ready on kind with 1.34 and 1.37",
    )
    network_setup: Time = Field(
        Constant(10.0),
        description="From a new node's registration until its network plugin is configured, hence until its first "
        "Ready. Default: 10s, an assumption: a DaemonSet's image is pulled and started",
    )
    pod_start: Time = Field(
        Constant(1.0),
        description="Sandbox, network and volumes of a new pod, before its first container. Default: 1s, an assumption",
    )
    pod_stop: Time = Field(
        Constant(0.5),
        description="From a pod's last container's exit until the kubelet has cleaned up. Default: 0.5s: the waits of "
        "SyncTerminatedPod (volumes are looked at every 300ms and 100ms) [pkg/kubelet/kubelet.go]",
    )
    crashes: dict[str, Crash] = Field(
        default_factory=dict, description="Workloads or images whose containers crash. Default: none"
    )
    never_ready: tuple[str, ...] = Field(
        (), description="Workloads or images whose containers never answer: a bad version. Default: none"
    )
    traffic: dict[str, Traffic] = Field(
        default_factory=dict,
        description="Requests by service: name or namespace/name. Default: one request a second, per-request",
    )
    calls: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Services that a service calls to answer. Default: none"
    )
    api_latency: Duration = Field(
        0.01,
        description="From a change in the API to the reaction of who watches it. Default: 10ms, an assumption",
    )
    proxy_delay: Duration = Field(
        0.1, description="Time that a kube-proxy takes to write its rules. Default: 100ms, an assumption"
    )

    def crash_of(self, namespace: str, workload: str, image: str) -> Crash | None:
        """How this container crashes, if it does."""
        return _find(self.crashes, namespace, workload, image, None)

    def is_never_ready(self, namespace: str, workload: str, image: str) -> bool:
        """This container never answers."""
        return _find(dict.fromkeys(self.never_ready, True), namespace, workload, image, False)

    def names(self) -> Iterator[tuple[str, str]]:
        """(key in the file, name) of every workload or image named, for a check that there is one."""
        for key in ("startup", "exit", "onTerm", "preStop", "init", "jobDuration"):
            attribute = {"onTerm": "on_term", "preStop": "pre_stop", "jobDuration": "job_duration"}.get(
                key, key
            )
            for name in getattr(self, attribute).by_name:
                yield f"{key}.{name}", name
        for name in self.crashes:
            yield f"crashes.{name}", name
        for name in self.never_ready:
            yield "neverReady", name
