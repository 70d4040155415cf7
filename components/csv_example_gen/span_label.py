"""Pass the span that ExampleGen reads, and its version, from the caller to the driver.

TFX's own driver takes both from the file's name. Its patterns have no quarters, and a corrected file has the same name.
The label is in `custom_config`, and so is a part of the cache key.
"""

import dataclasses
from typing import Any

from google.protobuf import json_format, struct_pb2
from tfx.proto import example_gen_pb2
from tfx.utils import proto_utils

_LABEL = "span_label"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpanLabel:
    """Number, version and name of a span."""

    number: int  # TFX's span
    version: int  # from 1
    name: str  # name for people


def add_label(reader: example_gen_pb2.CustomConfig, label: SpanLabel) -> example_gen_pb2.CustomConfig:
    """Return a result of `executor.column_types` with a label added."""
    settings = _unpack(reader)
    settings.update({_LABEL: dataclasses.asdict(label)})
    labelled = example_gen_pb2.CustomConfig()
    labelled.custom_config.Pack(settings)
    return labelled


def read_label(custom_config: str | None) -> SpanLabel | None:
    """Return the label in an execution's `custom_config`; None if there is none and TFX reads the span from names."""
    if not custom_config:
        return None
    config = example_gen_pb2.CustomConfig()
    proto_utils.json_to_proto(custom_config, config)
    label: dict[str, Any] | None = json_format.MessageToDict(_unpack(config)).get(_LABEL)
    # A Struct stores numbers as float64.
    return SpanLabel(**label | {key: int(label[key]) for key in ("number", "version")}) if label else None


def _unpack(config: example_gen_pb2.CustomConfig) -> struct_pb2.Struct:
    settings = struct_pb2.Struct()
    config.custom_config.Unpack(settings)
    return settings
