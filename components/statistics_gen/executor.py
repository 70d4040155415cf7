"""Run TFX's StatisticsGen executor with a reader of batches instead of TFX's reader of single rows.

TFX's executor gets its reader from `tfxio_utils.get_split_tfxio`, so its name `tfxio_utils` is replaced while it runs.
If TFX stopped using that name, the statistics would be the same and slower; a test would fail.
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
from components.replaced_name import replace_name


class Executor(executor.Executor):
    """Executor that computes the statistics of each split."""

    def Do(  # noqa: N802, TFX names it
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Run TFX's executor with the reader of batches; a split without files raises ValueError."""
        ours = python_types.SimpleNamespace(get_split_tfxio=_get_split_reader)
        with replace_name(executor, "tfxio_utils", ours):
            super().Do(input_dict, output_dict, exec_properties)


class _BatchReader:
    """The one method of a TFXIO that TFX's executor calls."""

    def __init__(self, pattern: str, schema: schema_pb2.Schema | None) -> None:
        self._pattern, self._schema = pattern, schema

    def BeamSource(self) -> beam.PTransform:  # noqa: N802, TFX names it
        return read_batches(self._pattern, self._schema)


def _get_split_reader(
    examples: list[types.Artifact], split: str, telemetry_descriptors: list[str], schema: schema_pb2.Schema | None
) -> Any:
    """Return a reader of batches, or TFX's own for Examples in another format; the arguments are those of TFX's."""
    if not all(map(can_read, examples)):
        return tfxio_utils.get_split_tfxio(
            examples=examples, split=split, telemetry_descriptors=telemetry_descriptors, schema=schema
        )
    (uri,) = artifact_utils.get_split_uris(examples, split)
    return _BatchReader(io_utils.all_files_pattern(uri), schema)
