"""The request log as TFDV sees it: served rows against the contract, and against the rows of training."""

import datetime
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components.csv_example_gen.csv_files import NO_RULES, CellKind, check_csv, read_columns
from components.csv_example_gen.reading_rules import ReadingRules
from components.serving_statistics import LoggedSpan, RequestLogError, read_span
from data import taxi
from pipelines.engines.local import LocalEngine
from serving import contract as contracts
from tests import handmade
from tests.serving.request_log.logged import KEY, MORNING, SCHEMA, TRIP, counts, offer, start

pytestmark = pytest.mark.slow

Row = dict[str, Any]
Code = anomalies_pb2.AnomalyInfo.Type
DAY = datetime.timedelta(days=1)
ROWS = 400


def trip(number: int) -> Row:
    """The number-th of 400 trips; some values are missing."""
    return {
        "fare": 5.25 + number % 40,
        "miles": None if number % 5 == 1 else 0.5 * (number % 30),
        "hour": number * 7 % 24,
        "area": None if number % 10 == 3 else 1 + number % 20,
        "tract": None,
        "pay": "Card" if number % 4 else "Cash",
        "company": None if number % 3 == 0 else f"Täxi {number % 7}",
    }


TRIPS = [trip(number) for number in range(ROWS)]


def served(folder: Path, rows: list[Row] = TRIPS, **settings: Any) -> LoggedSpan:
    """The rows, through the log and back."""
    log, _ = start(folder, max_file_rows=150, **settings)
    for number in range(0, len(rows), 2):
        assert offer(log, str(number), rows=rows[number : number + 2])
    log.close()
    return read_span(folder)


@functools.cache
def statistics(span: LoggedSpan) -> statistics_pb2.DatasetFeatureStatisticsList:
    return span.statistics(SCHEMA, beam_args=LocalEngine().beam_args())


def of_training(row: Row) -> Row:
    return {name: cell for name, cell in row.items() if cell is not None} | {"tips": 1.5}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Statistics of the same trips as the pipeline makes them: of tf.Examples, where a missing value is not there."""
    file = tmp_path_factory.mktemp("trained") / "trips.gz"
    handmade.write_records(file, [handmade.to_example(of_training(row)) for row in TRIPS])
    return tfdv.generate_statistics_from_tfrecord(
        str(file),
        stats_options=tfdv.StatsOptions(schema=SCHEMA),
        pipeline_options=PipelineOptions(list(LocalEngine().beam_args())),
    )


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> LoggedSpan:
    return served(tmp_path_factory.mktemp("good"))


def broken(span: LoggedSpan) -> dict[str, set[str]]:
    """What of the contract the log breaks: kinds of anomalies by feature."""
    return kinds(tfdv.validate_statistics(statistics(span), span.visible(SCHEMA), environment="SERVING"))


def skewed(span: LoggedSpan, training: statistics_pb2.DatasetFeatureStatisticsList) -> dict[str, set[str]]:
    """What differs from training."""
    return kinds(tfdv.validate_statistics(training, span.comparable(SCHEMA), serving_statistics=statistics(span)))


def kinds(anomalies: anomalies_pb2.Anomalies) -> dict[str, set[str]]:
    return {name: {Code.Name(reason.type) for reason in info.reason} for name, info in anomalies.anomaly_info.items()}


def changed(**changes: Callable[[Any], Any]) -> list[Row]:
    return [row | {name: change(row[name]) for name, change in changes.items()} for row in TRIPS]


# --- The form that TFDV takes. ---


def test_batches_are_encoded_as_tf_examples_are(good: LoggedSpan) -> None:
    batches = list(good.record_batches())
    assert dict(zip(batches[0].schema.names, batches[0].schema.types, strict=True)) == {
        "fare": pa.list_(pa.float32()),
        "miles": pa.list_(pa.float32()),
        "hour": pa.list_(pa.int64()),
        "area": pa.list_(pa.int64()),
        "pay": pa.list_(pa.binary()),
        "company": pa.list_(pa.binary()),
    }
    found = [row for batch in batches for row in batch.to_pylist()]
    assert found == [
        {
            name: None if cell is None else [cell.encode() if isinstance(cell, str) else cell]
            for name, cell in row.items()
            if name != "tract"  # missing in all rows
        }
        for row in TRIPS
    ]


def test_statistics_are_those_of_the_same_rows_in_training(
    good: LoggedSpan, trained: statistics_pb2.DatasetFeatureStatisticsList
) -> None:
    of_log, of_training = statistics(good).datasets[0], trained.datasets[0]
    assert of_log.num_examples == of_training.num_examples == ROWS
    by_name = {feature.path.step[0]: feature for feature in of_training.features if feature.path.step[0] != "tips"}
    assert {feature.path.step[0] for feature in of_log.features} == set(by_name)
    for feature in of_log.features:
        other = by_name[feature.path.step[0]]
        numbers = feature.WhichOneof("stats")
        mine, theirs = getattr(feature, numbers).common_stats, getattr(other, numbers).common_stats
        assert (mine.num_missing, mine.num_non_missing, mine.max_num_values) == (
            theirs.num_missing,
            theirs.num_non_missing,
            theirs.max_num_values,
        ), feature.path
        assert feature.type == other.type
        if numbers == "num_stats":
            assert (feature.num_stats.min, feature.num_stats.max) == (other.num_stats.min, other.num_stats.max)
            assert feature.num_stats.mean == pytest.approx(other.num_stats.mean, rel=1e-6)
        else:
            assert feature.string_stats.unique == other.string_stats.unique
            assert {(top.value, top.frequency) for top in feature.string_stats.top_values} == {
                (top.value, top.frequency) for top in other.string_stats.top_values
            }
    common = {feature.path.step[0]: feature for feature in of_log.features}
    assert common["miles"].num_stats.common_stats.num_missing == ROWS / 5
    assert common["area"].string_stats.common_stats.num_missing == ROWS / 10


# --- Held against the contract and against training. ---


def test_rows_like_those_of_training_are_no_anomaly(
    good: LoggedSpan, trained: statistics_pb2.DatasetFeatureStatisticsList
) -> None:
    assert broken(good) == {}
    assert skewed(good, trained) == {}


def test_shifted_rows_are_skew(trained: statistics_pb2.DatasetFeatureStatisticsList, tmp_path: Path) -> None:
    shifted = changed(
        hour=lambda hour: hour // 2,
        pay=lambda _: "Card",
        area=lambda area: None if area is None else 1 + area // 4,
        company=lambda company: None if company is None else "Täxi 1",
    )
    assert skewed(served(tmp_path, shifted), trained) == {
        "hour": {"COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"},
        "pay": {"COMPARATOR_L_INFTY_HIGH"},
        "area": {"COMPARATOR_L_INFTY_HIGH"},
        "company": {"COMPARATOR_L_INFTY_HIGH"},
    }


def test_rows_that_break_the_contract_are_anomalies(tmp_path: Path) -> None:
    rows = changed(
        fare=lambda fare: fare + 1000,
        hour=lambda _: 24,
        pay=lambda _: "Bitcoin",
        miles=lambda _: None,
        company=lambda _: "",  # which says "missing"
    )
    rows = [row | {"area": row["area"] if number % 5 == 0 else None} for number, row in enumerate(rows)]
    assert broken(served(tmp_path, rows)) == {
        "fare": {"FLOAT_TYPE_BIG_FLOAT"},
        "hour": {"INT_TYPE_BIG_INT"},
        "pay": {"ENUM_TYPE_UNEXPECTED_STRING_VALUES"},
        "miles": {"SCHEMA_MISSING_COLUMN"},
        "company": {"SCHEMA_MISSING_COLUMN"},
        "area": {"FEATURE_TYPE_LOW_FRACTION_PRESENT"},
    }


def test_shipped_trips_through_the_log_keep_the_contract_and_are_no_skew(tmp_path: Path) -> None:
    contract_file = Path(taxi.__file__).parent / "schema" / "taxi.pbtxt"
    contract = tfdv.load_schema_text(str(contract_file))
    kinds_of = {feature.name: CellKind[schema_pb2.FeatureType.Name(feature.type)] for feature in contract.feature}
    file = str(taxi.packaged_file())
    columns = check_csv(file, rules=ReadingRules(kinds=kinds_of)).columns
    trips = [
        {name: cell for name, cell in zip(columns, cells, strict=True) if cell is not None}
        for batch in read_columns(file, columns, rules=NO_RULES)
        for cells in zip(*batch, strict=True)
    ]
    records = handmade.write_records(tmp_path / "trips.gz", [handmade.to_example(trip) for trip in trips[::2]])
    training = tfdv.generate_statistics_from_tfrecord(
        records,
        stats_options=tfdv.StatsOptions(schema=contract),
        pipeline_options=PipelineOptions(list(LocalEngine().beam_args())),
    )
    log, registry = start(tmp_path / "log", contract=contracts.from_schema(contract))
    asked = [
        {name: cell.decode() if isinstance(cell, bytes) else cell for name, cell in trip.items() if name != "tips"}
        for trip in trips[1::2]
    ]
    for number in range(0, len(asked), 500):
        offer(log, str(number), asked[number : number + 500])
    log.close()
    assert counts(registry) == {"written": len(asked)}
    span = read_span(tmp_path / "log")
    found = span.statistics(contract, beam_args=LocalEngine().beam_args())
    assert kinds(tfdv.validate_statistics(found, span.visible(contract), environment="SERVING")) == {}
    assert kinds(tfdv.validate_statistics(training, span.comparable(contract), serving_statistics=found)) == {}


# --- Hashed and dropped columns. ---


def test_hashed_columns_keep_their_distribution_and_are_held_against_nothing_else(
    tmp_path: Path, trained: statistics_pb2.DatasetFeatureStatisticsList
) -> None:
    span = served(tmp_path / "a", hashed=("company", "area", "hour"), hash_key=KEY)
    assert span.hashed == {"company", "area", "hour"}
    assert broken(span) == {}
    assert skewed(span, trained) == {}
    stats = {feature.path.step[0]: feature for feature in statistics(span).datasets[0].features}
    plain = {feature.path.step[0]: feature for feature in trained.datasets[0].features}
    for name in ("company", "area"):
        mine, theirs = stats[name].string_stats, plain[name].string_stats
        assert mine.unique == theirs.unique
        assert sorted(top.frequency for top in mine.top_values) == sorted(top.frequency for top in theirs.top_values)
        assert mine.common_stats.num_missing == theirs.common_stats.num_missing
    rare = served(tmp_path / "b", changed(area=lambda _: None), hashed=("company", "area", "hour"), hash_key=KEY)
    assert broken(rare) == {"area": {"SCHEMA_MISSING_COLUMN"}}


def test_drift_of_a_hashed_column_shows_between_two_spans(tmp_path: Path) -> None:
    contract = type(SCHEMA)()
    contract.CopyFrom(SCHEMA)
    for feature in contract.feature:
        if feature.name == "company":
            feature.drift_comparator.infinity_norm.threshold = 0.1
    before = served(tmp_path / "a", hashed=("company",), hash_key=KEY)
    others = changed(company=lambda name: name and "Täxi 1")
    for rows, expected in ((TRIPS, {}), (others, {"company": {"COMPARATOR_L_INFTY_HIGH"}})):
        now = served(tmp_path / str(len(expected)), rows, hashed=("company",), hash_key=KEY)
        found = tfdv.validate_statistics(
            statistics(now), now.visible(contract), environment="SERVING", previous_statistics=statistics(before)
        )
        assert kinds(found) == expected


def test_dropped_columns_are_not_missed(tmp_path: Path, trained: statistics_pb2.DatasetFeatureStatisticsList) -> None:
    span = served(tmp_path, dropped=("company", "fare"))
    assert span.dropped == {"company", "fare"}
    assert broken(span) == {}
    assert skewed(span, trained) == {}


# --- Which rows. ---


def hours(span: LoggedSpan) -> list[int]:
    return [row["hour"][0] for batch in span.record_batches() for row in batch.to_pylist()]


@pytest.fixture
def log_of_days(tmp_path: Path) -> Path:
    """The hour says which: 0 to 4, from March 1 to 5, 8:30 UTC; by versions 1, 2, 1, 2, 1."""
    log, _ = start(tmp_path, max_file_rows=2)
    for day in range(5):
        offer(log, str(day), [TRIP | {"hour": day}], received=MORNING + day * DAY, model_version=1 + day % 2)
    log.close()
    return tmp_path


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"start": MORNING + DAY}, [1, 2, 3, 4]),
        ({"start": MORNING + DAY + datetime.timedelta(microseconds=1)}, [2, 3, 4]),
        ({"end": MORNING + 2 * DAY}, [0, 1]),
        ({"start": MORNING + DAY, "end": MORNING + 4 * DAY}, [1, 2, 3]),
        ({"model_version": 2}, [1, 3]),
        ({"model_version": 2, "start": MORNING + 2 * DAY}, [3]),
        (
            {"start": (MORNING + DAY).astimezone(datetime.timezone(datetime.timedelta(hours=-6)))},
            [1, 2, 3, 4],
        ),
    ],
)
def test_a_span_is_from_its_start_until_before_its_end(
    span: dict[str, Any], expected: list[int], log_of_days: Path
) -> None:
    assert sorted(hours(read_span(log_of_days, **span))) == expected


def test_requests_that_no_model_answered_do_not_count(tmp_path: Path) -> None:
    log, _ = start(tmp_path)
    for hour, status in enumerate((200, 503, 504, 502)):
        offer(log, str(hour), [TRIP | {"hour": hour}], status=status)
    log.close()
    assert hours(read_span(tmp_path)) == [0]


def test_a_span_without_rows_says_so(log_of_days: Path) -> None:
    span = read_span(log_of_days, model_version=9)
    with pytest.raises(RequestLogError, match=r"of model version 9, 3 files: expected at least one answered row"):
        statistics(span)
    with pytest.raises(
        RequestLogError, match=r"expected files of the request log from 2027-.*; is the log switched on"
    ):
        read_span(log_of_days, start=MORNING + 365 * DAY)
    with pytest.raises(RequestLogError, match="received none"):
        read_span(log_of_days / "nowhere")


def test_a_time_needs_its_time_zone(log_of_days: Path) -> None:
    with pytest.raises(
        RequestLogError, match="start: expected a time with its time zone, received 2026-03-01T08:30:00"
    ):
        read_span(log_of_days, start=MORNING.replace(tzinfo=None))


def test_files_that_hash_otherwise_are_not_mixed(log_of_days: Path) -> None:
    log, _ = start(log_of_days, hashed=("company",), hash_key=KEY)
    offer(log, received=MORNING + 20 * DAY)
    log.close()
    with pytest.raises(
        RequestLogError, match=r"20260321T.*expected columns hashed, dropped and typed as in the span's"
    ):
        read_span(log_of_days)
    assert len(hours(read_span(log_of_days, end=MORNING + 10 * DAY))) == 5
    assert read_span(log_of_days, start=MORNING + 10 * DAY).hashed == {"company"}


def test_a_version_cannot_be_chosen_when_it_is_not_logged(tmp_path: Path) -> None:
    served(tmp_path, TRIPS[:2], dropped=("model_version",))
    with pytest.raises(RequestLogError, match="expected model_version to choose rows by, but it is not logged"):
        read_span(tmp_path, model_version=1)
