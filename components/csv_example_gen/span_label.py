"""Which span ExampleGen reads, and which version of it, where the caller counts both.

TFX's own driver takes both from the name of the file. A quarter has no place among its patterns, and a file that was
corrected has the name that it had. The label travels in `custom_config`, and so is a part of the cache key.
"""

import dataclasses
from typing import Any

from google.protobuf import json_format, struct_pb2
from tfx.proto import example_gen_pb2
from tfx.utils import proto_utils

_LABEL = "span_label"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpanLabel:
    """A version of a span."""

    number: int  # TFX's span
    version: int  # from 1
    name: str  # for people


def add_label(reader: example_gen_pb2.CustomConfig, label: SpanLabel) -> example_gen_pb2.CustomConfig:
    """Return what `executor.column_types` gave, with a label."""
    settings = _unpack(reader)
    settings.update({_LABEL: dataclasses.asdict(label)})
    labelled = example_gen_pb2.CustomConfig()
    labelled.custom_config.Pack(settings)
    return labelled


def read_label(custom_config: str | None) -> SpanLabel | None:
    """Read the label from an execution's `custom_config`; None where the files' names say the span."""
    if not custom_config:
        return None
    config = example_gen_pb2.CustomConfig()
    proto_utils.json_to_proto(custom_config, config)
    label: dict[str, Any] | None = json_format.MessageToDict(_unpack(config)).get(_LABEL)
    # A Struct holds float64.
    return SpanLabel(**label | {key: int(label[key]) for key in ("number", "version")}) if label else None


def _unpack(config: example_gen_pb2.CustomConfig) -> struct_pb2.Struct:
    settings = struct_pb2.Struct()
    config.custom_config.Unpack(settings)
    return settings
