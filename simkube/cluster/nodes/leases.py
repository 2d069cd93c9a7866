"""A node's Lease: its kubelet's heartbeat (behaviour 1.1).

Renewals are not stored one by one. A Lease with `live` says "renewed every `period` seconds until further notice";
when a kubelet stops or is cut off, one write records the last renewal that had come through before.
"""

from math import floor

from msgspec.structs import replace

from simkube.cluster.api import Client
from simkube.kube.objects import Lease, Meta, Object
from simkube.timings import Timings

NAMESPACE = "kube-node-lease"
_ROUNDING = 1e-9


def renewed_at(lease: Lease, now: float) -> float:
    """`spec.renewTime` as a reader sees it at `now`."""
    if not lease.live or now <= lease.renew_time:
        return lease.renew_time
    return lease.renew_time + floor((now - lease.renew_time) / lease.period + _ROUNDING) * lease.period


def as_seen(obj: Object, now: float) -> Object:
    """Any object as a reader sees it at `now`: a Lease with its renewals so far."""
    return replace(obj, renew_time=renewed_at(obj, now)) if isinstance(obj, Lease) else obj


def renew_period(timings: Timings, unit: float) -> float:
    """Seconds between two renewals, from a draw `unit` within [0, 1): [10.0, 10.4) by default. In reality every gap
    is drawn anew; here one draw stands for a kubelet's whole life [component-helpers lease/controller.go]."""
    return timings.node_lease_renew_interval * (1.0 + timings.node_lease_renew_jitter * unit)


def start_renewing(client: Client, node: str, period: float, at: float | None = None) -> Lease:
    """The node's kubelet renews from now on (`at`: has done so since then). May raise `ApiError`: try again."""
    renew_time = client.api.clock.now if at is None else at
    lease: Lease | None = client.get("Lease", node, NAMESPACE)
    if lease is not None:
        return client.update(replace(lease, renew_time=renew_time, period=period, live=True))
    return client.create(Lease(meta=Meta(node, NAMESPACE), renew_time=renew_time, period=period, live=True))


def stop_renewing(client: Client, node: str) -> None:
    """No renewal comes through after now. This needs no API: it records what was renewed while there was one."""
    store = client.api.store
    lease = store.get("Lease", node, NAMESPACE)
    if lease is not None and lease.live:
        last = renewed_at(lease, client.api.clock.now)
        store.put(replace(lease, renew_time=last, live=False), client.name)
