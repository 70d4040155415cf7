"""Compute the batch path: the features that Transform wrote, and the trained model's predictions on them."""

import copy
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Self

import keras
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from tfx_bsl.coders import example_coder

from components.row_keys import take_row_keys
from components.skew_gate import model_probe
from components.skew_gate.bitwise import Arrays, bits, describe_type
from components.skew_gate.json_values import feature_values
from components.tfrecords import read_chunks

_NOTHING = np.empty(0)
_Decoded = tuple[Arrays, np.ndarray]  # features, and the keys of the rows
_KEPT_BYTES = 2**28  # of decoded features that stay in memory; if there are more, they are decoded on every walk
_DTYPES = {"float_list": np.float32, "int64_list": np.int64, "bytes_list": object}


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchChunk:
    """The batch path's features and predictions of a chunk of rows.

    Attributes:
        features: feature -> [rows, n], as Transform wrote it.
        predictions: batch size -> [rows, outputs], of the trained model.
        predict: the trained model itself: features, each [rows, n], -> predictions at the largest batch size.
    """

    features: Arrays
    predictions: dict[int, np.ndarray]
    predict: Callable[[Arrays], np.ndarray]

    def predict_layouts(self, layouts: Sequence[Arrays]) -> list[np.ndarray]:
        """Predict the same rows from features that the exported model computed in other layouts of its batches.

        Args:
            layouts: features as the exported model computed them, one per layout. A layout with other features or
                dtypes is left out.

        Returns:
            Arrays [rows, outputs]. The first holds the batch path's own predictions; each other one those of a layout
            whose features differ.
        """
        own = self.predictions[max(self.predictions)]
        found = [own]
        for layout in layouts:
            if any(
                describe_type(layout.get(name, _NOTHING)) != describe_type(values)
                for name, values in self.features.items()
            ):
                continue
            changed = np.zeros(len(own), bool)
            for name, values in self.features.items():
                changed |= (bits(layout[name]) != bits(values)).reshape(len(own), -1).any(axis=1)
            if changed.any():
                predictions = own.copy()
                predictions[changed] = self.predict({name: layout[name][changed] for name in self.features})
                found.append(predictions)
        return found

    def of(self, rows: np.ndarray) -> Self:
        """Return the chunk of some of the rows, given as positions or as bool [rows]."""
        features = {name: values[rows] for name, values in self.features.items()}
        predictions = {size: values[rows] for size, values in self.predictions.items()}
        return dataclasses.replace(self, features=features, predictions=predictions)

    def join(self, others: Sequence[Self]) -> Self:
        """Return one chunk of these rows followed by those of the others."""
        chunks = [self, *others]
        return dataclasses.replace(
            self,
            features={name: np.concatenate([chunk.features[name] for chunk in chunks]) for name in self.features},
            predictions={size: np.concatenate([c.predictions[size] for c in chunks]) for size in self.predictions},
        )

    def __len__(self) -> int:
        return len(next(iter(self.features.values())))


class BatchPath:
    """The batch path of all rows, chunk by chunk; it can be iterated over several times."""

    def __init__(self, transformed_files: Sequence[str], trained: keras.Model, batch_sizes: Sequence[int]):
        """Prepare the batch path of some files.

        Args:
            transformed_files: gzipped TFRecord files of transformed tf.Examples, with their keys.
            trained: the trained model, whose input is a dict of transformed features [batch, 1].
            batch_sizes: rows per call.
        """
        self.files = list(transformed_files)
        self._predict = _batched(trained)
        self._batch_sizes = batch_sizes
        self._kept: list[_Decoded] | None = None  # all chunks, once they have been read and are not too large

    def with_files(self, files: Sequence[str]) -> "BatchPath":
        """Return a batch path of other files with the same model."""
        other = copy.copy(self)
        other.files, other._kept = list(files), None
        return other

    def row_keys(self) -> np.ndarray:
        """Return the key of each row, int64 [rows].

        Raises:
            ValueError: A row has no key, or the type or number of values of a feature differs between rows.
        """
        return np.concatenate([np.zeros(0, np.int64), *(keys for _, keys in self._decoded())])

    def features(self) -> Iterator[Arrays]:
        """Read the features of each chunk.

        Yields:
            Feature -> [rows, n].

        Raises:
            ValueError: The type or number of values of a feature differs between rows.
        """
        for features, _ in self._decoded():
            yield features

    def _decoded(self) -> Iterator["_Decoded"]:
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[_Decoded] = []
        size = 0
        for features in map(decode_examples, read_chunks(self.files)):
            decoded = features, take_row_keys(features)
            size += sum(values.nbytes for values in features.values())
            kept = [*kept, decoded] if size <= _KEPT_BYTES else []
            yield decoded
        self._kept = kept if size <= _KEPT_BYTES else None

    def chunks(self) -> Iterator[BatchChunk]:
        """Predict each chunk at the largest batch size.

        Yields:
            The features and predictions of a chunk.

        Raises:
            ValueError: The type or number of values of a feature differs between rows.
        """
        for features in self.features():
            predictions = {max(self._batch_sizes): self.predict(features)}
            yield BatchChunk(features=features, predictions=predictions, predict=self.predict)

    def predict(self, features: Arrays) -> np.ndarray:
        """Return predictions [rows, outputs] at the largest batch size for features, each [rows, n]."""
        return self._predict_at(features, max(self._batch_sizes))

    def at_all_sizes(self, chunk: BatchChunk) -> BatchChunk:
        """Return the chunk with the predictions at the other batch sizes added."""
        others = {
            size: self._predict_at(chunk.features, size) for size in self._batch_sizes if size not in chunk.predictions
        }
        return dataclasses.replace(chunk, predictions=others | chunk.predictions)

    def _predict_at(self, features: Arrays, size: int) -> np.ndarray:
        with tf.device("CPU:0"):  # like the probe: kernels of a GPU round differently
            inputs = {name: tf.constant(values) for name, values in features.items()}
            predictions: np.ndarray = self._predict(inputs, size)["predictions"].numpy()
        return predictions


def decode_examples(serialized: np.ndarray) -> Arrays:
    """Decode transformed tf.Examples.

    Args:
        serialized: [rows].

    Returns:
        Feature -> [rows, n] float32, int64 or bytes objects.

    Raises:
        ValueError: The type or number of values of a feature differs between rows.
    """
    try:
        batch = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(serialized.tolist())
    except RuntimeError:  # a column has values of two types
        return _decode_row_by_row(serialized)
    arrays = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        lengths = count_values(column)
        if not lengths[0] or (lengths != lengths[0]).any():
            return _decode_row_by_row(serialized)
        arrays[name] = column.flatten().to_numpy(zero_copy_only=False).reshape(len(serialized), lengths[0])
    return arrays


def count_values(column: pa.Array) -> np.ndarray:
    """Count the values of each row of a column of lists, int [rows]; 0 for a row without a list."""
    counts: np.ndarray = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    return counts


def _decode_row_by_row(serialized: np.ndarray) -> Arrays:
    """Decode in Python, row by row, so that the error can name the types and numbers of values."""
    columns: dict[str, list[tuple[str, tuple[object, ...]]]] = {}
    for record in serialized:
        for name, feature in tf.train.Example.FromString(record).features.feature.items():
            kind = feature.WhichOneof("kind") or "no list"
            columns.setdefault(name, []).append((kind, feature_values(feature)))
    arrays = {}
    for name, cells in columns.items():
        shapes = sorted({(kind, len(values)) for kind, values in cells})
        dtype = _DTYPES.get(shapes[0][0])
        if len(shapes) != 1 or len(cells) != len(serialized) or dtype is None:
            raise ValueError(
                f"transformed feature {name} is not dense: expected one type and number of values in each of "
                f"{len(serialized)} rows, received {shapes} in {len(cells)} rows; densify it in preprocessing_fn."
            )
        arrays[name] = np.array([values for _, values in cells], dtype=dtype)
    return arrays


def _batched(trained: keras.Model) -> Callable[[model_probe.Tensors, int], model_probe.Tensors]:
    """Return a function that calls the trained model on any number of rows in batches of a given size."""
    inputs = [tensor.name for tensor in trained.inputs]
    output = tf.TensorSpec(trained.output_shape, trained.outputs[0].dtype)
    return model_probe.in_batches(
        lambda features: {"predictions": trained({name: features[name] for name in inputs}, training=False)},
        {"predictions": output},
    )
