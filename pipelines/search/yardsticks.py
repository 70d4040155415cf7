"""Fit simple models as yardsticks to the rows of each training, and predict the rows that it holds out.

They read the transformed features, as the candidates do, because the folds are of those rows. The yardsticks of a
report read the raw columns.
"""

import time

import numpy as np
import pandas as pd

from pipelines.modeling.transformed_rows import TransformedRows
from pipelines.search.search import SearchInputs
from pipelines.search.trainings import Training, split_fold
from pipelines.task_definition.problem import MULTICLASS, REGRESSION
from pipelines.yardstick.comparison import MOST_TRAIN_ROWS, predict_yardsticks
from pipelines.yardstick.models import CONSTANT, LINEAR, TREES, sample_rows

_NAME = "yardstick: {}"  # no name of an architecture has a colon


def train_yardsticks(inputs: SearchInputs, seeds: int) -> dict[str, list[Training]]:
    """Fit every yardstick once for each seed, so that candidates and yardsticks are compared on the same rows.

    Args:
        inputs: training rows and settings.
        seeds: number of trainings of each candidate.

    Returns:
        Name -> one training for each seed.
    """
    found: dict[str, list[Training]] = {_NAME.format(name): [] for name in (CONSTANT, LINEAR, TREES)}
    for number in range(seeds):
        began = time.monotonic()
        fitted, scored = split_fold(inputs.rows, number)
        predictions = _predict(inputs, fitted, scored)
        seconds = (time.monotonic() - began) / len(found)
        for name, trainings in found.items():
            one = predictions.get(name.partition(": ")[2])
            failure = None if one is not None else "the training rows have one label only"
            trainings.append(Training(number=number, seconds=seconds, predictions=one, failure=failure))
    return found


def _predict(inputs: SearchInputs, fitted: TransformedRows, scored: TransformedRows) -> dict[str, np.ndarray]:
    classes = 1 if inputs.problem == REGRESSION else int(inputs.rows.labels.max()) + 1
    classes = max(classes, 2) if inputs.problem not in (REGRESSION, MULTICLASS) else classes
    chosen = fitted.take(sample_rows(len(fitted), MOST_TRAIN_ROWS))
    train, others = make_frame(chosen), make_frame(scored)
    return predict_yardsticks(inputs.problem, classes, train, chosen.labels[:, 0], others, {})


def make_frame(rows: TransformedRows) -> pd.DataFrame:
    """Return a frame with a column for each transformed feature; ids become strings, which are categories."""
    columns = {}
    for name, values in rows.features.items():
        for place, column in enumerate(values.T):
            is_id = not np.issubdtype(values.dtype, np.floating)
            columns[f"{name} {place}"] = column.astype(str).astype(object) if is_id else column
    return pd.DataFrame(columns)
