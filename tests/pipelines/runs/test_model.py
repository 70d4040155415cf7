"""The model as a function of raw rows: the same answers as by serialized tf.Examples, missing values included."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from components.signatures import SignatureError
from pipelines.modeling.export import export_model
from pipelines.runs import RunError
from pipelines.runs.examples import to_frame
from pipelines.runs.model import RunModel
from tests import handmade
from tests.handmade import CONTRACT, LABEL, ROWS, to_example

pytestmark = pytest.mark.slow

RECORDS = [to_example(row) for row in ROWS]


@pytest.fixture(scope="module")
def model(handmade_export: Path) -> RunModel:
    return RunModel(handmade_export)


@pytest.fixture
def rows() -> pd.DataFrame:
    return to_frame(RECORDS, CONTRACT).set_index(pd.Index(range(500, 600)))


def test_predictions_are_those_of_serving_default(model: RunModel, handmade_export: Path, rows: pd.DataFrame) -> None:
    signature = tf.saved_model.load(str(handmade_export)).signatures["serving_default"]
    without_label = [to_example({name: cell for name, cell in row.items() if name != "tips"}) for row in ROWS]
    expected = signature(tf.constant(without_label))["predictions"].numpy()[:, 0]
    found = model(rows)
    assert list(found) == ["prediction"]
    assert found.index.equals(rows.index)
    assert found["prediction"].dtype == np.float32
    np.testing.assert_array_equal(found["prediction"], expected)
    assert found["prediction"].nunique() > 50


def test_every_way_to_say_missing(model: RunModel, rows: pd.DataFrame) -> None:
    expected = model(rows.assign(miles=np.nan, seconds=pd.NA, company=None))["prediction"]
    assert model(rows.drop(columns=["miles", "seconds", "company"]))["prediction"].equals(expected)
    assert model(rows.assign(miles=None, seconds=np.nan, company=np.nan))["prediction"].equals(expected)
    assert not model(rows)["prediction"].equals(expected)


def test_plain_python_values_and_numpys(model: RunModel, rows: pd.DataFrame) -> None:
    plain = pd.DataFrame([{name: cell for name, cell in row.items() if name != "tips"} for row in ROWS])
    assert str(plain["seconds"].dtype) == "float64"  # pandas' own way to hold integers and gaps
    assert model(plain)["prediction"].tolist() == model(rows)["prediction"].tolist()


def test_more_rows_than_a_batch_and_none(model: RunModel, rows: pd.DataFrame) -> None:
    many = pd.concat([rows] * 11)
    np.testing.assert_allclose(model(many)["prediction"], np.tile(model(rows)["prediction"], 11), rtol=1e-6)
    assert model(rows.iloc[:0]).shape == (0, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fare": np.nan}, r"^fare is required: expected a value in every row, received none in 100 of 100 rows; "),
        ({"hour": 7.5}, r"^hour: expected a whole number from 0 to 23, received 7\.5; correct that column\.$"),
        ({"payment": 3}, r'^payment: expected one of "Card", "Cash", "Other", received 3; correct that column\.$'),
        ({"miles": "far"}, r"^miles: expected a number from 0 to 100, received 'far'; correct that column\.$"),
        ({"hour": True}, r"^hour: expected a whole number from 0 to 23, received True; correct that column\.$"),
    ],
)
def test_values_that_the_model_cannot_take(
    model: RunModel, rows: pd.DataFrame, change: dict[str, object], message: str
) -> None:
    with pytest.raises(RunError, match=message):
        model(rows.assign(**change))


def test_a_required_column_that_is_not_there(model: RunModel, rows: pd.DataFrame) -> None:
    with pytest.raises(RunError, match=r"^payment is required: "):
        model(rows.drop(columns="payment"))


def test_transformed_has_every_feature_and_the_label(model: RunModel) -> None:
    found = model.transformed(RECORDS)
    assert found[LABEL][:, 0].tolist() == [int(row["tips"] > np.float32(0.2) * np.float32(row["fare"])) for row in ROWS]
    assert {"fare", "miles", "company_name"} < found.keys()
    assert all(len(values) == len(ROWS) for values in found.values())


def test_the_columns_of_a_stacked_feature_are_features(handmade_export: Path, model: RunModel) -> None:
    named = RunModel(handmade_export, {"miles": ("distance",)}).transformed(RECORDS)
    plain = model.transformed(RECORDS)
    assert named.keys() == (plain.keys() - {"miles"}) | {"distance"}
    assert named["distance"].tobytes() == plain["miles"].tobytes()


def test_several_outputs_are_several_columns(
    handmade_transform: tuple[str, str], tmp_path: Path, rows: pd.DataFrame
) -> None:
    fare = keras.Input((1,), name="fare")
    classes = keras.layers.Dense(3, activation="softmax", dtype="float32", name="classes")(fare)
    args = handmade.fn_args(tmp_path, handmade_transform[0])
    export_model(keras.Model({"fare": fare}, classes), args)
    found = RunModel(Path(args.serving_model_dir))(rows)
    assert list(found) == ["prediction_0", "prediction_1", "prediction_2"]
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(SignatureError, match="no SavedModel"):
        RunModel(tmp_path)


def test_mixed_rows_are_predicted_as_if_they_had_been_put_together(model: RunModel, rows: pd.DataFrame) -> None:
    generator = np.random.default_rng(1)
    donors = {name: generator.integers(0, 100, 30) for name in model.columns}
    together = pd.DataFrame({name: rows[name].iloc[taken].array for name, taken in donors.items()})
    assert together["miles"].isna().any()
    assert together["company"].isna().any()
    found = model.mix(rows)(np.stack(list(donors.values()), axis=1))
    np.testing.assert_array_equal(found[:, 0], model(together)["prediction"])
    assert found.dtype == np.float64
    assert model.mix(rows)(np.empty((0, len(model.columns)), int)).shape == (0, 1)
