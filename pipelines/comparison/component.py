"""Compare a model with those pushed before it, on the same rows, by the comparison agreed in the task's scoping.toml.

BetterGate reads the raw Examples, the exported Model, the models pushed last, and the ModelComparisons that it wrote of
them. It writes a ModelComparison: `report.json`, and the model's predictions of the eval rows, which later runs reuse.

All predictions that are compared are of this run's eval rows. An earlier model predicts again only if it was evaluated
on other rows.

The outcome is a verdict that Pusher reads, never an exception. The component raises only for invalid inputs.
"""

import functools
import json
import os
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd
from absl import logging
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts
from tfx.utils import io_utils, path_utils

from components import artifacts
from components.artifact_files import local_copy, local_folder, write_json
from pipelines.evaluation.model_comparison import (
    NOT_COMPARED,
    REPORT_FILE,
    ModelComparison,
    compare_models,
    comparison_as_dict,
)
from pipelines.evaluation.row_predictions import (
    RowPredictions,
    RowsDigest,
    read_predictions,
    require_same_question,
    write_predictions,
)
from pipelines.evaluation.slices import SlicedRows, slice_in_words
from pipelines.explain import explain_in_one_line
from pipelines.runs.examples import read_record_chunks
from pipelines.runs.model import RunModel
from pipelines.runs.predicted_rows import predict_rows
from pipelines.task_definition.scoping import Comparison
from pipelines.task_definition.toml_table import as_record


@component
def BetterGate(
    examples: InputArtifact[standard_artifacts.Examples],
    schema: InputArtifact[standard_artifacts.Schema],
    model: InputArtifact[standard_artifacts.Model],
    comparison: OutputArtifact[artifacts.ModelComparison],
    split: Parameter[str],
    label: Parameter[str],
    slice_columns: Parameter[str],
    min_slice_rows: Parameter[int],
    agreed: Parameter[str],
    code_digest: Parameter[str],
    baseline: InputArtifact[standard_artifacts.Model] = None,
    earlier: InputArtifact[list[standard_artifacts.Model]] = None,
    comparisons: InputArtifact[list[artifacts.ModelComparison]] = None,
) -> None:
    """Compare a model with those pushed before.

    Args:
        examples: Raw rows.
        schema: The contract.
        model: The exported model, with the signatures in components.signatures.
        comparison: Output: verdict and predictions.
        split: Split of the rows.
        label: Name of the transformed label.
        slice_columns: JSON list of raw columns; each of their values is a slice.
        min_slice_rows: Slices with fewer rows are left out.
        agreed: JSON object of a pipelines.task_definition.scoping.Comparison.
        code_digest: Digest of this component's code; part of the cache key.
        baseline: The model pushed last; None on the first run.
        earlier: The models pushed before it, the newest first.
        comparisons: This component's outputs for these models; there may be none for some.
    """
    contract = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema.uri))
    candidate = RunModel(path_utils.serving_model_path(model.uri))
    columns = json.loads(slice_columns)
    read_chunks = functools.partial(read_record_chunks, examples.uri, split)
    digest = RowsDigest()
    predicted = predict_rows(candidate, map(digest.add, read_chunks()), contract, label, columns)
    found = RowPredictions(
        rows_digest=digest.hex(),
        labels=predicted.labels,
        predictions=predicted.prediction_array,
        slices=find_slices(predicted.rows, columns, min_slice_rows),
    )
    compared = compare_with_earlier(
        as_record(json.loads(agreed), Comparison, "agreed"),
        found,
        read_chunks,
        [*([] if baseline is None else [baseline]), *(earlier or [])],
        comparisons or [],
        min_slice_rows,
        label,
    )
    with local_folder(comparison.uri) as folder:  # NumPy writes to this machine.
        write_predictions(folder, found)
    write_json(os.path.join(comparison.uri, REPORT_FILE), comparison_as_dict(compared))
    comparison.set_string_custom_property(artifacts.ModelComparison.MODEL_URI, model.uri)
    comparison.set_string_custom_property(artifacts.ModelComparison.OUTCOME, compared.outcome)
    comparison.set_int_custom_property(artifacts.ModelComparison.WITHIN_MARGINS, int(compared.within_margins))


def find_slices(rows: pd.DataFrame, columns: Sequence[str], min_rows: int) -> dict[str, np.ndarray]:
    """Return the rows of each slice, as TFMA would slice them: slice in words -> bool [rows]."""
    sliced = SlicedRows(rows)
    found = {
        slice_in_words(((column, value),)): sliced.inside(((column, value),))
        for column in columns
        for value in sliced.values(column)
        if sliced.count(column, value) >= min_rows
    }
    return dict(sorted(found.items()))


def compare_with_earlier(
    agreed: Comparison,
    candidate: RowPredictions,
    read_chunks: Callable[[], Iterable[list[bytes]]],
    earlier: Sequence[standard_artifacts.Model],
    comparisons: Sequence[artifacts.ModelComparison],
    min_slice_rows: int,
    label: str,
) -> ModelComparison:
    """Return the comparison with the earlier models that can predict these rows.

    If the newest of them cannot, the outcome is NOT_COMPARED.

    Args:
        agreed: `success.comparison` of scoping.toml.
        candidate: The new model's predictions, with labels and slices.
        read_chunks: Reads the same rows, serialized, in chunks of some thousand.
        earlier: The models pushed before, the newest first.
        comparisons: This component's outputs for these models; there may be none for some.
        min_slice_rows: Slices with fewer rows are undefined.
        label: Name of the transformed label.
    """
    stored = {one.get_string_custom_property(artifacts.ModelComparison.MODEL_URI): one.uri for one in comparisons}
    predictions: dict[str, np.ndarray] = {}
    same_rows = True
    for place, model in enumerate(earlier):
        known = _read_stored(stored[model.uri]) if model.uri in stored else None
        same = known is not None and known.rows_digest == candidate.rows_digest
        if place == 0:
            same_rows = same or known is None
        try:
            if known is None or not same:
                uri = path_utils.serving_model_path(model.uri)
                known = _ask(uri, read_chunks(), candidate.rows_digest, label)
            require_same_question(known, candidate)
            predictions[model.uri] = known.predictions
        except Exception as error:  # An old model may not fit today's contract, and can raise anything.
            logging.exception("The model in %s cannot be compared with the new one.", model.uri)
            if place == 0:
                return ModelComparison(
                    outcome=NOT_COMPARED,
                    within_margins=True,
                    confidence=agreed.confidence,
                    why_not=explain_in_one_line(error),
                    same_rows=False,
                )
    return compare_models(agreed, candidate, predictions, min_slice_rows=min_slice_rows, same_rows=same_rows)


def _read_stored(uri: str) -> RowPredictions:
    """Read the predictions that this component stored for an earlier model."""
    with local_copy(uri) as folder:  # NumPy reads from this machine.
        return read_predictions(folder)


def _ask(directory: str, chunks: Iterable[list[bytes]], rows_digest: str, label: str) -> RowPredictions:
    """Predict all rows with an earlier model, and compute the label with its own Transform graph."""
    predicted = predict_rows(RunModel(directory), chunks, schema_pb2.Schema(), label, columns=())
    return RowPredictions(
        rows_digest=rows_digest, labels=predicted.labels, predictions=predicted.prediction_array, slices={}
    )
