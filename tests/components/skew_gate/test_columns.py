"""What is known of a column: its scale, and whether rounding may push its values over an edge."""

import numpy as np
import pytest

from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.columns import Columns, ColumnSurvey
from components.skew_gate.model_probe import FILLED
from components.skew_gate.report import SkewReport
from components.skew_gate.rounding import LARGEST_ROUNDING, Scale

ROWS = 5000
RAW = np.array([b""] * ROWS, dtype=object)
ANSWER = np.full((ROWS, 1), 0.5, np.float32)


def one_hot(buckets: np.ndarray) -> np.ndarray:
    return np.eye(10, dtype=np.float32)[buckets]


BUCKETS = np.arange(ROWS) % 10
SHAPES = {
    "one-hot": one_hot,
    "float": lambda buckets: buckets.astype(np.float32)[:, None],
    "float, thousands": lambda buckets: (5000 + buckets).astype(np.float32)[:, None],
    "integer": lambda buckets: buckets[:, None],
}


def compare(shape: str, moved_rows: int, operations: tuple[str, ...] = ("Log1p",)) -> SkewReport:
    """The first rows are in the next bucket at batch size 1, and in the batch path's in any other layout."""
    at_one = BUCKETS.copy()
    at_one[:moved_rows] += 1
    own, moved = SHAPES[shape](BUCKETS), SHAPES[shape](np.minimum(at_one, 9))
    exported = {f"transform_features/{size}/x": own for size in (2, FILLED)} | {"transform_features/1/x": moved}
    exported |= {f"{name}/{size}": ANSWER for name in ("serving_default", "serving_raw") for size in (1, 2)}
    batch = BatchChunk(
        features={"x": own}, predictions={1: ANSWER, 2: ANSWER}, predict=lambda features: ANSWER[: len(features["x"])]
    )
    report = SkewReport(batch_sizes=(1, 2))
    report.add(batch, exported, RAW, columns=Columns.measure([batch], {"x": operations}, ()))
    return report


@pytest.mark.parametrize("shape", SHAPES)
def test_whole_numbers_have_edges_whatever_their_type(shape: str) -> None:
    found = compare(shape, 1)
    assert found.reasons() == []
    (feature,) = found.comparisons("feature x")
    assert (feature.rounding.at_edge, feature.rounding.rows) == (1, 0)


@pytest.mark.parametrize("shape", SHAPES)
def test_where_nothing_rounds_they_have_none(shape: str) -> None:
    assert compare(shape, 1, ()).reasons()[0].startswith("feature x: 1 of 5000 rows are not equal")


@pytest.mark.parametrize("shape", SHAPES)
def test_too_many_rows_at_an_edge_are_refused(shape: str) -> None:
    assert "of 5000 rows lie on an edge" in compare(shape, 700).reasons()[0]


@pytest.mark.parametrize(
    ("values", "whole"),
    [
        ([0.0, 1.0, np.nan, np.inf], True),
        ([0.0, 1.5], False),
        ([2.0**23, 1.5e9], False),  # where float32 has no others
        ([np.nan], False),
    ],
    ids=["whole", "halves", "large", "none"],
)
def test_whole_numbers(values: list[float], whole: bool) -> None:
    chunks = [np.float32(values)[:, None], np.float32([[0.0]] if values[0] == 0 else [[values[0]]])]
    batches = [
        BatchChunk(features={"x": chunk}, predictions={1: chunk}, predict=lambda features: features["x"])
        for chunk in chunks
    ]
    column = Columns.measure(batches, {"x": ("Log",)}, ()).features["x"]
    assert (column.has_edges, column.largest_rounding) == (whole, 0.0 if whole else LARGEST_ROUNDING)


def test_chunks_are_measured_as_one() -> None:
    rows = np.random.default_rng(0).normal(10, 3, (600, 3)).astype(np.float32)
    whole, parts = Scale.measure(rows), Scale.measure(rows[:100], rows[100:])
    assert whole is not None
    assert parts is not None
    assert (whole.spread.tolist(), whole.centre.tolist()) == (parts.spread.tolist(), parts.centre.tolist())


def test_of_many_rows_some_are_measured_and_whole_numbers_looked_for_in_all() -> None:
    values = np.random.default_rng(0).normal(10, 3, (100_000, 1)).astype(np.float32)
    whole = np.ones((100_000, 1), np.float32)
    whole[77_777] = 0.5
    survey = ColumnSurvey()
    for first in range(0, 100_000, 8192):
        part = slice(first, first + 8192)
        survey.add({"x": values[part], "whole": whole[part], "n": np.ones((len(values[part]), 1), np.int64)})
    assert {len(kept) for kept in survey.kept.values()} == {32_768}
    assert survey.whole == {"x": False, "whole": False, "n": False}
    scale = survey.scales()["x"]
    assert scale is not None
    assert scale.spread[0] == pytest.approx(3, rel=0.02)
    assert scale.centre[0] == pytest.approx(10, rel=0.01)
    assert survey.scales()["n"] is None


def answer(features: dict[str, np.ndarray]) -> np.ndarray:
    return ANSWER[: len(features["numbers"])]


PARTS = {"numbers": ("code", "amount")}


def compare_stacked(exported_by_size: dict[int | str, np.ndarray], own: np.ndarray) -> SkewReport:
    exported = {f"transform_features/{size}/numbers": values for size, values in exported_by_size.items()}
    exported |= {f"{name}/{size}": ANSWER for name in ("serving_default", "serving_raw") for size in (1, 2)}
    batch = BatchChunk(features={"numbers": own}, predictions={1: ANSWER, 2: ANSWER}, predict=answer)
    report = SkewReport(batch_sizes=(1, 2), parts=PARTS)
    report.add(batch, exported, RAW, columns=Columns.measure([batch], {"numbers": ("Log",)}, (), PARTS))
    return report


@pytest.mark.parametrize(
    ("place", "reason"),
    [(0, None), (1, "feature amount: 1 of 5000 rows ")],
    ids=["a whole number at an edge", "an amount"],
)
def test_columns_of_a_stacked_feature_are_judged_by_themselves(place: int, reason: str | None) -> None:
    own = np.stack([BUCKETS, np.random.default_rng(0).normal(size=ROWS)], axis=1).astype(np.float32)
    moved = own.copy()
    moved[0, place] += 1
    found = compare_stacked({1: moved, 2: own, FILLED: own}, own)
    assert [comparison.name for comparison in found.comparisons("feature ")] == ["feature amount", "feature code"]
    if reason is None:
        assert found.reasons() == []
        assert found.comparisons("feature code")[0].rounding.at_edge == 1
    else:
        assert [line.startswith(reason) for line in found.reasons()] == [True]


def test_a_stacked_feature_of_another_width_is_refused() -> None:
    own = np.zeros((ROWS, 2), np.float32)
    wide = np.zeros((ROWS, 3), np.float32)
    found = compare_stacked({1: wide, 2: wide, FILLED: wide}, own)
    assert not found.blessed
    assert {line.partition(":")[0] for line in found.reasons()} == {"feature amount", "feature code", "feature numbers"}
