"""How our model compares with each yardstick on the same rows, with paired intervals."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipelines.evaluation.bootstrap import RESAMPLES, Interval, estimate_differences, estimate_intervals
from pipelines.evaluation.measures import Measure, measures_of
from pipelines.yardstick.columns import encode
from pipelines.yardstick.models import CONSTANT, fit_and_predict

MOST_TRAIN_ROWS = 20_000  # that the yardsticks are fitted to: beyond, an even sample, so that a run stays quick
MOST_EVAL_ROWS = 20_000  # that they are judged on
BETTER, WORSE, LEVEL = "better", "worse", "no clear difference"


@dataclasses.dataclass(frozen=True, kw_only=True)
class YardstickPredictions:
    """What the yardsticks predict for some eval rows."""

    chosen: np.ndarray  # places of the eval rows that were predicted, int64 [rows]
    predictions: Mapping[str, np.ndarray]  # by yardstick, [rows] or [rows, classes]
    train_rows: int  # that they were fitted to


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compared:
    """A yardstick on one measure, and how far our model is from it."""

    measure: Measure
    value: Interval  # of the yardstick
    ours: Interval  # of our model, on the same rows
    difference: Interval  # our value less the yardstick's

    @property
    def word(self) -> str:
        """Say whether our model is better or worse beyond chance."""
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
    """Fit the yardsticks to raw training rows, and predict other rows.

    Args:
        problem: one of pipelines.task_definition.problem.PROBLEMS.
        classes: how many there are; 1 for a regression.
        train: raw columns that a request holds too.
        labels: of those rows, [rows].
        others: the same columns of the rows to predict.
        written: format of each column that holds dates; see serving.contract.dates.
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
    """Find the yardstick that is best by the deciding measure."""

    def rank(name: str) -> float:
        deciding = compared[name][-1]
        return -deciding.value.value if deciding.measure.larger_is_better else deciding.value.value

    return min(compared, key=lambda name: (rank(name), name != CONSTANT))
