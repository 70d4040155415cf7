"""Compute labels and predictions of the rows of a split, and keep some of their raw columns.

Rows are read in chunks of some thousand. Only labels, predictions and those columns are kept in memory.
"""

import dataclasses
from collections.abc import Collection, Iterable

import numpy as np
import pandas as pd
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines.runs.examples import decode, join_batches
from pipelines.runs.model import RunModel, as_predictions


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictedRows:
    """Rows with a model's labels and predictions, in their order."""

    rows: pd.DataFrame  # the requested raw columns, as pipelines.runs.examples.to_frame returns them
    labels: np.ndarray  # [rows]; of the model's signature transform_features
    predictions: pd.DataFrame  # as RunModel returns them

    @property
    def prediction_array(self) -> np.ndarray:
        """The predictions as an array for metrics: [rows], or [rows, classes]; float32."""
        return as_predictions(self.predictions)


def predict_rows(
    model: RunModel,
    chunks: Iterable[list[bytes]],
    schema: schema_pb2.Schema,
    label: str,
    columns: Collection[str] | None = None,
) -> PredictedRows:
    """Label and predict rows with a model.

    Args:
        model: the exported model.
        chunks: serialized raw tf.Examples, at least one chunk; see `examples.read_record_chunks`.
        schema: schema of the rows.
        label: name of the transformed label.
        columns: raw columns to keep; those that the schema lacks are left out. None: all.

    Returns:
        The rows.
    """
    wanted = _keep(schema, columns)
    batches, labels, predictions = [], [], []
    for records in chunks:
        if wanted.feature:
            batches.append(decode(records, wanted))
        labels.append(label_rows(model, records, label))
        predictions.append(model.predict_records(records))
    predicted = pd.concat(predictions, ignore_index=True)
    return PredictedRows(
        rows=join_batches(batches, wanted) if batches else pd.DataFrame(index=predicted.index),
        labels=np.concatenate(labels),
        predictions=predicted,
    )


def label_rows(model: RunModel, records: list[bytes], label: str) -> np.ndarray:
    """Return the label of each row, as the model's signature transform_features computes it: [rows]."""
    return model.transformed(records)[label].reshape(len(records), -1)[:, 0]


def _keep(schema: schema_pb2.Schema, columns: Collection[str] | None) -> schema_pb2.Schema:
    kept = schema_pb2.Schema()
    kept.CopyFrom(schema)
    if columns is not None:
        del kept.feature[:]
        kept.feature.extend(feature for feature in schema.feature if feature.name in columns)
    return kept
