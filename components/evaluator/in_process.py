"""Compute TFMA's metrics of given predictions in this process, without a model and without Beam.

Metrics that only need sums are computed as in the Evaluator, so their values are TFMA's
(docs/decisions/0028-evaluator-by-columns.md). Other metrics are left out.
"""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.api.types import VarLenTensorValue
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util

from components.evaluator.accumulation import SliceSums
from components.evaluator.evaluation import computations_of, public_metrics, require_sums, split_specs
from components.evaluator.inputs import Extracts
from components.evaluator.slices import SliceKey


def evaluate_predictions(
    eval_config: config_pb2.EvalConfig, labels: np.ndarray, predictions: np.ndarray, features: pd.DataFrame
) -> Mapping[SliceKey, Mapping[str, float]]:
    """Evaluate predictions slice by slice.

    Args:
        eval_config: of the task, without a baseline.
        labels: [rows].
        predictions: [rows], probabilities or numbers; or [rows, classes], probabilities.
        features: the raw columns to slice by, in the same rows; a missing value is NA, NaN or None. Slices by other
            columns are left out.

    Returns:
        TFMA's slice key -> metric -> value; only metrics whose value is one finite number.
    """
    config = _prepare(eval_config, features)
    columnar, _ = split_specs(config)
    if not columnar or not len(labels):
        return {}
    computations = computations_of(columnar, config)
    combine = SliceSums([require_sums(one) for one in computations.non_derived_computations], config)
    combine.setup()
    accumulator = combine.add_input(combine.create_accumulator(), _extracts(labels, predictions, features))
    found: dict[SliceKey, dict[str, float]] = {}
    with np.errstate(divide="ignore", invalid="ignore"):  # TFMA's ratios are 0 / 0 if a slice has rows of one class
        found_sums = combine.extract_output(accumulator)
    for where, sums in found_sums:
        metrics = dict(sums)
        with np.errstate(divide="ignore", invalid="ignore"):
            for computation in computations.derived_computations:
                metrics |= computation.result(metrics)
        for key, value in public_metrics(where, metrics).items():
            if isinstance(key, metric_types.MetricKey) and np.ndim(value) == 0 and math.isfinite(value):
                found.setdefault(where, {})[key.name] = float(value)
    return found


def _prepare(eval_config: config_pb2.EvalConfig, features: pd.DataFrame) -> config_pb2.EvalConfig:
    """Return the config without thresholds, without slices by columns that are missing, and with TFMA's defaults."""
    config = config_pb2.EvalConfig()
    config.CopyFrom(eval_config)
    kept = [
        spec for spec in config.slicing_specs if {*spec.feature_keys, *spec.feature_values} <= set(features.columns)
    ]
    del config.slicing_specs[:]
    config.slicing_specs.extend(kept)
    return config_util.update_eval_config_with_defaults(config, has_baseline=False, rubber_stamp=True)


def _extracts(labels: np.ndarray, predictions: np.ndarray, features: pd.DataFrame) -> Extracts:
    return {
        constants.INPUT_KEY: np.array([b""] * len(labels), dtype=object),
        constants.FEATURES_KEY: {name: _feature(features[name]) for name in features.columns},
        constants.LABELS_KEY: np.asarray(labels),
        constants.PREDICTIONS_KEY: np.asarray(predictions, np.float32).reshape(len(labels), -1),
    }


def _feature(column: pd.Series) -> VarLenTensorValue:
    """Convert a column to what TFMA's extractors make of an optional feature: int64, float32 or bytes."""
    present = np.flatnonzero(column.notna().to_numpy())
    values = column.iloc[present]
    if pd.api.types.is_integer_dtype(values.dtype):
        array = values.to_numpy(np.int64)
    elif pd.api.types.is_float_dtype(values.dtype):
        array = values.to_numpy(np.float32)
    else:
        array = np.array([str(value).encode() for value in values], dtype=object)
    indices = np.stack([present, np.zeros(len(present), np.int64)], axis=1)
    return VarLenTensorValue(values=array, indices=indices, dense_shape=np.array([len(column), 1]))
