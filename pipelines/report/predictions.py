"""The eval rows with their labels, and the predictions of the new model and of the blessed one before it."""

import dataclasses

import numpy as np
import pandas as pd

from pipelines.evaluation.bootstrap import affordable_resamples
from pipelines.runs import Run, RunError
from pipelines.runs.model import as_predictions
from pipelines.task_definition.problem import MULTICLASS
from pipelines.task_definition.task import Task


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvalPredictions:
    """What the metrics of the report are computed from."""

    task: Task
    rows: pd.DataFrame  # raw
    labels: np.ndarray  # [rows]
    predictions: np.ndarray  # [rows], or [rows, classes]
    baseline: np.ndarray | None  # of the blessed model that the new one was compared with
    baseline_note: str  # why there is none

    @property
    def resamples(self) -> int:
        """How many a bootstrap of these rows can afford."""
        return affordable_resamples(len(self.labels))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels 0, 1, …; their numbers, where the task names none."""
        count = self.predictions.shape[1] if self.task.problem == MULTICLASS else 2
        return self.task.classes or tuple(str(number) for number in range(count))


def predict_eval_rows(run: Run) -> EvalPredictions:
    """Asks the models.

    Raises:
        RunError: The run has no model.
    """
    frame = run.eval_predictions()
    baseline, note = _predict_baseline(run, frame)
    return EvalPredictions(
        task=run.task_record,
        rows=frame,
        labels=frame["label"].to_numpy(),
        predictions=as_predictions(frame),
        baseline=baseline,
        baseline_note=note,
    )


def _predict_baseline(run: Run, rows: pd.DataFrame) -> tuple[np.ndarray | None, str]:
    try:
        model = run.baseline_model()
        if model is None:
            return None, "No model was pushed before this one."
        return as_predictions(model(rows)), ""
    except RunError as error:
        return None, f"The version pushed before cannot be asked on these rows: {error}"
