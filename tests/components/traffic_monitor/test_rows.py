"""tf.Examples as samples, and training values as the log shows them."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components import tfrecords
from components.traffic_monitor.rows import (
    Watched,
    choose,
    choose_of_requests,
    hide,
    make_sample,
    read_places,
    read_sample,
    watched_columns,
)
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


def test_of_each_request_one_row_is_chosen_by_chance() -> None:
    requests = np.repeat(np.arange(500), 10)
    places = choose_of_requests(requests)
    assert requests[places].tolist() == list(range(500))
    assert (places % 10).mean() == pytest.approx(4.5, abs=0.5)  # neither the first nor the last
    assert len(choose_of_requests(requests, 40)) == 40
    assert choose_of_requests(np.array([7, 3, 9])).tolist() == [0, 1, 2]
    assert choose_of_requests(np.zeros(0, int)).tolist() == []


def test_a_sample_is_evenly_spread() -> None:
    assert choose(10, 4).tolist() == [0, 2, 5, 7]
    assert choose(3, 4).tolist() == [0, 1, 2]


def test_no_more_records_are_kept_than_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfrecords, "CHUNK_ROWS", 7)
    (tmp_path / "Split-window").mkdir()
    written = [str(place).encode() for place in range(100)]
    with tf.io.TFRecordWriter(str(tmp_path / "Split-window" / "rows.gz"), "GZIP") as writer:
        for record in written:
            writer.write(record)
    assert read_sample([tmp_path], "window") == written
    places = [int(record) for record in read_sample([tmp_path], "window", 10)]
    assert len(places) == 10
    assert places[0] < 10
    assert places[-1] >= 85
    assert set(np.diff(places)) <= {8, 16}
    assert read_sample([tmp_path], "before") == []
    assert read_places([tmp_path], "window", np.array([0, 6, 7, 99])) == [b"0", b"6", b"7", b"99"]
    with pytest.raises(ValueError, match="expected at least 101 rows, received 100"):
        read_places([tmp_path], "window", np.array([3, 100]))


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
    without = hide(make_sample(records([TRIP]), plain, "training"), columns, None).columns["pay"]
    assert (without.found.tolist(), without.ordered) == ([0], False)


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
