"""List the metrics that models are compared by, for each kind of problem; weighted_metrics computes them."""

import dataclasses

from pipelines.evaluation.weighted_metrics import Metric, metrics_of
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measure:
    """A metric, and whether larger or smaller values are better."""

    name: str  # as TFMA calls it
    label: str  # for people
    larger_is_better: bool
    compute: Metric


def measures_of(problem: str) -> tuple[Measure, ...]:
    """Return the measures of a kind of problem; the last decides which model is better.

    The last is the loss that training minimises, a strictly proper score. It has less noise than ranks and shares, and
    the best model by it is also calibrated (Gneiting and Raftery 2007, "Strictly Proper Scoring Rules, Prediction, and
    Estimation").

    Example:
        >>> [one.label for one in measures_of(BINARY)]
        ['ROC AUC', 'log loss']
    """
    metrics = metrics_of(problem)
    return tuple(
        Measure(name=name, label=label, larger_is_better=larger, compute=metrics[name])
        for name, label, larger in _COMPARED[problem]
    )


_COMPARED = {
    BINARY: (("auc", "ROC AUC", True), ("binary_crossentropy", "log loss", False)),
    MULTICLASS: (
        ("sparse_categorical_accuracy", "accuracy", True),
        ("sparse_categorical_crossentropy", "log loss", False),
    ),
    REGRESSION: (
        ("mean_absolute_error", "mean absolute error", False),
        ("mean_squared_error", "mean squared error", False),
    ),
}
