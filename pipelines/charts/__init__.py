"""Make charts of rows, trainings and models for the report and the notebooks, in one theme, light and dark.

Each function takes arrays or a DataFrame and returns an Altair chart. The colours come from `theme`, and the width from
the element that contains the chart.
"""

from pipelines.charts.classification import (
    plot_confusion,
    plot_precision_recall,
    plot_reliability,
    plot_roc,
    plot_scores,
)
from pipelines.charts.costs import plot_costs
from pipelines.charts.distributions import TOP_VALUES, make_distribution_frame, plot_distribution
from pipelines.charts.explanations import plot_effect, plot_importance
from pipelines.charts.metrics import plot_slices, plot_training_curve
from pipelines.charts.regression import plot_predicted_against_actual, plot_residuals
from pipelines.charts.runs import plot_metric_over_runs
from pipelines.charts.spans import (
    plot_span_drift,
    plot_span_lines,
    plot_span_numbers,
    plot_span_parts,
    plot_span_shares,
)
from pipelines.charts.theme import SCHEMES, make_config, use_theme
from pipelines.charts.years import are_years

__all__ = [
    "SCHEMES",
    "TOP_VALUES",
    "are_years",
    "make_config",
    "make_distribution_frame",
    "plot_confusion",
    "plot_costs",
    "plot_distribution",
    "plot_effect",
    "plot_importance",
    "plot_metric_over_runs",
    "plot_precision_recall",
    "plot_predicted_against_actual",
    "plot_reliability",
    "plot_residuals",
    "plot_roc",
    "plot_scores",
    "plot_slices",
    "plot_span_drift",
    "plot_span_lines",
    "plot_span_numbers",
    "plot_span_parts",
    "plot_span_shares",
    "plot_training_curve",
    "use_theme",
]
