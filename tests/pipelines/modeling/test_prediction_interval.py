"""The interval around a regression's value holds the share of new rows that it says."""

import keras
import numpy as np
import pytest
from scipy import stats

from pipelines.modeling.prediction_interval import calibrate_interval, find_interval
from pipelines.modeling.transformed_rows import TransformedRows

ROWS = 399  # that calibrate


def errors(draw: np.random.Generator, rows: int) -> np.ndarray:
    """Of a wrong model: biased, skewed, with long tails."""
    return draw.standard_t(3, rows) * 5 + draw.exponential(4, rows) - 1


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
def test_new_rows_lie_in_it_as_often_as_it_says(level: float) -> None:
    """Over 200 calibrations, on 10,000 rows each that had no part in them: the coverages are those of theory.

    Given the rows that calibrate, the coverage is a Beta variable: Vovk, "Conditional Validity of Inductive Conformal
    Predictors", 2012, arXiv:1209.2673, proposition 2b.
    """
    draw = np.random.default_rng(7)
    coverages = []
    for _ in range(200):
        interval = find_interval(errors(draw, ROWS), level)
        assert interval is not None
        coverages.append(float((np.abs(errors(draw, 10_000)) <= interval.half_width).mean()))
    rank = int(np.ceil((ROWS + 1) * level))
    theory = stats.beta(rank, ROWS + 1 - rank)
    assert np.mean(coverages) == pytest.approx(theory.mean(), abs=4 * theory.std() / np.sqrt(200))
    assert np.mean(coverages) >= level - 0.005
    assert min(coverages) > theory.ppf(1e-5)


def test_too_few_rows_have_none() -> None:
    assert find_interval(np.arange(8.0)) is None
    found = find_interval(np.array([-9.0, *range(1, 9)]))
    assert found is not None
    assert found.half_width == pytest.approx(9, rel=1e-6)
    assert found.half_width >= 9  # all nine


def test_a_model_is_calibrated_by_its_own_errors() -> None:
    inputs = keras.Input([1], name="x")
    model = keras.Model({"x": inputs}, keras.layers.Rescaling(2.0)(inputs))
    features = np.arange(19, dtype=np.float32)[:, None]
    noise = np.array([(-1) ** place * place / 10 for place in range(19)], np.float32)[:, None]
    found = calibrate_interval(model, TransformedRows(features={"x": features}, labels=2 * features + noise))
    assert found is not None
    assert found.half_width == pytest.approx(1.7, rel=1e-5)  # the 18th of 19
    assert found.level == 0.9
