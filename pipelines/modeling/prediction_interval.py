"""Calibrate the interval around a regression's value by split-conformal prediction: two constants per model.

The half width is a quantile of the absolute errors on rows that neither fitted nor selected the model. The label of a
similar new row is in the interval with a probability of at least `level`, for any model and distribution: Lei, G'Sell,
Rinaldo, Tibshirani and Wasserman, "Distribution-Free Predictive Inference for Regression", Journal of the American
Statistical Association 113 (2018), arXiv:1604.04173, theorem 2.2. The probability is over all rows, not for each kind
of row: the interval has the same width everywhere.
"""

import dataclasses
import math

import keras
import numpy as np

from pipelines.modeling.transformed_rows import TransformedRows

LEVEL = 0.9
_BATCH = 1024


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictionInterval:
    """The interval from value - half_width to value + half_width."""

    half_width: float  # in the label's unit
    level: float  # share of rows whose label is in the interval, 0 to 1


def calibrate_interval(model: keras.Model, rows: TransformedRows, level: float = LEVEL) -> PredictionInterval | None:
    """Return the interval of a model.

    Args:
        model: maps a dict of transformed features [batch, n] to float32 [batch, 1] in the label's unit.
        rows: rows that neither fitted nor selected the model; labels in their unit.
        level: share of rows whose label the interval should contain, 0 to 1.

    Returns:
        None if there are too few rows for the level; 0.9 needs 9.
    """
    predictions = model.predict(rows.features, batch_size=_BATCH, verbose=0)
    return find_interval(rows.labels[:, 0] - predictions[:, 0], level)


def find_interval(errors: np.ndarray, level: float = LEVEL) -> PredictionInterval | None:
    """Return the interval for the errors of rows, [rows]; None if they are too few for the level."""
    rank = math.ceil((len(errors) + 1) * level)
    if rank > len(errors):
        return None
    width = np.float32(np.sort(np.abs(errors.astype(np.float64)))[rank - 1])
    return PredictionInterval(half_width=float(np.nextafter(width, np.float32(np.inf))), level=level)
