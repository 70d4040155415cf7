"""Executor of BatchedStatisticsGen: TFX's own, that reads batches of rows where TFX reads row by row.

TFX's executor gets its reader from `tfxio_utils.get_split_tfxio`, so that name is replaced while it runs. Were it not
used any more, the statistics would be the same, and slower: a test says so.
"""

import types as python_types
from typing import Any

import apache_beam as beam
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.statistics_gen import executor
from tfx.components.util import tfxio_utils
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.example_batches import can_read, read_batches


class Executor(executor.Executor):
    """Computes statistics of each split."""

    def Do(  # noqa: N802, TFX names it
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs TFX's executor.

        Raises:
            ValueError: A split has no files.
        """
        replaced = executor.tfxio_utils
        executor.tfxio_utils = python_types.SimpleNamespace(get_split_tfxio=_get_split_reader)
        try:
            super().Do(input_dict, output_dict, exec_properties)
        finally:
            executor.tfxio_utils = replaced


class _BatchReader:
    """What TFX's executor asks of a TFXIO."""

    def __init__(self, pattern: str, schema: schema_pb2.Schema | None) -> None:
        self._pattern, self._schema = pattern, schema

    def BeamSource(self) -> beam.PTransform:  # noqa: N802, TFX names it
        return read_batches(self._pattern, self._schema)


def _get_split_reader(
    examples: list[types.Artifact], split: str, telemetry_descriptors: list[str], schema: schema_pb2.Schema | None
) -> Any:
    """Takes the arguments of TFX's own function, which reads what is in another format than ours."""
    if not all(map(can_read, examples)):
        return tfxio_utils.get_split_tfxio(
            examples=examples, split=split, telemetry_descriptors=telemetry_descriptors, schema=schema
        )
    (uri,) = artifact_utils.get_split_uris(examples, split)
    return _BatchReader(io_utils.all_files_pattern(uri), schema)
