"""The spans in a folder."""

from pathlib import Path

import pytest

from pipelines.spans.errors import SpanError
from pipelines.spans.pattern import SpanPattern
from pipelines.spans.sources import find_spans


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).touch()
    return folder


def test_files_of_every_format_and_folders_are_spans_in_the_order_of_time(tmp_path: Path) -> None:
    make(tmp_path, "t-2014Q3.CSV", "t-2014Q1.csv.gz", "t-2014Q2.parquet", "notes.txt", "t-2014Q7.csv", ".hidden")
    (tmp_path / "t-2013Q4").mkdir()
    make(tmp_path / "t-2013Q4", "a.csv", "b.csv.zip")
    found = find_spans(tmp_path)
    assert [(source.span.name, source.path.name) for source in found.sources] == [
        ("2013Q4", "t-2013Q4"),
        ("2014Q1", "t-2014Q1.csv.gz"),
        ("2014Q2", "t-2014Q2.parquet"),
        ("2014Q3", "t-2014Q3.CSV"),
    ]
    assert found.others == ["notes.txt", "t-2014Q7.csv"]
    assert found.unread == ["t-2013Q4/b.csv.zip"]


def test_a_pattern_that_is_named_leaves_the_rest_to_be_said(tmp_path: Path) -> None:
    make(tmp_path, "a-1.csv", "b-1.csv")
    found = find_spans(tmp_path, SpanPattern("b-{SPAN}"))
    assert ([str(source.span) for source in found.sources], found.others) == (["1"], ["a-1.csv"])


def test_two_files_of_one_span_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "2014Q1.csv", "trips-2014Q1.csv")
    with pytest.raises(SpanError, match=r"2014Q1\.csv and trips-2014Q1\.csv are both of the span 2014Q1"):
        find_spans(tmp_path)


def test_a_folder_without_a_span_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(SpanError, match=r"no span in this folder.*it holds notes.csv"):
        find_spans(make(tmp_path, "notes.csv"))


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SpanError, match="expected a folder"):
        find_spans(tmp_path / "nothing")
