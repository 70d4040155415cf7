"""Write the rows of two time windows of the request log as Examples and LoggedAnswers.

The Examples have a split for each window with answered rows, and one tf.Example per answered row. A missing value is an
absent feature. LoggedAnswers has one Parquet file with all columns of the log except features, and with all rows,
answered or not, in the same order.
"""

import datetime
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tensorflow as tf
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.artifact_files import local_folder
from components.serving_statistics import LoggedSpan, read_span
from serving.request_log import columns as log_columns
from serving.request_log.files import log_files

FOLDER, WINDOWS, EXAMPLES, ANSWERS = "folder", "windows", "examples", "answers"
WINDOW, BEFORE = "window", "before"  # splits: the rows to monitor, and those of the window before
ANSWERS_FILE = "answers.parquet"
SPLIT = "split"  # a column of ANSWERS_FILE
ANSWERED = 200  # HTTP status of a row that a model answered
# Custom properties of the Examples.
ROWS_PROPERTY = "rows_"  # followed by a split's name: the number of its rows
HASHED_PROPERTY, DROPPED_PROPERTY = "hashed", "dropped"  # JSON lists of columns

_BATCH_ROWS = 8192


class Executor(BaseExecutor):
    """Executor of RequestLogExampleGen."""

    def Do(  # noqa: N802  # TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Read the windows and write `examples` and `answers`.

        Args:
            input_dict: empty.
            output_dict: `examples` and `answers`, one artifact each.
            exec_properties: FOLDER, and WINDOWS as JSON, of RequestLogExampleGen.

        Raises:
            RequestLogError: The files of a window cannot be read together.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(output_dict[EXAMPLES])
        answers = artifact_utils.get_single_instance(output_dict[ANSWERS])
        spans = _read_spans(Path(exec_properties[FOLDER]), json.loads(exec_properties[WINDOWS]))
        tables, rows = [], {}
        for split, span in spans.items():
            found, rows[split] = _write_split(span, os.path.join(examples.uri, f"Split-{split}"))
            tables += [_named(table, split) for table in found]
        splits = [split for split, number in rows.items() if number]
        examples.split_names = artifact_utils.encode_split_names(splits)
        for split, number in rows.items():
            examples.set_int_custom_property(f"{ROWS_PROPERTY}{split}", number)
        first = spans[WINDOW]
        examples.set_string_custom_property(HASHED_PROPERTY, json.dumps(sorted(first.hashed)))
        examples.set_string_custom_property(DROPPED_PROPERTY, json.dumps(sorted(first.dropped)))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, "tfrecords_gzip")
        with local_folder(answers.uri) as folder:  # Arrow cannot write to TFX's file systems
            pq.write_table(pa.concat_tables(tables), folder / ANSWERS_FILE)


def _read_spans(folder: Path, windows: dict[str, list[str]]) -> dict[str, LoggedSpan]:
    """Return the span of each window, without BEFORE if the log has no file of it or cannot be compared with it.

    It cannot be compared if other columns were hashed or dropped in it, or if the kind of task or its classes differ.
    """
    spans = {}
    for split in (WINDOW, BEFORE):
        start, end = (datetime.datetime.fromisoformat(moment) for moment in windows[split])
        if split == WINDOW or any(log_files(folder, start, end)):
            spans[split] = read_span(folder, start=start, end=end)
    forms = {split: (span.hashed, span.dropped, span.answers) for split, span in spans.items()}
    if forms.get(BEFORE) != forms[WINDOW]:
        spans.pop(BEFORE, None)
    return spans


def _write_split(span: LoggedSpan, folder: str) -> tuple[list[pa.Table], int]:
    """Write the answered rows of a span; return the other columns of all its rows, and the number of answered ones."""
    tables, number, writer = [], 0, None
    try:
        for table in _rows_of(span):
            features = table.select(log_columns.feature_columns(table.schema))
            tables.append(table.select([name for name in table.schema.names if name in log_columns.OWN_COLUMNS]))
            answered = features.filter(pc.equal(table[log_columns.ANSWER_STATUS], ANSWERED))
            if answered.num_rows and writer is None:
                fileio.makedirs(folder)
                writer = tf.io.TFRecordWriter(os.path.join(folder, "data_tfrecord-00000-of-00001.gz"), "GZIP")
            if writer is not None:
                for record in _serialize(answered):
                    writer.write(record)
            number += answered.num_rows
    finally:
        if writer is not None:
            writer.close()
    return tables, number


def _rows_of(span: LoggedSpan) -> Iterator[pa.Table]:
    """Yield the span's rows in batches, in the order of its files."""
    for file in span.files:
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(batch_size=_BATCH_ROWS):
                table = pa.Table.from_batches([batch])
                time = table[log_columns.REQUEST_TIME]
                start, end = (pa.scalar(moment, time.type) for moment in (span.start, span.end))
                yield table.filter(pc.and_(pc.greater_equal(time, start), pc.less(time, end)))


def _serialize(features: pa.Table) -> Iterator[bytes]:
    makers = {field.name: _maker(field.type) for field in features.schema}
    for row in features.to_pylist():
        filled = {name: makers[name](value) for name, value in row.items() if value is not None}
        yield tf.train.Example(features=tf.train.Features(feature=filled)).SerializeToString(deterministic=True)


def _maker(kind: pa.DataType) -> Callable[[Any], tf.train.Feature]:
    if pa.types.is_integer(kind):
        return lambda value: tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
    if pa.types.is_floating(kind):
        return lambda value: tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
    return lambda value: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))


def _named(table: pa.Table, split: str) -> pa.Table:
    return table.append_column(SPLIT, pa.array([split] * table.num_rows, pa.string()))
