"""Add the fingerprint of BatchPredictor's files, read just before the node runs, to its cache key."""

import copy
from typing import Any

from tfx.dsl.components.base import base_driver
from tfx.orchestration import data_types_utils
from tfx.proto.orchestration import driver_output_pb2

from components.batch_predictor.executor import DATA, FINGERPRINT, PREDICTIONS
from components.batch_predictor.job import fingerprint_files
from components.csv_example_gen.csv_files import find_files


class Driver(base_driver.BaseDriver):
    """Driver that fingerprints the files. Components need TFX's old base class; `run` is that of its new drivers."""

    def run(self, execution_info: Any) -> driver_output_pb2.DriverOutput:
        """Return the node's properties with the fingerprint, and its output artifact.

        Raises:
            SourceError: There is no file, or a file cannot be read.
        """
        result = driver_output_pb2.DriverOutput()
        found = fingerprint_files(find_files(execution_info.exec_properties[DATA]))
        for name, value in (execution_info.exec_properties | {FINGERPRINT: found}).items():
            data_types_utils.set_metadata_value(result.exec_properties[name], value)
        (predictions,) = execution_info.output_dict[PREDICTIONS]
        result.output_artifacts[PREDICTIONS].artifacts.append(copy.deepcopy(predictions.mlmd_artifact))
        return result
