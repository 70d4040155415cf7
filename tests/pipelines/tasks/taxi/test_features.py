"""What holds for every record in features.py, whichever they are."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines.tasks.taxi import features as ft
from pipelines.tasks.taxi.columns import Columns, Computed
from pipelines.tasks.taxi.kinds.crossed import Crossed, CrossError
from pipelines.tasks.taxi.kinds.kind import FeatureError, Number, Transformed, compute_features
from pipelines.tasks.taxi.kinds.numbered import Numbered
from pipelines.tasks.taxi.kinds.vocabulary import Vocabulary
from pipelines.tasks.taxi.task import TASK
from serving.contract import SERVING_ENVIRONMENT

CONTRACT = text_format.Parse(TASK.contract.read_text(), schema_pb2.Schema())
SERVED = {feature.name for feature in CONTRACT.feature if SERVING_ENVIRONMENT not in feature.not_in_environment}
HOUR = Numbered(name="hour_id", source="hour", first=0, last=23)
DAY = Numbered(name="day_id", source="day", first=1, last=7)


def test_no_two_features_share_a_name_and_none_has_that_of_a_raw_column() -> None:
    names = [feature.name for feature in ft.FEATURES]
    assert len({*names, ft.LABEL}) == len(names) + 1
    assert not {*names} & {feature.name for feature in CONTRACT.feature}


@pytest.mark.parametrize("feature", ft.FEATURES, ids=lambda feature: feature.name)
def test_a_feature_reads_what_a_request_has(feature: ft.Feature) -> None:
    assert feature.columns
    assert set(feature.columns) <= SERVED


def test_a_cross_is_computed_after_its_parts_wherever_they_stand() -> None:
    cross = Crossed(name="hour_of_week", left=DAY, right=HOUR)
    columns = Columns({"hour": tf.constant([[5], [99]]), "day": tf.constant([[1], [7]])})
    made = compute_features([cross, HOUR], columns)
    assert {name: values.numpy().tolist() for name, values in made.items()} == {
        "hour_of_week": [[0 * 26 + 5], [6 * 26 + 24]],
        "hour_id": [[5], [24]],
    }


def test_a_cross_of_crosses() -> None:
    week = Crossed(name="hour_of_week", left=DAY, right=HOUR)
    twice = Crossed(name="twice", left=week, right=DAY)
    columns = Columns({"hour": tf.constant([[5]]), "day": tf.constant([[3]])})
    assert compute_features([twice], columns)["twice"].numpy().tolist() == [[(2 * 26 + 5) * 9 + 2]]
    assert twice.count_ids(len) == 9 * 26 * 9
    assert twice.columns == ("day", "hour")


@pytest.mark.parametrize(
    "other", [HOUR, Crossed(name="both", left=DAY, right=HOUR)], ids=["a feature", "a part of a feature"]
)
def test_two_records_of_one_name_are_refused(other: ft.Feature) -> None:
    night = Numbered(name="hour_id", source="night", first=0, last=1)
    with pytest.raises(FeatureError, match="feature hour_id: expected one record of this name, received two: a Numb"):
        compute_features([night, other], Columns({}))


def test_a_vocabulary_cannot_be_crossed() -> None:
    firm = Vocabulary(name="company_id", source="company", min_count=1)
    with pytest.raises(CrossError, match=r"feature firm_hour: .* received company_id, a Vocabulary"):
        Crossed(name="firm_hour", left=firm, right=HOUR)


def test_a_computed_number_is_missing_where_one_of_its_columns_is() -> None:
    speed = Computed(of=("miles", "seconds"), by=lambda miles, seconds: 3600 * tf.math.divide_no_nan(miles, seconds))
    seconds = tf.SparseTensor([[0, 0], [2, 0]], [1800.0, 0.0], [3, 1])
    columns = Columns({"miles": tf.constant([[4.0], [4.0], [4.0]]), "seconds": seconds})
    rounded = Numbered(name="speed", source=speed, first=0, last=50)
    assert compute_features([rounded], columns)["speed"].numpy().tolist() == [[8], [52], [0]]
    assert rounded.columns == ("miles", "seconds")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Odd(Number):
    """A kind whose computation gives what the test says."""

    gives: Callable[[], tf.Tensor] | None
    columns = ()

    @classmethod
    def compute(cls, features: Sequence[Self], columns: Columns, made: Mapping[str, tf.Tensor]) -> Transformed:
        return {feature.name: feature.gives() for feature in features if feature.gives is not None}


@pytest.mark.parametrize(
    ("gives", "message"),
    [
        (
            lambda: tf.zeros([2, 1], tf.float64),
            r"feature odd: expected float32, received float64 .* tf\.cast\(…, tf\.float32\)",
        ),
        (lambda: tf.zeros([2, 3]), r"feature odd: expected \[batch, 1\], received \(2, 3\) from Odd\.compute"),
        (lambda: tf.zeros([2]), r"feature odd: expected \[batch, 1\], received \(2,\) from Odd\.compute"),
        (None, r"Odd\.compute returned no odd: .* received none"),
    ],
)
def test_a_computation_gives_what_the_record_says(gives: Callable[[], tf.Tensor] | None, message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        compute_features([Odd(name="odd", gives=gives)], Columns({}))
