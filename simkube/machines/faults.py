"""Faults of a scenario: what breaks, when, and when it is whole again."""

from collections.abc import Callable, Iterable
from functools import partial

from simkube.machines.container import Container
from simkube.machines.fleet import Fleet
from simkube.machines.machine import Machine
from simkube.machines.recipe import Kind
from simkube.scenario.scenario import Fault

Break = Callable[[Machine], None]

MACHINE_FAULTS: dict[str, tuple[Break, Break | None]] = {
    "crash": (Machine.crash, Machine.power_on),
    "shutdown": (Machine.shut_down, Machine.power_on),
    "reboot": (lambda machine: machine.shut_down(reboot=True), None),
    "freeze": (Machine.freeze, Machine.thaw),
    "cut": (Machine.cut, Machine.rejoin),
    "cut_control_plane": (lambda machine: machine.cut(control_plane_only=True), Machine.rejoin),
    "stop_kubelet": (lambda machine: machine.kubelet.stop("killed"), lambda machine: start_kubelet(machine)),
}
"""What each fault of a machine does, and what ends it."""


def start_kubelet(machine: Machine) -> None:
    """Somebody starts the kubelet's service, on a machine that is up."""
    if machine.is_up and not machine.frozen:
        machine.kubelet.start()


def schedule(fleet: Fleet, faults: Iterable[Fault]) -> None:
    """Have the faults happen in this run. Raises KeyError for a machine that is not there."""
    for fault in faults:
        if fault.kind in MACHINE_FAULTS:
            machine = fleet.machines[fault.target]
            begin, end = MACHINE_FAULTS[fault.kind]
            fleet.clock.at(fault.at, partial(begin, machine))
            if end is not None and fault.for_ is not None:
                fleet.clock.at(fault.at + fault.for_, partial(end, machine))
        else:
            fleet.clock.at(fault.at, partial(_strike, fleet, fault))


def _strike(fleet: Fleet, fault: Fault) -> None:
    """Hang or kill the main containers that a workload has now."""
    struck = [
        container
        for machine in fleet.machines.values()
        for sandbox in machine.sandboxes.values()
        if _is(sandbox.recipe.tally.name, fault.target)
        for container in sandbox.containers
        if container.recipe.kind == Kind.MAIN and container.running
    ]
    for container in struck:
        if fault.kind == "kill":
            container.kill()
        else:
            container.hang()
    if fault.kind == "hang" and fault.for_ is not None:
        fleet.clock.after(fault.for_, partial(_recover, struck))


def _recover(struck: list[Container]) -> None:
    for container in struck:
        container.recover()


def _is(workload: str, target: str) -> bool:
    """`target` is namespace/name, or a name in any namespace."""
    return workload == target or workload.partition("/")[2] == target
