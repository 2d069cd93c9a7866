"""Measures: folds over trace records. Each is defined once, with its formula, and never asks the simulator."""

from simkube.measure.measures import Measures, measure
from simkube.measure.result import BudgetResult, Cost, Interval, Result, ServiceResult, WorkloadResult

__all__ = [
    "BudgetResult",
    "Cost",
    "Interval",
    "Measures",
    "Result",
    "ServiceResult",
    "WorkloadResult",
    "measure",
]
