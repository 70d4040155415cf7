import gzip
from pathlib import Path

import pytest

from pipelines.replay.errors import ReplayError
from pipelines.replay.span_rows import RowReader
from tests.runs.project import SOURCE

TAXI = SOURCE / "data" / "schema" / "taxi.pbtxt"
HEADER = "trip_start_timestamp,fare,payment_type,pickup_community_area,company,tips\n"


def test_rows_are_typed_by_the_contract_and_in_the_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "trips-2014Q1.csv"
    path.write_text(f"{HEADER}1395576000,7.45,Cash,4,,0.0\n1393723800,46.85,Credit Card,33.0,Blue,9.5\n")
    early, late = RowReader.of(TAXI).read(path)
    assert early.features == {
        "trip_start_timestamp": 1393723800, "fare": 46.85, "payment_type": "Credit Card", "pickup_community_area": 33,
        "company": "Blue",
    }  # fmt: skip
    assert type(early.features["pickup_community_area"]) is int
    assert (early.outcome, late.outcome) == (9.5, 0.0)
    assert "company" not in late.features
    assert "tips" not in late.features


def test_a_cell_that_its_column_cannot_hold_is_sent_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "trips-2014Q1.csv.gz"
    path.write_bytes(gzip.compress(f"{HEADER}1395576000,free,Cash,4.5,,\n".encode()))
    (row,) = RowReader.of(TAXI).read(path)
    assert (row.features["fare"], row.features["pickup_community_area"], row.outcome) == ("free", 4.5, None)


def test_what_is_no_csv_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=r"2014Q1\.parquet: expected a CSV file for each span"):
        RowReader.of(TAXI).read(tmp_path / "2014Q1.parquet")
