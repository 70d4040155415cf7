"""Transformed rows in memory: read in a fixed order, held out in part, refused where no model can learn from them."""

import dataclasses

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components.tfrecords import read_chunks


class TrainingError(ValueError):
    """The rows cannot be trained on."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransformedRows:
    """Rows of one split, as preprocessing_fn gives them."""

    features: dict[str, np.ndarray]  # each [rows, n]
    labels: np.ndarray  # [rows, 1]

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, batch_size: int) -> int:
        """Counts how many batches the rows fill, the last one in part."""
        return -(-len(self) // batch_size)

    def hold_out(self, one_in: int, fold: int = -1) -> tuple["TransformedRows", "TransformedRows"]:
        """Splits off every `one_in`-th row: (the others, those).

        Args:
            one_in: the held-out rows are one in so many.
            fold: where to begin, 0 to one_in - 1; with each of them once, every row is held out once. -1: the last.

        Raises:
            TrainingError: There are too few rows to hold one out.
        """
        if len(self) < one_in:
            raise TrainingError(f"too few training rows: expected {one_in} or more, received {len(self)}; bring more")
        held_out = np.arange(len(self)) % one_in == fold % one_in
        return self._where(~held_out), self._where(held_out)

    def _where(self, kept: np.ndarray) -> "TransformedRows":
        return TransformedRows(
            features={name: values[kept] for name, values in self.features.items()}, labels=self.labels[kept]
        )


def read_rows(patterns: list[str], transform: tft.TFTransformOutput, label: str) -> TransformedRows:
    """Reads one split of the transformed Examples, in an order that does not depend on how Beam wrote them.

    Beam gives no order across runs and engines. Sorted by value, the same rows train the same model. The columns of a
    split have to fit in memory, several times over: with what fitting needs, 1 KiB for a row of 26 numbers.

    Raises:
        TrainingError: The split is empty, or has no such label, or has features that are not dense, not [batch, n], or
            not finite.
    """
    spec = transform.transformed_feature_spec()
    if label not in spec:
        raise TrainingError(f"preprocessing_fn gives no label {label!r}: expected it among {', '.join(sorted(spec))}")
    files = sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))
    sparse = sorted(name for name, feature in spec.items() if not isinstance(feature, tf.io.FixedLenFeature))
    if sparse:
        raise TrainingError(f"transformed features are sparse: {', '.join(sparse)}; densify them in preprocessing_fn")
    _require_columns(spec)
    columns = _read_columns(files, spec)
    if columns is None:
        raise TrainingError(f"no rows to read: expected at least one, received none in {', '.join(patterns)}")
    _require_numbers(columns)
    order = np.lexsort([column for values in columns.values() for column in values.reshape(len(values), -1).T])
    for name in columns:
        columns[name] = columns[name][order]
    return TransformedRows(labels=columns.pop(label), features=columns)


def _read_columns(files: list[str], spec: dict[str, tf.io.FixedLenFeature]) -> dict[str, np.ndarray] | None:
    """Reads the files a chunk at a time, so that no row is ever held by itself; None where there is no row.

    Returns:
        By name, in the order of names; each [rows, n].
    """
    chunks = [tf.io.parse_example(records, spec) for records in read_chunks(files)]
    if not chunks:
        return None
    columns = {}
    for name in sorted(spec):
        columns[name] = np.concatenate([chunk.pop(name).numpy() for chunk in chunks])
    return columns


def _require_columns(spec: dict[str, tf.io.FixedLenFeature]) -> None:
    """Refuses what is not [batch, n]: batches are gathered from tables of such columns."""
    for name, feature in sorted(spec.items()):
        if len(feature.shape) != 1:
            received = ", ".join(["batch", *map(str, feature.shape)])
            raise TrainingError(
                f"{name}: expected [batch, n] of preprocessing_fn, received [{received}]; give it that shape there, "
                "with tf.expand_dims(..., axis=1) or tf.reshape"
            )


def _require_numbers(columns: dict[str, np.ndarray]) -> None:
    """Refuses NaN and infinity, one of which makes every weight NaN."""
    for name, values in columns.items():
        if values.dtype.kind == "f" and (count := int((~np.isfinite(values)).any(axis=1).sum())):
            raise TrainingError(
                f"{name}: expected finite numbers, received NaN or infinity in {count:,} of {len(values):,} training "
                "rows. A date that is written otherwise than features.py says becomes NaN, and so does 0 / 0. Correct "
                "those rows, or handle them in preprocessing_fn."
            )


def require_classes(rows: TransformedRows, label: str, classes: int) -> None:
    """Refuses rows that a classifier cannot learn from.

    Args:
        rows: to train on.
        label: its name.
        classes: how many there are; 2 for a binary problem.

    Raises:
        TrainingError: A label is not 0 to classes - 1, or every label is the same.
    """
    values = np.unique(rows.labels)
    if outside := [int(value) for value in values if not 0 <= value < classes]:
        count = int(np.isin(rows.labels, outside).sum())
        raise TrainingError(
            f"label {label}: expected 0 to {classes - 1}, received {outside[0]} in {count} of {len(rows)} rows: "
            "a value of no known class; add it to CLASSES and to the contract, or remove those rows."
        )
    _require_two_values(values, rows, label, "both 0 and 1" if classes == 2 else "different values")


def require_different_labels(rows: TransformedRows, label: str) -> None:
    """Refuses rows that a regression cannot learn from.

    Raises:
        TrainingError: Every label is the same.
    """
    _require_two_values(np.unique(rows.labels), rows, label, "different values")


def _require_two_values(values: np.ndarray, rows: TransformedRows, label: str, expected: str) -> None:
    if len(values) < 2:
        raise TrainingError(
            f"label {label} is {values[0]} in every one of {len(rows)} training rows: expected {expected}; "
            "check the columns that the label is made from, or bring more rows."
        )
