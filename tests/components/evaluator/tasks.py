"""Rows with labels and predictions of several kinds of task, in batches as TFMA's extractors leave them."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from google.protobuf import text_format
from tensorflow_model_analysis.api.types import VarLenTensorValue
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util

ROWS, BATCH = 120, 50

_SLICES = """
    slicing_specs {}
    slicing_specs { feature_keys: "company" }
    slicing_specs { feature_keys: "hour" }
    slicing_specs { feature_keys: "tags" }
    slicing_specs { feature_keys: "hour" feature_keys: "company" }
    slicing_specs { feature_keys: "tags" feature_values { key: "company" value: "Yellow" } }
    slicing_specs { feature_keys: "bucket" }
    slicing_specs { feature_keys: "nobody has it" }
"""
_BINARY = """
    metrics_specs {
      metrics { class_name: "ExampleCount" }
      metrics { class_name: "AUC" config: '{"num_thresholds": 100}' threshold {
        value_threshold { lower_bound { value: 0.6 } }
        change_threshold { direction: HIGHER_IS_BETTER absolute { value: 0.01 } }
      } }
      metrics { class_name: "AUCPrecisionRecall" config: '{"num_thresholds": 100}' }
      metrics { class_name: "BinaryCrossEntropy" per_slice_thresholds {
        slicing_specs { feature_values { key: "company" value: "Yellow" } }
        threshold { value_threshold { upper_bound { value: 0.1 } } }
      } }
      metrics { class_name: "BinaryAccuracy" }
      metrics { class_name: "Calibration" }
      metrics { class_name: "MeanLabel" }
      metrics { class_name: "MeanPrediction" }
      metrics { class_name: "Precision" config: '{"thresholds": [0.3, 0.7]}' }
      metrics { class_name: "Recall" }
      metrics { class_name: "ConfusionMatrixAtThresholds" config: '{"thresholds": [0.25, 0.5, 0.75]}' }
      metrics { class_name: "CalibrationPlot" }
      metrics { class_name: "SquaredPearsonCorrelation" }
    }
"""
_FRACTIONS = """
    metrics_specs {
      metrics { class_name: "AUC" config: '{"num_thresholds": 100}' threshold {
        value_threshold { lower_bound { value: 0.6 } }
      } }
      metrics { class_name: "BinaryAccuracy" }
      metrics { class_name: "WeightedExampleCount" }
    }
"""
_REGRESSION = """
    metrics_specs {
      metrics { class_name: "ExampleCount" }
      metrics { class_name: "MeanSquaredError" threshold {
        value_threshold { upper_bound { value: 5 } }
        change_threshold { direction: LOWER_IS_BETTER relative { value: 0.1 } }
      } }
      metrics { class_name: "MeanAbsoluteError" }
      metrics { class_name: "MeanAbsolutePercentageError" }
      metrics { class_name: "MeanSquaredLogarithmicError" }
      metrics { class_name: "RootMeanSquaredError" }
      metrics { class_name: "Calibration" }
    }
"""
_SEVERAL_CLASSES = """
    metrics_specs {
      metrics { class_name: "ExampleCount" }
      metrics { class_name: "SparseCategoricalAccuracy" threshold { value_threshold { lower_bound { value: 0.2 } } } }
      metrics { class_name: "SparseCategoricalCrossentropy" }
      metrics { class_name: "MultiClassConfusionMatrixPlot" }
    }
    metrics_specs {
      binarize { class_ids { values: [0, 2] } }
      metrics { class_name: "AUC" config: '{"num_thresholds": 100}' }
      metrics { class_name: "BinaryCrossEntropy" }
    }
    metrics_specs {
      aggregate { micro_average: true }
      metrics { class_name: "AUC" config: '{"num_thresholds": 100}' }
    }
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What an evaluator gets."""

    eval_config: config_pb2.EvalConfig
    batches: list[dict[str, Any]]


def make_evaluations() -> dict[str, Evaluation]:
    """Makes one of each kind, the same each time."""
    draw = np.random.default_rng(7)
    chance = draw.uniform(0.02, 0.98, ROWS)
    binary = (draw.uniform(size=ROWS) < chance).astype(np.int64)
    guess = np.clip(chance + draw.normal(0, 0.2, ROWS), 0.001, 0.999)
    amount = draw.gamma(2, 2, ROWS).astype(np.float32)
    amount[::50] = 0  # a percentage of nothing
    classes = draw.integers(4, size=ROWS)
    scores = draw.dirichlet(np.ones(4), ROWS) + np.eye(4)[classes]
    return {
        "binary": _make(_BINARY, binary[:, None], {"candidate": chance, "baseline": guess}),
        "weighted": _make(_BINARY, binary, {"": chance}, draw.gamma(1, 1, ROWS)),
        "fractions": _make(_FRACTIONS, chance.round(1), {"": guess}, draw.integers(3, size=ROWS)),
        "regression": _make(
            _REGRESSION, amount, {"candidate": amount + draw.normal(0, 1, ROWS).clip(-0.5), "baseline": amount * 1.1}
        ),
        "classes": _make(_SEVERAL_CLASSES, classes, {"": scores / scores.sum(axis=1, keepdims=True)}),
    }


def _make(
    metrics: str, labels: np.ndarray, predictions: dict[str, np.ndarray], weights: np.ndarray | None = None
) -> Evaluation:
    weight = "" if weights is None else 'example_weight_key: "weight"'
    model = f'model_specs {{ label_key: "label" {weight} }}'
    config = config_util.update_eval_config_with_defaults(
        text_format.Parse(model + _SLICES + metrics, config_pb2.EvalConfig()),
        has_baseline=len(predictions) > 1,
        rubber_stamp=True,
    )
    outputs = {name: values.astype(np.float32).reshape(ROWS, -1) for name, values in predictions.items()}
    return Evaluation(eval_config=config, batches=list(_batches(labels, outputs, weights)))


def _batches(
    labels: np.ndarray, predictions: dict[str, np.ndarray], weights: np.ndarray | None
) -> Iterator[dict[str, Any]]:
    several = len(predictions) > 1
    for begin in range(0, ROWS, BATCH):
        part = slice(begin, begin + BATCH)
        outputs = {name: values[part] for name, values in predictions.items()}
        yield {
            "input": np.array([b"row"] * len(labels[part]), dtype=object),
            "features": _features(np.arange(ROWS)[part]),
            "labels": dict.fromkeys(outputs, labels[part]) if several else labels[part],
            "predictions": outputs if several else outputs[""],
        } | ({} if weights is None else {"example_weights": weights[part].astype(np.float32)})


def _features(numbers: np.ndarray) -> dict[str, Any]:
    """A column with missing values, dense ones of integers and of floats, and one of lists."""
    names = np.array([b"Yellow", "Café".encode()], dtype=object)
    tags = [[b"airport", b"night"][: number % 3] + [b"airport"] * (number % 5 == 4) for number in numbers.tolist()]
    return {
        "company": _variable(
            [[name] if number % 4 else [] for number, name in zip(numbers, names[numbers * 7 % 11 % 2], strict=True)]
        ),
        "hour": numbers % 2,
        "bucket": (numbers % 2 / 4).astype(np.float32)[:, None],
        "tags": _variable(tags),
    }


def _variable(rows: list[list[bytes]]) -> VarLenTensorValue:
    places = [(row, column) for row, values in enumerate(rows) for column in range(len(values))]
    return VarLenTensorValue(
        values=np.array([value for values in rows for value in values], dtype=object),
        indices=np.array(places, dtype=np.int64),
        dense_shape=np.array([len(rows), max(map(len, rows))]),
    )
