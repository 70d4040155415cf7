"""A bootstrap of cells finds what a bootstrap of the rows finds."""

import numpy as np
import pytest

from pipelines.evaluation import bootstrap, row_cells
from pipelines.evaluation.weighted_metrics import metrics_of
from pipelines.task_definition.problem import BINARY

ROWS = 24_000


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, and predictions of two models."""
    draw = np.random.default_rng(5)
    chance = draw.beta(0.4, 1.2, ROWS)
    other = np.clip(chance + draw.normal(0, 0.05, ROWS), 1e-6, 1 - 1e-6)
    return (draw.uniform(size=ROWS) < chance).astype(np.int64), chance.astype(np.float32), other.astype(np.float32)


def test_every_row_is_in_one_cell_of_its_label_and_its_neighbours(rows: tuple[np.ndarray, ...]) -> None:
    labels, one, other = rows
    cells = row_cells.make_cells(labels, {"one": one, "other": other})
    assert cells is not None
    assert len(cells.counts) < ROWS / 2
    assert cells.counts.sum() == ROWS
    assert cells.counts @ cells.labels == labels.sum()
    for name, values in (("one", one), ("other", other)):
        assert cells.counts @ cells.predictions[name] == pytest.approx(values.sum(dtype=np.float64))
    positive = np.sort(cells.predictions["one"][cells.labels == 1])
    assert positive[:256] == pytest.approx(np.sort(one[labels == 1])[:256])
    assert positive[-256:] == pytest.approx(np.sort(one[labels == 1])[-256:])


@pytest.mark.parametrize("rows_count", [row_cells.LARGE - 1, row_cells.LARGE])
def test_few_rows_and_other_labels_are_drawn_as_they_are(rows_count: int) -> None:
    predictions = np.linspace(0.1, 0.9, rows_count)
    binary = row_cells.make_cells(np.arange(rows_count) % 2, {"": predictions})
    assert (binary is None) == (rows_count < row_cells.LARGE)
    assert row_cells.make_cells(np.arange(rows_count) % 3, {"": predictions}) is None
    assert row_cells.make_cells(np.arange(rows_count) % 2, {"": np.zeros((rows_count, 2))}) is None


@pytest.mark.slow
def test_intervals_by_cells_are_those_by_rows(rows: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    labels, one, other = rows
    metrics, draws = metrics_of(BINARY), 400
    by_cells = bootstrap.estimate_intervals(labels, one, metrics, resamples=draws)
    changes = bootstrap.estimate_differences(labels, one, other, metrics, resamples=draws)
    monkeypatch.setattr(row_cells, "LARGE", ROWS + 1)
    by_rows = bootstrap.estimate_intervals(labels, one, metrics, resamples=draws, seed=1)
    changes_by_rows = bootstrap.estimate_differences(labels, one, other, metrics, resamples=draws, seed=1)
    for found, expected in ((by_cells, by_rows), (changes, changes_by_rows)):
        for name, interval in expected.items():
            width = interval.high - interval.low
            assert found[name].value == interval.value, name
            # Two bootstraps of 400 draws differ by about a tenth of the interval in each of its ends.
            assert found[name].low == pytest.approx(interval.low, abs=0.2 * width), name
            assert found[name].high == pytest.approx(interval.high, abs=0.2 * width), name
