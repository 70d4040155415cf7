"""Golden values of every kind of feature, through a real analysis and transformation of a few made-up trips."""

import calendar
import datetime
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform import beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from pipelines.modeling.vocabularies import read_vocabulary
from pipelines.tasks.taxi import features as ft
from pipelines.tasks.taxi.columns import Columns
from pipelines.tasks.taxi.kinds.kind import Category, compute_features
from pipelines.tasks.taxi.kinds.vocabulary import Vocabulary
from pipelines.tasks.taxi.preprocessing import preprocessing_fn

pytestmark = pytest.mark.slow

REQUIRED = {
    "fare": tf.float32,
    "trip_miles": tf.float32,
    "tips": tf.float32,
    "trip_start_month": tf.int64,
    "trip_start_hour": tf.int64,
    "trip_start_day": tf.int64,
    "trip_start_timestamp": tf.int64,
    "payment_type": tf.string,
}
OPTIONAL = {
    "trip_seconds": tf.int64,
    "company": tf.string,
    "pickup_community_area": tf.int64,
    "dropoff_community_area": tf.int64,
    "pickup_latitude": tf.float32,
    "pickup_longitude": tf.float32,
    "dropoff_latitude": tf.float32,
    "dropoff_longitude": tf.float32,
}
SPEC = {name: tf.io.FixedLenFeature([1], dtype) for name, dtype in REQUIRED.items()} | {
    name: tf.io.VarLenFeature(dtype) for name, dtype in OPTIONAL.items()
}
Trip = dict[str, list]
Analysed = tuple[list[dict[str, np.ndarray]], tft.TFTransformOutput]
Run = Callable[..., dict[str, np.ndarray]]

PAYMENTS = ["Cash"] * 20 + ["Credit Card"] * 15 + ["Voucher"] * 5  # a payment type needs 5 rows for an id
COMPANIES = ["Blue"] * 12 + ["Red"] * 9 + [None] * 19  # a company 10
COMPANY = {"company": SPEC["company"]}
# Strings that something would take for one another or leave out: a file of a string a line, a regular expression, a C
# string, a normal form, a marker for missing.
HARD_STRINGS = [b"a\nb", b"a\rb", b"a\r\nb", b"a\\nb", b"", b" ", b"\n", b"(missing)", b'"', b"a\0b", b"a\0", b"a"]
HARD_STRINGS += ["\u00e9".encode(), "e\u0301".encode(), b"\xff\xfe"]
MISSING_SECONDS = 8  # of the 40 trips, the last ones


def trip(**changes: Any) -> Trip:
    """A raw row; None takes a value away."""
    row: dict[str, Any] = {
        "fare": 16.0,
        "trip_miles": 4.0,
        "tips": 0.0,
        "trip_start_month": 3,
        "trip_start_hour": 0,
        "trip_start_day": 1,
        "trip_start_timestamp": seconds(2015, 3, 1),
        "payment_type": "Cash",
        "trip_seconds": 100,
        "company": "Blue",
        "pickup_community_area": 1,
        "dropoff_community_area": 77,
        "pickup_latitude": 41.9,
        "pickup_longitude": -87.6,
        "dropoff_latitude": 41.9,
        "dropoff_longitude": -87.6,
    }
    return {name: [] if value is None else [value] for name, value in {**row, **changes}.items()}


def seconds(year: int, month: int, day: int, hour: int = 0) -> int:
    """Seconds since 1970."""
    return calendar.timegm((year, month, day, hour, 0, 0))


def training_trips() -> list[Trip]:
    """40 trips: fares 0 to 39, half of them 4 miles long and half of them 16, and a fifth without seconds."""
    return [
        trip(
            fare=float(i),
            trip_miles=4.0 if i % 2 else 16.0,
            trip_seconds=None if i >= 40 - MISSING_SECONDS else 100 * i,
            payment_type=PAYMENTS[i],
            company=COMPANIES[i],
            pickup_latitude=41.0 + i / 64,
            dropoff_latitude=None if i < 4 else 41.0 + i / 64,
        )
        for i in range(40)
    ]


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Analysed:
    """What Transform materialises for the training trips, and the graph it keeps."""
    return analyse(training_trips(), preprocessing_fn, tmp_path_factory.mktemp("transform"))


def analyse(trips: list[Trip], preprocessing: Callable[..., object], folder: Path) -> Analysed:
    """Transforms rows with Beam, as Transform does: what it materialises, and the graph it keeps."""
    spec = {name: SPEC[name] for name in trips[0]}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    # One batch: Beam would choose sizes by its clock, and the moments would differ in their last bits from run to run.
    with tft_beam.Context(temp_dir=str(folder / "tmp"), desired_batch_size=len(trips)):
        (rows, _), graph = (trips, metadata) | tft_beam.AnalyzeAndTransformDataset(preprocessing)
        _ = graph | tft_beam.WriteTransformFn(str(folder / "out"))
    return rows, tft.TFTransformOutput(str(folder / "out"))


@pytest.fixture(scope="module")
def transformed(analysed: Analysed) -> Run:
    """Runs the kept graph on raw trips, as the exported model does: name -> one value per trip."""
    layer = analysed[1].transform_features_layer()

    def run(*trips: Trip) -> dict[str, np.ndarray]:
        parsed = tf.io.parse_example([example(row) for row in trips], SPEC)
        return {name: values.numpy() for name, values in layer(parsed).items()}

    return run


def example(row: Trip) -> bytes:
    """A serialized tf.Example."""
    features = {}
    for name, values in row.items():
        dtype = SPEC[name].dtype
        if dtype == tf.string:
            feature = tf.train.Feature(
                bytes_list=tf.train.BytesList(
                    value=[value if isinstance(value, bytes) else value.encode() for value in values]
                )
            )
        elif dtype == tf.int64:
            feature = tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        else:
            feature = tf.train.Feature(float_list=tf.train.FloatList(value=values))
        features[name] = feature
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def test_one_column_per_record_and_the_label(transformed: Run) -> None:
    columns = transformed(trip(), trip())
    assert {name: (values.shape, values.dtype.name) for name, values in columns.items()} == {
        feature.name: ((2, *feature.shape), feature.dtype) for feature in ft.FEATURES
    } | {ft.LABEL: ((2, 1), "int64")}


@pytest.mark.parametrize("batch_size", [1, 7, 40])
def test_graph_gives_the_bits_that_were_materialised(analysed: Analysed, transformed: Run, batch_size: int) -> None:
    materialised, trips = analysed[0], training_trips()
    for start in range(0, len(trips), batch_size):
        columns = transformed(*trips[start : start + batch_size])
        for name, values in columns.items():
            expected = np.array([row[name] for row in materialised[start : start + batch_size]], values.dtype)
            assert values.tobytes() == expected.reshape(values.shape).tobytes(), name


def test_every_id_is_one_of_those_that_the_record_counts(analysed: Analysed, transformed: Run) -> None:
    size = analysed[1].vocabulary_size_by_name
    odd = [trip(**dict.fromkeys(OPTIONAL)), trip(company="unheard of", payment_type="?", trip_start_hour=99, fare=1e6)]
    columns = transformed(*training_trips(), *odd)
    for feature in ft.FEATURES:
        if isinstance(feature, Category):
            ids = columns[feature.name]
            assert 0 <= ids.min() <= ids.max() < feature.count_ids(size), feature.name


def test_a_record_names_the_columns_that_its_feature_hangs_on(transformed: Run) -> None:
    """Another value of a column changes no feature whose record does not name it."""
    before = transformed(trip())
    other: dict[str, Any] = {"payment_type": "Voucher", "company": "Red", "tips": 5.0}
    other |= {name: None if name in OPTIONAL else 3 for name in SPEC if name not in other}
    for column, value in other.items():
        after = transformed(trip(**{column: value}))
        changed = {feature for feature in ft.FEATURES if not np.array_equal(before[feature.name], after[feature.name])}
        assert all(column in feature.columns for feature in changed), column


def test_z_score_of_the_root(transformed: Run) -> None:
    # Half of the training trips are 4 miles long and half 16: roots 2 and 4, mean 3, standard deviation 1.
    columns = transformed(trip(trip_miles=16.0), trip(trip_miles=9.0), trip(trip_miles=0.0))
    assert columns["miles_scaled"][:, 0].tolist() == pytest.approx([1.0, 0.0, -3.0], abs=1e-6)


def test_z_score_leaves_missing_values_out_of_the_moments(transformed: Run) -> None:
    there = np.sqrt(100.0 * np.arange(40 - MISSING_SECONDS))
    columns = transformed(trip(trip_seconds=2500), trip(trip_seconds=None))
    assert columns["seconds_scaled"].tolist() == [[pytest.approx((50 - there.mean()) / there.std(), rel=1e-6)], [0.0]]


def test_z_score_of_nan_is_nan_and_only_in_its_row(transformed: Run) -> None:
    columns = transformed(trip(fare=math.nan), trip(), trip(pickup_latitude=math.nan))
    assert np.isnan(columns["fare_scaled"]).tolist() == [[True], [False], [False]]
    assert np.isnan(columns["pickup_latitude_scaled"]).tolist() == [[False], [False], [True]]


@pytest.mark.parametrize(
    ("fare", "bucket"),
    [(-1.0, 0), (0.0, 0), (1.99, 0), (2.0, 1), (3.99, 1), (37.99, 18), (38.0, 19), (1000.0, 19)],
)
def test_an_edge_belongs_to_the_bucket_above(transformed: Run, fare: float, bucket: int) -> None:
    # 40 training fares, 0 to 39 dollars, in 20 buckets: an edge at every second dollar.
    assert transformed(trip(fare=fare))["fare_bucket"] == [[bucket]]


def test_coordinates_fall_into_buckets_and_cells(transformed: Run) -> None:
    columns = transformed(trip(pickup_latitude=41.0), trip(pickup_latitude=41.0 + 39 / 64))
    assert columns["pickup_latitude_bucket"].tolist() == [[0], [19]]
    assert columns["pickup_longitude_bucket"].tolist() == [[19], [19]]  # all training trips began at one longitude
    assert columns["pickup_cell"].tolist() == [[19], [19 * 21 + 19]]


def test_a_missing_coordinate_has_a_bucket_and_cells_of_its_own(transformed: Run) -> None:
    columns = transformed(trip(dropoff_latitude=None, dropoff_longitude=None), trip(dropoff_longitude=None))
    assert columns["dropoff_latitude_bucket"][0] == columns["dropoff_longitude_bucket"][0] == 20
    assert columns["dropoff_cell"][0] == 21 * 21 - 1
    assert columns["dropoff_cell"][1] == columns["dropoff_latitude_bucket"][1] * 21 + 20
    assert columns["dropoff_latitude_scaled"][0] == columns["dropoff_longitude_scaled"][0] == 0.0


def test_a_batch_without_any_value_of_a_column(transformed: Run) -> None:
    columns = transformed(*[trip(**dict.fromkeys(OPTIONAL))] * 3)
    assert columns["seconds_bucket"].tolist() == [[20]] * 3
    assert columns["pickup_area"].tolist() == [[78]] * 3


def test_vocabularies(analysed: Analysed) -> None:
    read = analysed[1].vocabulary_by_name
    assert read("payment_type_id") == [b"Cash", b"Credit Card", b"Voucher"]
    assert read("company_id") == [b"Blue"]  # Red has 9 rows, one too few


@pytest.mark.parametrize(
    ("payment_type", "expected"), [("Cash", 1), ("Credit Card", 2), ("Voucher", 3), ("Barter", 4), ("cash", 4), ("", 4)]
)
def test_an_unseen_payment_type_has_the_last_id(transformed: Run, payment_type: str, expected: int) -> None:
    assert transformed(trip(payment_type=payment_type))["payment_type_id"] == [[expected]]


@pytest.mark.parametrize(
    ("company", "expected"), [(None, 0), ("Blue", 1), ("Red", 2), ("Unheard of", 2), ("(missing)", 2), ("", 2)]
)
def test_a_missing_company_is_not_an_unseen_one(transformed: Run, company: str | None, expected: int) -> None:
    assert transformed(trip(company=company))["company_id"] == [[expected]]


def test_each_string_has_an_id_of_its_own(tmp_path: Path) -> None:
    record = Vocabulary(name="company_id", source="company", min_count=2)
    companies = [[text] for text in HARD_STRINGS]

    def company_alone(inputs: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
        return compute_features([record], Columns(inputs))

    rows, graph = analyse([{"company": cells} for cells in [*companies, [], *companies]], company_alone, tmp_path)
    ids = [int(row[record.name][0]) for row in rows]
    assert sorted(ids[:15]) == list(range(1, 16))
    assert ids[15] == 0  # the row without any
    assert ids[16:] == ids[:15]
    assert [read_vocabulary(graph, record.name)[place - 1] for place in ids[:15]] == HARD_STRINGS
    # As a model server does it: from the graph alone, strings nobody has seen among the others.
    parsed = tf.io.parse_example([example({"company": [text]}) for text in [*HARD_STRINGS, b"a\tb", b"a\0\0"]], COMPANY)
    again = graph.transform_features_layer()(parsed)[record.name].numpy()[:, 0].tolist()
    assert again == [*ids[:15], 16, 16]


@pytest.mark.parametrize(("area", "expected"), [(1, 0), (77, 76), (0, 77), (78, 77), (-5, 77), (None, 78)])
def test_a_numbered_category(transformed: Run, area: int | None, expected: int) -> None:
    assert transformed(trip(pickup_community_area=area))["pickup_area"] == [[expected]]


def test_hour_of_the_week(transformed: Run) -> None:
    columns = transformed(
        trip(trip_start_day=1, trip_start_hour=0),
        trip(trip_start_day=7, trip_start_hour=23),
        trip(trip_start_day=8, trip_start_hour=24),
    )
    assert columns["weekday"].tolist() == [[0], [6], [7]]  # Sunday is 1; 8 is none
    assert columns["hour"].tolist() == [[0], [23], [24]]
    assert columns["hour_of_week"].tolist() == [[0], [6 * 26 + 23], [7 * 26 + 24]]


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        ((2015, 3, 1, 0), 0),
        ((2015, 3, 7, 23), 0),
        ((2015, 3, 8, 0), 1),
        ((2015, 2, 28, 23), 52),  # the 365th day
        ((2016, 2, 29, 23), 52),  # the 366th
        ((2016, 3, 1, 0), 0),
        ((2016, 12, 30, 12), (305 - 1) // 7),
        ((2000, 2, 29, 0), 52),  # a leap year that 100 divides
        ((1970, 1, 1, 0), 306 // 7),
    ],
)
def test_season_week_at_known_times(transformed: Run, moment: tuple[int, int, int, int], week: int) -> None:
    assert transformed(trip(trip_start_timestamp=seconds(*moment)))["season_week"] == [[week]]


def test_season_week_on_every_day_of_ten_years(transformed: Run) -> None:
    days = [datetime.date(2011, 3, 1) + datetime.timedelta(n) for n in range(3653)]
    starts = [
        max(datetime.date(y, 3, 1) for y in (day.year - 1, day.year) if datetime.date(y, 3, 1) <= day) for day in days
    ]
    columns = transformed(*[trip(trip_start_timestamp=seconds(d.year, d.month, d.day, 5)) for d in days])
    assert columns["season_week"][:, 0].tolist() == [
        (day - start).days // 7 for day, start in zip(days, starts, strict=True)
    ]


@pytest.mark.parametrize(
    ("fare", "tips", "expected"),
    [
        (10.0, 2.0, 0),  # exactly a fifth is not more
        (10.0, 2.01, 1),
        (7.05, 1.41, 0),  # a fifth again, which float32 takes for more or less
        (45.45, 9.09, 0),
        (7.05, 1.42, 1),
        (0.0, 0.0, 0),
        (0.0, 0.01, 1),
    ],
)
def test_label_counts_in_cents(transformed: Run, fare: float, tips: float, expected: int) -> None:
    assert transformed(trip(fare=fare, tips=tips))[ft.LABEL] == [[expected]]


def test_features_do_not_see_the_tip(analysed: Analysed, transformed: Run) -> None:
    with_tip, without = transformed(trip(tips=9.0)), transformed(trip(tips=0.0))
    assert [name for name, values in with_tip.items() if not np.array_equal(values, without[name])] == [ft.LABEL]


def test_requests_have_no_tip(analysed: Analysed) -> None:
    request = {name: spec for name, spec in SPEC.items() if name != ft.TIPS}
    columns = analysed[1].transform_features_layer()(tf.io.parse_example([example(trip())], request))
    assert set(columns) == {feature.name for feature in ft.FEATURES}


def test_two_values_in_a_row_are_an_error(transformed: Run) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
        transformed({**trip(), "pickup_latitude": [41.9, 41.8]})
