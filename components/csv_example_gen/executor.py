"""Check CSV and Parquet files against a contract and write their rows as Examples; a bad row stops the run.

There is one tf.Example per row; a missing value is an absent feature. Custom properties of the Examples hold the number
of rows of each split, a description of the split, and float32's largest relative errors. Examples of a labelled span
have a third split with all rows.

Differences from TFX's CsvExampleGen:
  * CsvExampleGen infers each column's type from its values. One text cell in `trip_miles` makes the column strings, and
    a month in which every fare is a whole number makes `fare` integers. Here the contract gives the types.
  * CsvExampleGen encodes an empty cell as a present feature without a value, which TFDV counts as present. So
    `presence` in the contract could never fail, and statistics would show nothing missing.
  * CsvExampleGen shuffles rows with random keys that sometimes collide, so two runs over the same rows do not always
    write the same order. Here the order is that of the files, and equal rows give equal bytes.
"""

import glob
import json
import logging
import os
from typing import Any

import apache_beam as beam
from google.protobuf import json_format, struct_pb2
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.example_gen import write_split
from tfx.components.example_gen.utils import FINGERPRINT_PROPERTY_NAME
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import io_utils, proto_utils

from components.csv_example_gen.csv_files import SourceError, SourceSummary, check_csv
from components.csv_example_gen.file_parts import SHARD_BYTES, explain_whole
from components.csv_example_gen.float_precision import FLOAT32_ERRORS_PROPERTY
from components.csv_example_gen.origin import is_driven, resolve_span, write_origin
from components.csv_example_gen.reading_rules import ReadingRules
from components.csv_example_gen.row_split import RowSplit, Split, read_split, split_settings
from components.csv_example_gen.shard_writer import EVAL, SIDES, TRAIN, WriteShards, assign, count_rows
from components.csv_example_gen.source_files import open_source
from components.csv_example_gen.source_guard import SourceGuard
from components.csv_example_gen.span_label import read_label
from components.csv_example_gen.split_plan import SplitPlan, check_column, plan_split
from components.csv_example_gen.whole_span import add_whole_span
from components.csv_example_gen.written_splits import check_shares, check_sides

ROWS_PROPERTY = "rows_"  # followed by a split's name: custom property of the Examples, the number of its rows
SPLIT_PROPERTY = "split"  # custom property of the Examples: a description of the split for people

_RULES, _SPLIT, _DIGEST, _SHARD_BYTES = "rules", "split", "source_digest", "shard_bytes"


def column_types(
    schema_file: str, source_digest: str = "", split: Split | None = None, shard_bytes: int | None = SHARD_BYTES
) -> example_gen_pb2.CustomConfig:
    """Return the executor's `custom_config`: the contract's rules for cells, and how rows are split.

    It holds little else of the contract (which columns are required, for messages), so that an
    edit of a threshold does not make ExampleGen run again.

    Args:
        schema_file: a tensorflow_metadata Schema in text format.
        source_digest: digest of the code that reads the files; part of the cache key.
        split: how rows are split; None: by row.
        shard_bytes: bytes of text that one worker reads and writes to one file per split; larger data is distributed.
            None: one worker, one file per split.

    Raises:
        SourceError: The contract names two columns that differ only in case or spaces, or has a tag that cannot be
            used. Or the split's column is not in the contract, or cannot be a key.
    """
    split = split or RowSplit()
    schema = io_utils.parse_pbtxt_file(schema_file, schema_pb2.Schema())
    settings = struct_pb2.Struct()
    rules = ReadingRules.from_schema(schema)
    check_column(split, rules.kinds)
    settings[_RULES] = rules.to_json()
    settings[_SPLIT] = split_settings(split)
    settings[_DIGEST] = source_digest
    settings[_SHARD_BYTES] = shard_bytes
    config = example_gen_pb2.CustomConfig()
    config.custom_config.Pack(settings)
    return config


def split_of(config: example_gen_pb2.CustomConfig) -> Split:
    """Return the split that `column_types` packed."""
    return read_split(_unpack(config)[_SPLIT])


class Executor(BaseBeamExecutor):
    """Executor that checks the files and then writes their rows as tf.Examples in the order of the files."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Check the files, write the Examples, and check that the files did not change meanwhile.

        Args:
            input_dict: empty.
            output_dict: `examples`, one artifact.
            exec_properties: those of TFX's FileBasedExampleGen; `custom_config` is the result of `column_types`.

        Raises:
            SourceError: A file or the split has a fault, and nothing was written; or a split got no row, or a file
                changed meanwhile.
            SplitCheckError: The rows that were written are not split as asked.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        input_config = example_gen_pb2.Input()
        proto_utils.json_to_proto(exec_properties[specs.INPUT_CONFIG_KEY], input_config)
        span, version = resolve_span(input_config, exec_properties)
        rules, split, shard_bytes = _unpack_config(exec_properties.get(specs.CUSTOM_CONFIG_KEY))
        folder, pattern = exec_properties[specs.INPUT_BASE_KEY], _only_pattern(input_config)
        guard = SourceGuard(
            folder,
            {each.name: each.pattern for each in input_config.splits},
            exec_properties.get(FINGERPRINT_PROPERTY_NAME) or "",
            list_files=fileio.glob,
            open_file=open_source,
        )
        path = os.path.join(folder, pattern)
        by_row = isinstance(split, RowSplit)
        source = check_csv(
            path,
            rules=rules,
            list_files=fileio.glob,
            open_file=open_source,
            hash_equal_rows=by_row,
            shard_bytes=shard_bytes,
        )
        for reason in explain_whole(source.shards, shard_bytes):
            logging.info("%s.", reason)
        plan = plan_split(split, source, open_source)
        artifact = artifact_utils.get_single_instance(output_dict[specs.EXAMPLES_KEY])
        artifact.split_names = artifact_utils.encode_split_names(list(SIDES))
        self._write(artifact, source, plan)
        if read_label(exec_properties.get(specs.CUSTOM_CONFIG_KEY)):
            add_whole_span(artifact)
        guard.verify()
        if not is_driven(exec_properties):
            write_origin(artifact, span, version, guard.fingerprint)
        artifact.set_string_custom_property(FLOAT32_ERRORS_PROPERTY, json.dumps(source.float32_errors))
        examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(
            artifact, write_split.to_file_format_str(exec_properties.get(specs.OUTPUT_FILE_FORMAT_KEY, 0))
        )

    def _write(self, artifact: types.Artifact, source: SourceSummary, plan: SplitPlan) -> None:
        """Run the Beam pipeline and check the splits; an empty one is refused, which no later component does."""
        folders = {side: artifact_utils.get_split_uri([artifact], side) for side in SIDES}
        scratch = os.path.join(artifact.uri, "scratch")
        for folder in (*folders.values(), scratch):
            fileio.makedirs(folder)
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Shards" >> beam.Create(list(assign(source, plan)), reshuffle=False)
                | "Examples" >> WriteShards(source, plan, folders, scratch)
            )
        rows_of = count_rows(source, scratch)
        fileio.rmtree(scratch)
        for side, number in rows_of.items():
            artifact.set_int_custom_property(f"{ROWS_PROPERTY}{side}", number)
        artifact.set_string_custom_property(SPLIT_PROPERTY, str(plan.split))
        if empty := [side for side, number in rows_of.items() if not number]:
            raise SourceError(
                f"{os.path.dirname(source.files[0])}: {source.rows} rows, of which none fell into the split "
                f"{' and '.join(empty)}. Expected at least one row in each split. Add rows."
            )
        check_shares(plan.split, rows_of[TRAIN], rows_of[EVAL])
        train, evaluation = (sorted(fileio.glob(f"{glob.escape(folders[side])}/*")) for side in SIDES)
        check_sides(plan.split, train, evaluation, plan.written)


def _only_pattern(input_config: example_gen_pb2.Input) -> str:
    if len(input_config.splits) != 1:
        raise SourceError(
            f"input_config: expected one input split, whose rows are split here, received {len(input_config.splits)}."
        )
    return str(input_config.splits[0].pattern)


def _unpack_config(custom_config: str | None) -> tuple[ReadingRules, Split, int | None]:
    """Return rules, split and shard bytes from `custom_config`; without it no rules, a split by row, and one shard."""
    if not custom_config:
        return ReadingRules(), RowSplit(), None
    config = example_gen_pb2.CustomConfig()
    proto_utils.json_to_proto(custom_config, config)
    settings = _unpack(config)
    shard_bytes = settings[_SHARD_BYTES]  # a Struct holds float64, or null
    rules, split = ReadingRules.from_json(settings[_RULES]), read_split(settings[_SPLIT])
    return rules, split, None if shard_bytes is None else int(shard_bytes)


def _unpack(config: example_gen_pb2.CustomConfig) -> dict[str, Any]:
    settings = struct_pb2.Struct()
    if not config.custom_config.Unpack(settings):
        raise SourceError(
            f"custom_config: expected what column_types() returns, received {config.custom_config.type_url!r}."
        )
    return dict(json_format.MessageToDict(settings))
