"""The steps that strategies put together for one node."""

from simkube.maintenance.drain import Drain
from simkube.maintenance.machine_steps import InstallKubelet, Reboot
from simkube.maintenance.model import OnTimeout
from simkube.maintenance.node_steps import Cordon, Uncordon
from simkube.maintenance.plan import Block, Leaf
from simkube.maintenance.surge_pods import SurgePods
from simkube.maintenance.waiting_steps import Wait, WaitReady
from simkube.strategies.site import Site
from simkube.strategies.strategy import Draining, OnNode, Strategy


def maintain(site: Site, node: str, on_timeout: OnTimeout = "abort") -> tuple[Leaf, ...]:
    """What the maintenance itself is: work, a reboot, another kubelet."""
    done = site.maintenance
    steps: list[Leaf] = []
    if done.reboot:
        steps.append(Leaf(Reboot(node=node, work=done.work, on_timeout=on_timeout)))
    elif done.work:
        steps.append(Leaf(Wait(for_=done.work)))
    if done.upgrade_to:
        steps.append(Leaf(InstallKubelet(node=node, version=done.upgrade_to, on_timeout=on_timeout)))
    return tuple(steps)


def drain_step(strategy: Draining, site: Site, node: str, timeout: float, on_timeout: OnNode) -> Leaf:
    """A drain with the strategy's flags."""
    drain = Drain(
        node=node,
        options=strategy.drain,
        timeout=timeout,
        on_timeout=on_timeout,
        force_after=strategy.force_after,
        kubectl=site.kubectl,
    )
    return Leaf(drain)


def empty(strategy: Draining, site: Site, node: str, timeout: float, on_timeout: OnNode) -> tuple[Leaf, ...]:
    """Get the pods off a node: with surgePods their replacements come up first."""
    drain = drain_step(strategy, site, node, timeout, on_timeout)
    if not strategy.surge_pods:
        return (drain,)
    surge = SurgePods(node=node, timeout=strategy.ready_timeout, on_timeout=given_up(on_timeout))
    return (Leaf(Cordon(node=node)), Leaf(surge), drain)


def then_ready(strategy: Strategy, site: Site, on_timeout: OnNode = "abort") -> tuple[Leaf, ...]:
    """With waitForReady: wait for the replacements, but not for what lacked pods before."""
    if not strategy.wait_for_ready:
        return ()
    wait = WaitReady(but=site.short, timeout=strategy.ready_timeout, on_timeout=given_up(on_timeout))
    return (Leaf(wait),)


def drained_and_maintained(
    strategy: Draining, site: Site, node: str, timeout: float, on_timeout: OnNode
) -> Block:
    """Drain, maintain, uncordon: what is done with a node that stays. If it is skipped it is uncordoned too."""
    skips = on_timeout == "skip"
    steps = (
        *empty(strategy, site, node, timeout, on_timeout),
        *maintain(site, node, given_up(on_timeout)),
        Leaf(Uncordon(node=node), always=skips),
        *then_ready(strategy, site, on_timeout),
    )
    return Block(node, steps)


def given_up(on_timeout: OnNode) -> OnTimeout:
    """What a failure other than a drain's does: "force" is for drains."""
    return "skip" if on_timeout == "skip" else "abort"
