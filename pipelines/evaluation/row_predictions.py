"""Store a model's predictions of the eval rows in a file, so that later comparisons need not predict them again."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

PREDICTIONS_FILE = "predictions.npz"
_ROUNDING = 1e-5  # relative; a smaller difference of two labels is float32 rounding


@dataclasses.dataclass(frozen=True, kw_only=True)
class RowPredictions:
    """Labels and predictions of rows in a fixed order, and which slices each row is in."""

    rows_digest: str  # digest of the raw rows in their order
    labels: np.ndarray  # class numbers, or the labels of a regression, [rows]
    predictions: np.ndarray  # float32 [rows], or [rows, classes]
    slices: Mapping[str, np.ndarray]  # slice in words -> bool [rows], without the slice of all rows


class RowsDigest:
    """A digest (SHA-256) of serialized rows in their order, independent of how they are divided into parts."""

    def __init__(self) -> None:
        """Start without rows."""
        self._digest = hashlib.sha256()

    def add(self, records: list[bytes]) -> list[bytes]:
        """Add rows, and return them."""
        for record in records:
            self._digest.update(len(record).to_bytes(8, "little"))
            self._digest.update(record)
        return records

    def hex(self) -> str:
        """Return the digest of all rows so far."""
        return self._digest.hexdigest()


def write_predictions(folder: Path, found: RowPredictions) -> None:
    """Write PREDICTIONS_FILE into a folder: one bit per row and slice, 4 bytes per prediction."""
    rows = len(found.labels)
    members = [np.packbits(inside) for inside in found.slices.values()]
    np.savez(
        folder / PREDICTIONS_FILE,
        labels=found.labels,
        predictions=found.predictions.astype(np.float32),
        slices=np.stack(members) if members else np.zeros((0, (rows + 7) // 8), np.uint8),
        described=np.frombuffer(
            json.dumps({"rows_digest": found.rows_digest, "slices": list(found.slices)}).encode(), np.uint8
        ),
    )


def read_predictions(folder: Path) -> RowPredictions:
    """Return the predictions that `write_predictions` wrote into a folder.

    Args:
        folder: Folder of PREDICTIONS_FILE.

    Raises:
        OSError: The file does not exist.
    """
    with np.load(folder / PREDICTIONS_FILE, allow_pickle=False) as stored:
        described = json.loads(stored["described"].tobytes())
        labels, members = stored["labels"], stored["slices"]
        return RowPredictions(
            rows_digest=described["rows_digest"],
            labels=labels,
            predictions=stored["predictions"],
            slices={
                words: np.unpackbits(packed, count=len(labels)).astype(bool)
                for words, packed in zip(described["slices"], members, strict=True)
            },
        )


def require_same_question(earlier: RowPredictions, later: RowPredictions) -> None:
    """Check that two models predict the same label of the same rows, so that their difference has a meaning.

    Args:
        earlier: Labels and predictions of an earlier model.
        later: Labels and predictions of the new model, for the same rows.

    Raises:
        ValueError: Predictions differ in shape, or labels in value.
    """
    if earlier.predictions.shape != later.predictions.shape:
        raise ValueError(
            f"expected predictions of shape {later.predictions.shape}, as the new model's, received shape "
            f"{earlier.predictions.shape}"
        )
    others = ~np.isclose(earlier.labels, later.labels, rtol=_ROUNDING, equal_nan=True)
    if others.any():
        raise ValueError(
            f"it predicts another label: its label has another value in {int(others.sum()):,} of {len(others):,} rows"
        )
