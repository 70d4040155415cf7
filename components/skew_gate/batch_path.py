"""Computes what the pipeline's own path gives: Transform's features, and the trained model's predictions on them."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from components.skew_gate import model_probe
from components.skew_gate.bitwise import Arrays, bits, describe_type
from components.tfrecords import read_chunks

_NOTHING = np.empty(0)
_DTYPES = {"float_list": np.float32, "int64_list": np.int64, "bytes_list": object}


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchChunk:
    """What the batch path has for a chunk of rows.

    Attributes:
        features: feature -> [rows, n], as Transform wrote it.
        predictions: batch size -> [rows, outputs], of the trained model.
        predict: the trained model itself: features, each [rows, n], -> predictions at the largest batch size.
    """

    features: Arrays
    predictions: dict[int, np.ndarray]
    predict: Callable[[Arrays], np.ndarray]

    def predict_layouts(self, layouts: Sequence[Arrays]) -> list[np.ndarray]:
        """Predicts what the trained model makes of the same rows as they are rounded in other layouts.

        Args:
            layouts: features as the exported model gives them. One with other features, or of other types, is left out.

        Returns:
            Arrays [rows, outputs]; the first is the batch path's own.
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

    def __len__(self) -> int:
        return len(next(iter(self.features.values())))


def compute_batch_path(
    transformed_files: list[str], trained: keras.Model, batch_sizes: Sequence[int]
) -> list[BatchChunk]:
    """Computes the batch path of every row, chunk by chunk.

    Args:
        transformed_files: gzipped TFRecord files of transformed tf.Examples.
        trained: takes a dict of transformed features [batch, 1].
        batch_sizes: rows a call.

    Raises:
        ValueError: A feature has another type or number of values from row to row.
    """
    predict = _batched(trained)

    def predict_at(features: Arrays, size: int) -> np.ndarray:
        with tf.device("CPU:0"):  # where the probe runs too
            inputs = {name: tf.constant(values) for name, values in features.items()}
            predictions: np.ndarray = predict(inputs, size)["predictions"].numpy()
        return predictions

    at_largest = functools.partial(predict_at, size=max(batch_sizes))
    chunks = []
    for serialized in read_chunks(transformed_files):
        features = decode_examples(serialized)
        predictions = {size: predict_at(features, size) for size in batch_sizes}
        chunks.append(BatchChunk(features=features, predictions=predictions, predict=at_largest))
    return chunks


def decode_examples(serialized: np.ndarray) -> Arrays:
    """Decodes transformed tf.Examples to arrays [rows, n] of float32, int64 or bytes, by feature name.

    Raises:
        ValueError: A feature has another type or number of values from row to row.
    """
    columns: dict[str, list[tuple[str, tuple[object, ...]]]] = {}
    for record in serialized:
        for name, feature in tf.train.Example.FromString(record).features.feature.items():
            kind = feature.WhichOneof("kind") or "no list"
            columns.setdefault(name, []).append((kind, model_probe.feature_values(feature)))
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
    """Makes the trained model take any number of rows, and a batch size."""
    inputs = [tensor.name for tensor in trained.inputs]
    output = tf.TensorSpec(trained.output_shape, trained.outputs[0].dtype)
    return model_probe.in_batches(
        lambda features: {"predictions": trained({name: features[name] for name in inputs}, training=False)},
        {"predictions": output},
    )
