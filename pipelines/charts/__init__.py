"""Charts of rows, trainings and models, for the report and the notebooks alike: one look, light and dark.

Each takes arrays or a DataFrame and returns an Altair chart without colours of its own, which `theme` gives it. Charts
are as wide as what holds them.
"""

from pipelines.charts.classification import confusion, precision_recall, reliability, roc, scores
from pipelines.charts.distributions import distribution, distribution_frame
from pipelines.charts.metrics import slices, training_curve
from pipelines.charts.regression import predicted_against_actual, residuals
from pipelines.charts.theme import SCHEMES, config, use

__all__ = [
    "SCHEMES",
    "config",
    "confusion",
    "distribution",
    "distribution_frame",
    "precision_recall",
    "predicted_against_actual",
    "reliability",
    "residuals",
    "roc",
    "scores",
    "slices",
    "training_curve",
    "use",
]
