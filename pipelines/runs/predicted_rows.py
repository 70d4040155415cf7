"""The rows of a split as one model labels and predicts them, with a few of their raw columns.

Rows are read some thousand at a time. What is held of each is its label, its prediction and those columns: nothing else
grows with the rows.
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
    """Some rows, in their order."""

    rows: pd.DataFrame  # raw; the columns that were asked for, as pipelines.runs.examples.to_frame makes them
    labels: np.ndarray  # [rows]; what the model's own transform_features makes of each row
    predictions: pd.DataFrame  # as RunModel gives them

    @property
    def prediction_array(self) -> np.ndarray:
        """The predictions as metrics take them: [rows], or [rows, classes]; float32."""
        return as_predictions(self.predictions)


def predict_rows(
    model: RunModel,
    chunks: Iterable[list[bytes]],
    schema: schema_pb2.Schema,
    label: str,
    columns: Collection[str] | None = None,
) -> PredictedRows:
    """Ask a model for rows.

    Args:
        model: which.
        chunks: serialized raw tf.Examples, one chunk at least; see `examples.read_record_chunks`.
        schema: of the rows.
        label: name of the transformed label.
        columns: raw columns that are wanted; those that the schema lacks are left out. None: all.
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
    """Return what a model takes for the label of each row, [rows]."""
    return model.transformed(records)[label].reshape(len(records), -1)[:, 0]


def _keep(schema: schema_pb2.Schema, columns: Collection[str] | None) -> schema_pb2.Schema:
    kept = schema_pb2.Schema()
    kept.CopyFrom(schema)
    if columns is not None:
        del kept.feature[:]
        kept.feature.extend(feature for feature in schema.feature if feature.name in columns)
    return kept
