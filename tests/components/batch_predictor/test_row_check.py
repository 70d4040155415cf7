"""Rows are refused for what the gateway would refuse a request of the same values for, cell by cell."""

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.batch_predictor.errors import BatchPredictionError
from components.batch_predictor.row_check import CheckedRows, Refusal, RowCheck
from components.csv_example_gen.file_contents import SourceError
from components.csv_example_gen.reading_rules import ReadingRules
from serving import contract as contracts

FEATURES = """
annotation { tag: "missing_number:-9007199254740992" tag: "missing_string:"
  tag: "missing_cell:N/A" tag: "missing_cell:-999" }
feature { name: "miles" type: FLOAT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
  float_domain { min: 41.63 max: 42.04 } }
feature { name: "free" type: FLOAT presence { min_count: 1 } value_count { max: 1 } }
feature { name: "count" type: INT presence { min_count: 1 } value_count { max: 1 } int_domain { min: 0 max: 23 } }
feature { name: "id" type: INT presence { min_count: 1 } value_count { max: 1 } }
feature { name: "kind" type: BYTES presence { min_count: 1 } value_count { max: 1 }
  string_domain { name: "kind" value: "a" value: "b" } distribution_constraints { min_domain_mass: 1 } }
feature { name: "text" type: BYTES presence { min_count: 1 } value_count { max: 1 } }
feature { name: "day" type: BYTES presence { min_count: 1 } value_count { max: 1 } annotation { tag: "date:%Y-%m-%d" } }
"""
NAMES = ("miles", "free", "count", "id", "kind", "text", "day")


def make(header: Sequence[str] = NAMES) -> RowCheck:
    schema = text_format.Parse(FEATURES, schema_pb2.Schema())
    return RowCheck(contracts.from_schema(schema), ReadingRules.from_schema(schema), header, "rows.csv")


def check(**cells: list[str | None]) -> CheckedRows:
    """Checks rows of these columns; the others are empty, but for miles."""
    rows = len(next(iter(cells.values())))
    given = {name: ["42"] * rows if name == "miles" else [None] * rows for name in NAMES} | cells
    columns = [pa.array(given[name], pa.string()) for name in NAMES]
    return make().check(np.arange(2, rows + 2), columns)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (
            "miles",
            [41.63, 41.6299999, 41.62, 42.04, 42.0400001, 42.05, np.nextafter(np.float32(42.04), 43).item(), 0.0],
        ),
        ("free", [0.0, -999.0, -998.99999999, -(2.0**53), 3.4028234663852886e38, -3.4e38, 1e-46]),
        ("count", [-1, 0, 23, 24, -999]),
        ("id", [-(2**63), 2**63 - 1, -(2**53), -(2**53) - 1, -(2**53) + 1, -999, 2**53 + 1]),
        ("kind", ["a", "b", "c", "A"]),
        ("text", ["x", "-999 ", "n/a"]),
        ("day", ["2024-02-29", "2023-02-29", "29.02.2024"]),
    ],
)
def test_as_the_gateway(name: str, values: list[object]) -> None:
    found = check(**{name: [value if isinstance(value, str) else repr(value) for value in values]})
    contract = make().contract
    (feature,) = (feature for feature in contract.features if feature.name == name)
    # The file's own spellings of "missing" are no value there, and a request must not hold them.
    is_missing = [str(value).strip() in ("-999", "N/A") for value in values]
    expected = [
        gone or feature.accepts(value, contract.missing) for value, gone in zip(values, is_missing, strict=True)
    ]
    assert expected != [True] * len(values) or name == "text"
    assert found.accepted.tolist() == expected


def test_a_refusal_says_where_what_and_why() -> None:
    found = check(miles=["42", None, "43", "x"], count=["1", "2", "99", "8.0"], kind=["a", "c", "b", "N/A"])
    assert found.accepted.tolist() == [True, False, False, False]
    assert found.refusals == [
        Refusal(line=3, column="miles", cell="", reason="expected a number from 41.63 to 42.04"),
        Refusal(line=3, column="kind", cell="c", reason='expected one of "a", "b", or nothing'),
        Refusal(line=4, column="miles", cell="43", reason="expected a number from 41.63 to 42.04"),
        Refusal(line=4, column="count", cell="99", reason="expected a whole number from 0 to 23, or nothing"),
        Refusal(line=5, column="miles", cell="x", reason="expected a number from 41.63 to 42.04"),
    ]
    assert found.columns["count"].to_pylist() == [1]  # of the accepted row alone


def test_cells_that_are_no_number_beside_spellings_of_missing() -> None:
    found = check(id=["7", "N/A", " 8 ", "1e400", "0x10", "9.5", "-999", "9" * 20, "1_000", ""])
    assert found.accepted.tolist() == [True, True, True, False, False, False, True, False, False, True]
    assert found.columns["id"].to_pylist() == [7, None, 8, None, None]


@pytest.mark.parametrize("value", [None, math.inf])
def test_numbers_of_parquet(value: float | None) -> None:
    columns = [pa.array([None, None], pa.string()) for _ in NAMES]
    columns[:2] = [pa.array([42.0, 42.0]), pa.array([1.5, value])]
    columns[3] = pa.array([2**53 + 1, -999])
    found = make().check(np.array([1, 2]), columns)
    assert found.columns["id"].to_pylist()[0] == 2**53 + 1
    assert found.accepted.tolist() == [True, value is None]


def test_a_column_that_every_row_needs() -> None:
    with pytest.raises(BatchPredictionError, match=r"no column 'miles', .* did you mean 'mile'\?"):
        make(("mile", "count"))
    assert make(("miles", "count")).absent == ("free", "id", "kind", "text", "day")


def test_a_heading_that_differs_in_case_is_no_absent_column() -> None:
    with pytest.raises(SourceError, match="'Count' where the contract has 'count'"):
        make(("miles", "Count"))


TIMES = """
annotation { tag: "missing_number:-9007199254740992" tag: "missing_string:" }
feature { name: "start" type: INT value_count { max: 1 }
  annotation { tag: "span_time:epoch seconds" tag: "time_zone:America/Chicago" } }
feature { name: "month" type: INT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
  int_domain { min: 1 max: 12 } annotation { tag: "part_of:start month" } }
"""


@pytest.mark.parametrize("has_months", [True, False])
def test_parts_of_a_time_are_filled_in_or_held_against_it(has_months: bool) -> None:
    """As the gateway does; tests/serving/gateway/test_times.py."""
    schema = text_format.Parse(TIMES, schema_pb2.Schema())
    header = ("start", "month") if has_months else ("start",)
    rows = RowCheck(contracts.from_schema(schema), ReadingRules.from_schema(schema), header, "rows.csv")
    assert rows.absent == ()
    starts = pa.array(["1437057900", "1437057900", "1421419500", None, None], pa.string())
    months = pa.array([None, "12", "1", "5", None], pa.string())
    found = rows.check(np.arange(2, 7), [starts, months][: len(header)])
    if not has_months:
        assert found.columns["month"].to_pylist() == [7, 7, 1]
        assert [(one.line, one.column) for one in found.refusals] == [(5, "month"), (6, "month")]
        return
    assert found.accepted.tolist() == [True, False, True, True, False]
    assert found.columns["month"].to_pylist() == [7, 1, 5]
    assert found.refusals == [
        Refusal(3, "month", "12", "expected 7, the month of start 1437057900 (2015-07-16 14:45:00), or nothing"),
        Refusal(6, "month", "", "expected a whole number from 1 to 12, or start, from which it is computed"),
    ]


def test_a_part_that_is_filled_in_is_held_to_the_contract() -> None:
    schema = text_format.Parse(TIMES.replace("max: 12", "max: 6"), schema_pb2.Schema())
    rows = RowCheck(contracts.from_schema(schema), ReadingRules.from_schema(schema), ("start",), "rows.csv")
    found = rows.check(np.arange(2, 4), [pa.array(["1437057900", "1421419500"], pa.string())])
    assert found.accepted.tolist() == [False, True]
    computed = "received 7, computed from start 1437057900 (2015-07-16 14:45:00)"
    assert found.refusals == [Refusal(2, "month", "", f"expected a whole number from 1 to 6, {computed}")]


def test_a_part_without_its_time_is_a_column_that_every_row_needs() -> None:
    schema = text_format.Parse(TIMES, schema_pb2.Schema())
    with pytest.raises(BatchPredictionError, match="no column 'month', which the model requires in every row"):
        RowCheck(contracts.from_schema(schema), ReadingRules.from_schema(schema), ("other",), "rows.csv")
