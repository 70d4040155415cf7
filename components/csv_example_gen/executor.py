"""Executor of an ExampleGen that reads under a contract: types come from the schema, and a bad row stops the run.

Reads:  the files that `input_base` and the patterns of `input_config` name.
Writes: Examples, one tf.Example per row; a missing value is an absent feature. Custom properties say how many rows are
        in each split, how they were split, and what float32 took away. Of a labelled span a third split holds all rows.
Raises: SourceError, for the faults that `components.csv_example_gen.csv_files` lists and for a split that cannot work,
        before anything is written; for a split that no row fell into; and for files that changed meanwhile.
        SplitCheckError, if what was written is not the split that was asked for.

`component.CheckedExampleGen` runs it, with TFX's spans.

How it differs from CsvExampleGen, and why:
  * CsvExampleGen guesses each column's type from its values, so one text cell in `trip_miles` turns the column into
    strings, and a month in which every fare is a whole number turns `fare` into integers;
  * it encodes an empty cell as a present feature without a value, which TFDV counts as present: `presence` in the
    contract could never fail, and statistics show nothing missing;
  * it shuffles before it writes, with random keys that now and then collide, so two runs over the same rows do not
    always write them in the same order. Here the order is that of the files, and equal rows give equal bytes.
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

ROWS_PROPERTY = "rows_"  # with a split's name: custom property of the Examples, how many rows were written
SPLIT_PROPERTY = "split"  # custom property of the Examples: how they were split, for people

_RULES, _SPLIT, _DIGEST, _SHARD_BYTES = "rules", "split", "source_digest", "shard_bytes"


def column_types(
    schema_file: str, source_digest: str = "", split: Split | None = None, shard_bytes: int | None = SHARD_BYTES
) -> example_gen_pb2.CustomConfig:
    """Pack what a contract says of the cells, and how rows are split, for the executor.

    Only that travels, so that an edit of a threshold in the contract does not make ExampleGen run again.

    Args:
        schema_file: a tensorflow_metadata Schema in text format.
        source_digest: digest of the code that reads; an edit of it then changes TFX's cache key.
        split: of the rows; None: by row.
        shard_bytes: of text that one worker reads and writes into one file per split; larger data is shared. None: one
            worker, one file.

    Raises:
        SourceError: The contract names two columns that differ only in case, or says something of cells that cannot be;
            or it has no such column as the split goes by, or that column cannot be a key.
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
    """Checks the files, then writes their rows as tf.Examples in the order of the files."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Check the files, then runs the Beam pipeline; `custom_config` is what `column_types` gives."""
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
        """Run the Beam pipeline; raises when a split stays empty, which no later component would say."""
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
                f"{' and '.join(empty)}. Expected at least one row in each split: give more rows."
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
    """Read what `column_types` packed; no rules and a split by row without it."""
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
