"""Evaluate a model, and withdraw its blessing if a gap between groups is larger than the task agreed."""

import os
from typing import Any

from absl import logging
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as keys
from tfx.utils import io_utils, path_utils

from components.artifact_files import local_folder
from components.evaluator import executor as columnar
from pipelines.fairness.agreed import Agreement, read_agreement
from pipelines.fairness.findings import Findings, write_findings
from pipelines.fairness.gaps import FairnessGaps, find_gaps
from pipelines.nodes import EVAL
from pipelines.runs.examples import read_record_chunks
from pipelines.runs.model import RunModel
from pipelines.runs.predicted_rows import predict_rows

FAIRNESS = "fairness"  # execution property


class Executor(columnar.Executor):
    """Evaluates a model, and blesses it if it meets every threshold and the agreed limits on gaps between groups."""

    def Do(
        self,
        input_dict: columnar.Artifacts,
        output_dict: columnar.Artifacts,
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluate the model, then compare the groups of the eval rows.

        Args:
            input_dict: As in components.evaluator.executor.Executor, with `schema`.
            output_dict: As in components.evaluator.executor.Executor.
            exec_properties: As in components.evaluator.executor.Executor, with `fairness`.
        """
        super().Do(input_dict, output_dict, exec_properties)
        agreement = read_agreement(exec_properties[FAIRNESS])
        found = _compare_groups(input_dict, agreement)
        blessing = artifact_utils.get_single_instance(output_dict[keys.BLESSING_KEY])
        passed = not found.too_large
        with local_folder(blessing.uri) as folder:
            write_findings(folder, Findings(passed=passed, reasons=found.describe()))
        if not passed:
            _take_back(blessing)


def _compare_groups(input_dict: columnar.Artifacts, agreement: Agreement) -> FairnessGaps:
    folder = artifact_utils.get_single_uri(input_dict[keys.EXAMPLES_KEY])
    schema = io_utils.SchemaReader().read(
        io_utils.get_only_uri_in_dir(artifact_utils.get_single_uri(input_dict[keys.SCHEMA_KEY]))
    )
    artifact = artifact_utils.get_single_instance(input_dict[keys.MODEL_KEY])
    model = RunModel(path_utils.serving_model_path(artifact.uri))
    chunks = read_record_chunks(folder, EVAL)
    predicted = predict_rows(model, chunks, schema, agreement.label, agreement.fairness.columns)
    return find_gaps(
        agreement.fairness,
        predicted.rows,
        predicted.labels,
        predicted.prediction_array,
        problem=agreement.problem,
        threshold=agreement.threshold,
        min_slice_rows=agreement.min_slice_rows,
    )


def _take_back(blessing: types.Artifact) -> None:
    """Turn a blessing into a refusal, with TFX's own property and file names."""
    blessed = os.path.join(blessing.uri, constants.BLESSED_FILE_NAME)
    if fileio.exists(blessed):
        fileio.remove(blessed)
    io_utils.write_string_file(os.path.join(blessing.uri, constants.NOT_BLESSED_FILE_NAME), "")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, constants.NOT_BLESSED_VALUE)
    logging.info("The model is not blessed, since a gap between groups is larger than agreed: %s.", blessing.uri)
