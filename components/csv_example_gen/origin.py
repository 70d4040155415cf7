"""Span and fingerprint of Examples, where another driver than ours ran before the executor, or none did.

Our driver is for local runs. Vertex AI runs TFX's own, whose fingerprint is of the files' sizes and times; open-source
Kubeflow Pipelines runs none, so that `{SPAN}` still stands in the pattern. With both done here, Examples tell the same
of their rows everywhere.
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
    """Tell whether our driver ran: the fingerprint is of what the files hold."""
    return BLAKE2B in (exec_properties.get(utils.FINGERPRINT_PROPERTY_NAME) or "")


def resolve_span(input_config: example_gen_pb2.Input, exec_properties: Mapping[str, Any]) -> tuple[int, int | None]:
    """Return span and version, and fills them into the patterns of `input_config`, unless a driver did.

    Raises:
        ValueError: No file is of any span.
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
    """Write into Examples what our driver would have written."""
    properties = {
        utils.SPAN_PROPERTY_NAME: span,
        utils.VERSION_PROPERTY_NAME: version,
        utils.FINGERPRINT_PROPERTY_NAME: fingerprint,
    }
    for name in (utils.SPAN_PROPERTY_NAME, utils.VERSION_PROPERTY_NAME):  # of another kind, if they came as JSON
        examples.mlmd_artifact.custom_properties.pop(name, None)
    update_output_artifact(properties, examples.mlmd_artifact)


def _read_range(exec_properties: Mapping[str, Any]) -> range_config_pb2.RangeConfig | None:
    text = exec_properties.get(specs.RANGE_CONFIG_KEY)
    if not text:
        return None
    found = range_config_pb2.RangeConfig()
    proto_utils.json_to_proto(text, found)
    return found
