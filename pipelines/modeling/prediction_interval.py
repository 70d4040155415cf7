"""The interval around a regression's value, by split-conformal prediction: two constants of a trained model.

Of rows that the model neither learned from nor was chosen by, the half width is a quantile of the absolute errors. A
new row like them lies in the interval with a probability of at least `level`, whatever the model and the distribution:
Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, "Distribution-Free Predictive Inference for Regression", Journal of the
American Statistical Association 113 (2018), arXiv:1604.04173, theorem 2.2. That holds over all rows, not for each kind
of row: the interval is as wide where the model is sure as where it is not.
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
    """From value - half_width to value + half_width."""

    half_width: float  # in the label's unit
    level: float  # share of rows, 0 to 1


def calibrate_interval(model: keras.Model, rows: TransformedRows, level: float = LEVEL) -> PredictionInterval | None:
    """Calibrate the interval of a model.

    Args:
        model: takes a dict of transformed features [batch, n], returns float32 [batch, 1] in the label's unit.
        rows: that it neither learned from nor was chosen by; labels in their unit.
        level: share of rows that the interval shall hold, 0 to 1.

    Returns:
        None where the rows are too few for the level: 9 for 0.9.
    """
    predictions = model.predict(rows.features, batch_size=_BATCH, verbose=0)
    return find_interval(rows.labels[:, 0] - predictions[:, 0], level)


def find_interval(errors: np.ndarray, level: float = LEVEL) -> PredictionInterval | None:
    """Find the interval by the errors of rows, [rows]; None where they are too few."""
    rank = math.ceil((len(errors) + 1) * level)
    if rank > len(errors):
        return None
    width = np.float32(np.sort(np.abs(errors.astype(np.float64)))[rank - 1])
    return PredictionInterval(half_width=float(np.nextafter(width, np.float32(np.inf))), level=level)
