"""The section on explanations, of models that are plain functions, so that what it has to say is known."""

import dataclasses
import json
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines.report.diagnosis import describe_diagnosis, format_amount, format_cell
from pipelines.report.rendering import make_environment
from pipelines.runs.explanations import tabulate_effects
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION
from tests.tasks.diabetes.task import TASK

ROWS = 800
SCHEMA = text_format.Parse(
    """
    feature { name: "fare" type: FLOAT } feature { name: "payment" type: BYTES }
    feature { name: "area" type: INT int_domain { is_categorical: true } } feature { name: "color" type: BYTES }
    """,
    schema_pb2.Schema(),
)
Answer = Callable[[pd.DataFrame], np.ndarray]


@dataclasses.dataclass
class FunctionModel:
    """A function of raw rows, asked as an exported model is."""

    answer: Answer  # rows -> [rows, outputs]
    columns: tuple[str, ...] = ("fare", "payment", "area", "color")

    def __call__(self, rows: pd.DataFrame) -> pd.DataFrame:
        found = self.answer(rows)
        names = ["prediction"] if found.shape[1] == 1 else [f"prediction_{i}" for i in range(found.shape[1])]
        return pd.DataFrame(found, columns=names, index=rows.index)

    def mix(self, rows: pd.DataFrame) -> Callable[[np.ndarray], np.ndarray]:
        return lambda positions: self.answer(
            pd.DataFrame({name: rows[name].array[positions[:, j]] for j, name in enumerate(self.columns)})
        )


def make_rows() -> pd.DataFrame:
    generator = np.random.default_rng(7)
    payment = generator.choice(["Cash", "Card"], ROWS)
    return pd.DataFrame(
        {
            "fare": np.where(generator.random(ROWS) < 0.1, np.nan, generator.uniform(0, 10, ROWS)).astype(np.float32),
            "payment": payment,
            "area": pd.array(np.where(payment == "Cash", 1, 2), dtype="Int64"),  # tells what payment tells
            "color": generator.choice(["red", "<b>"], ROWS),
        }
    )


def describe(problem: str, answer: Answer, labels: np.ndarray, classes: tuple[str, ...] = ()) -> dict[str, Any]:
    rows, model = make_rows(), FunctionModel(answer)
    predicted = rows.assign(label=labels).join(model(rows))
    run: Any = types.SimpleNamespace(
        model=lambda: model,
        task_record=dataclasses.replace(TASK, problem=problem, classes=classes),
        eval_predictions=lambda every: predicted,
        summary={"rows": {"eval": len(predicted)}},
        schema=SCHEMA,
        slices=lambda: {"overall": (), "payment = Card": (("payment", "Card"),)},
    )
    return describe_diagnosis(run)


def render(content: dict[str, Any]) -> str:
    return make_environment().get_template("diagnosis.html.jinja").render(content=content)


def test_a_number() -> None:
    rows = make_rows()

    def answer(rows: pd.DataFrame) -> np.ndarray:
        return (10 * rows["fare"].astype(np.float64).fillna(0) + 5 * (rows["payment"] == "Card")).to_numpy(np.float64)[
            :, None
        ]

    bad = (rows["color"] == "red") & (rows["payment"] == "Card")
    noise = np.random.default_rng(3).normal(size=ROWS)
    found = describe(REGRESSION, answer, answer(rows)[:, 0] + noise * np.where(bad, 6, 1))
    bars = next(iter(json.loads(found["importance"].spec)["datasets"].values()))
    assert [bar["column"] for bar in bars] == ["fare", "payment"]
    assert found["unread"] == ["area", "color"]
    assert [(one["column"], one["other"]) for one in found["associations"]] == [("payment", "area")]
    assert [one["column"] for one in found["effects"]] == ["fare", "payment"]
    (missing,) = found["effects"][0]["missing"]
    assert missing["effect"] == pytest.approx(-50, rel=0.1)
    assert missing["rows"] == rows["fare"].isna().sum()
    assert {one["slice"] for one in found["weak"]} & {
        "payment = Card and color = red", "area = 2 and color = red", "color = red and payment = Card"
    }  # fmt: skip
    worst = found["worst"][0]
    assert float(worst["loss"]) == max(float(one["loss"]) for one in found["worst"])
    assert worst["reasons"][0]["column"] == "fare"
    page = render(found)
    assert "No prediction depends on area, color." in page
    assert "&lt;b&gt;" in page or "red" in page
    assert "<b>" not in page


def test_two_classes_are_explained_by_their_second() -> None:
    rows = make_rows()

    def answer(rows: pd.DataFrame) -> np.ndarray:
        return np.where(rows["payment"] == "Card", 0.8, 0.3)[:, None]

    labels = (np.random.default_rng(5).random(ROWS) < answer(rows)[:, 0]).astype(int)
    found = describe(BINARY, answer, labels, classes=("no tip", "tip"))
    worst = found["worst"][0]
    assert (worst["label"], worst["output"], worst["prediction"]) == ("no tip", "tip", 0.8)
    card = (rows["payment"] == "Card").mean()
    sampled = float(worst["reasons"][0]["contribution"])
    assert sampled == pytest.approx(0.8 - worst["base"], abs=1e-4)
    assert worst["base"] == pytest.approx(0.3 + 0.5 * card, abs=0.1)
    assert found["loss"] == "binary_crossentropy"
    assert found["by_slice"][0]["columns"].startswith("payment +")
    assert "the probability of “tip”" in render(found)


def test_of_several_classes_the_most_likely_is_explained() -> None:
    def answer(rows: pd.DataFrame) -> np.ndarray:
        share = rows["fare"].astype(np.float64).fillna(5).to_numpy(np.float64) / 10
        return np.stack([0.2 * np.ones(len(share)), 0.8 * share, 0.8 * (1 - share)], axis=1)

    drawn_at = np.random.default_rng(6).random(ROWS)[:, None]
    labels = (answer(make_rows()).cumsum(axis=1) < drawn_at).sum(axis=1)
    found = describe(MULTICLASS, answer, labels, classes=("a", "b", "c"))
    assert {one["output"] for one in found["worst"]} == {"b", "c"}
    (effect,) = found["effects"]
    drawn = next(rows for rows in json.loads(effect["figure"].spec)["datasets"].values() if "output" in rows[0])
    assert {one["output"] for one in drawn} == {"a", "b", "c"}
    rising = [one["effect"] for one in drawn if one["output"] == "b"]
    assert rising == sorted(rising)
    assert [one["output"] for one in effect["missing"]] == ["a", "b", "c"]
    render(found)


def test_a_model_that_reads_nothing() -> None:
    found = describe(REGRESSION, lambda rows: np.zeros((len(rows), 1)), np.ones(ROWS))
    assert found["importance"] is None
    assert (found["effects"], found["weak"], found["search"].tested) == ([], [], 0)
    assert "In none of them is the loss higher than elsewhere" in render(found)


def test_a_column_with_one_value_is_not_called_unread() -> None:
    rows = make_rows().assign(color="red")
    model: Any = FunctionModel(
        lambda rows: (rows["fare"].astype(np.float64).fillna(0) * (rows["color"] == "red")).to_numpy()[:, None]
    )
    run: Any = types.SimpleNamespace(
        model=lambda: model,
        task_record=dataclasses.replace(TASK, problem=REGRESSION),
        eval_predictions=lambda every: rows.assign(label=1.0).join(model(rows)),
        summary={"rows": {"eval": ROWS}},
        schema=SCHEMA,
        slices=dict,
    )
    found = describe_diagnosis(run)
    assert (found["constant"], found["unread"]) == (["color"], ["payment", "area"])
    assert "The importance of color is not known: its value is the same" in render(found)


def test_labels_in_a_small_unit_and_a_column_called_loss() -> None:
    rows = make_rows().rename(columns={"fare": "loss"})
    schema = text_format.Parse('feature { name: "loss" type: FLOAT }', schema_pb2.Schema())
    model: Any = FunctionModel(
        lambda rows: 1e-12 * rows["loss"].astype(np.float64).fillna(0).to_numpy(np.float64)[:, None], ("loss",)
    )
    run: Any = types.SimpleNamespace(
        model=lambda: model,
        task_record=dataclasses.replace(TASK, problem=REGRESSION),
        eval_predictions=lambda every: rows.assign(label=5e-12).join(model(rows)),
        summary={"rows": {"eval": ROWS}},
        schema=schema,
        slices=dict,
    )
    found = describe_diagnosis(run)
    assert found["unread"] == []
    worst = found["worst"][0]
    raw = rows.loc[worst["row"], "loss"]
    assert worst["loss"] == pytest.approx(abs(1e-12 * np.nan_to_num(raw) - 5e-12))
    assert dict(worst["values"])["loss"] == format_cell(raw)


def test_too_few_rows_to_search_are_said_to_be_too_few() -> None:
    rows = make_rows().head(30)
    predicted = rows.assign(label=1.0, prediction=np.linspace(0, 1, 30))
    run: Any = types.SimpleNamespace(
        model=lambda: FunctionModel(lambda rows: np.zeros((len(rows), 1))),
        task_record=dataclasses.replace(TASK, problem=REGRESSION),
        eval_predictions=lambda every: predicted,
        summary={"rows": {"eval": len(predicted)}},
        schema=SCHEMA,
        slices=dict,
    )
    page = render(describe_diagnosis(run))
    assert "There are too few eval rows (30) to search for slices: a slice needs 20 rows" in page
    assert "A search compared" not in page


def test_of_very_many_rows_a_part_is_looked_at() -> None:
    rows, asked = make_rows(), []
    model: Any = FunctionModel(lambda rows: rows["fare"].astype(np.float64).fillna(0).to_numpy(np.float64)[:, None])
    run: Any = types.SimpleNamespace(
        model=lambda: model,
        task_record=dataclasses.replace(TASK, problem=REGRESSION),
        eval_predictions=lambda every: asked.append(every) or rows.assign(label=1.0).join(model(rows)),
        summary={"rows": {"eval": 45_000}},
        schema=SCHEMA,
        slices=dict,
    )
    assert "predictions for one in 3 of the eval rows" in render(describe_diagnosis(run))
    assert asked == [3]


def test_cells_and_amounts_as_people_read_them() -> None:
    assert [format_cell(cell) for cell in (np.float32(4.05), 3, "x", None, pd.NA, ["a", None])] == [
        "4.05", "3", "x", "missing", "missing", "a, missing"
    ]  # fmt: skip
    regression, binary = (dataclasses.replace(TASK, problem=problem) for problem in (REGRESSION, BINARY))
    assert (format_amount(-12.3456, regression), format_amount(-0.12345, binary)) == ("−12.35", "−0.1235")


def test_dates_are_evenly_spaced_quantiles_in_the_order_of_time() -> None:
    days = pd.date_range("2022-01-01", periods=ROWS, freq="D").strftime("%d.%m.%Y")
    rows = make_rows().assign(color=np.random.default_rng(1).permutation(days))
    model: Any = FunctionModel(lambda rows: np.zeros((len(rows), 1)))
    found = tabulate_effects(model, rows, "color", bins=20, is_category=True, written="%d.%m.%Y")
    shown = pd.to_datetime(found["value"], format="%d.%m.%Y")
    assert len(shown) == 12
    assert (shown.iloc[0], shown.iloc[-1]) == (pd.Timestamp("2022-01-01"), pd.Timestamp("2024-03-10"))
    assert set(shown.diff().dropna().dt.days) <= {72, 73}


def test_codes_stay_whole_numbers_beside_missing_ones() -> None:
    rows = make_rows()
    rows["area"] = rows["area"].mask(rows["fare"].isna())
    model: Any = FunctionModel(lambda rows: rows["area"].astype(np.float64).fillna(0).to_numpy(np.float64)[:, None])
    found = tabulate_effects(model, rows, "area", bins=20, is_category=True)
    assert found["value"].tolist()[-1] is None
    assert sorted(found["value"].tolist()[:-1]) == [1, 2]
    assert all(isinstance(value, int | np.integer) for value in found["value"][:-1]), "1.0 is no code"
