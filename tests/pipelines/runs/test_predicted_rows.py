"""Rows that are asked in chunks: every one once, in order, with the columns that were asked for and no others."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines.runs.predicted_rows import PredictedRows, predict_rows

SCHEMA = text_format.Parse(
    """
    feature { name: "city" type: BYTES }
    feature { name: "miles" type: FLOAT }
    feature { name: "hour" type: INT }
    """,
    schema_pb2.Schema(),
)
CITIES = ["ash", "bay", "ash", None, "cat"]


def to_record(number: int) -> bytes:
    example = tf.train.Example()
    example.features.feature["miles"].float_list.value[:] = [number / 2]
    if city := CITIES[number]:
        example.features.feature["city"].bytes_list.value[:] = [city.encode()]
    return example.SerializeToString()


RECORDS = [to_record(number) for number in range(len(CITIES))]


class Doubling:
    """A model that predicts twice the miles; the label is the row's place in its chunk."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def predict_records(self, records: list[bytes]) -> pd.DataFrame:
        miles = [tf.train.Example.FromString(one).features.feature["miles"].float_list.value[0] for one in records]
        return pd.DataFrame({"prediction": np.array(miles, np.float32) * 2})

    def transformed(self, records: list[bytes]) -> dict[str, np.ndarray]:
        self.asked.append(len(records))
        return {"tip": np.arange(len(records))[:, None]}


def predict(*columns: str, every: bool = False) -> PredictedRows:
    model: Any = Doubling()
    found = predict_rows(model, [RECORDS[:3], RECORDS[3:]], SCHEMA, "tip", None if every else columns)
    assert model.asked == [3, 2]
    return found


def test_rows_keep_their_order_over_chunks() -> None:
    found = predict("city")
    assert found.rows.to_dict("list") == {"city": CITIES}
    assert found.labels.tolist() == [0, 1, 2, 0, 1]
    assert found.prediction_array.tolist() == [0, 1, 2, 3, 4]


def test_all_columns_are_the_schemas() -> None:
    rows = predict(every=True).rows
    assert list(rows) == ["city", "miles", "hour"]
    assert rows["miles"].tolist() == [0, 0.5, 1, 1.5, 2]
    assert rows["hour"].isna().all()


@pytest.mark.parametrize("columns", [(), ("no such column",)])
def test_without_a_column_there_are_rows_all_the_same(columns: tuple[str, ...]) -> None:
    rows = predict(*columns).rows
    assert (list(rows), len(rows)) == ([], len(CITIES))


def test_the_schema_is_left_as_it_is() -> None:
    predict("city")
    assert [feature.name for feature in SCHEMA.feature] == ["city", "miles", "hour"]
