"""Group many rows of two classes into few cells of nearly equal predictions, so that a bootstrap of them stays cheap.

If the rows of a cell are alike, drawing cells in proportion to their rows is the same as drawing rows. Here the rows of
a cell have the same label and predictions of neighbouring ranks. Each label's lowest and highest predictions are cells
of one row, since their logarithms differ much.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

LARGE = 8_000  # rows; with this many, cells are used: of one model there are about a third as many
_TAIL = 256  # rows at either end of a label's predictions that are cells of one row
# Cells of the rows in between, for each label: 1024 by the predictions of one model, 64 by 64 by those of two.
_CELLS_PER_MODEL = {1: 1024, 2: 64}


@dataclasses.dataclass(frozen=True, kw_only=True)
class RowCells:
    """Label, mean predictions and number of rows of each cell."""

    labels: np.ndarray  # int64 [cells]
    predictions: dict[str, np.ndarray]  # name of the predictions -> their means, float64 [cells]
    counts: np.ndarray  # rows, int64 [cells]


def make_cells(labels: np.ndarray, predictions: Mapping[str, np.ndarray]) -> RowCells | None:
    """Group rows into cells.

    Args:
        labels: [rows].
        predictions: Name -> [rows]; of one model, or of two that are compared.

    Returns:
        None if there are fewer than LARGE rows, or the labels are not 0 and 1.
    """
    if len(labels) < LARGE or any(values.ndim > 1 for values in predictions.values()) or not _are_binary(labels):
        return None
    number, cells = 0, np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        cells[rows] = number + _number_cells([values[rows] for values in predictions.values()])
        number = int(cells[rows].max()) + 1
    counts = np.bincount(cells)
    return RowCells(
        labels=np.rint(np.bincount(cells, weights=labels) / counts).astype(np.int64),
        predictions={whose: np.bincount(cells, weights=values) / counts for whose, values in predictions.items()},
        counts=counts,
    )


def _are_binary(labels: np.ndarray) -> bool:
    return bool(((labels == 0) | (labels == 1)).all())


def _number_cells(predictions: Sequence[np.ndarray]) -> np.ndarray:
    """Return the cell number of each row of one label, int64 [rows], without gaps."""
    rows = len(predictions[0])
    per_model = _CELLS_PER_MODEL[len(predictions)]
    numbers = np.zeros(rows, np.int64)
    for position, values in enumerate(predictions):
        order = np.lexsort((values, numbers))
        starts = np.searchsorted(numbers[order], numbers[order], side="left")
        ends = np.searchsorted(numbers[order], numbers[order], side="right")
        rank = np.arange(rows) - starts
        part = rank * per_model // (ends - starts) + _TAIL
        if position == 0:
            part = np.where(rank < _TAIL, rank, np.where(rows - rank <= _TAIL, part.max() + 1 + rank, part))
        ranked = np.empty(rows, np.int64)
        ranked[order] = numbers[order] * (int(part.max()) + 1) + part
        numbers = np.unique(ranked, return_inverse=True)[1].reshape(-1)
    return numbers
