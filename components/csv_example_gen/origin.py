"""Set span and fingerprint of Examples in the executor if our driver did not run before it.

Our driver runs only in local runs. Vertex AI runs TFX's own driver, whose fingerprint is of the files' sizes and times.
Open-source Kubeflow Pipelines runs no driver, so the pattern still has `{SPAN}`. With this module, Examples have the
same properties in all cases.
"""

from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.components.example_gen import utils
from tfx.components.example_gen.driver import update_output_artifact
from tfx.components.example_gen.input_processor import FileBasedInputProcessor
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types import standard_component_specs as specs
from tfx.utils import proto_utils

from components.csv_example_gen.fingerprint import BLAKE2B


def is_driven(exec_properties: Mapping[str, Any]) -> bool:
    """Return whether our driver ran, that is, whether the fingerprint is of the files' contents."""
    return BLAKE2B in (exec_properties.get(utils.FINGERPRINT_PROPERTY_NAME) or "")


def resolve_span(input_config: example_gen_pb2.Input, exec_properties: Mapping[str, Any]) -> tuple[int, int | None]:
    """Return span and version, and put them into the patterns of `input_config` unless a driver did.

    Args:
        input_config: the input splits; their patterns are changed in place.
        exec_properties: the executor's properties.

    Raises:
        ValueError: No file matches the pattern with any span.
    """
    if exec_properties.get(utils.SPAN_PROPERTY_NAME) is not None:
        version = exec_properties.get(utils.VERSION_PROPERTY_NAME)
        return int(exec_properties[utils.SPAN_PROPERTY_NAME]), None if version is None else int(version)
    found = FileBasedInputProcessor(
        exec_properties[specs.INPUT_BASE_KEY], input_config.splits, _read_range(exec_properties)
    )
    span, version = found.resolve_span_and_version()
    for split in input_config.splits:
        split.pattern = found.get_pattern_for_span_version(split.pattern, span, version)
    return span, version


def write_origin(examples: types.Artifact, span: int, version: int | None, fingerprint: str) -> None:
    """Write span, version and fingerprint to Examples as our driver does."""
    properties = {
        utils.SPAN_PROPERTY_NAME: span,
        utils.VERSION_PROPERTY_NAME: version,
        utils.FINGERPRINT_PROPERTY_NAME: fingerprint,
    }
    for name in (utils.SPAN_PROPERTY_NAME, utils.VERSION_PROPERTY_NAME):  # may have another type if read from JSON
        examples.mlmd_artifact.custom_properties.pop(name, None)
    update_output_artifact(properties, examples.mlmd_artifact)


def _read_range(exec_properties: Mapping[str, Any]) -> range_config_pb2.RangeConfig | None:
    text = exec_properties.get(specs.RANGE_CONFIG_KEY)
    if not text:
        return None
    found = range_config_pb2.RangeConfig()
    proto_utils.json_to_proto(text, found)
    return found
