"""Read transformed rows into memory in a fixed order, split off held-out rows, and refuse rows no model can learn."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components.tfrecords import read_chunks
from pipelines.modeling.compact_columns import HELD_BYTES, CompactColumns, hold_columns

_LABEL = ""  # not the name of a feature


class TrainingError(ValueError):
    """The rows cannot be trained on."""


class TransformedRows:
    """Rows of one split, as preprocessing_fn returned them.

    The rows are in compact tables (pipelines.modeling.compact_columns). Rows that are taken from others share their
    tables.
    """

    def __init__(self, *, features: Mapping[str, np.ndarray], labels: np.ndarray):
        """Make rows of arrays.

        Args:
            features: by name, each [rows, n].
            labels: [rows, 1].
        """
        columns, rows = hold_columns(lambda: [{**features, _LABEL: labels}])
        self._set(columns, _LABEL, np.arange(rows))

    @classmethod
    def of_columns(cls, columns: CompactColumns, label: str, positions: np.ndarray) -> "TransformedRows":
        """Return rows of tables.

        Args:
            columns: the tables; they may hold other rows too.
            label: name of the label's column; the other columns are features.
            positions: of these rows in the tables, in their order.
        """
        rows = cls.__new__(cls)
        rows._set(columns, label, positions)
        return rows

    def _set(self, columns: CompactColumns, label: str, positions: np.ndarray) -> None:
        self.columns, self.label = columns, label
        self.positions = positions.astype(np.min_scalar_type(int(positions.max(initial=0))))

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def features(self) -> dict[str, np.ndarray]:
        """All features, each [rows, n]. Each call copies them from the tables; use the tables to make batches."""
        return {name: self.columns.read(name, self.positions) for name in self.columns.places if name != self.label}

    @property
    def labels(self) -> np.ndarray:
        """The labels, [rows, 1]. Each call makes a new array."""
        return self.columns.read(self.label, self.positions)

    def batches(self, batch_size: int) -> int:
        """Return the number of batches that the rows fill; the last may be partial."""
        return -(-len(self) // batch_size)

    def hold_out(self, one_in: int, fold: int = -1) -> tuple["TransformedRows", "TransformedRows"]:
        """Split off every `one_in`-th row.

        Args:
            one_in: one in so many rows is held out.
            fold: first row to hold out, 0 to one_in - 1. All folds together hold every row out once. -1: the last fold.

        Returns:
            The remaining rows, and the held-out rows.

        Raises:
            TrainingError: There are fewer than `one_in` rows.
        """
        if len(self) < one_in:
            raise TrainingError(f"too few training rows: expected {one_in} or more, received {len(self)}; bring more")
        held_out = np.zeros(len(self), bool)
        held_out[fold % one_in :: one_in] = True
        return self.take(~held_out), self.take(held_out)

    def take(self, chosen: np.ndarray) -> "TransformedRows":
        """Return the rows of these numbers or of this mask, without copying their columns."""
        return TransformedRows.of_columns(self.columns, self.label, self.positions[chosen])


def read_rows(patterns: list[str], transform: tft.TFTransformOutput, label: str) -> TransformedRows:
    """Return the transformed Examples of one split, sorted by value.

    Beam's order differs between runs and engines. Sorted rows train the same model.

    Raises:
        TrainingError: The split is empty, lacks the label, or has features that are not dense, not [batch, n], or not
            finite.
    """
    spec = transform.transformed_feature_spec()
    if label not in spec:
        raise TrainingError(f"preprocessing_fn gives no label {label!r}: expected it among {', '.join(sorted(spec))}")
    files = sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))
    sparse = sorted(name for name, feature in spec.items() if not isinstance(feature, tf.io.FixedLenFeature))
    if sparse:
        raise TrainingError(f"transformed features are sparse: {', '.join(sparse)}; densify them in preprocessing_fn")
    require_columns({name: feature.shape for name, feature in spec.items()})
    not_finite: Counter[str] = Counter()

    def read() -> Iterator[dict[str, np.ndarray]]:
        not_finite.clear()
        for chunk in _read_chunks(files, spec):
            not_finite.update(_count_not_finite(chunk))
            yield chunk

    columns, rows = hold_columns(read, HELD_BYTES)
    if not rows:
        raise TrainingError(f"no rows to read: expected at least one, received none in {', '.join(patterns)}")
    _require_numbers(not_finite, rows)
    return TransformedRows.of_columns(columns, label, np.lexsort(columns.sort_keys()))


def _read_chunks(files: list[str], spec: dict[str, tf.io.FixedLenFeature]) -> Iterator[dict[str, np.ndarray]]:
    """Yield chunks of some thousand rows: feature, in the order of names -> [rows, n]."""
    for records in read_chunks(files):
        parsed = tf.io.parse_example(records, spec)
        yield {name: parsed[name].numpy() for name in sorted(spec)}


def require_columns(shapes: Mapping[str, Iterable[int | None]]) -> None:
    """Refuse shapes other than [batch, n], because batches are gathered from tables of such columns.

    Args:
        shapes: name of a feature or the label -> its shape without the batch dimension.

    Raises:
        TrainingError: A shape has another rank.
    """
    for name, shape in sorted(shapes.items()):
        received = ["batch", *map(str, shape)]
        if len(received) != 2:
            raise TrainingError(
                f"{name}: expected [batch, n] of preprocessing_fn, received [{', '.join(received)}]; give it that "
                "shape there, with tf.expand_dims(..., axis=1) or tf.reshape"
            )


def _count_not_finite(chunk: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Return the number of rows with NaN or infinity by feature."""
    numbers = {name: values for name, values in chunk.items() if values.dtype.kind == "f"}
    return {name: int((~np.isfinite(values)).any(axis=1).sum()) for name, values in numbers.items()}


def _require_numbers(not_finite: Mapping[str, int], rows: int) -> None:
    """Refuse NaN and infinity: a single one makes every weight NaN."""
    for name, count in sorted(not_finite.items()):
        if count:
            raise TrainingError(
                f"{name}: expected finite numbers, received NaN or infinity in {count:,} of {rows:,} training "
                "rows. A date that is written otherwise than features.py says becomes NaN, and so does 0 / 0. Correct "
                "those rows, or handle them in preprocessing_fn."
            )


def require_classes(rows: TransformedRows, label: str, classes: int) -> None:
    """Refuse labels that a classifier cannot learn.

    Args:
        rows: training rows.
        label: name of the label.
        classes: number of classes; 2 for a binary problem.

    Raises:
        TrainingError: A label is not 0 to classes - 1, or all labels are the same.
    """
    labels = rows.labels
    values = np.unique(labels)
    if outside := [int(value) for value in values if not 0 <= value < classes]:
        count = int(np.isin(labels, outside).sum())
        raise TrainingError(
            f"label {label}: expected 0 to {classes - 1}, received {outside[0]} in {count} of {len(rows)} rows: "
            "a value of no known class; add it to CLASSES and to the contract, or remove those rows."
        )
    _require_two_values(values, rows, label, "both 0 and 1" if classes == 2 else "different values")


def require_different_labels(rows: TransformedRows, label: str) -> None:
    """Refuse labels that a regression cannot learn.

    Raises:
        TrainingError: All labels are the same.
    """
    _require_two_values(np.unique(rows.labels), rows, label, "different values")


def _require_two_values(values: np.ndarray, rows: TransformedRows, label: str, expected: str) -> None:
    if len(values) < 2:
        raise TrainingError(
            f"label {label} is {values[0]} in every one of {len(rows)} training rows: expected {expected}; "
            "check the columns that the label is made from, or bring more rows."
        )
