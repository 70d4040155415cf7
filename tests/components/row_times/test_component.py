"""Rows of another time than their span's."""

import datetime
import json

import tensorflow as tf
from tfx.types import standard_artifacts

from components.artifact_files import read_text
from components.artifacts import RowTimes as RowTimesArtifact
from components.row_times.component import RowTimes, TimeCounts, count_times

BEGIN, END = datetime.date(2014, 4, 1), datetime.date(2014, 7, 1)


def seconds(*moment: int) -> int:
    return int(datetime.datetime(*moment, tzinfo=datetime.UTC).timestamp())


def test_late_early_and_unknown_rows_are_counted_by_day() -> None:
    values = [
        seconds(2014, 3, 31, 23, 59, 59),
        seconds(2014, 4, 1),
        seconds(2014, 6, 30, 23, 59, 59),
        seconds(2014, 7, 1),
        None,
        seconds(2013, 1, 1),
    ]
    assert count_times(values, "epoch seconds", BEGIN, END) == TimeCounts(
        rows=6, late=2, early=1, unknown=1, oldest="2013-01-01", newest="2014-07-01"
    )


def test_dates_as_text() -> None:
    counts = count_times([b"31.03.2014", b"01.04.2014", b"soon"], "%d.%m.%Y", BEGIN, END)
    assert (counts.late, counts.unknown, counts.newest) == (1, 1, "2014-04-01")


def test_a_number_that_is_no_day_of_the_calendar_does_not_stop_the_count() -> None:
    """Milliseconds where seconds are expected: it is AnomalyGate that refuses them, and says why."""
    counts = count_times([1400000000000, seconds(2014, 4, 1)], "epoch seconds", BEGIN, END)
    assert (counts.rows, counts.unknown, counts.oldest) == (2, 1, "2014-04-01")


def test_no_rows_have_no_days() -> None:
    assert count_times([], "epoch seconds", BEGIN, END).oldest == ""


def test_the_rows_of_any_file_system_are_counted(ram: str) -> None:
    examples, report = standard_artifacts.Examples(), RowTimesArtifact()
    examples.uri, examples.split_names, report.uri = f"{ram}/examples", '["span"]', f"{ram}/report"
    tf.io.gfile.makedirs(f"{examples.uri}/Split-span")
    with tf.io.TFRecordWriter(f"{examples.uri}/Split-span/data.gz", "GZIP") as writer:
        for day in (1, 2):
            moment = tf.train.Feature(int64_list=tf.train.Int64List(value=[seconds(2014, 7, day)]))
            writer.write(tf.train.Example(features=tf.train.Features(feature={"time": moment})).SerializeToString())
    RowTimes.test_call(
        examples=examples,
        report=report,
        split="span",
        column="time",
        written="epoch seconds",
        begin="2014-04-01",
        end="2014-07-01",
        code_digest="",
    )
    counted = json.loads(read_text(f"{report.uri}/report.json"))
    assert (counted["rows"], counted["early"], counted["newest"]) == (2, 2, "2014-07-02")
