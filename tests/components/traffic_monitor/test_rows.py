"""tf.Examples as samples, and training values as the log shows them."""

from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.traffic_monitor.rows import Watched, choose, hide, make_sample, watched_columns
from data import taxi
from serving.request_log.encoding import LoggedRequest, RowEncoder
from serving.request_log.settings import RequestLogSettings
from tests import handmade
from tests.serving.request_log.logged import CONTRACT, KEY, MORNING, SCHEMA, TRIP

COLUMNS = [
    Watched(name="fare", ordered=True),
    Watched(name="area", ordered=False),
    Watched(name="pay", ordered=False),
    Watched(name="tract", ordered=False),
]
ROWS = [{"fare": 12.5, "area": 8, "pay": "Cash"}, {"area": 9, "pay": "Card"}, {"fare": 3.25, "pay": "Cash"}]


def records(rows: list[dict]) -> list[bytes]:
    return [handmade.to_example(row) for row in rows]


def test_a_missing_value_is_missing_and_others_are_what_they_were() -> None:
    sample = make_sample(records(ROWS), COLUMNS, "window")
    assert sample.columns["fare"].found.tolist() == [12.5, 3.25]
    assert sample.columns["fare"].present.tolist() == [True, False, True]
    assert sample.columns["area"].found.tolist() == [8, 9]
    assert sample.columns["pay"].found.tolist() == [b"Cash", b"Card", b"Cash"]
    assert sample.missing_share("tract") == 1
    assert sample.missing_share("fare") == pytest.approx(1 / 3)


def test_rows_of_requests_of_one_row_are_by_themselves() -> None:
    assert make_sample(records(ROWS), COLUMNS, "window", np.array([2, 0, 1])).requests is None
    assert make_sample(records(ROWS), COLUMNS, "window", np.array([2, 2, 1])).request_count == 2


def test_a_sample_is_evenly_spread() -> None:
    assert choose([b""] * 10, 4).tolist() == [0, 2, 5, 7]
    assert choose([b""] * 3, 4).tolist() == [0, 1, 2]


def test_training_values_are_hashed_as_the_log_hashes_them(tmp_path: Path) -> None:
    """The same trip, through the gateway's encoder and from a tf.Example: equal hashes of text, number and float."""
    hidden = ("fare", "miles", "area", "pay")
    settings = RequestLogSettings(folder=tmp_path, hashed=hidden, hash_key=KEY)
    request = LoggedRequest(
        request_id="1", time=MORNING, rows=[TRIP | {"miles": 3.3}], probabilities=[0.5], decisions=[True],
        model_version=7, model_label=None, status=200, latency_ms=1.0,
    )  # fmt: skip
    logged = RowEncoder(CONTRACT, settings).table([request]).to_pylist()[0]
    columns = watched_columns(SCHEMA, hidden, ("company",))
    plain = [Watched(name=one.name, ordered=one.ordered) for one in columns if one.name != "tips"]
    sample = hide(make_sample(records([TRIP | {"miles": 3.3}]), plain, "training"), columns, KEY)
    assert {name: sample.columns[name].found.tolist() for name in hidden} == {
        name: [logged[name].encode()] for name in hidden
    }
    assert not sample.columns["fare"].ordered


def test_how_columns_are_watched_follows_from_the_contract() -> None:
    columns = {one.name: one for one in watched_columns(SCHEMA, ["pay"], ["company"])}
    assert (columns["fare"].ordered, columns["area"].ordered, columns["pay"].ordered) == (True, False, False)
    without = schema_pb2.Schema(feature=[feature for feature in SCHEMA.feature if feature.name != "company"])
    dropped = {one.name: one.hidden for one in watched_columns(without, [], ["company", "request_id"])}
    assert dropped["company"] == "dropped"
    assert "request_id" not in dropped
    assert (columns["pay"].hidden, columns["company"].hidden, columns["fare"].hidden) == ("hashed", "dropped", "")


def test_the_taxi_contract_says_which_columns_move_on() -> None:
    contract = text_format.Parse(
        (Path(taxi.__file__).parent / "schema" / "taxi.pbtxt").read_text(), schema_pb2.Schema()
    )
    moving = {one.name for one in watched_columns(contract, [], []) if one.time_bound}
    assert moving == {"trip_start_timestamp", "trip_start_month"}
