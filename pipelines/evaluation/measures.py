"""The measures that models are compared by, for each kind of problem; weighted_metrics computes them."""

import dataclasses

from pipelines.evaluation.weighted_metrics import Metric, metrics_of
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measure:
    """A metric, and which way is better."""

    name: str  # as TFMA calls it
    label: str  # for people
    larger_is_better: bool
    compute: Metric


def measures_of(problem: str) -> tuple[Measure, ...]:
    """Return what a kind of problem is measured by; the last decides.

    The last is what training minimises, a strictly proper score of the prediction itself. Noise in it is smaller than
    in a rank or a share, and the model that is best by it is calibrated, too (Gneiting and Raftery 2007, "Strictly
    Proper Scoring Rules, Prediction, and Estimation").
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
