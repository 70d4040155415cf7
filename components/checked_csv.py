"""Executor of an ExampleGen that reads CSV under a contract: the types come from the schema, and a bad row stops the run.

Reads:  the files that `input_base` and the patterns of `input_config` name.
Writes: Examples, in the encoding of CsvExampleGen (an empty cell is a feature with an empty list) and with its splits: the
        same rows land in train and in eval.
Raises: SourceError, before anything is written, for the faults that `components.csv_source` lists.

Use it with TFX's own component, which then brings its spans, splits and cache key:

    FileBasedExampleGen(
        input_base=folder,
        input_config=example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="all", pattern=pattern)]),
        custom_config=column_types("data/schema/taxi.pbtxt"),
        custom_executor_spec=executor_spec.BeamExecutorSpec(Executor),
    )

Why not CsvExampleGen: it guesses each column's type from the values, so one text cell in `trip_miles` turns the column into
strings, and a month in which every fare is a whole number turns `fare` into integers. It also shuffles before it writes,
with random keys that now and then collide, and so two runs over the same rows do not always write them in the same order; here
the order is that of the files.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any

import apache_beam as beam
import tensorflow as tf
from google.protobuf import json_format, struct_pb2
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.example_gen import utils, write_split
from tfx.components.example_gen.base_example_gen_executor import BaseExampleGenExecutor
from tfx.components.util import examples_utils
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import io_utils, proto_utils

from components.csv_source import Kind, SourceError, SourceSummary, check_csv, read_columns
from components.csv_values import Value

_TYPES, _DIGEST = "types", "source_digest"


def column_types(schema_file: str, source_digest: str = "") -> example_gen_pb2.CustomConfig:
    """Packs the types of a contract for the executor.

    Only names and types travel, so that an edit of a threshold in the contract does not make ExampleGen run again.

    Args:
        schema_file: a tensorflow_metadata Schema in text format.
        source_digest: digest of the code that reads; an edit of it then changes TFX's cache key.
    """
    schema = io_utils.parse_pbtxt_file(schema_file, schema_pb2.Schema())
    settings = struct_pb2.Struct()
    settings[_TYPES] = {feature.name: schema_pb2.FeatureType.Name(feature.type) for feature in schema.feature}
    settings[_DIGEST] = source_digest
    config = example_gen_pb2.CustomConfig()
    config.custom_config.Pack(settings)
    return config


class Executor(BaseExampleGenExecutor):
    """Checks the files, then writes their rows as tf.Examples in the order of the files."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the check, then the Beam pipeline. See the base class; `custom_config` is what `column_types` gives."""
        self._log_startup(input_dict, output_dict, exec_properties)
        input_config = example_gen_pb2.Input()
        proto_utils.json_to_proto(exec_properties[specs.INPUT_CONFIG_KEY], input_config)
        output_config = example_gen_pb2.Output()
        proto_utils.json_to_proto(exec_properties[specs.OUTPUT_CONFIG_KEY], output_config)

        expected = _expected(exec_properties.get(specs.CUSTOM_CONFIG_KEY))
        self._sources = {
            split.pattern: check_csv(
                os.path.join(exec_properties[specs.INPUT_BASE_KEY], split.pattern),
                expected=expected,
                list_files=fileio.glob,
                open_file=_open,
            )
            for split in input_config.splits
        }
        artifact = artifact_utils.get_single_instance(output_dict[specs.EXAMPLES_KEY])
        artifact.split_names = artifact_utils.encode_split_names(
            utils.generate_output_split_names(input_config, output_config)
        )
        with self._make_beam_pipeline() as pipeline:
            for split, examples in self.GenerateExamplesByBeam(pipeline, exec_properties).items():
                uri = artifact_utils.get_split_uri([artifact], split)
                _ = examples | f"WriteSplit[{split}]" >> _Write(os.path.join(uri, write_split.DEFAULT_FILE_NAME))
        examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(
            artifact, write_split.to_file_format_str(exec_properties.get(specs.OUTPUT_FILE_FORMAT_KEY, 0))
        )

    def GetInputSourceToExamplePTransform(self) -> Callable[..., beam.PTransform]:
        """Returns what makes the reading transform of one input split."""

        def read(exec_properties: dict[str, Any], split_pattern: str) -> beam.PTransform:
            return _Read(self._sources[split_pattern])

        return read


class _Read(beam.PTransform):
    """Pipeline -> tf.train.Example per row."""

    def __init__(self, source: SourceSummary) -> None:
        super().__init__()
        self._source = source

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        return (
            pipeline
            | "Files" >> beam.Create(self._source.files)
            | "Rows" >> beam.FlatMap(read_examples, self._source.columns).with_output_types(tf.train.Example)
        )


class _Write(beam.PTransform):
    """tf.train.Example -> gzipped TFRecords, without a shuffle."""

    def __init__(self, path_prefix: str) -> None:
        super().__init__()
        self._path_prefix = path_prefix

    def expand(self, examples: beam.PCollection) -> beam.PCollection:
        return (
            examples
            | "Serialize" >> beam.Map(_serialized).with_output_types(bytes)
            | "Write" >> beam.io.WriteToTFRecord(self._path_prefix, file_name_suffix=".gz")
        )


def read_examples(file: str, kinds: Mapping[str, Kind]) -> Iterator[tf.train.Example]:
    """Yields the rows of a CSV file, encoded as CsvExampleGen does: an empty cell is a feature with an empty list."""
    for columns in read_columns(file, kinds, _open):
        for row in zip(*columns, strict=True):
            yield _example(row, kinds)


def _example(row: Sequence[Value], kinds: Mapping[str, Kind]) -> tf.train.Example:
    example = tf.train.Example()
    feature = example.features.feature
    for (name, kind), value in zip(kinds.items(), row, strict=True):
        if kind is Kind.EMPTY:
            feature[name].SetInParent()
            continue
        values = getattr(feature[name], _LISTS[kind])
        if value is None:
            values.SetInParent()
        else:
            values.value.append(value)
    return example


_LISTS = {Kind.INT: "int64_list", Kind.FLOAT: "float_list", Kind.BYTES: "bytes_list"}


def _serialized(example: tf.train.Example) -> bytes:
    """Deterministic, so that the same row gives the same bytes in every run."""
    return example.SerializeToString(deterministic=True)


def _expected(custom_config: str | None) -> dict[str, Kind]:
    """Reads what `column_types` packed; no types without it."""
    if not custom_config:
        return {}
    config, settings = example_gen_pb2.CustomConfig(), struct_pb2.Struct()
    proto_utils.json_to_proto(custom_config, config)
    if not config.custom_config.Unpack(settings):
        raise SourceError(
            f"custom_config: expected what column_types() returns, received {config.custom_config.type_url!r}."
        )
    return {name: Kind[kind] for name, kind in json_format.MessageToDict(settings)[_TYPES].items()}


def _open(path: str) -> IO[bytes]:
    return fileio.open(path, "rb")
