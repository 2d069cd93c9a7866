"""Why something is as it is: the account of a pod, a service or a node, from the records of a run."""

from collections.abc import Iterable
from typing import NamedTuple

from simkube.kube.errors import InputError, nearest, shown
from simkube.report.account import Account
from simkube.report.explain_context import Context
from simkube.report.explain_node import NodeAccount
from simkube.report.explain_pod import PodAccounts
from simkube.report.explain_service import ServiceAccounts
from simkube.trace.record import Record

KINDS = {
    **dict.fromkeys(("pod", "pods", "po"), "Pod"),
    **dict.fromkeys(("service", "services", "svc"), "Service"),
    **dict.fromkeys(("node", "nodes", "no"), "Node"),
}
KNOWN = 20_000  # names remembered for the case that the one asked for is not there


class Wanted(NamedTuple):
    """What is asked for; "" where nothing is said."""

    kind: str
    namespace: str
    name: str


def wanted(text: str) -> Wanted:
    """name, namespace/name, kind/name or kind/namespace/name."""
    first, *rest = text.split("/")
    kind = KINDS.get(first.lower(), "") if rest else ""
    parts = rest if kind else [first, *rest]
    if len(parts) > 2 or not all(parts):
        fix = "write NAME, NAMESPACE/NAME, or KIND/NAME with pod, service or node as the kind"
        raise InputError(f"{shown(text)} names nothing", fix=fix)
    return Wanted(kind, parts[0] if len(parts) == 2 else "", parts[-1])


def explain(records: Iterable[Record], name: str, file: str) -> Account:
    """The account of what is called `name`. Raises `InputError` if nothing is, or more than one thing."""
    asked = wanted(name)
    context = Context()
    pods = PodAccounts(asked.namespace, asked.name, context)
    services = ServiceAccounts(asked.namespace, asked.name, context)
    node = NodeAccount(asked.name)
    known: dict[str, None] = {}
    for record in records:
        pods(record)
        services(record)
        node(record)
        context(record)
        _remember(known, record, bool(asked.namespace))
    found = [("Pod", namespace) for namespace in pods.found]
    found += [("Service", namespace) for namespace in services.found]
    found += [("Node", "")] if node.found and not asked.namespace else []
    found = [(kind, namespace) for kind, namespace in found if asked.kind in ("", kind)]
    if not found:
        what = f"no {asked.kind.lower()}" if asked.kind else "no pod, service or node"
        fix = nearest(f"{asked.namespace}/{asked.name}" if asked.namespace else asked.name, known)
        raise InputError(
            f"{what} {shown(name)} in this trace", file=file, fix=fix or "name one that is in it"
        )
    if len(found) > 1:
        names = [f"{kind.lower()}/{namespace}/{asked.name}".replace("//", "/") for kind, namespace in found]
        raise InputError(f"{shown(name)} is {len(found)} things", file=file, fix=f"say {' or '.join(names)}")
    kind, namespace = found[0]
    if kind == "Pod":
        return pods.account(namespace)
    return services.account(namespace) if kind == "Service" else node.account()


def _remember(known: dict[str, None], record: Record, with_namespace: bool) -> None:
    if record.what in ("pod.created", "node.added", "slice.changed") and len(known) < KNOWN:
        known[f"{record.namespace}/{record.name}" if with_namespace else record.name] = None
