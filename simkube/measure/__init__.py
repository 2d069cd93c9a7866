"""Measures: folds over trace records. Each is defined once, with its formula, and never asks the simulator."""

from simkube.measure.measures import Measures, measure
from simkube.measure.result import (
    BudgetResult,
    Cost,
    Interval,
    Recovery,
    RecoveryResult,
    Result,
    ServiceResult,
    WorkloadResult,
)

__all__ = [
    "BudgetResult",
    "Cost",
    "Interval",
    "Measures",
    "Recovery",
    "RecoveryResult",
    "Result",
    "ServiceResult",
    "WorkloadResult",
    "measure",
]
