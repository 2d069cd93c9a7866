"""All steps that a plan file can hold, by what stands under `do`."""

from typing import Annotated, Any, TypeAlias

from pydantic import Field

from simkube.maintenance.drain import Drain
from simkube.maintenance.machine_steps import InstallKubelet, PowerOff, PowerOn, Reboot
from simkube.maintenance.node_steps import AddNode, Cordon, RemoveNode, Uncordon
from simkube.maintenance.surge_pods import SurgePods
from simkube.maintenance.waiting_steps import Gate, Wait, WaitReady

AnyStep: TypeAlias = Annotated[
    Cordon
    | Uncordon
    | Drain
    | Reboot
    | PowerOff
    | PowerOn
    | InstallKubelet
    | AddNode
    | RemoveNode
    | SurgePods
    | Wait
    | WaitReady
    | Gate,
    Field(discriminator="do"),
]

STEPS: dict[str, type[Any]] = {
    step.model_fields["do"].default: step
    for step in (
        Cordon,
        Uncordon,
        Drain,
        Reboot,
        PowerOff,
        PowerOn,
        InstallKubelet,
        AddNode,
        RemoveNode,
        SurgePods,
        Wait,
        WaitReady,
        Gate,
    )
}
