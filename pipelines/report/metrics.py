"""Compute the metrics on all eval rows and by slice, with intervals, and their change from the previous version."""

import dataclasses
import math
import re

import numpy as np
import pandas as pd

from pipelines.evaluation.bootstrap import Interval, estimate_differences, estimate_intervals
from pipelines.evaluation.slices import OVERALL, Slice, SlicedRows
from pipelines.evaluation.weighted_metrics import CENTRED, SMALLER_IS_BETTER, metrics_of
from pipelines.report.predictions import EvalPredictions
from pipelines.runs import Run

_ROWS = "example_count"  # TFMA's name for ExampleCount
_BY_SLICE = (  # the first two that the Evaluator computes are shown by slice
    "auc", "binary_crossentropy", "sparse_categorical_accuracy", "sparse_categorical_crossentropy",
    "mean_squared_error", "mean_absolute_error",
)  # fmt: skip
_NO_CHANGE = Interval(value=math.nan, low=math.nan, high=math.nan)
BETTER, WORSE = "better", "worse"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MetricRow:
    """One metric on all eval rows."""

    name: str
    value: float  # the Evaluator's
    interval: Interval | None
    change: Interval | None  # from the previous version's value to the new model's
    word: str  # whether the change is better or worse; empty if it is not known


def compare_overall(run: Run, measured: EvalPredictions) -> list[MetricRow]:
    """Return every metric of the Evaluator on all rows, except counts, with intervals if the project computes it."""
    known = metrics_of(measured.task.problem)
    values = run.metrics().loc[OVERALL].drop(_ROWS, errors="ignore")
    wanted = {name: known[name] for name in known if name in values}
    found = estimate_intervals(measured.labels, measured.predictions, wanted, resamples=measured.resamples)
    changes: dict[str, Interval] = {}
    if measured.baseline is not None:
        changes = estimate_differences(
            measured.labels, measured.predictions, measured.baseline, wanted, resamples=measured.resamples
        )
    order = [*wanted, *(name for name in values.index if name not in wanted)]
    return [
        MetricRow(
            name=name,
            value=float(values[name]),
            interval=found.get(name),
            change=changes.get(name),
            word=_interpret_change(name, changes.get(name)),
        )
        for name in order
    ]


def compare_by_slice(run: Run, measured: EvalPredictions) -> pd.DataFrame:
    """Compare the new model with the previous version by slice.

    Args:
        run: The run to report on; the slices are those of Run.metrics, with at least the task's min_slice_rows.
        measured: Labels and predictions.

    Returns:
        One row per slice and metric of choose_slice_metrics. Columns: slice; columns and label (the slice's columns
        and their values); metric, rows; value with its interval low, high; change from the previous version with its
        interval change_low, change_high; word (BETTER, WORSE, ...). The value is the Evaluator's, and NaN if the metric
        is undefined, where TFMA gives an area under a curve as 0. The change is NaN if there is no previous version.
        Intervals and change are NaN if the slice's rows are not known: TFMA slices by a transformed feature's values if
        it has the raw column's name.
    """
    known = metrics_of(measured.task.problem)
    table, found, sliced = run.metrics(), [], measured.sliced
    wanted = {name: known[name] for name in choose_slice_metrics(table)}
    for words, where in run.slices().items():
        if words == OVERALL:
            continue
        columns, label = " and ".join(name for name, _ in where), ", ".join(value for _, value in where)
        inside = _find_rows(table, sliced, words, where)
        if inside is None:
            rows, unknown = int(table.loc[words].get(_ROWS, 0)), [math.nan] * 5
            found += [(words, columns, label, name, rows, table.loc[words, name], *unknown, "") for name in wanted]
            continue
        labels, predictions = measured.labels[inside], measured.predictions[inside]
        some = estimate_intervals(labels, predictions, wanted, resamples=measured.resamples)
        changes: dict[str, Interval] = {}
        if measured.baseline is not None:
            before = measured.baseline[inside]
            changes = estimate_differences(labels, predictions, before, wanted, resamples=measured.resamples)
        for name, one in some.items():
            value = table.loc[words, name] if math.isfinite(one.value) else math.nan
            change = changes.get(name, _NO_CHANGE)
            against = (change.value, change.low, change.high, _interpret_change(name, change))
            found.append((words, columns, label, name, int(inside.sum()), value, one.low, one.high, *against))
    names = ["slice", "columns", "label", "metric", "rows", "value", "low", "high"]
    names += ["change", "change_low", "change_high", "word"]
    return (
        pd.DataFrame(found, columns=names)
        .sort_values("label", key=_make_natural_key)
        .sort_values("columns", kind="stable")
    )


def mask_undefined(run: Run, measured: EvalPredictions) -> pd.DataFrame:
    """Return Run.metrics with NaN where a metric is undefined on the rows of a slice."""
    known, table, sliced = metrics_of(measured.task.problem), run.metrics(), measured.sliced
    for words, where in run.slices().items():
        inside = _find_rows(table, sliced, words, where)
        if inside is None:
            continue
        once = np.ones((1, int(inside.sum())))
        for name in known.keys() & table.columns:
            if np.isnan(known[name](measured.labels[inside], measured.predictions[inside], once)[0]):
                table.loc[words, name] = np.nan
    return table


def choose_slice_metrics(table: pd.DataFrame) -> list[str]:
    """Return the metrics of Run.metrics that are drawn by slice, two at most."""
    return [name for name in _BY_SLICE if name in table][:2]


def find_worst_slices(frame: pd.DataFrame, metric: str, of_all: float, count: int = 5) -> pd.DataFrame:
    """Return the slices with the worst values, worst first; `beyond` says whether the interval excludes `of_all`.

    Args:
        frame: The table of compare_by_slice.
        metric: Metric to sort by.
        of_all: Value of the metric on all rows.
        count: Slices to return, at most.
    """
    smaller = metric in SMALLER_IS_BETTER
    rows = frame[(frame["metric"] == metric) & frame["value"].notna()].sort_values("value", ascending=not smaller)
    rows = rows[rows["value"] > of_all if smaller else rows["value"] < of_all].head(count)
    return rows.assign(beyond=rows["low"] > of_all if smaller else rows["high"] < of_all)


def find_changed_slices(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the slices in which the new model is clearly better or worse than the previous version, worse ones first.

    Args:
        frame: The table of compare_by_slice.
    """
    rows = frame[frame["word"].isin([BETTER, WORSE])]
    return rows.sort_values("change", key=np.abs, ascending=False).sort_values("word", ascending=False, kind="stable")


def _find_rows(table: pd.DataFrame, sliced: SlicedRows, words: str, where: Slice) -> np.ndarray | None:
    """Return which raw rows are in the Evaluator's slice; None if there are none, or a different number than TFMA's."""
    inside = sliced.inside(where)
    counted = table.loc[words].get(_ROWS, inside.sum())
    return inside if inside.any() and inside.sum() == counted else None


def _make_natural_key(labels: pd.Series) -> pd.Series:
    """Return keys that sort 2 before 10."""
    return labels.map(
        lambda label: [
            (not part.isdecimal(), int(part) if part.isdecimal() else 0, part)
            for part in re.split(r"(\d+)", label)
            if part
        ]
    )


def _interpret_change(name: str, change: Interval | None) -> str:
    if change is None or not math.isfinite(change.low):
        return ""
    if change.low <= 0 <= change.high:
        return "no clear change"
    if name in CENTRED:
        return "changed"
    return BETTER if (change.low > 0) != (name in SMALLER_IS_BETTER) else WORSE
