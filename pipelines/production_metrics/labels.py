"""Compute the labels of logged rows from the rows and their outcomes, with the transform graph of the run.

So the label is defined once, in the task's preprocessing_fn. The graph receives the columns that the log holds as they
were; it is an error if the label depends on another column.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import tensorflow as tf

from pipelines.production_metrics.errors import ProductionMetricsError
from pipelines.runs import Run
from serving.feedback.columns import OUTCOME

_BATCH = 4096  # rows per call of the graph, which bounds memory


def make_labels(run: Run, rows: pd.DataFrame, label_column: str, hidden: Mapping[str, str]) -> np.ndarray:
    """Compute the labels of rows whose outcome is known.

    Args:
        run: that trained the version which answered.
        rows: one or more; the features of the log, and the column `outcome`.
        label_column: the contract's column whose values are the outcomes.
        hidden: feature -> how the log hides it.

    Returns:
        [rows]: class numbers, or the number to predict.

    Raises:
        ProductionMetricsError: The label depends on a hidden column, the run does not know `label_column`, or a
            required column lacks a value.
    """
    graph = run.transform_graph
    raw = {name: spec for name, spec in graph.raw_feature_spec().items() if name not in hidden}
    if label_column not in raw:
        raise ProductionMetricsError(
            f"run {run.id}: expected outcomes of a column that it was trained with, received {label_column!r}; "
            "the contract changed since"
        )
    columns = rows.assign(**{label_column: rows[OUTCOME]})
    name = run.task_record.label
    layer = graph.transform_features_layer()
    found = []
    for begin in range(0, len(columns), _BATCH):
        part = columns.iloc[begin : begin + _BATCH]
        fed = {each: _tensor(spec, part[each]) for each, spec in raw.items() if each in part}
        transformed = layer(fed)
        if name not in transformed:
            unseen = ", ".join(f"{column} ({how})" for column, how in sorted(hidden.items())) or "columns of the log"
            raise ProductionMetricsError(
                f"the label {name!r} cannot be computed from the request log: expected every column that it depends "
                f"on, received a log without {unseen}; keep them in the request log"
            )
        values = transformed[name]
        dense = tf.sparse.to_dense(values) if isinstance(values, tf.SparseTensor) else values
        found.append(dense.numpy().reshape(len(part), -1)[:, 0])
    return np.concatenate(found)


def _tensor(spec: tf.io.FixedLenFeature | tf.io.VarLenFeature, column: pd.Series) -> tf.Tensor | tf.SparseTensor:
    """Return a column as the tensor of parsed tf.Examples."""
    there = column.notna().to_numpy()
    if spec.dtype == tf.string:
        values = np.array([str(value).encode() for value in column[there]], dtype=object)
    else:
        values = column[there].to_numpy(spec.dtype.as_numpy_dtype)
    if isinstance(spec, tf.io.FixedLenFeature):
        if not there.all():
            raise ProductionMetricsError(f"{column.name}: expected a value in every row, received none in some")
        return tf.constant(values.reshape([len(column), *spec.shape]), spec.dtype)
    indices = np.stack([np.flatnonzero(there), np.zeros(int(there.sum()), np.int64)], axis=1)
    return tf.SparseTensor(indices, tf.constant(values, spec.dtype), [len(column), 1])
