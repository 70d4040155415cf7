"""Predict the eval rows with the new model and with the version that was pushed before it."""

import dataclasses
import functools

import numpy as np
import pandas as pd

from pipelines.evaluation.bootstrap import affordable_resamples
from pipelines.evaluation.slices import SlicedRows, list_columns
from pipelines.fairness.agreed import read_fairness
from pipelines.nodes import EVAL
from pipelines.runs import Run, RunError
from pipelines.runs.examples import to_frame
from pipelines.runs.model import as_predictions
from pipelines.task_definition.problem import MULTICLASS
from pipelines.task_definition.task import Task


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvalPredictions:
    """Labels and predictions of the eval rows, from which the report's metrics are computed."""

    task: Task
    rows: pd.DataFrame  # raw values of the columns that slices and groups need
    labels: np.ndarray  # [rows]
    predictions: np.ndarray  # [rows], or [rows, classes]
    baseline: np.ndarray | None  # predictions of the previous version: the version pushed before
    baseline_note: str  # why there are none; empty otherwise

    @functools.cached_property
    def sliced(self) -> SlicedRows:
        """The rows, indexed by slice."""
        return SlicedRows(self.rows)

    @property
    def resamples(self) -> int:
        """Number of bootstrap resamples that take about a second with this many rows."""
        return affordable_resamples(len(self.labels))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels 0, 1, …; the numbers themselves if the task names none."""
        count = self.predictions.shape[1] if self.task.problem == MULTICLASS else 2
        return self.task.classes or tuple(str(number) for number in range(count))


def predict_eval_rows(run: Run) -> EvalPredictions:
    """Predict the eval rows with both models.

    Args:
        run: The run to report on.

    Returns:
        Labels and predictions; without the previous version's if there is none or it cannot predict these rows.

    Raises:
        RunError: The run has no model.
    """
    agreed = read_fairness(run.task_record)
    groups = () if agreed is None else agreed.columns
    predicted = run.predict_eval_rows(list_columns(run.slices().values()).union(groups))
    baseline, note = _predict_baseline(run)
    return EvalPredictions(
        task=run.task_record,
        rows=predicted.rows,
        labels=predicted.labels,
        predictions=predicted.prediction_array,
        baseline=baseline,
        baseline_note=note,
    )


def _predict_baseline(run: Run) -> tuple[np.ndarray | None, str]:
    try:
        model = run.baseline_model()
        if model is None:
            return None, "No model was pushed before this one."
        chunks = (to_frame(records, run.schema) for records in run.record_chunks(EVAL))
        return np.concatenate([as_predictions(model(rows)) for rows in chunks]), ""
    except RunError as error:
        return None, f"The previous version cannot predict these rows: {error}"
