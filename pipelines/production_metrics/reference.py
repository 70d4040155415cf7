"""Compute what was promised of a version: the metrics of the pushed model on the eval split of its run."""

import dataclasses
import functools
import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipelines.evaluation.bootstrap import Interval, estimate_intervals
from pipelines.evaluation.slices import OVERALL, Slice, SlicedRows, list_columns
from pipelines.evaluation.weighted_metrics import Metric
from pipelines.production_metrics.metrics import OF_DECISIONS
from pipelines.production_metrics.recalibration import Recalibration, fit_recalibration
from pipelines.runs import Run, Runs
from pipelines.task_definition.problem import BINARY, MULTICLASS


@dataclasses.dataclass(frozen=True)
class VersionReference:
    """The eval split of the run that pushed a version, with cached metrics of its slices."""

    run: Run
    rows: pd.DataFrame  # raw rows, only the columns that slices use
    labels: np.ndarray  # [rows]: 0 or 1, the number of a class, or the number to predict
    predictions: np.ndarray  # [rows], probabilities or values; or [rows, classes], probabilities
    slices: Mapping[str, Slice]  # slice in words -> slice; those that the run reported, all rows first
    measured: pd.DataFrame  # TFMA's values: one row per slice in words, one column per metric
    problem: str = BINARY  # one of pipelines.task_definition.problem.PROBLEMS
    _promises: dict[tuple[str, ...], dict[str, Interval]] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def recalibration(self) -> Recalibration:
        """The calibration of the model's predictions on the eval split."""
        return fit_recalibration(self.labels, self.predictions)

    def promise(self, where: str, metrics: Mapping[str, Metric]) -> dict[str, Interval]:
        """Return the metrics on a slice of the eval split, with intervals; values are TFMA's if it has them.

        Args:
            where: slice in words; if it has no rows, there are no metrics.
            metrics: name -> metric.
        """
        key = (where, *metrics)
        if key not in self._promises:
            inside = self._inside(where)
            found = estimate_intervals(self.labels[inside], self.predictions[inside], metrics) if inside.any() else {}
            self._promises[key] = {name: self._as_reported(where, name, value) for name, value in found.items()}
        return self._promises[key]

    def count(self, where: str) -> int:
        """Return the number of rows in a slice of the eval split."""
        return int(self._inside(where).sum())

    def _inside(self, where: str) -> np.ndarray:
        return self._sliced.inside(self.slices[where]) if where in self.slices else np.zeros(len(self.rows), bool)

    def _as_reported(self, where: str, name: str, interval: Interval) -> Interval:
        known = name in self.measured and name not in OF_DECISIONS
        reported = self.measured[name].get(where, math.nan) if known else math.nan
        usable = math.isfinite(reported) and math.isfinite(interval.value)  # TFMA gives an undefined area as 0
        return dataclasses.replace(interval, value=float(reported)) if usable else interval

    @functools.cached_property
    def _sliced(self) -> SlicedRows:
        return SlicedRows(self.rows)


def read_reference(runs: Runs, task: str, version: int) -> VersionReference:
    """Read the eval split of the run that pushed a version, and predict it with that version.

    Args:
        runs: all runs.
        task: the task's name.
        version: the pushed version.

    Returns:
        The eval split.

    Raises:
        RunError: No run pushed the version, or the run's artifacts are gone.
    """
    run = runs.open(runs.lineage(str(version), task).run_id)
    problem = run.task_record.problem
    slices = run.slices()
    predicted = run.predict_eval_rows(list_columns(slices.values()))
    return VersionReference(
        run=run,
        rows=predicted.rows,
        labels=as_labels(predicted.labels, problem),
        predictions=predicted.prediction_array.astype(np.float64),
        slices={OVERALL: ()} | slices,
        measured=run.metrics(),
        problem=problem,
    )


def as_labels(values: np.ndarray, problem: str) -> np.ndarray:
    """Return labels as metrics take them, [rows]: 0 or 1 for two classes, class numbers for several, else float64."""
    if problem == BINARY:
        return (values > 0).astype(np.int64)
    return values.astype(np.int64 if problem == MULTICLASS else np.float64)
