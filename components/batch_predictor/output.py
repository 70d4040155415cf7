"""Make the rows of the output: file, line, kept columns, predictions, decision, version and time."""

import datetime
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from components.batch_predictor.job import (
    DECISION,
    FILE,
    LINE,
    MODEL_VERSION,
    PREDICTION,
    PREDICTION_TIME,
    PredictionJob,
)


def output_schema(job: PredictionJob, outputs: int) -> pa.Schema:
    """Return the schema of the output.

    Args:
        job: the job.
        outputs: the model's number of outputs per row.
    """
    names = [PREDICTION] if outputs == 1 else [f"{PREDICTION}_{place}" for place in range(outputs)]
    fields = [pa.field(FILE, pa.string()), pa.field(LINE, pa.int64())]
    fields += [pa.field(name, pa.string()) for name in job.keep]
    fields += [pa.field(name, pa.float32()) for name in names]
    if outputs > 1:
        fields.append(pa.field(DECISION, pa.string() if job.classes else pa.int64()))
    elif job.threshold is not None:
        fields.append(pa.field(DECISION, pa.bool_()))
    fields += [pa.field(MODEL_VERSION, pa.int64()), pa.field(PREDICTION_TIME, pa.timestamp("us", tz="UTC"))]
    return pa.schema(fields)


def make_table(
    job: PredictionJob, file: str, lines: np.ndarray, kept: Sequence[pa.Array], predictions: np.ndarray
) -> pa.Table:
    """Return the rows of the output.

    Args:
        job: the job.
        file: name of the file that the rows are in.
        lines: line of each row, int64 [rows].
        kept: the columns to keep, string [rows] each.
        predictions: float32 [rows, outputs].
    """
    rows, outputs = predictions.shape
    columns: list[pa.Array] = [pa.array([file], pa.string()).take(pa.array(np.zeros(rows, np.int64))), pa.array(lines)]
    columns += [cells.cast(pa.string()) for cells in kept]
    columns += [pa.array(np.ascontiguousarray(predictions[:, place])) for place in range(outputs)]
    if (decisions := decide(job, predictions)) is not None:
        columns.append(decisions)
    now = datetime.datetime.now(datetime.UTC)
    columns.append(pa.array(np.full(rows, job.version, np.int64)))
    columns.append(pa.array(np.full(rows, round(now.timestamp() * 1e6), np.int64)).cast(pa.timestamp("us", tz="UTC")))
    return pa.Table.from_arrays(columns, schema=output_schema(job, outputs))


def decide(job: PredictionJob, predictions: np.ndarray) -> pa.Array | None:
    """Return the decision for each row, [rows]; None if the model has one output and the job no threshold.

    For one output it is whether the probability is at least the threshold. For several it is the class of the largest
    output, the first of equal ones: its name, or its number if the job has no class names.
    """
    if predictions.shape[1] > 1:
        classes = pa.array(np.argmax(predictions, axis=1))
        return pa.array(job.classes, pa.string()).take(classes) if job.classes else classes
    if job.threshold is None:
        return None
    return pa.array(predictions[:, 0] >= least_probability(job.threshold))


def least_probability(threshold: float) -> np.float32:
    """Return the smallest float32 probability that gives the positive class, as the gateway decides.

    The gateway reads a probability from JSON as the shortest decimal number that denotes the float32. For float32(0.7)
    that is 0.7, although the float32 itself is slightly less.

    Example:
        >>> float(least_probability(0.7)) < 0.7, str(least_probability(0.7))
        (True, '0.7')
    """
    nearest = np.float32(threshold)
    return nearest if float(str(nearest)) >= threshold else np.nextafter(nearest, np.float32(np.inf))
