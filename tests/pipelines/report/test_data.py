"""What the report says of how the rows were read."""

import pandas as pd
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from pipelines.report.data import (
    describe_anomalies,
    describe_missing,
    describe_rounding,
    describe_scattered,
    describe_spans,
    holds_codes,
)
from pipelines.report.dates import to_dates, to_day_statistics


def test_what_was_rounded() -> None:
    errors = '{"fare": 1e-08, "id": 0.0, "longitude": 1.12e-05, "latitude": 6.05e-06, "tips": 1.6e-08}'
    nodes = [{"id": "ExampleGen", "outputs": {"examples": {"properties": {"float32_errors": errors, "rows_train": 7}}}}]
    (fact,) = describe_rounding(nodes)
    largest = "longitude 1e-05, latitude 6e-06, tips 2e-08 of the column's range"
    assert fact == ("rounded to float32", f"{largest}: too little to change a prediction noticeably")
    nodes[0]["outputs"]["examples"]["properties"]["float32_errors"] = '{"seconds": 0.02}'  # type: ignore[index]  # JSON
    assert describe_rounding(nodes) == [("rounded to float32", "seconds 0.02 of the column's range")]


def test_nothing_to_say() -> None:
    properties = {"float32_errors": '{"fare": 0.0}'}
    assert describe_rounding([{"id": "ExampleGen", "outputs": {"examples": {"properties": properties}}}]) == []
    assert describe_rounding([{"id": "ExampleGen", "outputs": {"examples": {"properties": {}}}}]) == []
    assert describe_rounding([{"id": "ExampleGen", "outputs": {}}]) == []
    assert describe_rounding([]) == []


def test_spans_that_are_evaluated_on_are_marked_where_others_are_not() -> None:
    old, new = {"span": "2014Q1", "version": 2, "eval": 0}, {"span": "2014Q2", "version": 1, "eval": 9}
    assert describe_spans([old, new]) == "2014Q1 v2, 2014Q2 v1 (evaluated)"
    assert describe_spans([new]) == "2014Q2 v1"


def test_a_split_without_any_value_is_missing_altogether() -> None:
    assert describe_missing({"train": 0.0, "eval": 0.25}, ["train", "eval"]) == [
        ("train", "0.0%", False), ("eval", "25.0%", True)
    ]  # fmt: skip
    assert describe_missing({"train": 0.5}, ["train", "eval"]) == [("train", "50.0%", True), ("eval", "100.0%", True)]


@pytest.mark.parametrize(
    ("feature", "codes"),
    [
        ('name: "store" type: INT', True),
        ('name: "rooms" type: INT int_domain { min: 0 max: 9 }', False),
        ('name: "day" type: INT annotation { tag: "date:epoch seconds" }', False),
        ('name: "fare" type: FLOAT', False),
    ],
)
def test_whole_numbers_without_a_range_are_names(feature: str, codes: bool) -> None:
    assert holds_codes(text_format.Parse(feature, schema_pb2.Feature())) is codes


def test_an_anomaly_is_worded_as_the_gate_words_it() -> None:
    schema = text_format.Parse(
        'feature { name: "area" type: FLOAT float_domain { min: 0 max: 410 } }', schema_pb2.Schema()
    )
    statistics = text_format.Parse(
        """
        datasets { num_examples: 100
          features { path { step: "area" } type: FLOAT num_stats { min: -42 common_stats { num_non_missing: 100 } } } }
        """,
        statistics_pb2.DatasetFeatureStatisticsList(),
    )
    raw = {"split": "train", "description": "Unexpectedly low values: -42<0(upto six significant digits)"}
    rows = [raw | {"feature": "area", "kind": kind} for kind in ("FLOAT_TYPE_SMALL_FLOAT", "UNKNOWN_TYPE")]
    found = describe_anomalies(pd.DataFrame(rows), schema, lambda _: statistics)
    assert found[0]["difference"] == "expected 0 to 410; observed values down to -42 in at least 1 of 100 rows"
    assert found[1]["difference"] == "expected FLOAT; observed Unexpectedly low values: -42<0"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["a", "b", "c"] * 50, ""),
        ([f"{number}" for number in range(1322)], "Every training row has its own value."),
        ([number // 2 for number in range(1322)], "661 values: the 8 most frequent are in 1.2% of training rows."),
        ([None, None], ""),
    ],
)
def test_values_that_are_too_many_to_draw_are_counted(values: list[object], words: str) -> None:
    assert describe_scattered(pd.Series(values)) == words


def test_dates_are_points_in_time() -> None:
    texts = pd.Series(["02.01.2023", "31.12.2022", None, "never"])
    assert to_dates(texts, "%d.%m.%Y").dt.strftime("%Y-%m-%d").tolist()[:2] == ["2023-01-02", "2022-12-31"]
    assert to_dates(texts, "%d.%m.%Y").isna().tolist() == [False, False, True, True]
    seconds = pd.Series([86_400, None], dtype="Int64")
    assert to_dates(seconds, "epoch seconds").dt.strftime("%Y-%m-%d").tolist()[:1] == ["1970-01-02"]


def test_statistics_of_dates_are_of_days_if_they_count_all() -> None:
    known = statistics_pb2.FeatureNameStatistics()
    known.string_stats.common_stats.num_non_missing = 10
    known.string_stats.rank_histogram.buckets.add(label="1970-01-06", sample_count=6)
    assert to_day_statistics(known, "%Y-%m-%d") is None
    known.string_stats.rank_histogram.buckets.add(label="1970-01-03", sample_count=4)
    found = to_day_statistics(known, "%Y-%m-%d")
    assert found is not None
    (histogram,) = found.num_stats.histograms
    assert [(one.high_value, one.sample_count) for one in histogram.buckets] == [(2, 4), (5, 6)]
