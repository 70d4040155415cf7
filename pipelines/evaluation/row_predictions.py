"""Predictions of one model for the eval rows, as a file: so that it need not be asked again when it is compared."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

PREDICTIONS_FILE = "predictions.npz"
_ROUNDING = 1e-5  # relative: labels closer than that are one label, computed twice as float32


@dataclasses.dataclass(frozen=True, kw_only=True)
class RowPredictions:
    """Labels and predictions of rows in a fixed order, and which slices each row is in."""

    rows_digest: str  # of the rows themselves: two of these are of the same rows in the same order where it is equal
    labels: np.ndarray  # [rows]; class numbers, or the number that was to be predicted
    predictions: np.ndarray  # float32 [rows], or [rows, classes]
    slices: Mapping[str, np.ndarray]  # slice in words -> bool [rows]; all rows together are none of them


class RowsDigest:
    """A digest (SHA-256) of serialized rows in their order, whatever parts they come in."""

    def __init__(self) -> None:
        """Begin without rows."""
        self._digest = hashlib.sha256()

    def add(self, records: list[bytes]) -> list[bytes]:
        """Take more rows, and return them."""
        for record in records:
            self._digest.update(len(record).to_bytes(8, "little"))
            self._digest.update(record)
        return records

    def hex(self) -> str:
        """Return the digest of all rows so far."""
        return self._digest.hexdigest()


def write_predictions(folder: Path, found: RowPredictions) -> None:
    """Write PREDICTIONS_FILE into a folder: a bit for each row and slice, 4 bytes for each prediction."""
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
    """Read what `write_predictions` wrote.

    Raises:
        OSError: It is not there.
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
    """Check that two models predict the same label of the same rows: otherwise their difference means nothing.

    Raises:
        ValueError: They do not.
    """
    if earlier.predictions.shape != later.predictions.shape:
        raise ValueError(
            f"it predicts arrays of shape {earlier.predictions.shape}: expected {later.predictions.shape}, as the new "
            "model does"
        )
    others = ~np.isclose(earlier.labels, later.labels, rtol=_ROUNDING, equal_nan=True)
    if others.any():
        raise ValueError(
            f"it was made for another label: {int(others.sum()):,} of {len(others):,} rows had another value then"
        )
