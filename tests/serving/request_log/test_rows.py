"""Rows come back as they were offered, in the contract's types, and the sample is drawn by lot."""

import datetime
import random
import tempfile
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.contract import Feature, Kind
from serving.contract.missing_values import in_float32
from serving.request_log import columns as log_columns
from tests.serving.request_log import logged
from tests.serving.request_log.logged import (
    CONTRACT,
    TRIP,
    by_number,
    counts,
    files,
    offer,
    rows,
    start,
)

pytestmark = pytest.mark.slow

UTC = datetime.UTC


def values_of(feature: Feature) -> st.SearchStrategy[Any]:
    low, high = feature.low, feature.high
    if feature.kind is Kind.BYTES:
        values: st.SearchStrategy[Any] = st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"]))
    elif feature.kind is Kind.INT:
        values = st.integers(-(2**63) if low is None else low, 2**63 - 1 if high is None else high)
    else:
        whole = st.integers(0, 1000) if low is not None else st.integers(-(10**30), 10**30)
        values = whole | st.floats(low, high, width=32, allow_nan=False, allow_infinity=False)
    return values.filter(lambda value: feature.accepts(value, CONTRACT.missing))


def trips() -> st.SearchStrategy[dict[str, Any]]:
    required = {feature.name: values_of(feature) for feature in CONTRACT.features if feature.required}
    optional = {feature.name: st.none() | values_of(feature) for feature in CONTRACT.features if not feature.required}
    return st.fixed_dictionaries(required, optional=optional)


requests = st.lists(
    st.tuples(
        st.text(alphabet="abcdef0123456789-", min_size=1),
        st.lists(st.tuples(trips(), st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=4),
        st.none() | st.integers(1, 2**63 - 1),
        st.none() | st.text(alphabet=st.characters(exclude_categories=["Cs"])),
        st.sampled_from([200, 502, 503, 504]),
        st.floats(0, 1e6),
        st.none() | st.just("0123456789abcdef"),
        st.datetimes(datetime.datetime(1971, 1, 1), datetime.datetime(2099, 12, 31), timezones=st.just(UTC)),
    ),
    min_size=1,
    max_size=6,
)


@given(requests)
# On a busy machine making up requests takes long; that says nothing of the log.
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_row_that_the_contract_allows_comes_back(offered: list[Any]) -> None:
    expected = []
    with tempfile.TemporaryDirectory() as folder:
        log, registry = start(Path(folder), max_file_rows=7)
        for request_id, rows_and_answers, version, label, status, latency, caller, received in offered:
            trips, probabilities, decisions = (list(part) for part in zip(*rows_and_answers, strict=True))
            assert log.offer(
                request_id=request_id,
                rows=trips,
                probabilities=None if status != 200 else probabilities,
                decisions=None if status != 200 else decisions,
                model_version=version,
                model_label=label,
                status=status,
                latency_ms=latency,
                received=received,
                caller=caller,
            )
            for position, trip in enumerate(trips):
                row = {feature.name: as_stored(feature, trip.get(feature.name)) for feature in CONTRACT.features}
                expected.append(
                    row
                    | {
                        "request_id": request_id,
                        "request_row": position,
                        "request_time": received,
                        "request_caller": caller,
                        "model_version": version,
                        "model_label": label,
                        "answer_probability": None if status != 200 else probabilities[position],
                        "answer_decision": None if status != 200 else decisions[position],
                        "answer_latency_ms": latency,
                        "answer_status": status,
                    }
                )
        log.close()
        assert counts(registry) == {"written": len(expected)}
        written = [row for file in by_number(Path(folder)) for row in logged.table(file).to_pylist()]
    assert written == expected


def as_stored(feature: Feature, value: Any) -> Any:
    return in_float32(value) if feature.kind is Kind.FLOAT and value is not None else value


def test_columns_have_the_contracts_types(tmp_path: Path) -> None:
    log, _ = start(tmp_path)
    offer(log)
    log.close()
    schema = logged.table(files(tmp_path)[0]).schema
    assert dict(zip(schema.names, schema.types, strict=True)) == {
        "fare": pa.float32(),
        "miles": pa.float32(),
        "hour": pa.int64(),
        "area": pa.int64(),
        "tract": pa.int64(),
        "pay": pa.string(),
        "company": pa.string(),
        "request_id": pa.string(),
        "request_row": pa.int32(),
        "request_time": pa.timestamp("us", tz="UTC"),
        "request_caller": pa.string(),
        "model_version": pa.int64(),
        "model_label": pa.string(),
        "answer_probability": pa.float32(),
        "answer_decision": pa.bool_(),
        "answer_latency_ms": pa.float64(),
        "answer_status": pa.int16(),
    }
    assert log_columns.feature_columns(schema) == [feature.name for feature in CONTRACT.features]


@pytest.mark.parametrize(
    ("column", "value"),
    [("miles", -(2**53)), ("miles", float(-(2**53))), ("area", -(2**53)), ("company", ""), ("company", None)],
)
def test_a_value_that_says_missing_is_null_like_one_that_is_left_out(column: str, value: Any, tmp_path: Path) -> None:
    log, _ = start(tmp_path)
    offer(log, rows=[TRIP | {column: value}, {name: cell for name, cell in TRIP.items() if name != column}, TRIP])
    log.close()
    assert [row[column] for row in rows(tmp_path)] == [None, None, TRIP[column]]


def test_a_column_of_nothing_keeps_its_type(tmp_path: Path) -> None:
    log, _ = start(tmp_path)
    offer(log, rows=[{"fare": 1.0, "hour": 3, "pay": "Cash"}])
    log.close()
    found = logged.table(files(tmp_path)[0])
    assert found.column("tract").type == pa.int64()
    assert found.column("tract").null_count == 1


def test_threads_offer_at_once(tmp_path: Path) -> None:
    log, registry = start(tmp_path, max_file_rows=100)

    def send(thread: int) -> None:
        for number in range(200):
            assert offer(log, f"{thread}-{number}", rows=[TRIP | {"hour": thread}, TRIP | {"hour": number % 24}])

    threads = [threading.Thread(target=send, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert counts(registry) == {"written": 1600}
    found = {(row["request_id"], row["request_row"]): row["hour"] for row in rows(tmp_path)}
    assert found == {
        (f"{thread}-{number}", row): (thread, number % 24)[row]
        for thread in range(4)
        for number in range(200)
        for row in range(2)
    }


@pytest.mark.parametrize("request_id", ["the same for all", "made by the gateway {}"])
def test_the_sample_is_drawn_by_lot_whatever_id_the_client_sent(tmp_path: Path, request_id: str) -> None:
    log, registry = start(tmp_path, sample_rate=0.25, draw=random.Random(7))
    ids = [request_id.format(number) for number in range(2000)]
    taken = [name for name in ids if offer(log, name, rows=[TRIP, TRIP, TRIP])]
    log.close()
    assert [row["request_id"] for row in rows(tmp_path)] == [name for name in taken for _ in range(3)]
    assert counts(registry) == {"written": 3 * len(taken)}
    assert 440 < len(taken) < 560  # 500 ± 3 standard deviations; the source of chance is fixed, so is the number


def test_all_or_none(tmp_path: Path) -> None:
    for rate, expected in ((0.0, {False}), (1.0, {True})):
        log, _ = start(tmp_path, sample_rate=rate)
        assert {offer(log, "r1", rows=[]) for _ in range(1000)} == expected
        log.close()
