"""Sums by batch for Keras metrics that are means over rows; see components.evaluator.sums."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import keras_lib, model_util

from components.evaluator.inputs import Batch, Conversion, Pairs
from components.evaluator.sums import Addends, Metrics, Sums

_KERAS = keras_lib.tf_keras.metrics  # Keras 2, which TFMA uses
_MEANS = frozenset(
    {
        _KERAS.CategoricalAccuracy,
        _KERAS.CategoricalCrossentropy,
        _KERAS.SparseCategoricalAccuracy,
        _KERAS.SparseCategoricalCrossentropy,
        _KERAS.SparseTopKCategoricalAccuracy,
        _KERAS.TopKCategoricalAccuracy,
    }
)


class KerasSums(Sums):
    """Sums of the weighted values and of the weights of each Keras metric."""

    def __init__(self, combiner: Any):
        """Wrap a tf_metric_wrapper._CompilableMetricsCombiner of which `is_mean_over_rows` is true."""
        super().__init__(combiner)
        self.width = 2 * sum(len(configs) for configs in combiner._metric_configs)

    def setup(self) -> None:
        """Create the Keras metrics."""
        self.combiner.setup()

    def addends(self, batch: Batch) -> Addends:
        """Compute each metric's value for each row."""
        columns, rows = [], np.arange(batch.size)
        for name, metric in self._metrics():
            how = Conversion(
                model_name=self.combiner._model_name or "",
                output_name=name or "",
                example_weighted=self.combiner._example_weighted,
                flatten=False,
            )
            pairs = batch.pairs(how)
            values = _values(metric, pairs)
            columns += [values.sum(axis=1) * pairs.weights, values.shape[1] * pairs.weights]
        return Addends(rows, np.zeros(batch.size, np.int64), np.stack(columns, axis=1))

    def output(self, buckets: np.ndarray, totals: np.ndarray) -> Metrics:
        """Return the mean of each metric."""
        found = self.combiner.create_accumulator()
        numbers = iter(totals[0].astype(np.float32).tolist() if len(totals) else [])
        for output, name in enumerate(self.combiner._output_names):
            for place in range(len(self.combiner._metrics[name]) if len(totals) else 0):
                found.add_weights(output, place, [np.float32(next(numbers)), np.float32(next(numbers))])
        return self.combiner.extract_output(found)

    def _metrics(self) -> Iterator[tuple[str, Any]]:
        for name in self.combiner._output_names:
            for metric in self.combiner._metrics[name]:
                yield name, metric


def is_mean_over_rows(combiner: Any) -> bool:
    """Return whether each metric of a combiner is a mean of values that Keras computes per row."""
    if combiner._sub_key is not None or combiner._aggregation_type or combiner._class_weights:
        return False
    if any(combiner._loss_configs) or _is_padded(combiner._eval_config, combiner._model_name):
        return False
    trial = copy.copy(combiner)
    trial.setup()
    kinds = {type(metric) for metrics in trial._metrics.values() for metric in metrics}
    return kinds <= _MEANS | {_KERAS.RootMeanSquaredError}


def _is_padded(eval_config: config_pb2.EvalConfig, model_name: str) -> bool:
    spec = model_util.get_model_spec(eval_config, model_name)
    return spec is not None and spec.HasField("padding_options")


def _values(metric: Any, pairs: Pairs) -> np.ndarray:
    """Compute the values that a metric is the mean of, float64 [rows, values], with its own function and dtype."""
    label, prediction = tf.cast(pairs.labels, metric.dtype), tf.cast(pairs.predictions, metric.dtype)
    if type(metric) is _KERAS.RootMeanSquaredError:
        values = tf.math.squared_difference(prediction, label)
    else:
        values = metric._fn(label, prediction, **metric._fn_kwargs)
    return values.numpy().astype(np.float64).reshape(len(pairs.rows), -1)
