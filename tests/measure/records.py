"""Records written by hand, and what is measured over them."""

from collections.abc import Mapping, Sequence
from typing import Any

from simkube.measure import Measures, Result, ServiceResult
from simkube.measure.services import Traffic
from simkube.trace.record import Record

NS = "shop"


def pod(t: float, what: str, name: str, node: str = "", **more: Any) -> Record:
    """A record about a pod, whose UID is its name."""
    return Record(t, f"pod.{what}", "Pod", NS, name, uid=name, node=node, **more)


def serving(t: float, name: str, node: str = "n1") -> Record:
    return pod(t, "serving", name, node)


def silent(t: float, name: str, node: str = "n1") -> Record:
    return pod(t, "silent", name, node)


def routes(t: float, service: str, *pods: str) -> Record:
    return Record(t, "proxy.routes", "Service", NS, service, value=[[name, "n1"] for name in pods])


def machine(t: float, what: str, node: str, **more: Any) -> Record:
    return Record(t, f"machine.{what}", node=node, **more)


def proxy(t: float, what: str, node: str) -> Record:
    return Record(t, f"proxy.{what}", node=node)


def measured(
    records: Sequence[Record],
    end: float,
    traffic: Mapping[str, Traffic] | None = None,
    calls: Mapping[str, Sequence[str]] | None = None,
    start: float = 0.0,
) -> Result:
    measures = Measures(
        {(NS, name): value for name, value in (traffic or {}).items()},
        {(NS, name): [(NS, need) for need in needs] for name, needs in (calls or {}).items()},
        start=start,
    )
    for record in records:
        measures(record)
    return measures.close(end)


def service_of(result: Result, name: str = "web") -> ServiceResult:
    found = [service for service in result.services if service.name == name]
    assert len(found) == 1
    return found[0]
