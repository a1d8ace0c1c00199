"""The metrics that objectives and gates may name: scikit-learn's scorer names without ``neg_``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Task(StrEnum):
    CLASSIFICATION = "Classification"
    REGRESSION = "Regression"


@dataclass(frozen=True)
class MetricInfo:
    task: Task
    greater_is_better: bool
    needs_probabilities: bool = False


_C, _R = Task.CLASSIFICATION, Task.REGRESSION
METRICS: dict[str, MetricInfo] = {
    "accuracy": MetricInfo(_C, True),
    "balanced_accuracy": MetricInfo(_C, True),
    "f1_macro": MetricInfo(_C, True),
    "f1_weighted": MetricInfo(_C, True),
    "precision_macro": MetricInfo(_C, True),
    "recall_macro": MetricInfo(_C, True),
    "matthews_corrcoef": MetricInfo(_C, True),
    "roc_auc": MetricInfo(_C, True, needs_probabilities=True),
    "log_loss": MetricInfo(_C, False, needs_probabilities=True),
    "r2": MetricInfo(_R, True),
    "explained_variance": MetricInfo(_R, True),
    "mean_absolute_error": MetricInfo(_R, False),
    "mean_squared_error": MetricInfo(_R, False),
    "root_mean_squared_error": MetricInfo(_R, False),
    "median_absolute_error": MetricInfo(_R, False),
    "max_error": MetricInfo(_R, False),
    "mean_absolute_percentage_error": MetricInfo(_R, False),
}

DEFAULT = {Task.CLASSIFICATION: "balanced_accuracy", Task.REGRESSION: "root_mean_squared_error"}
"""The metric of a task that counts where none is named."""

Metric = StrEnum("Metric", {name.upper(): name for name in METRICS})  # type: ignore[misc]


def metrics_of(task: str) -> list[str]:
    """Returns the names of the metrics that fit a task, in the order of the documentation."""
    return [name for name, info in METRICS.items() if info.task == task]
