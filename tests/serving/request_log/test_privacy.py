"""What the log keeps out: hashed and dropped columns, the key, and other users."""

from pathlib import Path
from typing import Any

import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from serving import contract as contracts
from serving.contract.missing_values import in_float32
from serving.request_log import columns as log_columns
from serving.request_log.encoding import hashed
from serving.request_log.settings import RequestLogSettings, read_hash_key
from tests.serving.request_log import logged
from tests.serving.request_log.logged import (
    KEY,
    TRIP,
    files,
    offer,
    rows,
    start,
)

pytestmark = pytest.mark.slow


def test_a_hashed_column_shows_which_values_are_equal_and_nothing_else(tmp_path: Path) -> None:
    log, _ = start(tmp_path, hashed=("company", "tract", "fare", "request_id"), hash_key=KEY)
    offer(log, "an id", rows=[TRIP, TRIP | {"company": "Other Cab", "tract": None}, TRIP | {"company": ""}])
    offer(log, "an id", rows=[TRIP | {"fare": 12.25}])
    log.close()
    found = rows(tmp_path)
    company, other, missing, again = (row["company"] for row in found)
    # printf 'company\0Flash Cab' | openssl dgst -sha256 -hmac 'a key of the tests'
    assert company == again == "d04a20d992909d87628ac682c8da61ae0678d5d40ce8ff0258ef8fb878837a9a"
    assert other == hashed(KEY, "company", "Other Cab") != company
    assert missing is None
    assert [row["tract"] for row in found] == [hashed(KEY, "tract", 17031081500), None, *[found[0]["tract"]] * 2]
    assert [row["fare"] == found[0]["fare"] for row in found] == [True, True, True, False]
    assert {row["request_id"] for row in found} == {hashed(KEY, "request_id", "an id")}
    schema = logged.table(files(tmp_path)[0]).schema
    assert log_columns.hashed_columns(schema) == {"company", "tract", "fare", "request_id"}
    assert "Flash Cab" not in str(found)


def test_equal_values_of_two_columns_or_under_two_keys_have_different_hashes() -> None:
    hashes = [hashed(KEY, "pickup", 8), hashed(KEY, "dropoff", 8), hashed(b"another key of tests", "pickup", 8)]
    assert len(set(hashes)) == 3


def test_a_float_is_hashed_as_the_model_sees_it(tmp_path: Path) -> None:
    log, _ = start(tmp_path, hashed=("miles",), hash_key=KEY)
    offer(
        log, rows=[TRIP | {"miles": 0.1}, TRIP | {"miles": in_float32(0.1)}, TRIP | {"miles": 3}, TRIP | {"miles": 3.0}]
    )
    log.close()
    found = [row["miles"] for row in rows(tmp_path)]
    assert found[0] == found[1] != found[2] == found[3]


def test_a_dropped_column_is_not_there(tmp_path: Path) -> None:
    log, _ = start(tmp_path, dropped=("company", "tract", "request_id"))
    offer(log)
    log.close()
    found = logged.table(files(tmp_path)[0])
    assert not {"company", "tract", "request_id"} & set(found.column_names)
    assert log_columns.dropped_columns(found.schema) == {"company", "tract", "request_id"}
    assert found.column("fare").to_pylist() == [12.5]


def test_files_are_not_for_everybody(tmp_path: Path) -> None:
    log, _ = start(tmp_path / "log")
    offer(log)
    log.close()
    (file,) = files(tmp_path / "log")
    assert file.stat().st_mode & 0o007 == 0
    assert file.parent.stat().st_mode & 0o007 == 0


def test_the_key_is_not_shown() -> None:
    shown = RequestLogSettings(folder=Path("log"), hashed=("company",), hash_key=KEY)
    assert "a key" not in repr(shown)


def test_the_key_is_read_from_a_file_or_a_variable(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(KEY + b"\n")
    assert read_hash_key({"GATEWAY_REQUEST_LOG_HASH_KEY_FILE": str(file)}) == KEY
    assert read_hash_key({"GATEWAY_REQUEST_LOG_HASH_KEY": KEY.decode()}) == KEY
    assert read_hash_key({}) is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sample_rate": 1.5}, "sample_rate: expected 0 to 1, received 1.5"),
        ({"max_file_rows": 0}, "max_file_rows: expected at least 1, received 0"),
        ({"max_file_seconds": 100_000}, "max_file_seconds: expected more than 0 and at most 86400, received 100000"),
        ({"keep_days": 0}, "keep_days: expected more than 0, received 0"),
        (
            {"hashed": ("company",)},
            "hashed = company: expected a key of at least 16 bytes, received 0; set GATEWAY_",
        ),
        ({"hashed": ("company",), "hash_key": b"short"}, "expected a key of at least 16 bytes, received 5"),
        ({"dropped": ("compny",)}, "dropped: no column 'compny' that can be dropped; did you mean 'company'?"),
        ({"dropped": ("request_time",)}, "no column 'request_time' that can be dropped"),
        ({"dropped": ("answer_status",)}, "no column 'answer_status' that can be dropped"),
        ({"hashed": ("answer_status",), "hash_key": KEY}, "no column 'answer_status' that can be hashed"),
        ({"hashed": ("pay",), "dropped": ("pay",), "hash_key": KEY}, "pay: both dropped and hashed"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        start(tmp_path, **wrong)
    assert message in str(refused.value)


def test_a_feature_cannot_be_named_like_a_column_of_the_log(tmp_path: Path) -> None:
    schema = schema_pb2.Schema()
    schema.CopyFrom(logged.SCHEMA)
    schema.feature[0].name = "answer_status"
    with pytest.raises(ValueError, match="features answer_status have names that the log uses for itself"):
        start(tmp_path, contract=contracts.from_schema(schema))
