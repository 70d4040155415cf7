"""Predict the rows of files with a PushedModel, and write Predictions.

The artifact holds `predictions.parquet`, and `predictions.parquet.refused.csv` if rows broke the contract. A node that
was killed starts from the beginning, since TFX gives each attempt its own folder.
"""

import json
from typing import Any

from tfx import types
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import artifact_utils

from components.artifact_files import local_copy, local_folder
from components.artifacts import Predictions
from components.batch_predictor.errors import BatchPredictionError
from components.batch_predictor.job import PredictionJob, fingerprint_files
from components.batch_predictor.prediction import predict_files
from components.csv_example_gen.csv_files import find_files

MODEL, PREDICTIONS = "model", "predictions"
DATA, SETTINGS, CODE_DIGEST = "data", "settings", "code_digest"
FINGERPRINT = "input_fingerprint"  # the driver's fingerprint of the files
FILE = "predictions.parquet"


class Executor(BaseBeamExecutor):
    """Executor of BatchPredictor."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Predict the rows of the files that DATA names.

        Args:
            input_dict: MODEL, one PushedModel.
            output_dict: PREDICTIONS, one artifact.
            exec_properties: DATA; SETTINGS, JSON of the PredictionJob's threshold, classes and keep; FINGERPRINT.

        Raises:
            BatchPredictionError: The model was not pushed, the files changed, or the rows cannot be predicted.
            SourceError: A file cannot be read.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(input_dict[MODEL])
        version = pushed.get_string_custom_property("pushed_version")
        if not version:
            raise BatchPredictionError(
                f"the model {pushed.uri} was not pushed: expected a PushedModel with a version, received one without; "
                "find out which gate refused the model, or connect another artifact."
            )
        files = tuple(find_files(exec_properties[DATA]))
        if fingerprint_files(files) != exec_properties[FINGERPRINT]:  # the result would be cached under a wrong key
            raise BatchPredictionError(
                f"{exec_properties[DATA]}: the files changed since the node started. Wait until they are complete, and "
                "run again."
            )
        artifact = artifact_utils.get_single_instance(output_dict[PREDICTIONS])
        # Parts are locked, renamed and read by Arrow, which needs local files.
        with local_copy(pushed.uri) as model, local_folder(artifact.uri) as folder:
            job = PredictionJob(files=files, model=model, version=int(version), **_choices(exec_properties))
            predicted = predict_files(job, folder / FILE, self._beam_pipeline_args or ())
        artifact.set_int_custom_property(Predictions.PREDICTED, predicted.counts.predicted)
        artifact.set_int_custom_property(Predictions.REFUSED, predicted.counts.refused)
        artifact.set_string_custom_property(Predictions.MODEL_VERSION, version)


def _choices(exec_properties: dict[str, Any]) -> dict[str, Any]:
    settings = json.loads(exec_properties[SETTINGS])
    return {
        "threshold": settings["threshold"],
        "classes": tuple(settings["classes"]),
        "keep": tuple(settings["keep"]),
    }
