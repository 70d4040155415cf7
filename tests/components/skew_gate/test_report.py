"""What the report counts, and what it says."""

import json

import numpy as np
import pytest

from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.columns import Columns
from components.skew_gate.json_values import example_as_json
from components.skew_gate.model_probe import FILLED
from components.skew_gate.report import SkewReport
from tests.handmade import to_example

RAW = np.array([to_example({"fare": 1.5 * i, "company": "é" if i else None}) for i in range(3)], dtype=object)
FARE = np.float32([[0], [1.5], [3]])
PREDICTIONS = {1: np.float32([[0.25], [0.5], [0.75]]), 2: np.float32([[0.25], [0.5], [0.75]])}
OPERATIONS = {"fare": ("Log1p", "Sum")}
WITHIN, OF_PREDICTIONS = "equal within 32 float32 steps", "equal within 64 float32 steps"


def outputs(fare: np.ndarray | None = FARE, **predictions: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs of the exported model; predictions are named as `serving_raw_1`, signature and batch size."""
    layouts = (*PREDICTIONS, FILLED)
    answers = {} if fare is None else {f"transform_features/{size}/fare": fare for size in layouts}
    for signature in ("serving_default", "serving_raw"):
        for size in layouts:
            answers[f"{signature}/{size}"] = predictions.get(f"{signature}_{size}", PREDICTIONS[1])
    return answers


def answer_as_before(features: dict[str, np.ndarray]) -> np.ndarray:
    """A trained model that no rounding of its features moves."""
    return PREDICTIONS[1][: len(features["fare"])]


def report(*chunks: dict[str, np.ndarray], fare: np.ndarray | None = FARE) -> SkewReport:
    result = SkewReport(batch_sizes=tuple(PREDICTIONS))
    for chunk in chunks:
        features = {} if fare is None else {"fare": fare}
        batch = BatchChunk(features=features, predictions=PREDICTIONS, predict=answer_as_before)
        result.add(batch, chunk, RAW, columns=Columns.measure([batch], OPERATIONS, tuple("abcdef")))
    return result


def test_nothing_differs() -> None:
    found = report(outputs(), outputs())
    assert found.blessed
    assert found.reasons() == []
    record = found.as_dict()
    assert (record["rows"], record["differences"], record["batch_sizes"]) == (6, 0, [1, 2])
    assert [(c["name"], c["rule"], c["rows"]) for c in record["comparisons"]] == [
        ("feature fare", WITHIN, 6),
        ("serving_default, batch size 1", OF_PREDICTIONS, 6),
        ("serving_default, batch size 1 against 2", OF_PREDICTIONS, 6),
        ("serving_default, batch size 2", OF_PREDICTIONS, 6),
        ("serving_raw, batch size 1", OF_PREDICTIONS, 6),
        ("serving_raw, batch size 1 against 2", OF_PREDICTIONS, 6),
        ("serving_raw, batch size 2", OF_PREDICTIONS, 6),
    ]


def test_no_rows_no_blessing() -> None:
    assert not report().blessed
    assert report().reasons() == []


def test_worst_row_of_all_chunks() -> None:
    found = report(outputs(np.float32([[0], [1.5], [3.5]])), outputs(np.float32([[0.25], [2.5], [3]])))
    assert not found.blessed
    assert found.reasons() == [
        "feature fare: 3 of 6 rows are not equal within 32 float32 steps; "
        "worst at row 4: batch path 1.5, exported model 2.5, "
        "raw row {'company': 'é', 'fare': 1.5}"
    ]
    (fare, *rest) = found.as_dict()["comparisons"]
    assert fare["worst"] == {
        "row": 4,
        "raw": {"fare": 1.5, "company": "é"},
        "values": {"batch path": 1.5, "exported model": 2.5},
        "distance": 1.0,
    }
    assert not any(comparison["differences"] for comparison in rest)


def test_a_row_that_differs_at_every_batch_size_counts_once() -> None:
    found = report(outputs(np.float32([[0], [1.5], [4]])))
    assert found.as_dict()["differences"] == 1


def test_a_feature_that_differs_at_one_batch_size_only() -> None:
    answers = outputs() | {"transform_features/2/fare": np.float32([[0], [1.5], [4]])}
    assert report(answers).reasons() == [
        "feature fare: 1 of 3 rows are not equal within 32 float32 steps; "
        "worst at row 2: batch path 3.0, exported model 4.0, "
        "raw row {'company': 'é', 'fare': 3.0}"
    ]


@pytest.mark.parametrize(
    ("batch", "exported", "reason"),
    [
        (None, FARE, "the exported model returns it, but Transform did not write it"),
        (FARE, None, "Transform wrote it, but the exported model does not return it"),
        (FARE, FARE.astype(np.int64), "batch path has float32 [3, 1], exported model has int64 [3, 1]"),
        (FARE, FARE.astype(np.float64), "batch path has float32 [3, 1], exported model has float64 [3, 1]"),
        (FARE, FARE[:, 0], "batch path has float32 [3, 1], exported model has float32 [3]"),
        (FARE, np.array([[b"0"]] * 3, object), "batch path has float32 [3, 1], exported model has string [3, 1]"),
    ],
    ids=["not written", "not exported", "int", "double", "shape", "string"],
)
def test_what_cannot_be_compared(batch: np.ndarray | None, exported: np.ndarray | None, reason: str) -> None:
    found = report(outputs(exported), fare=batch)
    assert found.reasons() == [f"feature fare: {reason}"]
    assert found.as_dict()["differences"] == 3, "every row"


def test_predictions() -> None:
    other = np.float32([[0.25], [0.5], [0.875]])
    assert report(outputs(serving_raw_1=other)).reasons() == [
        "serving_raw, batch size 1: 1 of 3 rows are not equal within 64 float32 steps; worst at row 2: "
        "batch path 0.75, exported model 0.875, raw row {'company': 'é', 'fare': 3.0}",
        "serving_raw, batch size 1 against 2: 1 of 3 rows are not equal within 64 float32 steps; worst at row 2: "
        "at batch size 2 0.75, at batch size 1 0.875, raw row {'company': 'é', 'fare': 3.0}",
    ]


def test_predictions_that_depend_on_the_batch_size() -> None:
    at_one = PREDICTIONS[1] + np.float32([[0], [0.25], [0]])
    result = SkewReport(batch_sizes=tuple(PREDICTIONS))
    batch = BatchChunk(features={"fare": FARE}, predictions=PREDICTIONS | {1: at_one}, predict=answer_as_before)
    exported = outputs(serving_default_1=at_one, serving_raw_1=at_one)
    result.add(batch, exported, RAW, columns=Columns.measure([batch], {}, ()))
    assert result.reasons() == [
        f"{signature}, batch size 1 against 2: 1 of 3 rows are not equal within 64 float32 steps; worst at row 1: "
        "at batch size 2 0.5, at batch size 1 0.75, raw row {'company': 'é', 'fare': 1.5}"
        for signature in ("serving_default", "serving_raw")
    ]


def test_other_order_is_named() -> None:
    found = report(outputs(FARE[::-1].copy()), outputs(FARE[::-1].copy()))
    assert found.reasons()[0] == (
        "the exported model returns the features of the same rows in another order: look for what sorts or shuffles "
        "rows in its signatures"
    )
    assert sum("another order" in reason for reason in found.reasons()) == 1


def test_refusal() -> None:
    found = report(outputs())
    found.refuse("the moon is wrong")
    assert not found.blessed
    assert found.as_dict()["reasons"] == ["the moon is wrong"]


def test_strings_and_nan_are_valid_json() -> None:
    words = np.array([[b"a"], [b"b"], [b"\xff"]], object)
    answers = outputs(words[::-1].copy(), serving_raw_1=np.float32([[np.nan], [0.5], [0.75]]))
    found = report(answers, fare=words)
    text = json.dumps(found.as_dict(), allow_nan=False)
    assert {"batch path": "a", "exported model": "\\xff"} in [
        c["worst"]["values"] for c in json.loads(text)["comparisons"] if c["worst"]
    ]
    assert "batch path 0.25, exported model 'nan', raw row {'fare': 0.0}" in found.reasons()[2]


def test_raw_row() -> None:
    row = {"words": ["a", "b"], "number": 3, "share": float("inf")}
    assert example_as_json(to_example(row)) == {"words": ["a", "b"], "number": 3, "share": "inf"}


def one_step_off(values: np.ndarray) -> np.ndarray:
    return np.nextafter(values, np.float32(10))


def test_rounding_is_reported_and_not_refused() -> None:
    found = report(outputs(one_step_off(FARE), serving_raw_1=one_step_off(PREDICTIONS[1])))
    assert found.blessed
    by_name = {c["name"]: c["rounding"] for c in found.as_dict()["comparisons"]}
    assert by_name["feature fare"] == {
        "rows": 3,
        "largest": 2**-22,  # one step at 3
        "steps": pytest.approx(2 / 3),
        "at_edge": 0,
        "operations": ("Log1p", "Sum"),
    }
    assert by_name["serving_raw, batch size 1"]["operations"] == tuple("abcd"), "the likeliest four"


def answer_by_bucket(features: dict[str, np.ndarray]) -> np.ndarray:
    return np.where(features["bucket"] == 2, np.float32(0.9), np.float32(0.5))


def buckets(*changed: int, operations: tuple[str, ...] = ("Log1p",)) -> SkewReport:
    """A hundred rows in bucket 1, of which some are in bucket 2 at batch size 1, and at 1 alone."""
    raw = np.array([to_example({"fare": 1.5})] * 100, dtype=object)
    ids, moved = np.ones((100, 1), np.int64), np.ones((100, 1), np.int64)
    moved[list(changed)] = 2
    answer = np.float32([[0.5]] * 100)
    other = np.where(moved == 2, np.float32(0.9), answer)
    exported = {f"transform_features/{size}/bucket": ids for size in (2, FILLED)} | {
        "transform_features/1/bucket": moved,
        **{f"{name}/{size}": answer for name in ("serving_default", "serving_raw") for size in (2, FILLED)},
        **{f"{name}/1": other for name in ("serving_default", "serving_raw")},
    }
    batch = BatchChunk(features={"bucket": ids}, predictions={1: answer, 2: answer}, predict=answer_by_bucket)
    result = SkewReport(batch_sizes=(1, 2))
    result.add(batch, exported, raw, columns=Columns.measure([batch], {"bucket": operations}, operations))
    return result


def test_rows_at_an_edge_are_counted_and_their_predictions_excused() -> None:
    found = buckets(*range(10))
    assert found.blessed
    at_edge = {c["name"]: c["rounding"]["at_edge"] for c in found.as_dict()["comparisons"]}
    assert at_edge == {
        "feature bucket": 10,
        "serving_default, batch size 1": 10,
        "serving_default, batch size 1 against 2": 10,
        "serving_default, batch size 2": 0,
        "serving_raw, batch size 1": 10,
        "serving_raw, batch size 1 against 2": 10,
        "serving_raw, batch size 2": 0,
    }


def test_too_many_rows_at_an_edge_are_refused() -> None:
    found = buckets(*range(11))
    assert found.reasons()[0] == (
        "feature bucket: 11 of 100 rows lie on an edge, and rounding (Log1p) decides their side: expected at most 10%; "
        "compute what has the edges in float64; worst at row 0: batch path 1, exported model 2, raw row {'fare': 1.5}"
    )
    assert found.as_dict()["comparisons"][0]["differences"] == 11


def test_a_bucket_that_nothing_rounds_has_no_edge() -> None:
    """A row that is transformed otherwise when it is alone: where no row of a batch has a value, for one."""
    reasons = buckets(7, operations=()).reasons()
    assert reasons[0] == (
        "feature bucket: 1 of 100 rows are not equal; worst at row 7: batch path 1, exported model 2, "
        "raw row {'fare': 1.5}"
    )
    assert len(reasons) == 5, "its predictions are not excused either"


def test_many_rows_that_are_a_few_steps_off_in_one_direction() -> None:
    rows = 3000
    raw = np.array([to_example({"fare": 1.5})] * rows, dtype=object)
    fare = np.random.default_rng(0).normal(0, 1, (rows, 1)).astype(np.float32)
    answer = np.full((rows, 1), 0.5, np.float32)
    exported = {f"transform_features/{size}/fare": fare + np.float32(1e-6) for size in (1, 2, FILLED)} | {
        f"{name}/{size}": answer for name in ("serving_default", "serving_raw") for size in (1, 2, FILLED)
    }
    batch = BatchChunk(
        features={"fare": fare},
        predictions={1: answer, 2: answer},
        predict=lambda features: np.full_like(features["fare"], 0.5),
    )
    result = SkewReport(batch_sizes=(1, 2))
    result.add(batch, exported, raw, columns=Columns.measure([batch], {}, ()))
    (reason,) = result.reasons()
    assert reason.startswith(
        "feature fare: 3000 of 3000 rows differ in one direction, by -7.6 float32 steps on average: rounding explains "
        "at most 4.6; look for another mean or deviation; worst at row "
    )
