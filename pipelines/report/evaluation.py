"""How good the model is: overall, slice by slice, and against the blessed one."""

from typing import Any

import numpy as np
import pandas as pd

from pipelines import charts
from pipelines.deployment import decision_threshold
from pipelines.evaluation.slices import OVERALL
from pipelines.report import metrics
from pipelines.report.decision import at_threshold, by_class
from pipelines.report.figure import Figure, figure
from pipelines.report.measured import Measured, measure
from pipelines.runs import Run
from pipelines.task_definition.problem import BINARY, MULTICLASS

_NEW, _OLD = "this model", "blessed before"


def evaluation(run: Run) -> dict[str, Any]:
    """Metrics with intervals, curves, decisions, slices.

    Raises:
        RunError: The run has no model, or the Evaluator did not finish.
    """
    table = run.metrics()
    measured = measure(run)
    slices = metrics.by_slice(run, measured)
    shown = [name for name in metrics.shown_by_slice(table) if len(slices)]
    binary = measured.task.problem == BINARY
    several = measured.task.problem == MULTICLASS
    threshold = decision_threshold(measured.task.name)
    return {
        "rows": len(measured.labels),
        "resamples": measured.resamples,
        "metrics": metrics.overall(run, measured),
        "compared": measured.baseline is not None,
        "baseline_note": measured.baseline_note,
        "figures": figures(measured, threshold),
        "decision": at_threshold(measured.labels, measured.predictions, threshold) if binary else None,
        "classes": by_class(measured.labels, measured.predictions.argmax(axis=1), measured.classes) if several else [],
        "positive": measured.classes[-1] if binary else "",
        "min_slice_rows": measured.task.min_slice_rows,
        "slice_figures": [
            _slice_figure(some, str(columns), name, table.loc[OVERALL, name])
            for columns, some in slices.groupby("columns", sort=False)
            for name in shown
        ],
        "worst_metric": shown[0] if shown else None,
        "worst": metrics.worst(slices, shown[0], table.loc[OVERALL, shown[0]]).to_dict("records") if shown else [],
        "overall": table.loc[OVERALL, shown[0]] if shown else None,
        "slice_names": shown,
        "changed": metrics.changed(slices).to_dict("records"),
        "metric_names": list(table.columns),
        "slices": metrics.defined(run, measured).reset_index().to_dict("records"),
    }


def figures(measured: Measured, threshold: float) -> list[Figure]:
    """The figures that suit the problem.

    Args:
        measured: labels and predictions.
        threshold: from which on two classes are decided for the second.
    """
    if measured.task.problem == BINARY:
        return _binary(measured, threshold)
    if measured.task.problem == MULTICLASS:
        chart = charts.confusion(measured.labels, measured.predictions.argmax(axis=1), measured.classes)
        return [
            figure("Confusion", chart, "Rows of each class by the most likely class; shaded by the share of the class.")
        ]
    labels, predictions = measured.labels.astype(np.float64), measured.predictions.astype(np.float64)
    on_line = "On the dashed line, the prediction is right."
    return [
        figure("Predicted against actual", charts.predicted_against_actual(labels, predictions), on_line),
        figure("Errors", charts.residuals(labels, predictions), "Right of the line, the model predicts too much."),
    ]


def _binary(measured: Measured, threshold: float) -> list[Figure]:
    labels, predictions = measured.labels, measured.predictions
    models = {_NEW: predictions} | ({_OLD: measured.baseline} if measured.baseline is not None else {})
    decided = (predictions >= threshold).astype(int)
    spread = "Bins of equally many rows with 95% intervals; on the dashed line, probabilities mean what they say."
    return [
        figure("ROC", charts.roc(labels, models), "The dashed line is a guess."),
        figure("Precision and recall", charts.precision_recall(labels, models), "The dashed line is a guess."),
        figure("Calibration", charts.reliability(labels, models), spread),
        figure("Predictions by label", charts.scores(labels, predictions, measured.classes)),
        figure(
            f"Confusion at {threshold:g}",
            charts.confusion(labels, decided, measured.classes),
            f"From {threshold:g} on, it is {measured.classes[-1]!r}; shaded by the share of the actual class.",
        ),
    ]


def _slice_figure(slices: pd.DataFrame, columns: str, metric: str, of_all: float) -> Figure:
    rows = slices[(slices["metric"] == metric) & slices["value"].notna()]
    frame = rows[["label", "rows", "value", "low", "high"]].rename(columns={"label": "slice"})
    return figure(
        f"{metric} by {columns}",
        charts.slices(frame.assign(before=rows["value"] - rows["change"]), metric, float(of_all)),
    )
