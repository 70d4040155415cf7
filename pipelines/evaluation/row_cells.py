"""Many rows of two classes as few cells of nearly equal predictions, so that a bootstrap of them stays cheap.

Drawing rows and drawing cells in proportion to their rows are the same if the rows of a cell are alike. Here they have
one label and predictions of neighbouring ranks. The rows with each label's lowest and highest predictions are cells of
their own, since a logarithm of them tells them far apart.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

LARGE = 8_000  # rows from which on cells are used: there are a third as many
_TAIL = 256  # rows at either end of a label's predictions that are not put together
# Of the rows between, for each label: cells by the predictions of one model; of two models, 64 by 64.
_CELLS_PER_MODEL = {1: 1024, 2: 64}


@dataclasses.dataclass(frozen=True, kw_only=True)
class RowCells:
    """What the rows of each cell have in common."""

    labels: np.ndarray  # int64 [cells]
    predictions: dict[str, np.ndarray]  # whose -> float64 [cells], means
    counts: np.ndarray  # int64 [cells]: rows


def make_cells(labels: np.ndarray, predictions: Mapping[str, np.ndarray]) -> RowCells | None:
    """Put rows into cells; None where there are few, or where they are not of two classes.

    Args:
        labels: [rows].
        predictions: whose -> [rows]; of one model, or of two that are compared.
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
    """Numbers the cells of rows with one label, int64 [rows], without gaps."""
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
