"""Compare our model with each yardstick on the same rows, with paired intervals."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipelines.evaluation.bootstrap import RESAMPLES, Interval, estimate_differences, estimate_intervals
from pipelines.evaluation.measures import Measure, measures_of
from pipelines.yardstick.columns import encode
from pipelines.yardstick.models import CONSTANT, fit_and_predict

MOST_TRAIN_ROWS = 20_000  # the yardsticks are fitted to an even sample of more rows, so that a run stays quick
MOST_EVAL_ROWS = 20_000  # the yardsticks are judged on an even sample of more rows
BETTER, WORSE, LEVEL = "better", "worse", "no clear difference"


@dataclasses.dataclass(frozen=True, kw_only=True)
class YardstickPredictions:
    """The yardsticks' predictions of some eval rows."""

    chosen: np.ndarray  # positions of the predicted eval rows, int64 [rows]
    predictions: Mapping[str, np.ndarray]  # by yardstick, [rows] or [rows, classes]
    train_rows: int  # number of rows that they were fitted to


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compared:
    """The value of a yardstick on one measure, and how our model differs from it."""

    measure: Measure
    value: Interval  # of the yardstick
    ours: Interval  # of our model, on the same rows
    difference: Interval  # our value minus the yardstick's

    @property
    def word(self) -> str:
        """Whether our model is better or worse beyond chance: BETTER, WORSE or LEVEL."""
        if not np.isfinite(self.difference.low) or self.difference.low <= 0 <= self.difference.high:
            return LEVEL
        return BETTER if (self.difference.low > 0) == self.measure.larger_is_better else WORSE


def predict_yardsticks(
    problem: str,
    classes: int,
    train: pd.DataFrame,
    labels: np.ndarray,
    others: pd.DataFrame,
    written: Mapping[str, str],
) -> dict[str, np.ndarray]:
    """Return the predictions of the yardsticks after fitting them to raw training rows.

    Args:
        problem: one of pipelines.task_definition.problem.PROBLEMS.
        classes: number of classes; 1 for a regression.
        train: raw columns that requests hold too.
        labels: of the training rows, [rows].
        others: the same columns of the rows to predict.
        written: format of each column with dates; see serving.contract.dates.
    """
    train_table, other_table = encode(train, others, written)
    return fit_and_predict(problem, classes, train_table, labels, other_table)


def compare_with_yardsticks(
    problem: str,
    labels: np.ndarray,
    ours: np.ndarray,
    yardsticks: Mapping[str, np.ndarray],
    resamples: int = RESAMPLES,
) -> dict[str, list[Compared]]:
    """Compare our predictions with those of each yardstick on the same resamples of the rows.

    Args:
        problem: one of pipelines.task_definition.problem.PROBLEMS.
        labels: [rows].
        ours: our model's predictions, [rows] or [rows, classes].
        yardsticks: by name, the same shape.
        resamples: of the bootstrap.

    Returns:
        Yardstick -> one record for each measure; the last measure decides.
    """
    measures = measures_of(problem)
    metrics = {measure.name: measure.compute for measure in measures}
    own = estimate_intervals(labels, ours, metrics, resamples=resamples)
    found = {}
    for name, predictions in yardsticks.items():
        values = estimate_intervals(labels, predictions, metrics, resamples=resamples)
        differences = estimate_differences(labels, ours, predictions, metrics, resamples=resamples)
        found[name] = [
            Compared(measure=one, value=values[one.name], ours=own[one.name], difference=differences[one.name])
            for one in measures
        ]
    return found


def find_best(compared: Mapping[str, list[Compared]]) -> str:
    """Return the yardstick that is best by the deciding measure."""

    def rank(name: str) -> float:
        deciding = compared[name][-1]
        return -deciding.value.value if deciding.measure.larger_is_better else deciding.value.value

    return min(compared, key=lambda name: (rank(name), name != CONSTANT))
