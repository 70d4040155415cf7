"""The contract, held against TFDV: the shipped trips keep it, each planted fault breaks it."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics.stats_impl import generate_statistics_in_memory
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components.csv_example_gen.csv_files import NO_RULES, CellKind, Value, check_csv, read_columns
from components.csv_example_gen.reading_rules import ReadingRules
from data import taxi

SCHEMA = tfdv.load_schema_text(str(Path(taxi.__file__).parent / "schema" / "taxi.pbtxt"))
FEATURES = {feature.name: feature for feature in SCHEMA.feature}
KINDS = {name: CellKind[schema_pb2.FeatureType.Name(feature.type)] for name, feature in FEATURES.items()}
ARROW = {CellKind.INT: pa.int64(), CellKind.FLOAT: pa.float32(), CellKind.BYTES: pa.binary()}
MISSING = {"missing_number": -(2**53), "missing_string": ""}

Columns = dict[str, list[Value]]
Code = anomalies_pb2.AnomalyInfo.Type


@pytest.fixture(scope="module")
def trips() -> Columns:
    file = str(taxi.packaged_file())
    kinds = check_csv(file, rules=ReadingRules(kinds=KINDS)).columns
    assert kinds == {name: KINDS[name] for name in kinds}
    batches = list(read_columns(file, kinds, rules=NO_RULES))
    return {name: [cell for batch in batches for cell in batch[place]] for place, name in enumerate(kinds)}


@pytest.fixture(scope="module")
def splits(trips: Columns) -> tuple[Columns, Columns]:
    train = np.random.default_rng(1).random(len(trips["fare"])) < 2 / 3
    return rows(trips, train), rows(trips, ~train)


@pytest.fixture(scope="module")
def train_statistics(splits: tuple[Columns, Columns]) -> statistics_pb2.DatasetFeatureStatisticsList:
    return statistics(splits[0])


def rows(columns: Columns, chosen: Sequence[bool] | np.ndarray) -> Columns:
    return {name: [cell for cell, keep in zip(cells, chosen, strict=True) if keep] for name, cells in columns.items()}


def statistics(columns: Columns) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Statistics of rows in the encoding of the pipeline: one value in a list, or null; all null is no column."""
    arrays = {
        name: pa.array(
            [None if cell is None else [cell] for cell in cells],
            pa.large_list(ARROW[KINDS.get(name, CellKind.FLOAT)]),
        )
        for name, cells in columns.items()
        if any(cell is not None for cell in cells)
    }
    batch = pa.RecordBatch.from_arrays(list(arrays.values()), list(arrays))
    return generate_statistics_in_memory(batch, tfdv.StatsOptions(schema=SCHEMA))


def anomalies(
    current: statistics_pb2.DatasetFeatureStatisticsList, environment: str = "TRAINING", **others: object
) -> dict[str, set[str]]:
    """Names of the anomalies by column; those of the whole data set under the empty name."""
    found = tfdv.validate_statistics(current, SCHEMA, environment=environment, **others)
    by_column = {name: {Code.Name(reason.type) for reason in info.reason} for name, info in found.anomaly_info.items()}
    if found.HasField("dataset_anomaly_info"):
        by_column[""] = {Code.Name(reason.type) for reason in found.dataset_anomaly_info.reason}
    return by_column


def test_shipped_trips_keep_the_contract(splits: tuple[Columns, Columns], train_statistics) -> None:  # type: ignore[no-untyped-def]
    evaluation = statistics(splits[1])
    assert anomalies(train_statistics) == {}
    assert anomalies(evaluation, previous_statistics=train_statistics) == {}
    assert anomalies(train_statistics, serving_statistics=evaluation) == {}


def test_successive_years_do_not_count_as_drift(trips: Columns) -> None:
    years = np.array([cell // (365.25 * 86_400) for cell in trips["trip_start_timestamp"]]).astype(int)
    by_year = [statistics(rows(trips, years == year)) for year in sorted(set(years))]
    assert len(by_year) == 4
    for before, after in itertools.pairwise(by_year):
        assert anomalies(after, previous_statistics=before) == {}


def set_some(name: str, value: Value, share: float) -> Callable[[Columns], None]:
    def plant(columns: Columns) -> None:
        chosen = np.random.default_rng(2).random(len(columns[name])) < share
        columns[name] = [value if bad else cell for cell, bad in zip(columns[name], chosen, strict=True)]

    return plant


def set_one(name: str, value: Value) -> Callable[[Columns], None]:
    def plant(columns: Columns) -> None:
        columns[name] = [value, *columns[name][1:]]

    return plant


def scaled(name: str, factor: float) -> Callable[[Columns], None]:
    def plant(columns: Columns) -> None:
        columns[name] = [None if cell is None else KINDS_PARSE[KINDS[name]](cell * factor) for cell in columns[name]]

    return plant


KINDS_PARSE: dict[CellKind, Callable] = {CellKind.INT: int, CellKind.FLOAT: float}  # type: ignore[type-arg]

FAULTS: dict[str, tuple[Callable[[Columns], None], dict[str, set[str]]]] = {
    "payment type unknown in 60%": (
        set_some("payment_type", b"Bitcoin", 0.6),
        {"payment_type": {"ENUM_TYPE_UNEXPECTED_STRING_VALUES"}},
    ),
    "fare gone": (lambda c: c.pop("fare") and None, {"fare": {"SCHEMA_MISSING_COLUMN"}}),
    "fare missing once": (
        set_one("fare", None),
        {"fare": {"FEATURE_TYPE_LOW_FRACTION_PRESENT", "INVALID_FEATURE_SHAPE"}},
    ),
    "fare below zero": (set_one("fare", -1.0), {"fare": {"FLOAT_TYPE_SMALL_FLOAT"}}),
    "fare in cents": (scaled("fare", 100), {"fare": {"FLOAT_TYPE_BIG_FLOAT"}}),
    "metres": (scaled("trip_miles", 1609.344), {"trip_miles": {"FLOAT_TYPE_BIG_FLOAT"}}),
    "milliseconds": (scaled("trip_seconds", 1000), {"trip_seconds": {"INT_TYPE_BIG_INT"}}),
    "timestamp in milliseconds": (scaled("trip_start_timestamp", 1000), {"trip_start_timestamp": {"INT_TYPE_BIG_INT"}}),
    "hour 24": (set_one("trip_start_hour", 24), {"trip_start_hour": {"INT_TYPE_BIG_INT"}}),
    "day 0": (set_one("trip_start_day", 0), {"trip_start_day": {"INT_TYPE_SMALL_INT"}}),
    "month 13": (set_one("trip_start_month", 13), {"trip_start_month": {"INT_TYPE_BIG_INT"}}),
    "area 78": (set_one("pickup_community_area", 78), {"pickup_community_area": {"INT_TYPE_BIG_INT"}}),
    "missing number sent as a value": (
        set_one("dropoff_community_area", MISSING["missing_number"]),
        {"dropoff_community_area": {"INT_TYPE_SMALL_INT"}},
    ),
    "latitude and longitude swapped": (
        lambda c: c.update(pickup_latitude=c["pickup_longitude"], pickup_longitude=c["pickup_latitude"]),
        {"pickup_latitude": {"FLOAT_TYPE_SMALL_FLOAT"}, "pickup_longitude": {"FLOAT_TYPE_BIG_FLOAT"}},
    ),
    "a new column": (lambda c: c.update(surge=[1.5] * len(c["fare"])), {"surge": {"SCHEMA_NEW_COLUMN"}}),
    "label gone": (set_some("tips", None, 1.1), {"tips": {"SCHEMA_MISSING_COLUMN"}}),
    "company fades out": (set_some("company", None, 0.9), {"company": {"FEATURE_TYPE_LOW_FRACTION_PRESENT"}}),
}


@pytest.mark.parametrize(("plant", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_planted_fault(
    splits: tuple[Columns, Columns], plant: Callable[[Columns], None], expected: dict[str, set[str]]
) -> None:
    columns = dict(splits[1])
    plant(columns)
    assert anomalies(statistics(columns)) == expected


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (set_some("payment_type", b"Credit Card", 0.5), {"payment_type": {"COMPARATOR_L_INFTY_HIGH"}}),
        (set_some("company", b"Nova Cab", 0.4), {"company": {"COMPARATOR_L_INFTY_HIGH"}}),
        (set_some("pickup_community_area", 8, 0.5), {"pickup_community_area": {"COMPARATOR_L_INFTY_HIGH"}}),
        (set_some("trip_start_hour", 3, 0.5), {"trip_start_hour": {"COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"}}),
        (set_some("pickup_latitude", 41.7, 0.7), {"pickup_latitude": {"COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"}}),
    ],
    ids=["payment type", "company", "area", "hour", "latitude"],
)
@pytest.mark.parametrize("against", ["previous_statistics", "serving_statistics"])
def test_drift_and_skew(  # type: ignore[no-untyped-def]
    splits: tuple[Columns, Columns],
    train_statistics,
    plant: Callable[[Columns], None],
    expected: dict[str, set[str]],
    against: str,
) -> None:
    columns = dict(splits[1])
    plant(columns)
    assert anomalies(statistics(columns), **{against: train_statistics}) == expected


def test_unseen_companies_and_one_new_way_to_pay_are_business_as_usual(splits: tuple[Columns, Columns]) -> None:
    columns = dict(splits[1])
    columns["company"] = [b"Nova Cab"] * len(columns["fare"])
    set_some("payment_type", b"Mobile", 0.03)(columns)
    assert anomalies(statistics(columns)) == {}


def test_too_few_rows(trips: Columns) -> None:
    few = rows(trips, np.arange(len(trips["fare"])) % 600 == 0)
    assert len(few["fare"]) == 26
    assert anomalies(statistics(few)) == {"": {"DATASET_LOW_NUM_EXAMPLES"}}


def test_serving_needs_no_label(splits: tuple[Columns, Columns]) -> None:
    columns = {name: cells for name, cells in splits[1].items() if name != "tips"}
    assert anomalies(statistics(columns), environment="SERVING") == {}
    assert anomalies(statistics(columns)) == {"tips": {"SCHEMA_MISSING_COLUMN"}}


def test_required_columns_are_dense_and_the_others_sparse() -> None:
    required = {name for name, feature in FEATURES.items() if feature.presence.min_fraction == 1}
    assert required == {
        "trip_start_timestamp", "trip_start_hour", "trip_start_day", "trip_start_month",
        "fare", "trip_miles", "payment_type", "tips",
    }  # fmt: skip
    for name, feature in FEATURES.items():
        assert [dim.size for dim in feature.shape.dim] == ([1] if name in required else [])
        assert feature.HasField("value_count") is (name not in required)


def test_missing_can_be_said_and_is_no_value() -> None:
    tags = dict(tag.split(":", 1) for tag in SCHEMA.annotation.tag)
    assert tags == {name: str(value) for name, value in MISSING.items()}
    assert int(np.float32(MISSING["missing_number"])) == int(float(MISSING["missing_number"])) == -(2**53)
    for feature in FEATURES.values():
        domain = feature.int_domain if feature.type == schema_pb2.INT else feature.float_domain
        assert feature.type == schema_pb2.BYTES or domain.min > MISSING["missing_number"]
