"""Describe the model's metrics: on all rows, by slice, compared with the previous version, and of its decisions."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipelines import charts
from pipelines.deployment import decision_threshold
from pipelines.evaluation.slices import OVERALL
from pipelines.report import metrics
from pipelines.report.decision_costs import describe_decision_costs
from pipelines.report.fairness import describe_fairness
from pipelines.report.predictions import EvalPredictions, predict_eval_rows
from pipelines.report.vega import Figure, make_figure
from pipelines.report.yardsticks import describe_yardsticks
from pipelines.runs import Run
from pipelines.task_definition.problem import BINARY, MULTICLASS

_GUESS = "Eval rows. The dashed line is random guessing."
_NEW, _OLD = "this model", "previous version"


def describe_evaluation(run: Run, cache: Path) -> dict[str, Any]:
    """Return the content of the section: metrics with intervals, yardsticks, curves, decisions and slices.

    Args:
        run: The run to report on.
        cache: A folder that all reports share.

    Raises:
        RunError: The run has no model, or the Evaluator did not finish.
    """
    table = run.metrics()
    measured = predict_eval_rows(run)
    slices = metrics.compare_by_slice(run, measured)
    shown = [name for name in metrics.choose_slice_metrics(table) if len(slices)]
    binary = measured.task.problem == BINARY
    several = measured.task.problem == MULTICLASS
    threshold = decision_threshold(measured.task.name)
    return {
        "rows": len(measured.labels),
        "resamples": measured.resamples,
        "metrics": metrics.compare_overall(run, measured),
        "yardsticks": describe_yardsticks(run, measured, cache),
        "compared": measured.baseline is not None,
        "baseline_note": measured.baseline_note,
        "figures": make_figures(measured, threshold),
        "decision": measure_decisions(measured.labels, measured.predictions, threshold) if binary else None,
        "costs": describe_decision_costs(measured, threshold),
        "fairness": describe_fairness(measured, threshold),
        "classes": measure_classes(measured.labels, measured.predictions.argmax(axis=1), measured.classes)
        if several
        else [],
        "positive": measured.classes[-1] if binary else "",
        "min_slice_rows": measured.task.min_slice_rows,
        "slice_figures": [
            _make_slice_figure(some, str(columns), name, table.loc[OVERALL, name])
            for columns, some in slices.groupby("columns", sort=False)
            for name in shown
        ],
        "worst_metric": shown[0] if shown else None,
        "worst": metrics.find_worst_slices(slices, shown[0], table.loc[OVERALL, shown[0]]).to_dict("records")
        if shown
        else [],
        "overall": table.loc[OVERALL, shown[0]] if shown else None,
        "slice_names": shown,
        "changed": metrics.find_changed_slices(slices).to_dict("records"),
        "metric_names": list(table.columns),
        "slices": metrics.mask_undefined(run, measured).reset_index().to_dict("records"),
    }


def make_figures(measured: EvalPredictions, threshold: float) -> list[Figure]:
    """Return the figures for the task's kind of problem.

    Args:
        measured: Labels and predictions.
        threshold: Probability from which the decision is the second of two classes.
    """
    if measured.task.problem == BINARY:
        return _make_binary_figures(measured, threshold)
    if measured.task.problem == MULTICLASS:
        chart = charts.plot_confusion(measured.labels, measured.predictions.argmax(axis=1), measured.classes)
        return [
            make_figure(
                "Confusion", chart, "Eval rows by actual and most likely class, shaded by share of the actual class."
            )
        ]
    labels, predictions = measured.labels.astype(np.float64), measured.predictions.astype(np.float64)
    on_line = "Eval rows. On the dashed line the prediction is exact. A few outliers may be outside the axes."
    return [
        make_figure("Predicted against actual", charts.plot_predicted_against_actual(labels, predictions), on_line),
        make_figure(
            "Errors",
            charts.plot_residuals(labels, predictions),
            "Eval rows. Right of the line the prediction is too high. The outermost bars include all larger errors.",
        ),
    ]


def _make_binary_figures(measured: EvalPredictions, threshold: float) -> list[Figure]:
    labels, predictions = measured.labels, measured.predictions
    models = {_NEW: predictions} | ({_OLD: measured.baseline} if measured.baseline is not None else {})
    decided = (predictions >= threshold).astype(int)
    spread = "Bins of equally many eval rows, with 95% intervals. On the dashed line the probabilities are right."
    return [
        make_figure("ROC", charts.plot_roc(labels, models), _GUESS),
        make_figure(
            "Precision and recall",
            charts.plot_precision_recall(labels, models),
            _GUESS,
        ),
        make_figure("Calibration", charts.plot_reliability(labels, models), spread),
        make_figure("Predictions by label", charts.plot_scores(labels, predictions, measured.classes), "Eval rows."),
        make_figure(
            f"Confusion at {threshold:g}",
            charts.plot_confusion(labels, decided, measured.classes),
            f"Eval rows. A probability of {threshold:g} or more is decided as {measured.classes[-1]!r}. Shaded by "
            "share of the actual class.",
        ),
    ]


def _make_slice_figure(slices: pd.DataFrame, columns: str, metric: str, of_all: float) -> Figure:
    rows = slices[(slices["metric"] == metric) & slices["value"].notna()]
    frame = rows[["label", "rows", "value", "low", "high"]].rename(columns={"label": "slice"})
    return make_figure(
        f"{metric} by {columns}",
        charts.plot_slices(frame.assign(before=rows["value"] - rows["change"]), metric, float(of_all)),
    )


def measure_decisions(labels: np.ndarray, predictions: np.ndarray, threshold: float) -> dict[str, Any]:
    """Return the rates of the decisions at a threshold: precision, recall, F1, accuracy, shares decided and positive.

    Args:
        labels: 0 or 1, [rows].
        predictions: Probabilities of 1, [rows].
        threshold: Probability from which the decision is 1.

    Example:
        >>> found = measure_decisions(np.array([0, 1, 1]), np.array([0.2, 0.4, 0.9]), threshold=0.5)
        >>> found["precision"], found["recall"]
        (1.0, 0.5)
    """
    yes, positive = predictions >= threshold, labels > 0
    return _measure_one_against_all(yes, positive) | {
        "threshold": threshold,
        "accuracy": float((yes == positive).mean()),
        "decided": float(yes.mean()),
        "positive": float(positive.mean()),
    }


def measure_classes(labels: np.ndarray, decided: np.ndarray, classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return rows, precision, recall and F1 of each class against all others.

    Args:
        labels: Actual class numbers, [rows].
        decided: Predicted class numbers, [rows].
        classes: Names of the classes 0, 1, …
    """
    return [
        {"class": name, "rows": int((labels == number).sum())}
        | _measure_one_against_all(decided == number, labels == number)
        for number, name in enumerate(classes)
    ]


def _measure_one_against_all(yes: np.ndarray, positive: np.ndarray) -> dict[str, float]:
    hits = int((yes & positive).sum())
    precision = hits / yes.sum() if yes.any() else np.nan
    recall = hits / positive.sum() if positive.any() else np.nan
    f1 = 2 * precision * recall / (precision + recall) if hits else np.nan
    return {"precision": float(precision), "recall": float(recall), "f1": float(f1)}
