"""What the report says of how the rows were read."""

from pipelines.report.data import describe_missing, describe_rounding, describe_spans


def test_what_was_rounded() -> None:
    errors = '{"fare": 1e-08, "id": 0.0, "longitude": 1.12e-05, "latitude": 6.05e-06, "tips": 1.6e-08}'
    nodes = [{"id": "ExampleGen", "outputs": {"examples": {"properties": {"float32_errors": errors, "rows_train": 7}}}}]
    assert describe_rounding(nodes) == [("rounded to float32", "longitude 1e-05, latitude 6e-06, tips 2e-08")]


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
