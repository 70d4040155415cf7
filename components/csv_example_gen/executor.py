"""Executor of an ExampleGen that reads CSV under a contract: types come from the schema, and a bad row stops the run.

Reads:  the files that `input_base` and the patterns of `input_config` name.
Writes: Examples, one tf.Example per row; an empty cell is an absent feature. Custom properties say how many rows.
Raises: SourceError, for the faults that `components.csv_example_gen.csv_files` lists, before anything is written;
        and for a split that no row fell into.

Use it with TFX's own component, which brings its spans, splits and cache key:

    FileBasedExampleGen(
        input_base=folder,
        input_config=example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="all", pattern=pattern)]),
        custom_config=column_types("data/schema/taxi.pbtxt"),
        custom_executor_spec=executor_spec.BeamExecutorSpec(Executor),
    )

How it differs from CsvExampleGen, and why:
  * CsvExampleGen guesses each column's type from its values, so one text cell in `trip_miles` turns the column into
    strings, and a month in which every fare is a whole number turns `fare` into integers;
  * it encodes an empty cell as a present feature without a value, which TFDV counts as present: `presence` in the
    contract could never fail, and statistics show nothing missing;
  * it shuffles before it writes, with random keys that now and then collide, so two runs over the same rows do not
    always write them in the same order. Here the order is that of the files, and equal rows give equal bytes.
"""

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

import apache_beam as beam
import tensorflow as tf
from apache_beam.metrics import Metrics, MetricsFilter
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

from components.csv_example_gen.csv_files import CellKind, SourceError, SourceSummary, check_csv, read_columns
from components.csv_example_gen.csv_values import Value

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ROWS_PROPERTY = "rows_"  # with a split's name: custom property of the Examples, how many rows were written

_READ_BYTES = 1 << 20  # at once, of a file
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
    kinds = {feature.name: schema_pb2.FeatureType.Name(feature.type) for feature in schema.feature}
    settings[_TYPES] = {name: kind for name, kind in kinds.items() if kind in CellKind.__members__}
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
        """Checks the files, then runs the Beam pipeline; `custom_config` is what `column_types` gives."""
        self._log_startup(input_dict, output_dict, exec_properties)
        input_config = example_gen_pb2.Input()
        proto_utils.json_to_proto(exec_properties[specs.INPUT_CONFIG_KEY], input_config)
        output_config = example_gen_pb2.Output()
        proto_utils.json_to_proto(exec_properties[specs.OUTPUT_CONFIG_KEY], output_config)

        expected = _unpack_column_types(exec_properties.get(specs.CUSTOM_CONFIG_KEY))
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
        self._write(artifact, exec_properties)
        examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(
            artifact, write_split.to_file_format_str(exec_properties.get(specs.OUTPUT_FILE_FORMAT_KEY, 0))
        )

    def _write(self, artifact: types.Artifact, exec_properties: dict[str, Any]) -> None:
        """Runs the Beam pipeline; raises when a split stays empty, which no later component would say."""
        with self._make_beam_pipeline() as pipeline:
            splits = self.GenerateExamplesByBeam(pipeline, exec_properties)
            for split, examples in splits.items():
                uri = artifact_utils.get_split_uri([artifact], split)
                _ = examples | f"WriteSplit[{split}]" >> _Write(split, os.path.join(uri, write_split.DEFAULT_FILE_NAME))
        counters = pipeline.result.metrics().query(MetricsFilter().with_namespace(__name__))["counters"]
        written = {counter.key.metric.name: counter.committed for counter in counters}
        for split in splits:
            artifact.set_int_custom_property(f"{ROWS_PROPERTY}{split}", written.get(split, 0))
        if empty := [split for split in splits if not written.get(split)]:
            rows = sum(source.rows for source in self._sources.values())
            raise SourceError(
                f"{exec_properties[specs.INPUT_BASE_KEY]}: {rows} rows, of which none fell into the split "
                f"{' and '.join(empty)}. Expected at least one row in each split: give more rows."
            )

    def GetInputSourceToExamplePTransform(self) -> Any:
        """Returns a function that makes the reading transform of a split: so the base class calls it."""

        def read(exec_properties: dict[str, Any], split_pattern: str) -> beam.PTransform:
            return _Read(self._sources[split_pattern])

        return read


class _Read(beam.PTransform):
    """Pipeline -> tf.train.Example per row."""

    def __init__(self, source: SourceSummary) -> None:
        super().__init__()
        self._source = source

    def expand(self, pipeline: beam.Pipeline) -> beam.pvalue.PCollection:
        return (
            pipeline
            | "Files" >> beam.Create(self._source.files)
            | "Rows" >> beam.FlatMap(read_examples, self._source.columns).with_output_types(tf.train.Example)
        )


class _Write(beam.PTransform):
    """tf.train.Example -> gzipped TFRecords, without a shuffle; counts them under the split's name."""

    def __init__(self, split: str, path_prefix: str) -> None:
        super().__init__()
        self._split = split
        self._path_prefix = path_prefix

    def expand(self, examples: beam.pvalue.PCollection) -> beam.PCollection:
        return (
            examples
            | "Serialize" >> beam.Map(_serialize, self._split).with_output_types(bytes)
            | "Write" >> beam.io.WriteToTFRecord(self._path_prefix, file_name_suffix=".gz")
        )


def read_examples(file: str, kinds: Mapping[str, CellKind]) -> Iterator[tf.train.Example]:
    """Yields the rows of a CSV file. An empty cell is an absent feature."""
    for columns in read_columns(file, kinds, _open):
        for row in zip(*columns, strict=True):
            yield _example(row, kinds)


def _example(row: Sequence[Value], kinds: Mapping[str, CellKind]) -> tf.train.Example:
    example = tf.train.Example()
    feature = example.features.feature
    for (name, kind), value in zip(kinds.items(), row, strict=True):
        if value is not None:
            getattr(feature[name], _LISTS[kind]).value.append(value)
        elif kind is CellKind.EMPTY:
            feature[name].SetInParent()  # Keeps a column without any value visible.
    return example


_LISTS = {CellKind.INT: "int64_list", CellKind.FLOAT: "float_list", CellKind.BYTES: "bytes_list"}


def _serialize(example: tf.train.Example, split: str) -> bytes:
    Metrics.counter(__name__, split).inc()
    return example.SerializeToString(deterministic=True)


def _unpack_column_types(custom_config: str | None) -> dict[str, CellKind]:
    """Reads what `column_types` packed; no types without it."""
    if not custom_config:
        return {}
    config, settings = example_gen_pb2.CustomConfig(), struct_pb2.Struct()
    proto_utils.json_to_proto(custom_config, config)
    if not config.custom_config.Unpack(settings):
        raise SourceError(
            f"custom_config: expected what column_types() returns, received {config.custom_config.type_url!r}."
        )
    return {name: CellKind[kind] for name, kind in json_format.MessageToDict(settings)[_TYPES].items()}


class _WholeFile(io.RawIOBase):
    """A file of any file system, byte for byte: read by lines, TensorFlow's own lose every carriage return."""

    def __init__(self, path: str) -> None:
        self._file = fileio.open(path, "rb")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        room = memoryview(buffer)
        found = self._file.read(len(room))
        room[: len(found)] = found
        return len(found)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _open(path: str) -> IO[bytes]:
    return io.BufferedReader(_WholeFile(path), buffer_size=_READ_BYTES)
