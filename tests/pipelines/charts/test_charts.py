"""What the charts draw: the values that go into them, and marks that come out."""

import re

import altair as alt
import numpy as np
import pandas as pd
import pytest
import vl_convert
from sklearn import metrics as reference
from tensorflow_metadata.proto.v0 import statistics_pb2

from pipelines import charts


def drawn(chart: alt.TopLevelMixin, kind: str) -> int:
    """How many marks of a kind, such as "rect", the chart has as a picture."""
    with alt.theme.enable("none"):
        svg = vl_convert.vegalite_to_svg(chart.properties(width=300).to_dict())
    (*groups,) = re.findall(rf'<g class="mark-{kind} role-mark[^>]*>(.*?)</g>', svg, re.DOTALL)
    return sum(len(re.findall(r"<(?:path|text|line) ", group)) for group in groups)


def rows_of(chart: alt.TopLevelMixin, column: str) -> pd.DataFrame:
    """The rows that a chart shows, of the data set that has a column."""
    (found,) = (rows for rows in chart.to_dict()["datasets"].values() if column in rows[0])
    return pd.DataFrame(found)


@pytest.fixture(name="scored")
def _scored() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(8)
    predictions = generator.random(3000).round(3)
    return (generator.random(3000) < predictions).astype(int), predictions


def test_roc_has_the_area_that_the_metric_has(scored: tuple[np.ndarray, np.ndarray]) -> None:
    labels, predictions = scored
    chart = charts.plot_roc(labels, {"one": predictions, "other": 1 - predictions})
    points = rows_of(chart, "true positives")
    for model, sign in (("one", 1), ("other", -1)):
        curve = points[points["model"] == model]
        assert reference.auc(curve["false positives"], curve["true positives"]) == pytest.approx(
            reference.roc_auc_score(labels, sign * predictions), abs=1e-3
        )
        assert len(curve) <= 200
    assert drawn(chart, "line") == 3, "a line a model, and the diagonal"


def test_precision_recall_ends_at_the_share_of_positive_rows(scored: tuple[np.ndarray, np.ndarray]) -> None:
    labels, predictions = scored
    curve = rows_of(charts.plot_precision_recall(labels, {"one": predictions}), "precision")
    assert curve.iloc[-1][["recall", "precision"]].tolist() == pytest.approx([1.0, labels.mean()])
    half = curve[curve["threshold"] <= 0.5].iloc[0]
    yes = predictions >= half["threshold"]
    assert half["precision"] == pytest.approx(labels[yes].mean())
    assert half["recall"] == pytest.approx(labels[yes].sum() / labels.sum())


def test_reliability_has_wilsons_intervals() -> None:
    labels = np.r_[np.zeros(90, int), np.ones(10, int), np.ones(50, int), np.zeros(50, int)]
    predictions = np.r_[np.full(100, 0.1), np.full(100, 0.6)]
    points = rows_of(charts.plot_reliability(labels, {"one": predictions}), "low")
    assert points["predicted"].tolist() == pytest.approx([0.1, 0.6])
    assert points["share"].tolist() == pytest.approx([0.1, 0.5])
    # Brown, Cai and DasGupta (2001), Wilson: 10 of 100, and 50 of 100.
    assert points[["low", "high"]].to_numpy().ravel() == pytest.approx([0.0552, 0.1744, 0.4038, 0.5962], abs=1e-4)


def test_equal_predictions_are_one_point_not_a_fault() -> None:
    points = rows_of(charts.plot_reliability(np.array([0, 1, 1, 1]), {"one": np.full(4, 0.5)}), "low")
    assert points[["predicted", "share", "rows"]].to_numpy().tolist() == [[0.5, 0.75, 4]]


def test_scores_count_every_row(scored: tuple[np.ndarray, np.ndarray]) -> None:
    labels, predictions = scored
    bars = rows_of(charts.plot_scores(labels, predictions, ("no", "yes")), "label")
    assert bars.groupby("label")["rows"].sum().to_dict() == {"no": (labels == 0).sum(), "yes": labels.sum()}


def test_confusion_of_three_classes() -> None:
    actual, predicted = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 2, 2])
    chart = charts.plot_confusion(actual, predicted, ("a", "b", "c"))
    cells = rows_of(chart, "share").pivot(index="actual", columns="predicted", values="rows")
    assert cells.loc[["a", "b", "c"], ["a", "b", "c"]].to_numpy().tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert (drawn(chart, "rect"), drawn(chart, "text")) == (9, 9)


def test_a_class_without_a_row_has_no_share() -> None:
    cells = rows_of(charts.plot_confusion(np.array([0, 0]), np.array([0, 1]), ("a", "b")), "share")
    assert cells["share"].tolist() == [0.5, 0.5, 0.0, 0.0]


def test_numbers_predicted() -> None:
    labels = np.linspace(0, 10, 5000)
    chart = charts.plot_predicted_against_actual(labels, labels + 1)
    assert drawn(chart, "symbol") == 1500, "as many points as can be told apart"
    bars = rows_of(charts.plot_residuals(labels, labels + np.r_[np.ones(4000), np.full(1000, -1.0)]), "rows")
    assert bars["rows"].sum() == 5000
    assert (bars["rows"].iloc[0], bars["rows"].iloc[-1]) == (1000, 4000)


def test_training_without_held_out_rows_has_one_line() -> None:
    history = pd.DataFrame({"epoch": [1, 2, 3], "loss": [3.0, 2.0, 1.0]})
    assert drawn(charts.plot_training_curve(history, "loss"), "line") == 1
    both = history.assign(val_loss=[3.5, 2.5, 2.0])
    assert drawn(charts.plot_training_curve(both, "loss"), "line") == 2


def test_slices_keep_their_order() -> None:
    frame = pd.DataFrame(
        {"slice": ["2", "10"], "rows": [7, 8], "value": [0.5, 0.7], "low": [0.4, 0.6], "high": [0.6, 0.8]}
    )
    for shown in (frame, frame.assign(before=np.nan)):
        chart = charts.plot_slices(shown, "auc", 0.65)
        assert rows_of(chart, "slice")["slice"].tolist() == ["2", "10"]
        assert (drawn(chart, "symbol"), drawn(chart, "rule"), drawn(chart, "rect")) == (2, 3, 0)
    compared = charts.plot_slices(frame.assign(before=[0.55, np.nan]), "auc", 0.65)
    assert (drawn(compared, "symbol"), drawn(compared, "rule"), drawn(compared, "rect")) == (2, 3, 1)


def test_whole_numbers_get_bins_of_their_own() -> None:
    hours = pd.Series([0, 1, 1, 3], dtype="Int64")
    frame = charts.make_distribution_frame({"train": hours, "eval": pd.Series([3, 3, None], dtype="Int64")})
    train, evaluation = (frame[frame["rows"] == name] for name in ("train", "eval"))
    assert train[["from", "to", "share"]].to_numpy().tolist() == [
        [-0.5, 0.5, 0.25], [0.5, 1.5, 0.5], [1.5, 2.5, 0.0], [2.5, 3.5, 0.25]
    ]  # fmt: skip
    assert evaluation["share"].tolist() == [0.0, 0.0, 0.0, 1.0]


def test_whole_minutes_do_not_show_teeth() -> None:
    seconds = pd.Series(60 * np.arange(500))
    frame = charts.make_distribution_frame({"train": seconds})
    assert ((frame["to"] - frame["from"]) % 60 == 0).all()
    assert frame["share"].iloc[1:-1].round(9).nunique() == 1, "evenly spread, evenly drawn"


def test_a_long_tail_is_counted_in_the_outermost_bin() -> None:
    values = pd.Series(np.r_[np.linspace(0, 1, 996), [1e6, 1e6, 1e6, 1e6]])
    frame = charts.make_distribution_frame({"train": values})
    assert frame["to"].max() < 2
    assert frame["share"].sum() == pytest.approx(1.0)


def test_the_most_frequent_values_and_the_others() -> None:
    names = pd.Series([name for place, name in enumerate("abcdefghij") for _ in range(20 - place)])
    frame = charts.make_distribution_frame({"train": names, "eval": pd.Series(["a", "a", "z", None])})
    train, evaluation = (frame[frame["rows"] == name].set_index("value")["share"] for name in ("train", "eval"))
    assert list(train.index) == [*"abcdefgh", "(others)"]
    assert train["(others)"] == pytest.approx((12 + 11) / len(names))
    assert (evaluation["a"], evaluation["(others)"]) == pytest.approx((2 / 3, 1 / 3))
    assert drawn(charts.plot_distribution(frame), "rect") == len(frame)


def test_a_value_that_is_called_like_the_others_is_not_counted_with_them() -> None:
    names = pd.Series(["(others)"] * 30 + [*"abcdefghi"] * 2)
    frame = charts.make_distribution_frame({"train": names}).set_index("value")["share"]
    assert frame["(others)"] == pytest.approx(30 / 48)
    assert frame["((others))"] == pytest.approx(4 / 48)


def test_codes_are_names_not_numbers() -> None:
    tracts = pd.Series([17031081401, 17031081401, 17031320100], dtype="Int64")
    frame = charts.make_distribution_frame({"train": tracts}, codes=True)
    assert frame[["value", "share"]].to_numpy().tolist() == [["17031081401", 2 / 3], ["17031320100", 1 / 3]]


def test_data_of_which_there_are_statistics_only() -> None:
    numbers = statistics_pb2.FeatureNameStatistics(name="fare")
    deciles = numbers.num_stats.histograms.add(type=statistics_pb2.Histogram.QUANTILES)
    deciles.buckets.add(low_value=0, high_value=5, sample_count=50)
    deciles.buckets.add(low_value=5, high_value=10, sample_count=50)
    frame = charts.make_distribution_frame({"train": pd.Series(np.linspace(0, 10, 1001) + 0.001)}, {"before": numbers})
    before = frame[frame["rows"] == "before"]
    assert before["share"].sum() == pytest.approx(1.0)
    assert before["share"].iloc[3] == pytest.approx((before["to"] - before["from"]).iloc[3] / 10, rel=1e-6)

    strings = statistics_pb2.FeatureNameStatistics(name="company")
    strings.string_stats.common_stats.num_non_missing = 10
    strings.string_stats.rank_histogram.buckets.add(label="a", sample_count=4)
    frame = charts.make_distribution_frame({"train": pd.Series(["a", "b"])}, {"before": strings})
    assert frame[frame["rows"] == "before"][["value", "share"]].to_numpy().tolist() == [
        ["a", 0.4], ["b", 0.0], ["(others)", 0.6]
    ]  # fmt: skip


def axis_of(chart: alt.Chart | alt.LayerChart) -> dict[str, object]:
    found = chart.to_dict()
    layers = [layer for layer in found.get("layer", [found]) if "axis" in layer["encoding"].get("x", {})]
    return layers[0]["encoding"]["x"]["axis"]


def test_years_have_no_separator() -> None:
    years = pd.Series(np.arange(1905, 2022), dtype="Int64")
    assert axis_of(charts.plot_distribution(charts.make_distribution_frame({"train": years})))["format"] == "d"
    areas = pd.Series(np.linspace(1600.2, 1900.7, 200))
    assert "format" not in axis_of(charts.plot_distribution(charts.make_distribution_frame({"train": areas})))
    assert axis_of(charts.plot_effect(make_effects([1905.0, 1960, 1980, 2021]), "built"))["format"] == "d"
    assert "format" not in axis_of(charts.plot_effect(make_effects([1.0, 3, 5]), "floor"))


def test_dates_are_drawn_in_the_order_of_time() -> None:
    days = pd.Series(pd.to_datetime(["2023-12-30", None, "2022-01-02", "2023-01-15"] * 50))
    frame = charts.make_distribution_frame({"train": days})
    assert frame["share"].sum() == pytest.approx(1)
    assert frame["from"].is_monotonic_increasing
    assert (frame["from"].iloc[0], frame["from"].dt.hour.max()) == (pd.Timestamp("2022-01-02"), 0)
    chart = charts.plot_distribution(frame)
    assert (chart.to_dict()["encoding"]["x"]["type"], axis_of(chart)["format"]) == ("temporal", "%Y-%m")
    hours = pd.Series(pd.date_range("2022-01-02", periods=40, freq="h"))
    frame = charts.make_distribution_frame({"train": hours})
    assert frame["from"].nunique() == len(frame) > 3
    assert axis_of(charts.plot_distribution(frame))["format"] == "%m-%d %H:%M"
    effects = charts.plot_effect(make_effects(pd.Series(days.dropna().unique())), "listed")
    assert axis_of(effects)["format"] == "%Y-%m"


def test_a_column_without_a_value_has_no_distribution_and_a_set_without_one_is_not_drawn() -> None:
    empty = pd.Series([None, None], dtype=object)
    assert charts.make_distribution_frame({"train": empty, "eval": pd.Series(["a"])}).empty
    assert set(charts.make_distribution_frame({"train": pd.Series(["a"]), "eval": empty})["rows"]) == {"train"}


def test_spans_have_a_band_a_line_a_point_each_and_a_threshold() -> None:
    frame = pd.DataFrame(
        {"span": ["a", "b", "c"], "p10": [1, 2, 3], "median": [2, 3, 4], "p90": [5, 6, 7], "mean": [3, 4, 5]}
    )
    numbers = charts.plot_span_numbers(frame)
    assert (drawn(numbers, "area"), drawn(numbers, "line"), drawn(numbers, "symbol")) == (1, 1, 3)
    shares = pd.DataFrame({"span": ["a", "b"] * 2, "value": ["x", "x", "y", "y"], "share": [0.9, 0.8, 0.1, 0.2]})
    assert drawn(charts.plot_span_shares(shares), "line") == 2
    drift = pd.DataFrame({"span": ["b", "c"], "drift": [0.1, 0.3]})
    assert (drawn(charts.plot_span_drift(drift, 0.2), "rect"), drawn(charts.plot_span_drift(drift, 0.2), "rule")) == (
        2,
        1,
    )
    assert drawn(charts.plot_span_drift(drift, None), "rule") == 0


def make_effects(values: list[object] | pd.Series, output: str = "") -> pd.DataFrame:
    count = len(values)
    effect = np.linspace(-1, 1, count)
    return pd.DataFrame(
        {"value": values, "output": output, "effect": effect, "low": effect - 0.1, "high": effect + 0.1, "rows": 5}
    )


def drawn_values(chart: alt.LayerChart) -> list[object]:
    rows = next(rows for rows in chart.to_dict()["datasets"].values() if "effect" in rows[0])
    return [row["value"] for row in rows]


def test_effects_of_numbers_are_a_line_without_what_lies_far_out() -> None:
    chart = charts.plot_effect(make_effects([1.0, 2, 3, 4, 900, np.nan]), "fare")
    assert drawn_values(chart) == [1, 2, 3, 4], "900 would leave no room, and a missing value has no place"
    assert [layer["mark"]["type"] for layer in chart.to_dict()["layer"]] == ["rule", "area", "line"]


def test_effects_of_codes_are_points_in_their_own_order() -> None:
    chart = charts.plot_effect(make_effects(pd.Series([32, 8, 900, None], dtype=object)), "area")
    assert drawn_values(chart) == ["32", "8", "900"]
    assert charts.plot_effect(make_effects(["b", "a"]), "x").to_dict()["layer"][-1]["mark"]["type"] == "point"


def test_of_many_classes_those_that_change_most_are_drawn() -> None:
    frame = pd.concat([make_effects([1.0, 2.0], f"class {i}").assign(effect=[0, i]) for i in range(9)])
    rows = next(r for r in charts.plot_effect(frame, "x").to_dict()["datasets"].values() if "effect" in r[0])
    assert {row["output"] for row in rows} == {f"class {i}" for i in range(3, 9)}


def test_importance_keeps_the_order_of_its_rows() -> None:
    frame = pd.DataFrame({"column": ["b", "a"], "importance": [2.0, 1], "low": [1.0, 0], "high": [3.0, 2]})
    bars = charts.plot_importance(frame, "auc").to_dict()["layer"][0]
    assert bars["encoding"]["y"]["sort"] is None
    assert bars["encoding"]["x"]["title"] == "increase of auc"


def test_a_few_far_rows_do_not_squash_the_others() -> None:
    def axis(labels: np.ndarray) -> list[float]:
        layers = charts.plot_predicted_against_actual(labels, labels).to_dict()["layer"]
        (scale,) = [layer["encoding"]["x"]["scale"] for layer in layers if "scale" in layer["encoding"]["x"]]
        return scale["domain"]

    near = np.linspace(0, 10, 998)
    low, high = axis(np.r_[near, 5000.0, 7000.0])
    assert 0 <= low < 1
    assert 9 < high < 11
    assert axis(near) == [0, 10], "where none is far, all are shown"


def test_the_outermost_bars_hold_the_errors_beyond() -> None:
    errors = np.r_[np.linspace(-1, 1, 998), 900.0, 900.0]
    chart = charts.plot_residuals(np.zeros(1000), errors).to_dict()
    bars = next(rows for rows in chart["datasets"].values() if "rows" in rows[0])
    assert sum(bar["rows"] for bar in bars) == 1000
    assert bars[-1]["to"] < 2


def test_lines_of_models_over_spans_have_a_point_and_an_interval_each() -> None:
    frame = pd.DataFrame(
        {
            "span": ["a", "a", "b", "b"],
            "line": ["one", "other"] * 2,
            "value": [0.9, 0.8, 0.7, 0.6],
            "low": [0.8, 0.7, 0.6, 0.5],
            "high": [1.0, 0.9, 0.8, 0.7],
        }
    )
    chart = charts.plot_span_lines(frame, "ROC AUC", 0.75)
    assert (drawn(chart, "line"), drawn(chart, "rule")) == (2, 5)
    assert drawn(charts.plot_span_lines(frame, "ROC AUC"), "rule") == 4


def test_parts_of_spans_are_stacked_in_their_order() -> None:
    frame = pd.DataFrame({"span": ["a", "b", "b"], "part": ["7", "7", "8"], "share": [1.0, 0.3, 0.7]})
    assert drawn(charts.plot_span_parts(frame), "rect") == 3
