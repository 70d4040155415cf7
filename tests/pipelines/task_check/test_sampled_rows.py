"""Rows that do not fit the contract are told before Beam sees them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines.task_check.sampled_rows import RowsError, read_rows, spread
from tests.tasks.diabetes.task import TASK

CONTRACT = text_format.Parse(TASK.contract.read_text(), schema_pb2.Schema())


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The task's file: the header and 442 rows."""
    (file,) = TASK.prepare_data(tmp_path_factory.mktemp("data")).iterdir()
    return file.read_text().splitlines()


def without(lines: list[str], column: str, rows: int) -> list[str]:
    """Empty the cells of a column in the first rows."""
    place = lines[0].split(",").index(column)
    cells = [line.split(",") for line in lines]
    return [
        ",".join([*row[:place], "" if 0 < at <= rows else row[place], *row[place + 1 :]])
        for at, row in enumerate(cells)
    ]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda lines: lines[:1], r"rows\.csv: expected rows below the header, received none"),
        (
            lambda lines: [lines[0].replace("bmi", "bmi2"), *lines[1:]],
            r"expected a column 'bmi', which the contract requires, received none of that name; is it 'bmi2'\? Name",
        ),
        (
            lambda lines: without(lines, "bmi", 3),
            r"column 'bmi': expected a value in every row, as the contract requires, received none in 3 of 442 rows",
        ),
    ],
    ids=["no row", "another name", "missing values"],
)
def test_rows_that_do_not_fit(
    tmp_path: Path, lines: list[str], edit: Callable[[list[str]], list[str]], message: str
) -> None:
    (tmp_path / "rows.csv").write_text("\n".join(edit(lines)) + "\n")
    with pytest.raises(RowsError, match=message):
        read_rows(tmp_path, CONTRACT)


@pytest.mark.parametrize(("count", "expected"), [(3, ["a", "c", "e"]), (1, ["a"]), (9, ["a", "b", "c", "d", "e"])])
def test_spread_keeps_the_ends(count: int, expected: list[str]) -> None:
    assert spread("abcde", count) == expected
