"""Budgets, priorities, quotas, limit ranges. Defaults: [pkg/apis/policy/v1, scheduling/v1, core/v1 defaults.go]."""

from typing import Any, Literal

from pydantic import model_validator

from simkube.kube.errors import BadValue
from simkube.kube.model import Bool, Int, IntOrPercent, KubeModel, Resources, empty_dict
from simkube.kube.selector import LabelSelector


class PodDisruptionBudgetSpec(KubeModel):
    """`spec` of a PodDisruptionBudget; percentages of the expected pods, rounded up."""

    min_available: IntOrPercent | None = None
    max_unavailable: IntOrPercent | None = None
    selector: LabelSelector | None = None
    unhealthy_pod_eviction_policy: Literal["IfHealthyBudget", "AlwaysAllow"] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "PodDisruptionBudgetSpec":
        if self.min_available is not None and self.max_unavailable is not None:
            raise BadValue("minAvailable and maxUnavailable exclude each other", "keep one of them")
        for name, value in (("minAvailable", self.min_available), ("maxUnavailable", self.max_unavailable)):
            if (
                isinstance(value, str) and int(value.rstrip("%")) > 100
            ):  # [validation `IsNotMoreThan100Percent`]
                raise BadValue(f"{name} is {value}, more than all", "write 100% or less")
        return self


class PriorityClass(KubeModel):
    """A PriorityClass's own fields."""

    value: Int
    global_default: Bool = False
    preemption_policy: Literal["PreemptLowerPriority", "Never"] = "PreemptLowerPriority"
    description: str = ""


class ResourceQuotaSpec(KubeModel):
    """`spec` of a ResourceQuota: `hard` maps `requests.cpu`, `pods`, `count/...` to the most a namespace may use."""

    hard: Resources = empty_dict()
    scopes: tuple[str, ...] = ()
    scope_selector: dict[str, Any] | None = None


class LimitRangeItem(KubeModel):
    """`limits[]` of a LimitRange, as written; `defaults` and `default_requests` are what follows from it."""

    type: str
    max: Resources = empty_dict()
    min: Resources = empty_dict()
    default: Resources = empty_dict()
    default_request: Resources = empty_dict()
    max_limit_request_ratio: Resources = empty_dict()

    @property
    def defaults(self) -> Resources:
        """Limits of a container that states none [`SetDefaults_LimitRangeItem`]."""
        return {**self.max, **self.default} if self.type == "Container" else {}

    @property
    def default_requests(self) -> Resources:
        """Requests of a container that states none [`SetDefaults_LimitRangeItem`]."""
        return {**self.min, **self.defaults, **self.default_request} if self.type == "Container" else {}


class LimitRangeSpec(KubeModel):
    """`spec` of a LimitRange."""

    limits: tuple[LimitRangeItem, ...] = ()
